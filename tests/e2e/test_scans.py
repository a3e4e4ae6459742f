"""The scans find their flaw where it is and nothing where it is not; then they look at the daemon."""

import unittest

from lib import scan
from lib.certificates import Certificates
from lib.flawed import Server
from lib.world import Case

SOURCE, OUTSIDER = "127.0.0.2", "127.0.0.9"
TLS = 1
MODERN = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"}


class Scans(Case):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)
        cls.certificate = cls.certificates.make("server", "mailbox01.contoso.com")
        cls.config = {"tls.certificate_dir": cls.certificates.path}
        super().setUpClass()

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, "127.0.0.0/8", auth=TLS)
        org.receive("Default", port, OUTSIDER, groups="AnonymousUsers")

    def on(self, flaws, run, domains=None):
        """What arrived at a server with these flaws, and what the scan said."""
        with Server(self.certificate, flaws, domains) as server:
            said = run(server.port, SOURCE)
            return server.recipients, said

    def at_the_daemon(self, run, source=SOURCE):
        """The recipients of all that arrived behind it; one more message shows that the rest is through."""
        run(self.port, source)
        with self.client(SOURCE) as client:
            client.send_message("chris@contoso.com", ["last@fabrikam.com"])
        self.arrived(matching=lambda message: message.recipients == ["last@fabrikam.com"])
        return [recipient for message in self.sink.messages for recipient in message.recipients]

    # proves: F1 F3
    def test_smuggling(self):
        self.assertEqual(set(scan.smuggled(self.on({"smuggling"}, scan.smuggle)[0])), set(scan.ENDS))
        right = self.on((), scan.smuggle)[0]
        self.assertEqual(scan.smuggled(right), [])
        self.assertEqual(len(right), len(scan.ENDS))
        arrived = self.at_the_daemon(scan.smuggle)
        self.assertEqual(scan.smuggled(arrived), [])
        self.assertEqual(len(arrived), len(set(arrived)))

    # proves: A1 A2 C3
    def test_open_relay(self):
        own = {"contoso.com"}
        self.assertEqual(len(scan.relayed(self.on({"relay"}, scan.relay, own)[0])), len(scan.RELAY_FORMS))
        right = self.on((), scan.relay, own)[0]
        self.assertEqual(scan.relayed(right), [])
        arrived = [recipient for recipient in self.at_the_daemon(scan.relay, OUTSIDER) if recipient != "last@fabrikam.com"]
        self.assertEqual(scan.relayed(arrived), [])
        self.assertGreater(len(arrived), 3)  # local parts of ours that only look like more

    # proves: F4
    def test_commands_behind_starttls(self):
        self.assertEqual(self.on({"injection"}, scan.inject_behind_starttls)[0], ["injected@fabrikam.com"])
        self.assertEqual(self.on((), scan.inject_behind_starttls)[0], [])
        self.assertEqual(self.at_the_daemon(scan.inject_behind_starttls), ["last@fabrikam.com"])

    # proves: F6
    def test_talk_before_the_greeting(self):
        self.assertEqual(self.on({"early"}, scan.talk_early)[0], ["early@fabrikam.com"])
        self.assertEqual(self.on((), scan.talk_early)[0], [])
        self.assertEqual(self.at_the_daemon(scan.talk_early), ["last@fabrikam.com"])

    # proves: T8
    def test_ciphers(self):
        self.assertGreater(len(self.on({"ciphers"}, scan.ciphers)[1] - MODERN), 3)
        self.assertLessEqual(self.on((), scan.ciphers)[1], MODERN)
        self.assertEqual(scan.ciphers(self.port, SOURCE), MODERN)


if __name__ == "__main__":
    unittest.main()
