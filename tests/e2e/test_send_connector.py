"""What a send connector's attributes change on the wire, and connectors for closed networks."""

import ssl
import threading
import unittest

from lib.organization import EXTERNAL, SEND_ROUTING
from lib.peers import FLAGS, FORCE_HELO, SECURITY, PeerCase
from lib.sink import Sink
from lib.world import Case

AUTH_EXTERNAL = 16 << 20
RELAYED = "550 5.7.1 Unable to relay"
NAMED, GONE = "<I>O=Contoso, CN=Contoso CA<S>O=Contoso, CN=relay.contoso.com", "<I>CN=Nobody<S>CN=nobody.contoso.com"


class Attributes(PeerCase):
    @classmethod
    def provide(cls, certificates):
        cls.ca = certificates.ca()
        cls.hops = certificates.make("hops", "mail.fabrikam.com", issuer=cls.ca, into=certificates.work)
        cls.named = certificates.make("named", "relay.contoso.com", issuer=cls.ca)
        certificates.make("other", "mailbox01.contoso.com", issuer=cls.ca)
        cls.config = {"tls.certificate_dir": certificates.path, "tls.ca_file": cls.ca[0]}

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        cls.peer(org, "plain")
        cls.peer(org, "anywhere")
        cls.peer(org, "source", msExchSmtpSendBindingIPAddress="127.0.0.77")
        cls.peer(org, "fqdn", msExchSMTPSendConnectorFQDN="out.contoso.com")
        cls.peer(org, "helo", msExchSMTPSendConnectorFQDN="old.contoso.com", **{SECURITY: FORCE_HELO})
        cls.peer(org, "silent", msExchSmtpSendConnectionTimeout=1)
        cls.peer(org, "ours", msExchSourceBridgeheadServersDN=["CN=Elsewhere," + org.server_dn.partition(",")[2],
                                                               "CN=1,CN=SMTP,CN=Protocols," + org.server_dn])
        cls.peer(org, "theirs", msExchSourceBridgeheadServersDN="CN=Elsewhere," + org.server_dn.partition(",")[2])
        cls.peer(org, "exch50", aces="allow * to anonymous").keywords.append("XEXCH50")
        cls.peer(org, "noexch50", aces=SEND_ROUTING).keywords.append("XEXCH50")
        for name, certificate in (("named", NAMED), ("gone", GONE)):
            cls.peer(org, name, cls.hops, msExchSmtpTLSCertificate=certificate).client_ca = cls.ca[0]
        cls.peer(org, "unnamed", cls.hops).client_ca = cls.ca[0]

    # proves: facts-1.4
    def test_the_source_address(self):
        seen = []
        for name in ("source", "anywhere"):
            self.peers[name].hooks["MAIL"] = lambda session: seen.append(session.connection.getpeername()[0])
            self.delivered(name)
        self.assertEqual(seen, ["127.0.0.77", "127.0.0.1"])

    # proves: facts-1.4 facts-2.6
    def test_the_name_that_is_said(self):
        self.delivered("fqdn")
        self.assertEqual(self.peers["fqdn"].sessions[0].commands[0], "EHLO out.contoso.com")
        self.delivered("plain")
        self.assertEqual(self.peers["plain"].sessions[0].commands[0].lower(), "ehlo mailbox01.contoso.com")
        self.delivered("helo")
        self.assertEqual(self.peers["helo"].sessions[0].commands[0], "HELO old.contoso.com")

    # proves: facts-1.4
    def test_how_long_a_silent_hop_is_waited_for(self):
        end = threading.Event()
        self.addCleanup(end.set)
        self.peers["silent"].hooks["MAIL"] = lambda session: end.wait(60)
        id, mark = self.submit("silent")
        self.daemon.wait("message.deferred", since=mark, id=id, timeout=30)

    # proves: facts-1.4 contract-3
    def test_the_servers_that_it_is_for(self):
        self.delivered("ours")
        id, mark = self.submit("theirs")
        self.assertEqual(self.daemon.wait("message.delivered", since=mark, id=id)["hop"], "Internet")
        self.assertEqual(self.peers["theirs"].sessions, [])

    # proves: C217
    def test_no_exch50_leaves(self):
        """No data of that kind is ever kept, so that none is there for those who might have it."""
        for name in ("exch50", "noexch50"):
            self.delivered(name)
            self.assertFalse([line for line in self.peers[name].sessions[0].commands if "EXCH50" in line])

    # proves: facts-1.4 facts-10.1
    def test_the_certificate_that_is_named_is_shown(self):
        self.assertEqual(self.delivered("named")[0].tls, "TLSv1.3")
        with open(self.named) as file:
            certificate = file.read().partition("-----END CERTIFICATE-----")[0]
        self.assertEqual(ssl.DER_cert_to_PEM_cert(self.peers["named"].sessions[0].peer).partition("-----END")[0].split(),
                         certificate[certificate.index("-----BEGIN CERTIFICATE"):].split())
        self.delivered("unnamed")
        self.assertIsNone(self.peers["unnamed"].sessions[0].peer)

    # proves: facts-1.4 contract-1
    def test_a_certificate_that_is_not_there_keeps_the_mail(self):
        id, mark = self.submit("gone")
        reply = self.daemon.wait("message.deferred", since=mark, id=id)["reply"]
        self.assertEqual(reply, "454 4.7.5 TlsCertificateName names none of this server's certificates")
        self.assertEqual(self.peers["gone"].sessions, [])
        self.daemon.cli("queue", "remove", id)


class ClosedNetwork(Case):
    """A receive and a send connector of their own, for hosts that a closed network vouches for."""

    @classmethod
    def organize(cls, org, port, sink):
        cls.inner = Sink("127.0.0.9")
        cls.addClassCleanup(cls.inner.stop)
        cls.inner.logins = {"relay": "secret"}
        org.receive("Default", port, groups="AnonymousUsers")
        org.receive("Closed", port, "127.0.0.5", auth=EXTERNAL, groups="ExchangeServers")
        org.send("Closed", cls.inner.port, spaces="SMTP:inner.example;1", hosts="[127.0.0.9]",
                 aces="allow ms-Exch-Send-Headers-Routing to externally-secured-servers", **{FLAGS: AUTH_EXTERNAL})

    # proves: C105 C142 C181 C182 C185 facts-10.5
    def test_hosts_of_the_range_alone(self):
        mark = self.daemon.mark()
        with self.client("127.0.0.5") as client:
            client.ehlo()
            client.send_message("chris@contoso.com", ["kate@inner.example"])  # no login, whoever it is for
        message = self.inner.wait(1)[0]
        self.assertEqual(len(message.fields("Received")), 1)
        self.assertEqual((message.tls, message.user), (None, None))
        session = self.daemon.wait("hop.session", since=mark)
        self.assertEqual(session["identity"], "MS Exchange\\Externally Secured Servers")
        with self.client("127.0.0.6") as client:  # beside the range
            client.ehlo()
            self.assertEqual(client.mail("chris@elsewhere.example").code, 250)
            self.assertEqual(client.rcpt("kate@inner.example").text, RELAYED)


if __name__ == "__main__":
    unittest.main()
