"""SmartHostAuthMechanism ExchangeServer: a hub and an edge, each a dirrelayd with a directory of its own that holds the servers of the
organization and their certificates, as EdgeSync leaves it; and hops that are not what they should be."""

import unittest

from lib.certificates import Certificates, openssl
from lib.organization import ANY_RECIPIENT, EDGE, EVERYBODY, HUB, Organization
from lib.relay import Relay
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client

FLAGS, SECURITY = "msExchSmtpSendFlags", "msExchSmtpOutboundSecurityFlag"
EXCHANGE, EXCHANGE_SERVER, REQUIRE_TLS, CERTIFICATE = 8 << 20, 16, 0x4, 0x20
NEEDS_SERVER = "451 5.7.3 Cannot achieve Exchange Server authentication"
INVALID = "454 4.7.5 Certificate validation failure: "
HUBS, EDGES = "MS Exchange\\Hub Transport Servers", "MS Exchange\\Edge Transport Servers"
SENDS = ["allow ms-Exch-Send-Headers-Routing to anonymous", "allow ms-Exch-Send-Headers-Routing to edge-servers",
         "allow ms-Exch-Send-Headers-Organization to edge-servers"]
TEXT = b"From: chris@contoso.com\r\nSubject: Test\r\nX-MS-Exchange-Organization-SCL: -1\r\n\r\nThis is a test message\r\n"


def der(pem):
    return openssl("x509", "-in", pem, "-outform", "DER")


class ExchangeServers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ours, theirs = cls.folders = Certificates(), Certificates()
        for folder in cls.folders:
            cls.addClassCleanup(folder.close)
        cls.hub_pem, cls.edge_pem = ours.make("internal", "hub1.contoso.com"), theirs.make("internal", "edge1.contoso.com")
        cls.stranger = theirs.make("stranger", "edge1.contoso.com", into=theirs.work)
        cls.port, cls.edge_port, cls.other_port = free_port(), free_port(), free_port()
        cls.sink, cls.hops = cls.enterClassContext(Sink()), {}
        cls.edge = cls.enterClassContext(Relay(cls.edge_organization(), {"tls.certificate_dir": theirs.path}))
        cls.hub = cls.enterClassContext(Relay(cls.hub_organization(), {"tls.certificate_dir": ours.path}))

    @classmethod
    def edge_organization(cls):
        org = Organization(server="Edge1", roles=EDGE, certificate=der(cls.edge_pem))
        org.server("Hub1", HUB, der(cls.hub_pem))
        org.receive("From hubs", cls.edge_port, EVERYBODY, auth=EXCHANGE_SERVER, groups="ExchangeServers")
        org.receive("Others", cls.other_port, EVERYBODY, groups="AnonymousUsers", aces=[ANY_RECIPIENT])
        return org.send("Internet", cls.sink.port, aces="allow * to anonymous")

    @classmethod
    def hub_organization(cls):
        org = Organization(server="Hub1", roles=HUB, certificate=der(cls.hub_pem))
        org.server("Edge1", EDGE, der(cls.edge_pem))
        org.receive("Trusting", cls.port, "127.0.0.2", aces="allow * to anonymous")
        org.send("edge", cls.edge_port, spaces="SMTP:edge.example;1", aces=SENDS, **{FLAGS: EXCHANGE})
        org.send("tls", cls.edge_port, spaces="SMTP:tls.example;1", aces=SENDS, **{FLAGS: EXCHANGE, SECURITY: REQUIRE_TLS})
        org.send("nooffer", cls.other_port, spaces="SMTP:nooffer.example;1", aces=SENDS, **{FLAGS: EXCHANGE})
        for name, internal, attributes in (("known", cls.edge_pem, {}), ("stranger", cls.stranger, {}), ("starttls", None, {}),
                                           ("refused", cls.edge_pem, {}), ("chained", cls.edge_pem, {SECURITY: REQUIRE_TLS, FLAGS: EXCHANGE + CERTIFICATE})):
            hop = cls.hops[name] = cls.enterClassContext(Sink())
            hop.internal, hop.client_ca = internal, cls.hub_pem
            hop.certificate = None if internal else cls.edge_pem
            org.send(name, hop.port, spaces="SMTP:%s.example;1" % name, aces=SENDS, **{FLAGS: EXCHANGE, **attributes})
        cls.hops["starttls"].keywords.append("X-EXPS GSSAPI NTLM")  # there is no keytab
        cls.hops["refused"].replies["X-ANONYMOUSTLS"] = "454 4.7.0 not now"
        return org

    def submit(self, name):
        """The message's id, and marks in the logs of hub and edge before it."""
        marks = self.hub.daemon.mark(), self.edge.daemon.mark()
        with Client(self.port, source="127.0.0.2") as client:
            client.ehlo()
            client.send_message("chris@contoso.com", ["kate@%s.example" % name], TEXT)
            client.quit()
        return self.hub.daemon.wait("message.accepted", since=marks[0])["id"], *marks

    def deferred(self, name):
        """Why nothing was sent, without the address behind it."""
        id, mark, _ = self.submit(name)
        event = self.hub.daemon.wait("message.deferred", since=mark, id=id)
        self.assertEqual(self.hub.daemon.cli("queue", "remove", id).code, 0)
        hop = self.hops.get(name)
        if hop:
            session = hop.sessions[-1]
            self.assertFalse([line for line in session.commands if line.startswith("MAIL")])
            self.assertEqual(session.commands[-1], "QUIT")
        return event["reply"].rpartition(" [")[0]

    # proves: C96 C98 C100 C128 C141 C156 C159 C160 C196 C197 C216 facts-5.2 facts-10.2 facts-10.3 facts-10.5 C94
    def test_hub_and_edge_know_each_other(self):
        for name in ("edge", "tls"):
            id, mark, edge_mark = self.submit(name)
            self.hub.daemon.wait("message.delivered", since=mark, id=id)
            session = self.hub.daemon.wait("hop.session", since=mark, hop=name)
            self.assertEqual((session["auth"], session["identity"], session["tls"]), ("X-ANONYMOUSTLS", EDGES, "TLSv1.3"))
            known = self.edge.daemon.wait("auth.ok", since=edge_mark)
            self.assertEqual((known["mechanism"], known["identity"]), ("X-ANONYMOUSTLS", HUBS))
            # What the send connector lets go to edges alone arrives, and the edge keeps it, since a hub says it.
            message = self.sink.wait(1, matching=lambda m: m.recipients == ["kate@%s.example" % name])[0]
            self.assertEqual(message.fields("X-MS-Exchange-Organization-SCL"), ["-1"])

    # proves: C141 C158 facts-10.2
    def test_the_internal_certificate_is_shown(self):
        id, mark, _ = self.submit("known")
        self.hub.daemon.wait("message.delivered", since=mark, id=id)
        session = self.hops["known"].sessions[-1]
        self.assertEqual(session.peer, der(self.hub_pem))
        self.assertIn("X-ANONYMOUSTLS", session.commands)

    # proves: C129 C130 C155 C157 facts-8.2 facts-10.3
    def test_who_is_not_known_gets_nothing(self):
        unknown = INVALID + "the directory knows no server by /O=Contoso/CN=edge1.contoso.com"
        self.assertEqual(self.deferred("stranger"), unknown)
        self.assertEqual(self.deferred("nooffer"), NEEDS_SERVER)
        self.assertEqual(self.deferred("starttls"), NEEDS_SERVER)
        self.assertEqual(self.deferred("refused"), NEEDS_SERVER + " (454 4.7.0 not now)")
        # What the connector demands besides of the certificate counts as well.
        self.assertEqual(self.deferred("chained"), INVALID + "self-signed certificate")

    # proves: C157 facts-10.3
    def test_a_certificate_leaves_the_directory(self):
        organization = self.hub.organization
        before = list(organization.records)
        self.hub.change(lambda org: org.records.__setitem__(
            slice(None), [text for text in before if not text.startswith("dn: CN=Edge1,")]))
        try:
            self.assertIn(INVALID + "the directory knows no server", self.deferred("known"))
        finally:
            self.hub.change(lambda org: org.records.__setitem__(slice(None), before))
        id, mark, _ = self.submit("known")
        self.hub.daemon.wait("message.delivered", since=mark, id=id)


if __name__ == "__main__":
    unittest.main()
