"""Three relays in a row, each with a directory of its own: hub and edge of Contoso, who know each other by direct trust, and Fabrikam's
outside. What one says of a message reaches those who trust it, and nobody else. And two relays that are each other's next hop."""

import unittest

from lib.certificates import Certificates, openssl
from lib.organization import ANY_RECIPIENT, DEFAULT, EDGE, EVERYBODY, EXTERNAL_RELAY, HUB, SEND_ROUTING, Organization
from lib.relay import Relay
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client, eventually

EXCHANGE, EXCHANGE_SERVER, FLAGS = 8 << 20, 16, "msExchSmtpSendFlags"
STAMPS = "X-MS-Exchange-Organization-"
AMONG_SERVERS = [right + who for who in ("hub-servers", "edge-servers")
                 for right in ("allow ms-Exch-Send-Headers-Routing to ", "allow ms-Exch-Send-Headers-Organization to ")]
FORGED = b"X-MS-Exchange-Organization-AuthAs: Internal\r\nX-MS-Exchange-Organization-SCL: -1\r\n"


def text(sender, more=b""):
    return b"From: <%s>\r\nMessage-ID: <one@%s>\r\n%sSubject: Test\r\n\r\nThis is a test message\r\n" % (
        sender.encode(), sender.encode(), more)


def der(pem):
    return openssl("x509", "-in", pem, "-outform", "DER")


class Chain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folders = Certificates(), Certificates()
        for folder in cls.folders:
            cls.addClassCleanup(folder.close)
        cls.hub_der = der(cls.folders[0].make("internal", "hub1.contoso.com"))
        cls.edge_der = der(cls.folders[1].make("internal", "edge1.contoso.com"))
        cls.ports = {name: free_port() for name in ("hub", "hub from edge", "edge", "edge from outside", "outside", "outside inside")}
        cls.contoso, cls.fabrikam = cls.enterClassContext(Sink()), cls.enterClassContext(Sink())
        cls.outside = cls.enterClassContext(Relay(cls.make_outside()))
        cls.edge = cls.enterClassContext(Relay(cls.make_edge(), {"tls.certificate_dir": cls.folders[1].path}))
        cls.hub = cls.enterClassContext(Relay(cls.make_hub(), {"tls.certificate_dir": cls.folders[0].path}))

    @classmethod
    def make_hub(cls):
        org = Organization(server="Hub1", roles=HUB, certificate=cls.hub_der).server("Edge1", EDGE, cls.edge_der)
        org.receive("Applications", cls.ports["hub"], "127.0.0.2", auth=32, groups="ExchangeServers")
        org.receive("From edges", cls.ports["hub from edge"], EVERYBODY, auth=EXCHANGE_SERVER, groups="ExchangeServers")
        org.send("Edges", cls.ports["edge"], aces=AMONG_SERVERS, **{FLAGS: EXCHANGE})
        return org.send("Mailboxes", cls.contoso.port, spaces="SMTP:contoso.com;1", aces="allow * to anonymous")

    @classmethod
    def make_edge(cls):
        org = Organization(server="Edge1", roles=EDGE, certificate=cls.edge_der).server("Hub1", HUB, cls.hub_der)
        org.receive("From hubs", cls.ports["edge"], EVERYBODY, auth=EXCHANGE_SERVER, groups="ExchangeServers")
        org.receive("Internet", cls.ports["edge from outside"], EVERYBODY, groups="AnonymousUsers")
        org.send("Internet", cls.ports["outside"], aces=SEND_ROUTING)
        return org.send("Hubs", cls.ports["hub from edge"], spaces="SMTP:contoso.com;1", aces=AMONG_SERVERS, **{FLAGS: EXCHANGE})

    @classmethod
    def make_outside(cls):
        org = Organization(server="Mail", domains=(("fabrikam.com", DEFAULT),))
        org.receive("Internet", cls.ports["outside"], EVERYBODY, groups="AnonymousUsers")
        org.relay("Inside", cls.ports["outside inside"], "127.0.0.2")
        org.send("Internet", cls.ports["edge from outside"], aces="allow * to anonymous")
        return org.send("Mailboxes", cls.fabrikam.port, spaces="SMTP:fabrikam.com;1", aces="allow * to anonymous")

    def setUp(self):
        self.contoso.reset()
        self.fabrikam.reset()

    def send(self, port, sender, recipient, **options):
        with Client(self.ports[port], source="127.0.0.2") as client:
            client.ehlo()
            reply = client.send_message(sender, [recipient], text(sender, **options))
            self.assertEqual(reply.code, 250, reply)
            client.quit()

    def stamps(self, message):
        return {name: message.fields(STAMPS + name) for name in ("AuthAs", "AuthSource", "SCL")}

    # proves: C96 C99 C100 C156 C159 C160 facts-6.1 facts-6.2 facts-10.3 C86
    def test_from_the_hub_to_the_outside(self):
        self.send("hub", "chris@contoso.com", "kate@fabrikam.com", more=FORGED)
        message = self.fabrikam.wait(1)[0]
        self.assertEqual(message.body, b"This is a test message\r\n")
        self.assertEqual([line.partition(" by ")[2].split(" ")[0] for line in message.fields("Received")],
                         ["mail.contoso.com", "edge1.contoso.com", "hub1.contoso.com"])
        # What the hub and the edge say among themselves is nobody's business outside, and the outside believes neither.
        self.assertEqual(self.stamps(message), {"AuthAs": ["Anonymous"], "AuthSource": ["mail.contoso.com"], "SCL": []})
        self.assertEqual(self.edge.daemon.wait("auth.ok")["server"], "Hub1")

    # proves: C97 C98 C101 facts-6.3
    def test_from_the_outside_to_the_hub(self):
        self.send("outside inside", "kate@fabrikam.com", "chris@contoso.com", more=FORGED)
        message = self.contoso.wait(1)[0]
        self.assertEqual(len(message.fields("Received")), 3)
        self.assertEqual(self.stamps(message), {"AuthAs": ["Anonymous"], "AuthSource": ["edge1.contoso.com"], "SCL": []})

    def test_a_report_comes_back_all_the_way(self):
        self.fabrikam.rcpt_replies["nobody@fabrikam.com"] = "550 5.1.1 User unknown"
        self.send("hub", "chris@contoso.com", "nobody@fabrikam.com")
        report = self.contoso.wait(1)[0]
        self.assertEqual((report.sender, report.recipients), ("", ["chris@contoso.com"]))
        self.assertIn(b"5.1.1", report.body)
        self.assertIn(b"Reporting-MTA", report.body)
        for relay in (self.hub, self.edge, self.outside):
            eventually(lambda: relay.daemon.queue() == [])

    # proves: C157
    def test_a_link_that_is_missing_holds_the_mail(self):
        records = self.edge.organization.records
        before = list(records)
        self.edge.change(lambda org: records.__setitem__(slice(None), [
            one for one in before if not one.startswith("dn: CN=From hubs,")]))
        try:
            mark = self.hub.daemon.mark()
            self.send("hub", "chris@contoso.com", "late@fabrikam.com")
            self.hub.daemon.wait("message.deferred", since=mark)
        finally:
            self.edge.change(lambda org: records.__setitem__(slice(None), before))
        self.assertEqual(self.fabrikam.wait(1)[0].recipients, ["late@fabrikam.com"])


class Circle(unittest.TestCase):
    """Each is the other's smart host for everything."""

    # proves: R15
    def test_two_relays_that_send_to_each_other_stop(self):
        ports = free_port(), free_port()
        for aces in (["allow * to anonymous"], []):  # with and without Received lines on the wire
            with self.subTest(aces=aces):
                with self.relay("One", ports[0], ports[1], aces) as one, self.relay("Two", ports[1], ports[0], aces) as two:
                    with Client(ports[0], source="127.0.0.2") as client:
                        client.ehlo()
                        self.assertEqual(client.send_message("", ["kate@nowhere.example"]).code, 250)
                        client.quit()
                    eventually(lambda: any(relay.daemon.seen("data.refused", reply="554 5.4.6") for relay in (one, two)), 20)
                    for relay in (one, two):
                        eventually(lambda: relay.daemon.queue() == [], 20)
                    rounds = sum(len(relay.daemon.seen("message.accepted")) for relay in (one, two))
                    self.assertLessEqual(rounds, 8)
                    self.assertGreaterEqual(rounds, 4)

    def relay(self, name, port, next_port, aces):
        org = Organization(server=name, domains=((name.lower() + ".example", EXTERNAL_RELAY | DEFAULT),))
        org.receive("Any", port, EVERYBODY, groups="AnonymousUsers", aces=[ANY_RECIPIENT], msExchSmtpReceiveMaxHopCount=6)
        return Relay(org.send("Other", next_port, aces=aces))


if __name__ == "__main__":
    unittest.main()
