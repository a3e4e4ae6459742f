"""Clients behind a load balancer: PROXY headers from server.proxy_trusted, and from nobody else."""

import struct
import unittest

from lib.organization import ANY_RECIPIENT
from lib.smtp import Client
from lib.world import Case

PROXY, STRANGER = "127.0.0.9", "127.0.0.2"
V2 = b"\r\n\r\n\0\r\nQUIT\n"
PRINTER = b"PROXY TCP4 10.1.2.3 198.51.100.2 54321 25\r\n"
OTHER = b"PROXY TCP4 10.1.2.4 198.51.100.2 54321 25\r\n"


def v2(source, extra=b"", command=0x21):
    octets = bytes(int(part) for part in source.split("."))
    body = octets + bytes((198, 51, 100, 2)) + struct.pack(">HH", 54321, 25) + extra
    return V2 + bytes((command, 0x11)) + struct.pack(">H", len(body)) + body


class Proxied(Case):
    config = {"server.proxy_trusted": "127.0.0.9 ::1"}

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Everybody", port, "0.0.0.0-255.255.255.255", groups="AnonymousUsers")
        org.receive("Printer", port, "10.1.2.3", groups="AnonymousUsers", aces=ANY_RECIPIENT)

    def ask(self, header, source=PROXY):
        """The reply to a recipient outside, behind this header."""
        with Client(self.port, source=source, greet=False) as client:
            client.send(header)
            client.greeting = client.reply()
            client.ehlo()
            client.mail("chris@contoso.com")
            return client.rcpt("kate@fabrikam.com").text

    # proves: D13 contract-2
    def test_the_address_behind_the_header_decides(self):
        for header in (PRINTER, v2("10.1.2.3"), v2("10.1.2.3", extra=b"\x03\x00\x04abcd\xff\xff\xff")):
            self.assertEqual(self.ask(header), "250 2.1.5 Recipient OK")
        for header in (OTHER, v2("10.1.2.4"), b"PROXY UNKNOWN\r\n", v2("10.1.2.3", command=0x20)):
            self.assertEqual(self.ask(header), "550 5.7.1 Unable to relay")
        self.assertTrue(self.daemon.wait("session.open", client="10.1.2.3:54321"))

    # proves: D13
    def test_a_mapped_address_is_the_ipv4_one(self):
        self.assertEqual(self.ask(b"PROXY TCP6 ::ffff:10.1.2.3 ::1 54321 25\r\n"), "250 2.1.5 Recipient OK")
        self.assertEqual(self.ask(b"PROXY TCP6 ::ffff:10.1.2.4 ::1 54321 25\r\n"), "550 5.7.1 Unable to relay")

    # proves: D13
    def test_from_others_the_header_is_no_command(self):
        with self.client(STRANGER) as client:
            self.assertEqual(client.say(PRINTER.decode().strip()).code, 500)
            client.ehlo()
            client.mail("chris@contoso.com")
            self.assertEqual(client.rcpt("kate@fabrikam.com").text, "550 5.7.1 Unable to relay")

    # proves: D13 contract-2
    def test_the_header_is_required_of_the_trusted(self):
        for nonsense in (b"EHLO client.example\r\n", b"PROXY TCP4 nonsense\r\n", V2 + b"\x21\x31\x00\x00", b"PROXY " + b"x" * 200):
            with Client(self.port, source=PROXY, greet=False) as client:
                mark = self.daemon.mark()
                client.send(nonsense)
                self.daemon.wait("proxy.refused", since=mark)
                self.assertTrue(client.at_end())

    def test_a_header_in_pieces_and_one_with_commands_behind_it(self):
        with Client(self.port, source=PROXY, greet=False) as client:
            for byte in PRINTER:
                client.send(bytes((byte,)))
            self.assertEqual(client.reply().code, 220)
            self.assertEqual(client.ehlo().code, 250)
        with Client(self.port, source=PROXY, greet=False) as client:
            client.send(PRINTER + b"EHLO early.example\r\n")
            self.assertEqual(client.reply().code, 554)

    def test_the_message_says_whose_it_is(self):
        with Client(self.port, source=PROXY, greet=False) as client:
            client.send(PRINTER)
            client.reply()
            client.ehlo("printer.contoso.com")
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
        self.assertIn("(10.1.2.3)", self.arrived()[0].fields("Received")[0])


if __name__ == "__main__":
    unittest.main()
