"""Connection limits, sizes, counts, time-outs, tarpit: each by its attribute, each changed by ldapmodify."""

import time
import unittest

from lib.organization import ANY_RECIPIENT, EXTERNAL, change
from lib.world import Case

PER_SOURCE = "msExchSmtpReceiveMaxInboundConnectionsPerSource"
SOURCE_LIMIT = ("421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel")
CONNECTOR_LIMIT = ("421 4.3.2 The maximum number of concurrent server connections has exceeded a limit, closing transmission channel")
TOO_BIG = "552 5.3.4 Message size exceeds fixed maximum message size"
RATE_REACHED = "421 4.4.2 Message submission rate for this client has exceeded the configured limit"
TOO_MANY_ERRORS = "421 4.7.0 Too many errors on this connection, closing transmission channel"


class Limits(Case):
    @classmethod
    def organize(cls, org, port, sink):
        org.relay("One each", port, "127.0.4.1", **{PER_SOURCE: 1})
        org.relay("Three in all", port, "127.0.4.10-127.0.4.19", msExchSmtpReceiveMaxInboundConnections=3)
        org.relay("Percent", port, "127.0.4.20-127.0.4.29", msExchSmtpReceiveMaxInboundConnections=10,
                  msExchSMTPReceiveMaxInboundConnectionsPercPerSource=20)
        org.relay("Small", port, "127.0.4.30", msExchSmtpReceiveMaxMessageSize=65536, msExchSmtpReceiveMaxHeaderSize=32768,
                  msExchSmtpReceiveMaxRecipientsPerMessage=2, msExchSmtpReceiveMaxHopCount=3)
        org.receive("Secured", port, "127.0.4.31", auth=EXTERNAL, groups="ExchangeServers", msExchSmtpReceiveMaxMessageSize=65536,
                    msExchSmtpReceiveMaxHeaderSize=32768, msExchSmtpReceiveMaxRecipientsPerMessage=2)
        org.receive("Hub", port, "127.0.4.40", groups="AnonymousUsers", msExchSmtpReceiveMaxMessageSize=65536,
                    aces=[ANY_RECIPIENT, "allow ms-Exch-Accept-Headers-Organization to anonymous"],
                    msExchSmtpReceiveMaxLocalHopCount=2)
        org.relay("Rate", port, "127.0.4.50-127.0.4.59", msExchSMTPReceiveRelayControl=3)
        org.relay("Rate of users", port, "127.0.4.60", msExchSMTPReceiveRelayControl=1, msExchSMTPReceiveMessageRateSource=2)
        org.relay("Errors", port, "127.0.4.32", msExchSmtpReceiveMaxProtocolErrors=2)
        org.relay("Impatient", port, "127.0.4.33", msExchSmtpReceiveConnectionInactivityTimeout=1)
        org.relay("Short", port, "127.0.4.34", msExchSmtpReceiveConnectionTimeout=2, msExchSmtpReceiveConnectionInactivityTimeout=2)
        org.receive("Tarpit", port, "127.0.4.35", groups="AnonymousUsers", msExchSmtpReceiveTarpitInterval=1)
        org.relay("Plain", port, "127.0.4.36", msExchSmtpReceiveProtocolOptions=0)
        org.relay("Named", port, "127.0.4.37", msExchSmtpReceiveProtocolRestrictions=4)
        org.relay("Strict", port, "127.0.4.38", msExchSmtpReceiveProtocolOptions=0x1BD + 0x4000)
        org.relay("Banner", port, "127.0.4.39", msExchSmtpReceiveBanner="220 Contoso relay, authorised use only")

    def envelope(self, client):
        client.envelope("chris@contoso.com", ["kate@fabrikam.com"])

    # proves: C84 facts-10.8 R3
    def test_per_source_and_raised_by_ldapmodify(self):
        mark = self.daemon.mark()
        with self.client("127.0.4.1") as first:
            with self.client("127.0.4.1") as second:
                self.assertReply(second.greeting, SOURCE_LIMIT)
                self.assertTrue(second.at_end())
                refused = self.daemon.wait("session.refused", since=mark, client=second.address)
            self.assertEqual((refused["connector"], refused["reply"]), ("Mailbox01\\One each", "421 4.3.2"))
            dn = self.organization.receive_dn("One each")
            self.world.modify(change(dn, ("replace", PER_SOURCE, 2)))

            def second_is_taken():
                with self.client("127.0.4.1") as second:
                    self.assertEqual(second.greeting.code, 220)
            self.assertWithin(1, second_is_taken)
            self.world.modify(change(dn, ("replace", PER_SOURCE, 1)))
            self.assertEqual(first.ehlo().code, 250)

        def is_free_again():
            with self.client("127.0.4.1") as again:
                self.assertEqual(again.greeting.code, 220)
        self.assertWithin(5, is_free_again)

    # proves: facts-10.8
    def test_per_connector(self):
        clients = [self.client("127.0.4.1%d" % i) for i in range(3)]
        with self.client("127.0.4.18") as fourth:
            self.assertReply(fourth.greeting, CONNECTOR_LIMIT)
        for client in clients:
            client.quit()

    # proves: facts-10.8 contract-5
    def test_percentage_of_the_free_ones(self):
        """20 % of 10 free, of 9, of 8: two for the first source; of 7, one is still at least one."""
        first = [self.client("127.0.4.20") for _ in range(3)]
        codes = [client.greeting.code for client in first]
        self.assertEqual(codes[-1], 421)
        self.assertEqual(codes[0], 220)
        with self.client("127.0.4.21") as other:
            self.assertEqual(other.greeting.code, 220)
        for client in first:
            client.close()

    # proves: F9 facts-8.2
    def test_message_size_declared_and_sent(self):
        with self.client("127.0.4.30") as client:
            self.assertIn("SIZE 65536", client.ehlo().lines)
            self.assertReply(client.mail("chris@contoso.com", "SIZE=65537"), TOO_BIG)
            self.assertEqual(client.mail("chris@contoso.com", "SIZE=1").code, 250)
            client.rcpt("kate@fabrikam.com")
            self.assertReply(client.data(b"Subject: lie\r\n\r\n" + (b"l" * 98 + b"\r\n") * 3000), TOO_BIG)
            self.assertEqual(client.send_message("chris@contoso.com", ["kate@fabrikam.com"]).code, 250)
        self.assertEqual(len(self.arrived()), 1)

    # proves: F7 facts-8.2
    def test_header_size(self):
        field = b"X-Filler: " + b"f" * 900 + b"\r\n"
        with self.client("127.0.4.30") as client:
            self.envelope(client)
            self.assertReply(client.data(field * 40 + b"\r\nbody\r\n"), "552 5.3.4 Header size exceeds fixed maximum size")

    # proves: C210 contract-7
    def test_bypass_message_size_limit_lifts_size_header_and_recipients_in_2010(self):
        field = b"X-Filler: " + b"f" * 900 + b"\r\n"
        with self.client("127.0.4.31") as client:
            hello = client.ehlo()
            self.assertIn("SIZE", hello.lines)
            client.mail("chris@contoso.com", "SIZE=1000000")
            for name in "abcd":
                self.assertEqual(client.rcpt(name + "@fabrikam.com").code, 250)
            self.assertEqual(client.data(field * 40 + b"\r\n" + b"z" * 70000 + b"\r\n").code, 250)
        self.assertEqual(len(self.arrived()[0].recipients), 4)

    # proves: facts-8.2
    def test_recipients(self):
        with self.client("127.0.4.30") as client:
            replies = client.envelope("chris@contoso.com", ["a@x.example", "b@x.example", "c@x.example"])
            self.assertReply(replies[-1], "452 4.5.3 Too many recipients")
            self.assertEqual(client.data().code, 250)
        self.assertEqual(self.arrived()[0].recipients, ["a@x.example", "b@x.example"])

    # proves: R15 facts-8.2
    def test_hop_count(self):
        hop = b"Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        with self.client("127.0.4.30") as client:
            self.envelope(client)
            self.assertReply(client.data(hop * 4 + b"Subject: loop\r\n\r\n"), "554 5.4.6 Hop count exceeded - possible mail loop")
            self.assertEqual(client.send_message("chris@contoso.com", ["kate@fabrikam.com"], hop * 3 + b"\r\n").code, 250)

    # proves: R15 facts-1.3
    def test_local_hop_count(self):
        here = b"Received: from a.example by Mailbox01.contoso.com (1.2.3.4); Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        there = b"Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        with self.client("127.0.4.40") as client:
            self.envelope(client)
            self.assertReply(client.data(here * 3 + b"Subject: loop\r\n\r\n"), "554 5.4.6 Hop count exceeded - possible mail loop")
            self.assertEqual(client.send_message("chris@contoso.com", ["kate@fabrikam.com"], here * 2 + there * 9 + b"\r\n").code, 250)

    # proves: facts-6.4
    def test_original_size_counts_where_organization_headers_may_stay(self):
        size, body = b"X-MS-Exchange-Organization-OriginalSize: %d\r\n", b"\r\n" + b"b" * 900 * 100 + b"\r\n"
        with self.client("127.0.4.40") as client:
            for header, reply in ((b"", 552), (size % 65536, 250), (size % 65537, 552), (size % 1 * 2, 552)):
                self.envelope(client)
                self.assertEqual(client.data(header + body).code, reply, header)
            self.envelope(client)
            self.assertEqual(client.data(size % 65537 + b"\r\nsmall\r\n").code, 552)
        with self.client("127.0.4.30") as client:
            self.envelope(client)
            self.assertReply(client.data(size % 1 + body), TOO_BIG)

    # proves: C84 facts-8.2 facts-10.8
    def test_message_rate_counts_over_all_loops(self):
        mark = self.daemon.mark()
        for _ in range(3):
            with self.client("127.0.4.50") as client:
                self.assertEqual(client.send_message("chris@contoso.com", ["kate@fabrikam.com"]).code, 250)
        with self.client("127.0.4.50") as client:
            client.ehlo()
            self.assertReply(client.mail("chris@contoso.com"), RATE_REACHED)
            self.assertTrue(client.at_end())
            refused = self.daemon.wait("mail.refused", since=mark, client=client.address)
        self.assertEqual((refused["reason"], refused["connector"]), ("message-rate", "Mailbox01\\Rate"))
        with self.client("127.0.4.51") as client:
            self.assertEqual(client.send_message("chris@contoso.com", ["kate@fabrikam.com"]).code, 250)
        self.world.modify(change(self.organization.receive_dn("Rate"), ("replace", "msExchSMTPReceiveRelayControl", 4)))

        def may_send_again():
            with self.client("127.0.4.50") as client:
                client.ehlo()
                self.assertEqual(client.mail("chris@contoso.com").code, 250)
        self.assertWithin(1, may_send_again)
        self.arrived(4)

    # proves: facts-2.8
    def test_a_rate_of_users_does_not_bind_sessions_without_one(self):
        for _ in range(3):
            with self.client("127.0.4.60") as client:
                client.ehlo()
                self.assertEqual(client.mail("chris@contoso.com").code, 250)

    # proves: facts-8.2 contract-5
    def test_protocol_errors_count_and_refusals_do_not(self):
        with self.client("127.0.4.32") as client:
            client.ehlo()
            for _ in range(5):
                self.assertEqual(client.mail("chris@contoso.com").code, 250)
                self.assertEqual(client.rcpt("x@[1.2.3.4]").code, 550)
                client.say("RSET")
            codes = [client.say("NONSENSE").code for _ in range(2)]
            self.assertEqual(codes, [500, 500])
            self.assertReply(client.say("NONSENSE"), TOO_MANY_ERRORS)
            self.assertTrue(client.at_end())

    # proves: contract-5
    def test_idle_time_out(self):
        with self.client("127.0.4.33") as client:
            client.ehlo()
            self.assertReply(client.reply(), "451 4.7.0 Timeout waiting for client input")
            self.assertTrue(client.at_end())

    # proves: R1
    def test_slow_bytes_do_not_keep_a_session_alive(self):
        start = time.monotonic()
        with self.client("127.0.4.33") as client:
            client.socket.settimeout(0.2)
            reply = None
            while reply is None and time.monotonic() - start < 10:
                try:
                    client.send(b"N")
                    reply = client.reply()
                except TimeoutError:
                    pass
            self.assertReply(reply, "451 4.7.0 Timeout waiting for client input")
        self.assertLess(time.monotonic() - start, 5)

    # proves: facts-8.2
    def test_connection_time_out(self):
        with self.client("127.0.4.34") as client:
            start = time.monotonic()
            reply = client.say("NOOP")
            while reply.code == 250 and time.monotonic() - start < 10:
                reply = client.say("NOOP")
            self.assertIn(reply.code, (421, 451))
            self.assertLess(time.monotonic() - start, 5)

    # proves: facts-8.6
    def test_tarpit_slows_refusals_and_nothing_else(self):
        with self.client("127.0.4.35") as client:
            start = time.monotonic()
            client.ehlo()
            client.mail("chris@contoso.com")
            self.assertEqual(client.rcpt("bob@contoso.com").code, 250)
            self.assertLess(time.monotonic() - start, 0.9)
            start = time.monotonic()
            self.assertEqual(client.rcpt("kate@fabrikam.com").code, 550)
            self.assertGreater(time.monotonic() - start, 0.95)

    # proves: facts-2.3 facts-8.1
    def test_protocol_options_off(self):
        with self.client("127.0.4.36") as client:
            self.assertEqual(client.ehlo().lines[1:], ["XEXCH50"])
            self.assertReply(client.mail("chris@contoso.com"), "250 Sender OK")
            client.say("RSET")
            self.assertEqual(client.mail("chris@contoso.com", "SIZE=10").text[:4], "501 ")

    # proves: C74 facts-2.4
    def test_require_ehlo_domain(self):
        with self.client("127.0.4.37") as client:
            self.assertReply(client.say("EHLO"), "501 5.0.0 EHLO requires domain address")
            self.assertReply(client.say("HELO"), "501 5.0.0 HELO requires domain address")
            self.assertEqual(client.say("EHLO a.example").code, 250)

    # proves: F1 contract-5
    def test_bare_linefeed_rejection(self):
        with self.client("127.0.4.38") as client:
            self.envelope(client)
            client.say("DATA")
            client.send(b"Subject: printer\n\nold\r\n.\r\n")
            self.assertReply(client.reply(), "554 5.6.0 Invalid message content, contains bare linefeeds")

    # proves: facts-8.1
    def test_banner_of_the_connector(self):
        with self.client("127.0.4.39") as client:
            self.assertReply(client.greeting, "220 Contoso relay, authorised use only")

    # proves: C117 facts-8.1
    def test_ehlo_shows_what_is_built_in_order_and_nothing_else(self):
        with self.client("127.0.4.35") as client:
            self.assertEqual(client.ehlo().lines[1:], ["SIZE 37748736", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "BINARYMIME", "CHUNKING", "XEXCH50"])
            for line in ("STARTTLS", "AUTH LOGIN", "TURN"):
                self.assertIn(client.say(line).code, (500, 502), line)
            self.assertReply(client.say("VRFY kate"), "252 2.1.5 Cannot VRFY user")
            self.assertReply(client.say("EXPN staff"), "502 5.3.3 Command not implemented")
            self.assertReply(client.say("NOOP"), "250 2.0.0 OK")
            self.assertReply(client.say("RSET"), "250 2.0.0 Resetting")
            self.assertEqual(client.say("HELP").code, 214)


if __name__ == "__main__":
    unittest.main()
