"""The milters of Debian between the last byte of a message and its reply: rspamd against spam, clamav-milter, opendkim that signs."""

import unittest

import dkim

from lib.filter_programs import GTUBE, VIRUS, Clamav, Opendkim, Rspamd
from lib.organization import ANY_RECIPIENT
from lib.world import Case

RELAY, TRUSTED = "127.0.0.2", "127.0.0.3"
SENDER, RECIPIENT = "chris@contoso.com", "kate@fabrikam.com"


def message(body, subject="Test"):
    return (b"From: Chris <chris@contoso.com>\r\nTo: <kate@fabrikam.com>\r\nSubject: %s\r\nDate: Fri, 20 Nov 2026 12:00:00 +0000\r\n"
            b"Message-ID: <one@contoso.com>\r\n\r\n%s\r\n" % (subject.encode(), body))


class Programs(Case):
    @classmethod
    def setUpClass(cls):
        parts = []
        for name, kind in (("rspamd", Rspamd), ("clamav", Clamav), ("opendkim", Opendkim)):
            setattr(cls, name, kind())
            cls.addClassCleanup(getattr(cls, name).close)
            parts.append(("antispam:" if kind is Rspamd else "") + getattr(cls, name).name)
        cls.config = {"filter.milters": " ".join(parts)}
        super().setUpClass()

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Relay", port, RELAY, groups="AnonymousUsers", aces=ANY_RECIPIENT)
        org.receive("Trusted", port, TRUSTED, groups="AnonymousUsers", aces=[ANY_RECIPIENT, "allow ms-Exch-Bypass-Anti-Spam to anonymous"])

    def send(self, source, text):
        with self.client(source) as client:
            for reply in client.envelope(SENDER, [RECIPIENT]):
                self.assertEqual(reply.code, 250)
            return client.data(text)

    def assertSigned(self, arrived):
        """By the key of the test's zone, over what is at the sink."""
        def record(name, timeout=None):
            self.assertEqual(name.rstrip(b"."), b"test._domainkey.contoso.com")
            return self.opendkim.record.encode()
        self.assertTrue(dkim.verify(arrived.content, dnsfunc=record), arrived.header)

    # proves: C211 facts-8.3
    def test_what_is_fine_goes_through_all_and_is_signed(self):
        body = b"line\r\n.\r\n" + b"x" * 70 + b"\r\n" + b"0123456789\r\n" * 30000
        reply = self.send(RELAY, message(body))
        self.assertEqual(reply.code, 250, reply)
        arrived = self.arrived()[0]
        self.assertEqual(arrived.body, body + b"\r\n")
        self.assertSigned(arrived)

    # proves: C211
    def test_spam_is_refused_where_the_right_is_missing(self):
        mark = self.daemon.mark()
        reply = self.send(RELAY, message(GTUBE))
        self.assertEqual(reply.code, 554, reply)
        refused = self.daemon.wait("data.refused", since=mark, said=reply.text)
        self.assertIn("antispam", refused["filter"])
        self.assertEqual(self.sink.messages, [])

    # proves: C211
    def test_the_right_goes_past_the_spam_filter_and_mail_is_signed_all_the_same(self):
        reply = self.send(TRUSTED, message(GTUBE))
        self.assertEqual(reply.code, 250, reply)
        self.assertSigned(self.arrived()[0])

    # proves: C211
    def test_a_virus_is_refused_whatever_the_rights(self):
        for source in (RELAY, TRUSTED):
            reply = self.send(source, message(b"before\r\n" + VIRUS))
            self.assertIn("Dirrelay.Test", reply.text)
            self.assertEqual(reply.code, 550, reply)
        self.assertEqual(self.sink.messages, [])

    def test_a_body_of_megabytes(self):
        body = b"0123456789" * 7 + b"\r\n"
        reply = self.send(RELAY, message(body * 60000))
        self.assertEqual(reply.code, 250, reply)
        arrived = self.arrived()[0]
        self.assertEqual(arrived.body, body * 60000 + b"\r\n")
        self.assertSigned(arrived)


if __name__ == "__main__":
    unittest.main()
