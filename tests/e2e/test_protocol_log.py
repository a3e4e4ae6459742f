"""ProtocolLoggingLevel Verbose: the conversation row by row, without secrets and without content."""

import base64
import json
import unittest

from lib.organization import ANY_RECIPIENT
from lib.world import Case

VERBOSE = "msExchSmtpReceiveProtocolLoggingLevel"
SECRET = "canary-93521"


class ProtocolLog(Case):
    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Loud", port, "127.0.7.1", groups="AnonymousUsers", aces=[ANY_RECIPIENT], **{VERBOSE: 1})
        org.relay("Quiet", port, "127.0.7.2", **{VERBOSE: 0})
        org.receive("Slow", port, "127.0.7.3", groups="AnonymousUsers", msExchSmtpReceiveTarpitInterval=1, **{VERBOSE: 1})
        org.receive("Login", port, "127.0.7.4", groups="AnonymousUsers ExchangeUsers", auth=4, **{VERBOSE: 1})

    def rows(self, address, mark):
        """(direction, data) of the client's session, up to its end."""
        self.daemon.wait("session.close", since=mark, client=address)
        events = [event for event in self.daemon.events[mark:]
                  if event["event"] == "protocol" and event.get("client") == address]
        self.assertEqual([event["sequence"] for event in events], list(range(len(events))))
        return events

    # proves: facts-10.6 facts-2.8 contract-6
    def test_rows_of_a_conversation(self):
        mark = self.daemon.mark()
        with self.client("127.0.7.1") as client:
            address = client.address
            client.ehlo()
            client.mail("chris@contoso.com")
            client.rcpt("kate@fabrikam.com")
            client.data(b"Subject: " + SECRET.encode() + b"\r\n\r\n" + SECRET.encode() + b"\r\n")
            client.quit()
        events = self.rows(address, mark)
        self.assertEqual({event["connector"] for event in events}, {"Mailbox01\\Loud"})
        rows = [(event["direction"], event.get("data", "")) for event in events]
        self.assertEqual(rows[0][0], "+")
        self.assertEqual(rows[1], ("*", "SMTPSubmit SMTPAcceptAnyRecipient SMTPAcceptAnySender "
                                        "SMTPAcceptAuthoritativeDomainSender AcceptRoutingHeaders"))
        self.assertEqual(events[1]["context"], "Set Session Permissions")
        self.assertEqual((rows[2][0], rows[2][1][:4]), (">", "220 "))
        received = [data for direction, data in rows if direction == "<"]
        self.assertEqual([data.split(" ")[0] for data in received], ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"])
        sent = [data for direction, data in rows if direction == ">"]
        self.assertIn("250-PIPELINING", sent)
        self.assertIn("354 Start mail input; end with <CRLF>.<CRLF>", sent)
        self.assertTrue(any(data.startswith("250 2.6.0 ") for data in sent))
        self.assertEqual((rows[-2], rows[-1][0]), ((">", "221 2.0.0 Service closing transmission channel"), "-"))
        self.assertNotIn(SECRET, json.dumps(events))

    # proves: facts-10.6
    def test_none_says_nothing(self):
        mark = self.daemon.mark()
        with self.client("127.0.7.2") as client:
            address = client.address
            client.ehlo()
            client.quit()
        self.assertEqual(self.rows(address, mark), [])

    # proves: facts-8.6 facts-10.6
    def test_a_tarpit_stands_before_its_reply(self):
        mark = self.daemon.mark()
        with self.client("127.0.7.3") as client:
            address = client.address
            client.ehlo()
            client.mail("chris@contoso.com")
            client.rcpt("kate@fabrikam.com")
            client.quit()
        rows = [(event["direction"], event.get("data")) for event in self.rows(address, mark)]
        place = rows.index(("*", "Tarpit for '0.00:00:01'"))
        self.assertEqual(rows[place + 1], (">", "550 5.7.1 Unable to relay"))

    # proves: facts-10.6 T11 R18
    def test_logins_and_hostile_lines(self):
        blob = base64.b64encode(SECRET.encode()).decode()
        mark = self.daemon.mark()
        with self.client("127.0.7.4") as client:
            address = client.address
            client.ehlo()
            client.say("AUTH PLAIN " + blob)
            client.say("AUTH LOGIN")
            client.say(blob)
            client.say(blob)
            client.say("auth " + SECRET)
            client.say("NOOP \x1b[31m")
            client.quit()
        events = self.rows(address, mark)
        text = json.dumps(events)
        self.assertNotIn(SECRET, text)
        self.assertNotIn(blob, text)
        self.assertNotIn("\x1b", text)
        received = [event["data"] for event in events if event["direction"] == "<"]
        self.assertEqual(received[:3], ["EHLO client.example", "AUTH (not shown)", "AUTH (not shown)"])


class SendProtocolLog(Case):
    internet = False

    @classmethod
    def organize(cls, org, port, sink):
        org.send("Internet", sink.port, msExchSmtpSendProtocolLoggingLevel=1)
        org.relay("Quiet", port, "127.0.7.2")

    # proves: facts-10.6 facts-2.8
    def test_rows_towards_the_next_hop(self):
        mark = self.daemon.mark()
        with self.client("127.0.7.2") as client:
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"], b"Subject: x\r\n\r\n" + SECRET.encode() + b"\r\n")
        hop = "127.0.0.1:%d" % self.sink.port
        self.daemon.wait("protocol", since=mark, connector="Internet", direction="<", data=lambda data: "354 " in (data or ""))
        self.daemon.wait("message.delivered", since=mark)
        events = [event for event in self.daemon.events[mark:] if event["event"] == "protocol" and event.get("hop") == hop]
        self.assertEqual(len({event["session"] for event in events}), 1)
        self.assertEqual([event["sequence"] for event in events], list(range(len(events))))
        self.assertEqual([event["direction"] for event in events[:4]], ["+", "<", ">", "<"])
        sent = [event["data"].split(" ")[0] for event in events if event["direction"] == ">"]
        self.assertEqual(sent[:4], ["EHLO", "MAIL", "RCPT", "DATA"])
        self.assertNotIn(SECRET, json.dumps(events))


if __name__ == "__main__":
    unittest.main()
