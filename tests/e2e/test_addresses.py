"""Addresses as attackers write them, from a host that may not relay: nothing leaves for a foreign domain. The sink's
recipients decide."""

import unittest

from lib.organization import DEFAULT, SUBDOMAINS, Organization
from lib.world import Case

UNABLE_TO_RELAY = "550 5.7.1 Unable to relay"


class Addresses(Case):
    @classmethod
    def make_organization(cls):
        return Organization(domains=(("Contoso.COM", DEFAULT), ("sub.example", SUBDOMAINS), ("xn--mnchen-3ya.example", 0)))

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Default", port, "127.0.0.0/8", groups="AnonymousUsers")
        org.relay("Relay", port, "127.0.0.3")

    def rcpt(self, recipient, source="127.0.0.2"):
        """The reply to RCPT TO:recipient, written with its brackets; accepted ones are sent a message."""
        with self.client(source) as client:
            client.ehlo()
            client.mail("ann@elsewhere.example")
            reply = client.say(b"RCPT TO:" + recipient if isinstance(recipient, bytes) else "RCPT TO:" + recipient)
            if reply.code == 250:
                self.assertEqual(client.data().code, 250)
        return reply

    def leaves_as(self, recipient):
        """What the sink sees of it."""
        self.sink.reset()
        self.assertEqual(self.rcpt(recipient).text, "250 2.1.5 Recipient OK", recipient)
        return self.arrived()[0].recipients[0]

    # proves: A1
    def test_source_routes_are_stripped_and_the_last_domain_decides(self):
        self.assertEqual(self.leaves_as("<@a.example,@b.example:chris@contoso.com>"), "chris@contoso.com")
        self.assertEqual(self.rcpt("<@contoso.com:kate@fabrikam.com>").text, UNABLE_TO_RELAY)
        self.assertEqual(self.rcpt("<@contoso.com,@contoso.com:kate@fabrikam.com>").text, UNABLE_TO_RELAY)

    # proves: A2 A10
    def test_local_parts_are_opaque(self):
        for local in ("kate%fabrikam.com", "fabrikam.com!kate", "contoso.com!fabrikam.com!kate", "\"kate@fabrikam.com\"",
                      "${run{id}}", "\"|x\"", "=?utf-8?q?a=40fabrikam.com=3e=00?=", "%n%s", "a'b", "\";id;\""):
            self.assertEqual(self.leaves_as("<%s@contoso.com>" % local).rpartition("@")[2].lower(), "contoso.com", local)

    # proves: A2 A3 A4
    def test_what_is_no_address_is_refused(self):
        for recipient in ("<user@fabrikam.com@contoso.com>", "<chris@contoso.com(comment)@fabrikam.com>", "<chris@contoso.com@>",
                          "<@contoso.com>", "<\"\"x@contoso.com>", "<a b@contoso.com>", "<chris@-contoso.com>", "<chris@contoso..com>",
                          "<%s@contoso.com>" % ("l" * 65), "<chris@%s.com>" % ("d" * 64), "<chris@contoso.com", "chris@contoso.com>",
                          "<chris@contoso.com>x", "<>", "", "<;id;@contoso.com>x", b"<chris\xff@contoso.com>", b"<chris\0@contoso.com>"):
            self.assertEqual(self.rcpt(recipient).code, 501, recipient)

    # proves: A5
    def test_literals_are_nobodys(self):
        for literal in ("[127.0.0.1]", "[IPv6:::1]", "[10.0.0.1]", "[::ffff:10.0.0.1]"):
            for source in ("127.0.0.2", "127.0.0.3"):
                self.assertIn(self.rcpt("<chris@%s>" % literal, source).code, (501, 550), literal)

    # proves: A6
    def test_one_normal_form_of_a_domain(self):
        for domain in ("contoso.com", "CONTOSO.com", "contoso.com.", "a.sub.example", "sub.example", "xn--mnchen-3ya.example"):
            self.assertEqual(self.rcpt("<chris@%s>" % domain).code, 250, domain)
        for domain in ("contoso.com.example", "xcontoso.com", "a.contoso.com", "xsub.example", "com", "contoso"):
            self.assertEqual(self.rcpt("<chris@%s>" % domain).text, UNABLE_TO_RELAY, domain)

    # proves: A8
    def test_null_sender_and_postmaster(self):
        with self.client("127.0.0.2") as client:
            client.ehlo()
            self.assertEqual(client.mail("").code, 250)
            self.assertReply(client.rcpt("kate@fabrikam.com"), UNABLE_TO_RELAY)
            self.assertEqual(client.rcpt("Postmaster").code, 250)
            self.assertEqual(client.rcpt("postmaster@CONTOSO.com").code, 250)
            self.assertReply(client.rcpt("postmaster@fabrikam.com"), UNABLE_TO_RELAY)

    # proves: F11 F7
    def test_control_bytes_and_long_lines(self):
        with self.client("127.0.0.2") as client:
            for line in (b"EHLO a\0b", b"EHLO a\x7fb", b"MAIL FROM:<a\x0b@contoso.com>", b"NOOP " + b"n" * 3000):
                self.assertIn(client.say(line).code, (250, 500, 501), line)
            self.assertEqual(client.say("EHLO " + "x" * 5000).code, 500)
            self.assertEqual(client.say("EHLO ok.example").code, 250)

    # proves: F13
    def test_other_protocols_are_shown_the_door(self):
        for line in (b"GET / HTTP/1.1", b"POST / HTTP/1.0", b"CONNECT a:25 HTTP/1.1"):
            with self.client("127.0.0.2") as client:
                client.send(line + b"\r\nHost: x\r\n\r\nEHLO a\r\nMAIL FROM:<chris@contoso.com>\r\n")
                self.assertTrue(client.at_end())

    # proves: F14
    def test_what_ehlo_says_makes_one_sound_received_line(self):
        for name in ("x(;rm", "[127.0.0.1]", "a.b.c.d.example", "EXAMPLE.com."):
            self.sink.reset()
            with self.client("127.0.0.2") as client:
                if client.say("EHLO " + name).code != 250:
                    client.say("EHLO")
                client.mail("ann@elsewhere.example")
                client.rcpt("chris@contoso.com")
                client.data()
            received = self.arrived()[0].fields("Received")
            self.assertEqual(len(received), 1)
            self.assertRegex(received[0], r"^from [A-Za-z0-9.?\[\]:-]+ \(127\.0\.0\.2\) by ")


if __name__ == "__main__":
    unittest.main()
