"""Messages in the manner of real mail programs: nothing of them changes, through one relay or two, and only trace headers come
on top."""

import random
import re
import unittest

from lib import client_messages
from lib.organization import EXTERNAL, SEND_ROUTING
from lib.world import Case, World

SENDER, RECIPIENT = "chris@contoso.com", "kate@fabrikam.com"
RELAY, ROUTED = "127.0.0.2", ["127.0.0.3", "127.0.0.1"]  # the second relay's client is the first one


def fields(header):
    return re.findall(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*", header)


def name_of(field):
    return field.partition(b":")[0].strip().lower()


class Message(Case):
    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, RELAY)

    def converse(self, lines, wire):
        """Each line and the code it must get, then DATA and what stands in wire."""
        with self.client(RELAY) as client:
            for line, code in lines:
                self.assertEqual(client.say(line).code, code, line)
            self.assertEqual(client.say("DATA").code, 354)
            client.send(wire + b".\r\n")
            self.assertEqual(client.reply().code, 250)
        return self.arrived()[0]

    def unchanged(self, message, text, added=()):
        """text: the original. added: the names of fields behind it."""
        header, _, body = text.partition(b"\r\n\r\n")
        before, own, behind = message.header.partition(header + b"\r\n")
        self.assertEqual(own, header + b"\r\n", message.header)
        self.assertEqual([name_of(field) for field in fields(before)], [b"received"])
        self.assertEqual([name_of(field) for field in fields(behind)], list(added))
        self.assertEqual(message.body, body)

    # proves: F2 F10 C81
    def test_thunderbird(self):
        name = "thunderbird"
        message = self.converse([("EHLO [127.0.0.2]", 250), ("MAIL FROM:<%s> BODY=8BITMIME SIZE=1900" % SENDER, 250),
                                 ("RCPT TO:<%s>" % RECIPIENT, 250)], client_messages.wire(name))
        self.unchanged(message, client_messages.text(name))
        self.assertIn("BODY=8BITMIME", message.parameters)

    def test_outlook(self):
        name = "outlook"
        message = self.converse([("EHLO DESKTOP7", 250), ("MAIL FROM: <%s>" % SENDER, 250), ("RCPT TO: <%s>" % RECIPIENT, 250)],
                                client_messages.wire(name))
        self.unchanged(message, client_messages.text(name))

    # proves: F1 contract-5
    def test_an_old_printer(self):
        name = "printer"
        wire = client_messages.wire(name)
        self.assertEqual(wire.count(b"\r"), 1)
        message = self.converse([("HELO MFP3", 250), ("MAIL FROM:%s" % SENDER, 250), ("RCPT TO:%s" % RECIPIENT, 250)],
                                wire)
        self.unchanged(message, client_messages.text(name), [b"message-id", b"date"])

    # proves: C82
    def test_php(self):
        name = "php-mail"
        message = self.converse([("EHLO web1", 250), ("MAIL FROM:<%s>" % SENDER, 250), ("RCPT TO:<%s>" % RECIPIENT, 250)],
                                client_messages.wire(name))
        self.unchanged(message, client_messages.text(name), [b"message-id", b"date"])

    def test_git_send_email(self):
        name = "git-send-email"
        message = self.converse([("EHLO build.contoso.com", 250), ("MAIL FROM:<%s>" % SENDER, 250), ("RCPT TO:<%s>" % RECIPIENT, 250),
                                 ("RCPT TO:<chris@contoso.com>", 250)], client_messages.wire(name))
        self.unchanged(message, client_messages.text(name))

    # proves: F8 F10
    def test_each_in_chunks(self):
        for name in client_messages.names():
            text = client_messages.text(name)
            with self.subTest(name=name), self.client(RELAY) as client:
                client.ehlo()
                client.mail(SENDER, "BODY=8BITMIME")
                client.rcpt(name + "@fabrikam.com")
                for at in range(0, len(text), 700):
                    piece = text[at:at + 700]
                    client.send(b"BDAT %d%s\r\n" % (len(piece), b" LAST" if at + 700 >= len(text) else b"") + piece)
                    self.assertEqual(client.reply().code, 250)
                message = self.arrived(matching=lambda m: m.recipients == [name + "@fabrikam.com"])[0]
                self.assertIn(text.partition(b"\r\n\r\n")[0] + b"\r\n", message.header)
                self.assertEqual(message.body, text.partition(b"\r\n\r\n")[2])


def random_message(random):
    """Header fields of any names, values, foldings and spellings that may stay, and a body of any lines."""
    def word(alphabet, most):
        return "".join(random.choice(alphabet) for _ in range(random.randrange(1, most)))
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    lines = ["Message-ID: <%s@random.example>" % word(letters, 20), "Date: Mon, 1 Jan 2024 00:00:00 +0000"]
    for _ in range(random.randrange(30)):
        value = random.choice(("\r\n ", "\r\n\t", " ", "  ")).join(word(letters + ".,;:<>@()=?\"\\", 60) for _ in range(random.randrange(1, 6)))
        lines.append("%s%s:%s%s" % (random.choice(("X-", "List-", "X-MS-", "Comments")) + word(letters + "-_.", 12),
                                    random.choice(("", "", " ", "\t")), random.choice(("", " ", "\t")), value))
    random.shuffle(lines)
    body = "".join(word(letters + " .\t", 90) + "\r\n" if random.random() < 0.9 else random.choice((".\r\n", "..\r\n", "\r\n", ". \r\n"))
                   for _ in range(random.randrange(60)))
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class TwoRelays(unittest.TestCase):
    """A message passes two relays without growing anything but its trace headers."""

    @classmethod
    def setUpClass(cls):
        def trusts(org, port, sink):
            org.receive("Secured", port, ROUTED, auth=EXTERNAL, groups="ExchangeServers")
        cls.second = World(trusts)
        cls.addClassCleanup(cls.second.__exit__, None)
        def hands_on(org, port, sink):
            org.relay("Relay", port, RELAY)
            org.send("Next", cls.second.port, aces=SEND_ROUTING.replace("anonymous", "externally-secured-servers"),
                     msExchSmtpSendFlags=16 << 20)
        cls.first = World(hands_on, internet=False)
        cls.addClassCleanup(cls.first.__exit__, None)

    def through(self, text, number):
        recipient = "r%d@fabrikam.com" % number
        with self.first.client(RELAY) as client:
            client.ehlo()
            self.assertEqual(client.mail(SENDER, "BODY=8BITMIME").code, 250)
            self.assertEqual(client.rcpt(recipient).code, 250)
            reply = client.data(text)
            self.assertEqual(reply.code, 250, text)
        message = self.second.sink.wait(1, matching=lambda m: m.recipients == [recipient])[0]
        header, _, body = text.partition(b"\r\n\r\n")
        before, own, behind = message.header.partition(header + b"\r\n")
        self.assertEqual(own, header + b"\r\n", message.header)
        self.assertEqual([name_of(field) for field in fields(before)], [b"received", b"received"])
        self.assertEqual(message.body, body)
        return [name_of(field) for field in fields(behind)]

    # proves: R15 C81 C82 facts-10.10
    def test_messages_of_mail_programs(self):
        for number, name in enumerate(client_messages.names()):
            text = client_messages.text(name)
            missing = [field for field in (b"message-id", b"date") if b"\r\n" + field not in b"\r\n" + text.lower()]
            self.assertEqual(self.through(text, number), missing, name)

    # proves: R15 F10
    def test_messages_of_no_program(self):
        for seed in range(60):
            self.assertEqual(self.through(random_message(random.Random(seed)), 1000 + seed), [], seed)


if __name__ == "__main__":
    unittest.main()
