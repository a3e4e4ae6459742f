"""What becomes of a message between its sender and the sink: its bytes, its trace, the header firewall."""

import random
import unittest

from lib.organization import EXTERNAL
from lib.world import Case

SENDER, RECIPIENT = "chris@contoso.com", ["kate@fabrikam.com"]
PRIVATE = (b"X-MS-Exchange-Organization-SCL: -1\r\n"
           b"X-MS-EXCHANGE-organization-AuthAs: Internal\r\n"
           b"X-MS-Exchange-Organization-Folded:\r\n one\r\n\ttwo\r\n"
           b"X-MS-Exchange-Forest-RulesExecuted: yes\r\n")
FORGED = b"Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n"


class Headers(Case):
    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, "127.0.0.2")
        org.receive("Secured", port, "127.0.0.3", auth=EXTERNAL, groups="ExchangeServers")
        org.receive("Trusting", port, "127.0.0.4", aces="allow * to anonymous")
        org.send("Bare", sink.port, spaces="SMTP:bare.example;1", aces=[])
        org.send("Full", sink.port, spaces="SMTP:full.example;1", aces="allow * to anonymous")

    def send(self, message, source="127.0.0.2", recipients=RECIPIENT, sender=SENDER):
        """What arrived."""
        before = len(self.sink.messages)
        with self.client(source) as client:
            self.accepted = client.send_message(sender, recipients, message)
        return self.arrived(before + 1)[-1]

    def added(self, message, sent):
        """The lines that stand before and behind the sender's own header lines."""
        header = sent.partition(b"\r\n\r\n")[0] + b"\r\n"
        before, own, behind = message.header.partition(header)
        self.assertEqual(own, header)
        return before, behind

    # proves: C81 facts-10.10 F10
    def test_the_message_arrives_byte_for_byte(self):
        bodies = [b"This is a test message\r\n", b".\r\n..\r\n...\r\n.leading\r\n", b"\r\n\r\n\r\n", b"", b"x" * 998 + b"\r\n",
                  bytes(random.Random(1).choice(b"abc .\t") for _ in range(70)) * 20 + b"\r\n",
                  b"".join(b"line %d .\r\n" % i for i in range(20000))]
        for body in bodies:
            sent = b"From: chris@contoso.com\r\nSubject: =?utf-8?q?T=C3=A4st?=\r\n  folded\r\nX-Odd : kept\r\n\r\n" + body
            message = self.send(sent)
            self.assertEqual(message.body, body)
            before, behind = self.added(message, sent)
            self.assertTrue(before.startswith(b"Received: from client.example (127.0.0.2)"), before)
            self.assertEqual(sorted(line.split(b":")[0] for line in behind.splitlines()), [b"Date", b"Message-ID"])

    def test_eight_bit_body(self):
        message = self.send(b"Subject: Test\r\n\r\n" + bytes(range(128, 256)) + b"\r\n")
        self.assertEqual(message.body, bytes(range(128, 256)) + b"\r\n")

    # proves: facts-10.10
    def test_trace_header(self):
        with self.client("127.0.0.2") as client:
            client.say("HELO old.example")
            client.mail(SENDER)
            client.rcpt(RECIPIENT[0])
            client.data()
        received = self.arrived()[0].fields("Received")
        self.assertEqual(len(received), 1)
        self.assertRegex(received[0], r"^from old\.example \(127\.0\.0\.2\) by mailbox01\.contoso\.com \(127\.0\.0\.1\) with .*"
                                      r"id [0-9a-f]+; \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$")

    # proves: C82
    def test_message_id_and_date_of_the_sender_stay(self):
        message = self.send(b"Message-ID: <one@two.example>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nbody\r\n")
        self.assertEqual(message.fields("Message-ID"), ["<one@two.example>"])
        self.assertEqual(message.fields("Date"), ["Mon, 1 Jan 2024 00:00:00 +0000"])
        self.assertIn("<one@two.example>", self.accepted.text)

    # proves: C27
    def test_the_sender_is_not_resolved_to_a_display_name(self):
        self.assertEqual(self.send(b"From: <chris@contoso.com>\r\n\r\nbody\r\n").fields("From"), ["<chris@contoso.com>"])

    # proves: C22 C207 C208 facts-6.1 F15
    def test_organization_and_forest_headers_of_anonymous_are_removed(self):
        message = self.send(PRIVATE + b"Subject: Test\r\nX-MS-Exchange-Organizational: stays\r\n\r\n" + PRIVATE)
        self.assertNotIn(b"exchange-organization-", message.header.lower())
        self.assertNotIn(b"forest", message.header.lower())
        self.assertNotIn(b"two", message.header)
        self.assertEqual(message.fields("X-MS-Exchange-Organizational"), ["stays"])
        self.assertEqual(message.body, PRIVATE)

    # proves: F15 facts-6.1
    def test_cross_premises_headers_never_pass_and_attached_messages_stay(self):
        crossing = b"X-MS-Exchange-CrossPremises-AuthAs: Internal\r\nx-ms-exchange-crosspremises-scl :\r\n -1\r\n"
        attached = (b"--b\r\nContent-Type: message/rfc822\r\n" + crossing + b"\r\n" + crossing + PRIVATE + FORGED + b"\r\nbody\r\n--b--\r\n")
        header = b"Subject: Test\r\nContent-Type: multipart/mixed; boundary=b\r\n"
        for source, recipient in (("127.0.0.2", "kate@fabrikam.com"), ("127.0.0.3", "a@full.example"), ("127.0.0.4", "a@full.example")):
            message = self.send(crossing + header + crossing + b"\r\n" + attached, source=source, recipients=[recipient])
            self.assertNotIn(b"crosspremises", message.header.lower(), source)
            self.assertIn(header, message.header)
            self.assertEqual(message.body, attached)

    # proves: F1 F15
    def test_no_name_is_hidden_by_a_nul_or_a_bare_cr(self):
        """Neither by DATA nor by BDAT: such a block is refused whole."""
        for name in (b"Received", b"X-MS-Exchange-Organization-SCL", b"X-MS-Exchange-Forest-A", b"X-MS-Exchange-CrossPremises-A"):
            for line in (name[:5] + b"\0" + name[5:], name + b"\0", b"\0" + name, b"\r" + name, name[:5] + b"\r" + name[5:], name + b"\r",
                         b"X-Other: a\r" + name):
                text = b"Subject: Test\r\n" + line + b": 1\r\n\r\nbody\r\n"
                with self.client("127.0.0.2") as client:
                    client.envelope(SENDER, RECIPIENT)
                    self.assertEqual(client.data(text).text, "554 5.6.0 Invalid message content", line)
                    self.assertTrue(client.at_end())
                with self.client("127.0.0.2") as client:
                    client.envelope(SENDER, RECIPIENT)
                    client.send(b"BDAT %d LAST\r\n" % len(text) + text)
                    self.assertEqual(client.reply().text, "554 5.6.0 Invalid message content", line)
        self.assertEqual(self.sink.messages, [])

    # proves: C39 C30
    def test_externally_secured_keeps_routing_and_loses_the_others(self):
        message = self.send(FORGED + PRIVATE + b"Subject: Test\r\n\r\nbody\r\n", source="127.0.0.3")
        self.assertEqual(len(message.fields("Received")), 2)
        self.assertNotIn(b"exchange-", message.header.lower())

    # proves: C207 C208 C219 C220 C99 facts-6.3
    def test_headers_pass_where_both_sides_hold_the_rights(self):
        message = self.send(FORGED + PRIVATE + b"Subject: Test\r\n\r\nbody\r\n", source="127.0.0.4", recipients=["a@full.example"])
        kept = b"".join(line for line in (FORGED + PRIVATE).splitlines(True) if b"AuthAs" not in line)
        self.assertIn(kept + b"Subject: Test\r\n", message.header)
        # The session may keep organization headers, and is anonymous all the same: its message is.
        self.assertEqual(message.fields("X-MS-Exchange-Organization-AuthAs"), ["Anonymous"])
        self.assertEqual(message.fields("X-MS-Exchange-Organization-AuthSource"), ["mailbox01.contoso.com"])

    # proves: C215 C218 C219 C220 C244
    def test_outbound_firewall_of_a_connector_with_routing_alone(self):
        message = self.send(FORGED + PRIVATE + b"Subject: Test\r\n\r\nbody\r\n", source="127.0.0.4")
        self.assertEqual(len(message.fields("Received")), 2)
        self.assertNotIn(b"exchange-", message.header.lower())

    # proves: C218 C242 contract-7
    def test_outbound_firewall_of_a_connector_without_rights(self):
        message = self.send(FORGED + PRIVATE + b"Subject: Test\r\n\r\nbody\r\n", source="127.0.0.4", recipients=["a@bare.example"])
        self.assertEqual(message.fields("Received"), [])
        self.assertNotIn(b"exchange-", message.header.lower())
        self.assertEqual(message.fields("Subject"), ["Test"])

    # proves: F15
    def test_spellings_that_a_later_reader_would_take_are_removed_too(self):
        for line in (b"x-ms-exchange-ORGANIZATION-scl: 1\r\n", b"X-MS-Exchange-Organization-SCL : 1\r\n",
                     b"X-MS-Exchange-Organization-SCL\t: 1\r\n"):
            message = self.send(line + b"Subject: Test\r\n\r\nbody\r\n")
            self.assertNotIn(b"exchange-organization", message.header.lower(), line)
            self.sink.reset()

    # proves: F1 F3
    def test_smuggling_gives_one_message_or_none(self):
        second = b"MAIL FROM:<evil@contoso.com>\r\nRCPT TO:<victim@fabrikam.com>\r\nDATA\r\nSubject: two\r\n\r\nsmuggled\r\n.\r\n"
        ends = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\r\n.\r\r\n", b"\r\n.\r\r\n",
                b"\0\r\n.\r\n", b"\r\n\0.\r\n", b"\r\0\n.\r\n", b"\r\n.\0\r\n", b"\r\n.\r\0\n"]
        for number, end in enumerate(ends):
            with self.client("127.0.0.2") as client:
                client.envelope(SENDER, ["first%d@fabrikam.com" % number])
                self.assertEqual(client.say("DATA").code, 354)
                client.send(b"Subject: one\r\n\r\nbody" + end + second + b"\r\n.\r\n")
                client.reply()
        with self.client("127.0.0.2") as client:
            client.send_message(SENDER, ["last@fabrikam.com"])
        self.arrived(matching=lambda m: m.recipients == ["last@fabrikam.com"])
        self.assertEqual(self.sink.to("victim@fabrikam.com"), [])
        for number in range(len(ends)):
            self.assertLessEqual(len(self.sink.to("first%d@fabrikam.com" % number)), 1, ends[number])

    # proves: F1 F2 contract-5
    def test_bare_linefeeds_become_line_ends(self):
        with self.client("127.0.0.2") as client:
            client.envelope(SENDER, RECIPIENT)
            client.say("DATA")
            client.send(b"Subject: printer\n\nold\nprinter\n.hidden\r\n.\r\n")
            self.assertEqual(client.reply().code, 250)
        message = self.arrived()[0]
        self.assertEqual(message.body, b"old\r\nprinter\r\n.hidden\r\n")
        self.assertNotIn(b"\n", message.wire.replace(b"\r\n", b""))

    # proves: F6 contract-5
    def test_input_before_its_turn_is_not_executed(self):
        with self.client("127.0.0.2", greet=False) as client:
            client.send(b"EHLO early.example\r\nMAIL FROM:<a@contoso.com>\r\n")
            first = client.reply()
            self.assertEqual(((first if first.code == 554 else client.reply()).text[:9]), "554 5.5.0")
            self.assertTrue(client.at_end())
        with self.client("127.0.0.2") as client:
            client.send(b"EHLO a.example\r\nMAIL FROM:<chris@contoso.com>\r\n")
            self.assertEqual(client.reply().text[:9], "554 5.5.0")
            self.assertTrue(client.at_end())

    # proves: F10
    def test_pipelining_in_one_and_in_many_segments(self):
        commands = (b"MAIL FROM:<chris@contoso.com>\r\nRCPT TO:<kate@fabrikam.com>\r\nRCPT TO:<[1.2.3.4]>\r\nDATA\r\n")
        for size in (1, 3, 1000):
            with self.client("127.0.0.2") as client:
                client.ehlo()
                for at in range(0, len(commands), size):
                    client.send(commands[at:at + size])
                self.assertEqual([client.reply().code for _ in range(4)], [250, 250, 501, 354])
                text = b"Subject: pieces\r\n\r\n..one\r\n.\r\n"
                for at in range(0, len(text), size):
                    client.send(text[at:at + size])
                self.assertEqual(client.reply().code, 250)
        self.assertEqual({m.body for m in self.arrived(3)}, {b".one\r\n"})


if __name__ == "__main__":
    unittest.main()
