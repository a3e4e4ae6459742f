"""What a send connector's rights let leave: byte for byte at the hop, for each identity that a hop can have today."""

import re
import unittest

from lib.organization import change
from lib.sink import Sink
from lib.world import Case

SENDER = "chris@contoso.com"
BASIC, EXTERNAL = 2 << 20, 16 << 20
ROUTING, ORGANIZATION, FOREST = rb"(Received|Resent-[^:\s]*)", rb"X-MS-Exchange-Organization-[^:\s]*", rb"X-MS-Exchange-Forest-[^:\s]*"
HEADER = (b"Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
          b"RECEIVED: folded\r\n\tover two\r\n lines\r\n"
          b"Resent-To: kate@fabrikam.com\r\n"
          b"From: chris@contoso.com\r\n"
          b"X-MS-Exchange-Organization-SCL: -1\r\n"
          b"X-MS-Exchange-Organization-Folded:\r\n one\r\n\ttwo\r\n"
          b"X-MS-Exchange-Organizational: stays\r\n"
          b"X-MS-Exchange-Forest-RulesExecuted: yes\r\n"
          b".X-Dotted: yes\r\n"
          b"Subject: =?utf-8?q?T=C3=A4st?=\r\n  folded \r\n"
          b"Message-ID: <one@two.example>\r\n"
          b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n")
BODY = b".\r\n..\r\n.leading\r\nReceived: in the body\r\nX-MS-Exchange-Organization-SCL: in the body\r\n\r\n.\r\nend\r\n.\r\n"


def without(header, *classes):
    """The header block without the fields of these classes."""
    fields = re.findall(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*", header)
    assert b"".join(fields) == header
    return b"".join(field for field in fields if not any(re.match(kind + rb"\s*:", field, re.I) for kind in classes))


class SendRights(Case):
    @classmethod
    def setUpClass(cls):
        cls.peers = {}
        cls.addClassCleanup(lambda: [peer.stop() for peer in cls.peers.values()])
        super().setUpClass()

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Trusting", port, "127.0.0.2", aces="allow * to anonymous")
        routing = "allow ms-Exch-Send-Headers-Routing to "
        organization, forest = "allow ms-Exch-Send-Headers-Organization to ", "allow ms-Exch-Send-Headers-Forest to "
        for name, flags, aces in (
                ("all", 0, "allow * to anonymous"),
                ("none", 0, []),
                ("routing", 0, routing + "anonymous"),
                ("organization", 0, organization + "anonymous"),
                ("forest", 0, forest + "anonymous"),
                ("denied", 0, ["allow * to anonymous", "deny ms-Exch-Send-Headers-Forest to anonymous"]),
                ("secured", EXTERNAL, [routing + "externally-secured-servers", "allow * to anonymous"]),
                ("foreign", 0, ["allow * to " + who for who in ("externally-secured-servers", "hub-servers", "edge-servers", "partner-servers",
                                                                "legacy-servers", "authenticated")]),
                ("login", BASIC, ["allow * to authenticated", "allow * to externally-secured-servers", routing + "anonymous"]),
                ("later", 0, [])):
            peer = cls.peers[name] = Sink()
            login = {"msExchSmtpOutboundSecurityUserName": "relay", "msExchSmtpOutboundSecurityPassword": "secret"} if flags == BASIC else {}
            peer.logins = {"relay": "secret"} if login else {}
            org.send(name, peer.port, spaces="SMTP:%s.example;1" % name, aces=aces, msExchSmtpSendFlags=flags, **login)

    def send(self, *names):
        with self.client("127.0.0.2") as client:
            client.ehlo()
            client.send_message(SENDER, ["kate@%s.example" % name for name in names], HEADER + b"\r\n" + BODY)
            client.quit()

    def expect(self, name, whole, *classes):
        """whole without these classes, and not a byte else, on the wire."""
        message = self.peers[name].wait(1)[0]
        header = without(whole, *classes)
        if ROUTING in classes:  # the next relay goes on counting (R15)
            header += b"X-Dirrelay-Hops: 3\r\n"
        sent = (header + b"\r\n" + BODY)
        stuffed = re.sub(rb"(^|\r\n)\.", rb"\1..", sent)
        self.assertEqual(message.wire, stuffed, name)
        told = " AUTH=<>" if self.peers[name].logins else ""  # the message is anonymous
        self.assertEqual(message.parameters.strip(), "SIZE=%d%s" % (len(sent), told))

    # proves: C213 C214 C215 C218 C219 C220 C242 C244 C246 F2 facts-5.2 facts-6.1 facts-10.5 contract-7 C264
    def test_each_identity_gets_what_its_rights_let_leave(self):
        mark = self.daemon.mark()
        names = [name for name in self.peers if name != "later"]
        self.send(*names)
        whole = self.peers["all"].wait(1)[0].header
        self.assertIn(HEADER, whole)
        self.expect("all", whole)
        self.expect("none", whole, ROUTING, ORGANIZATION, FOREST)
        self.expect("routing", whole, ORGANIZATION, FOREST)
        self.expect("organization", whole, ROUTING, FOREST)
        self.expect("forest", whole, ROUTING, ORGANIZATION)
        self.expect("denied", whole, FOREST)
        self.expect("secured", whole, ORGANIZATION, FOREST)
        self.expect("foreign", whole, ROUTING, ORGANIZATION, FOREST)
        self.expect("login", whole, ORGANIZATION, FOREST)
        self.assertEqual(self.peers["login"].messages[0].user, "relay")
        for name in names:
            identity = self.daemon.wait("hop.session", since=mark, hop=name)["identity"]
            self.assertEqual(identity, "MS Exchange\\Externally Secured Servers" if name == "secured" else "NT AUTHORITY\\ANONYMOUS LOGON")

    # proves: facts-6.1 C213
    def test_the_queued_copy_keeps_what_did_not_leave(self):
        peer = self.peers["later"]
        peer.once["."] = "451 4.3.0 later"
        mark = self.daemon.mark()
        self.send("later")
        self.daemon.wait("message.deferred", since=mark)
        first = peer.offered[0].header
        self.assertEqual(first, without(first, ROUTING, ORGANIZATION, FOREST))
        self.world.modify(change(self.organization.send_dn("later"), ("add", "dirrelayAce", "allow * to anonymous")))
        self.daemon.cli("queue", "retry", "*")
        whole = peer.wait(1)[0].header
        self.assertIn(HEADER, whole)
        self.assertEqual(without(whole, ROUTING, ORGANIZATION, FOREST) + b"X-Dirrelay-Hops: 3\r\n", first)
        self.assertEqual(peer.messages[0].body, BODY)


if __name__ == "__main__":
    unittest.main()
