"""AUTH on MAIL towards next hops: who is told whose a message is, and what."""

import re
import unittest

from lib.organization import EXTERNAL
from lib.sink import Sink
from lib.world import Case

ANONYMOUS, SECURED = "127.0.0.2", "127.0.0.3"
FLAGS, USER, PASSWORD = "msExchSmtpSendFlags", "msExchSmtpOutboundSecurityUserName", "msExchSmtpOutboundSecurityPassword"
BASIC, EXTERNALLY = 2 << 20, 16 << 20


class AuthParameter(Case):
    @classmethod
    def setUpClass(cls):
        cls.peers = {name: Sink() for name in ("login", "secured", "mute", "stranger")}
        cls.addClassCleanup(lambda: [peer.stop() for peer in cls.peers.values()])
        super().setUpClass()

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ANONYMOUS)
        org.receive("Secured", port, SECURED, auth=EXTERNAL, groups="ExchangeServers")
        for name, attributes in (("login", {FLAGS: BASIC, USER: "relay", PASSWORD: "secret"}), ("secured", {FLAGS: EXTERNALLY}),
                                 ("mute", {FLAGS: EXTERNALLY}), ("stranger", {})):
            peer = cls.peers[name]
            peer.logins = {} if name == "mute" else {"relay": "secret"}
            org.send(name, peer.port, spaces="SMTP:%s.example;1" % name, aces=["allow * to anonymous", "allow * to externally-secured-servers"], **attributes)

    def setUp(self):
        for peer in self.peers.values():
            peer.reset()

    def told(self, source, parameters=""):
        """What AUTH says to each peer: {name: value or None}."""
        with self.client(source) as client:
            client.ehlo()
            self.assertEqual(client.mail("chris@contoso.com", parameters).code, 250)
            for name in self.peers:
                self.assertEqual(client.rcpt("kate@%s.example" % name).code, 250)
            self.assertEqual(client.data().code, 250)
        self.stamps = {stamp for peer in self.peers.values() for stamp in peer.wait(1)[0].fields("X-MS-Exchange-Organization-AuthAs")}
        found = {name: re.search(r"AUTH=(\S+)", peer.wait(1)[0].parameters) for name, peer in self.peers.items()}
        return {name: match and match.group(1) for name, match in found.items()}

    def expect(self, value):
        return {"login": value, "secured": value, "mute": None, "stranger": None}

    # proves: C24 C41 facts-6.3
    def test_an_anonymous_message_is_said_to_be_nobodys(self):
        self.assertEqual(self.told(ANONYMOUS), self.expect("<>"))
        self.assertEqual(self.stamps, {"Anonymous"})

    # proves: C35 C97 C205 facts-6.3
    def test_a_trusted_servers_word_goes_on(self):
        self.assertEqual(self.told(SECURED), self.expect(None))
        self.setUp()
        self.assertEqual(self.told(SECURED, "AUTH=e+3Dmc2@contoso.com"), self.expect("e+3Dmc2@contoso.com"))
        self.assertEqual(self.stamps, {"Internal"})
        self.setUp()
        self.assertEqual(self.told(SECURED, "AUTH=<>"), self.expect("<>"))
        self.assertEqual(self.stamps, {"Anonymous"})

    # proves: C205
    def test_an_anonymous_client_may_not_say_it_where_nobody_logs_in(self):
        with self.client(ANONYMOUS) as client:
            client.ehlo()
            self.assertEqual(client.mail("chris@contoso.com", "AUTH=chris@contoso.com").text, "501 5.5.4 Unrecognized parameter")


if __name__ == "__main__":
    unittest.main()
