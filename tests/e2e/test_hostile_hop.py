"""Matrix R20 with a whole daemon: a next hop that answers without end, wrongly, half, or not any more. Each recipient comes to its
own outcome, nothing is lost or sent twice without need, and nobody else waits. The rules, reply by reply:
tests/unit/smtp_client/test_client.c."""

import socket
import unittest

from lib.sink import Drop
from lib.smtp import eventually
from lib.world import Case

SENDER = "ann@elsewhere.example"
BROKEN = "421 4.4.0 Remote server response was not RFC conformant"


class HostileHop(Case):
    config = {"queue.retry": "1s"}

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, "127.0.0.2")

    def submit(self, *recipients):
        with self.client() as client:
            reply = client.send_message(SENDER, recipients or ["kate@fabrikam.com"])
        return int(reply.text.partition("InternalId=")[2].partition("]")[0])

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.daemon.process.pid) as file:
            return int(file.read().split()[1]) * 4096

    def misbehave(self, verb, act):
        """act(session) once, in place of the answer to the verb. On a new session: one that was used before gets a second try."""
        self.sink.reset()
        self.sink.cut()
        def hook(session):
            if self.sink.hooks.pop(verb, None):
                act(session)
                raise Drop()
        self.sink.hooks[verb] = hook

    def deferred_then_delivered(self, reply, *recipients):
        mark = self.daemon.mark()
        id = self.submit(*recipients)
        self.assertIn(reply, self.daemon.wait("message.deferred", since=mark, id=id)["reply"])
        self.daemon.wait("message.delivered", since=mark, id=id)
        eventually(lambda: self.assertEqual(self.daemon.queue(), []))

    def flood(self, verb, data):
        """The hop sends without end until it is left; the daemon grows by nothing of it and serves others meanwhile."""
        served = []

        def act(session):
            session.connection.sendall(data[:1000])
            with self.client() as client:
                served.append(client.ehlo().code)
            while True:
                session.connection.sendall(data)  # until it raises OSError
        self.misbehave(verb, act)
        before = self.resident_bytes()
        self.deferred_then_delivered(BROKEN)
        self.assertEqual(served, [250])
        self.assertLess(self.resident_bytes() - before, 16 << 20)
        self.assertEqual(len(self.sink.messages), 1)

    # proves: R20
    def test_replies_without_end(self):
        self.flood("EHLO", b"250-XTRA\r\n" * 10000)
        self.flood("MAIL", b"250-more\r\n" * 10000)

    # proves: R20
    def test_a_line_without_end(self):
        self.flood("EHLO", b"250-" + b"x" * (1 << 20))
        self.flood("DATA", b"354-" + b"x" * (1 << 20))

    # proves: R20
    def test_wrong_codes(self):
        for verb, reply in (("MAIL", "354 go on"), ("RCPT", "100 wait"), ("DATA", "250 ok"), (".", "354 go on"), ("MAIL", "2xx")):
            with self.subTest(verb=verb, reply=reply):
                self.misbehave(verb, lambda session, reply=reply: session.say(reply))
                self.deferred_then_delivered(BROKEN)
                self.assertEqual(len(self.sink.messages), 1)

    # proves: R20
    def test_content_is_asked_for_that_nobody_is_to_get(self):
        """354 where every recipient was refused: the hop gets none of the message."""
        self.sink.rcpt_replies["kate@fabrikam.com"] = "550 5.1.1 No such user"
        self.sink.once["DATA"] = "354 go on"  # not to the report, which may come at once
        mark = self.daemon.mark()
        id = self.submit()
        self.assertIn("550 5.1.1", self.daemon.wait("message.bounced", since=mark, id=id)["reply"])
        self.arrived(matching=lambda message: message.sender == "")
        commands = [line for session in self.sink.sessions for line in session.commands]
        self.assertNotIn("This is a test message", commands)

    # proves: R20 R10
    def test_421_in_the_middle(self):
        for verb in ("MAIL", "RCPT", "DATA", "."):
            with self.subTest(verb=verb):
                self.misbehave(verb, lambda session: session.say("421 4.3.2 Going down"))
                self.deferred_then_delivered("421 4.3.2 Going down", "a@fabrikam.com", "b@fabrikam.com")
                self.assertEqual([message.recipients for message in self.sink.messages], [["a@fabrikam.com", "b@fabrikam.com"]])

    # proves: R20 R10
    def test_a_reset_behind_the_final_dot(self):
        def reset(session):
            session.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            session.reader.close()
            session.connection.close()
        self.misbehave(".", reset)
        self.deferred_then_delivered("421 4.4.2 Connection dropped")
        self.assertEqual(len(self.sink.offered), 2)
        self.assertEqual(len(self.sink.messages), 1)

    # proves: R20
    def test_some_recipients_are_taken(self):
        self.sink.rcpt_replies.update({"bad@fabrikam.com": "550 5.1.1 No such user", "later@fabrikam.com": "450 4.2.1 Busy"})
        mark = self.daemon.mark()
        id = self.submit("bad@fabrikam.com", "good@fabrikam.com", "later@fabrikam.com")
        for event, recipient in (("message.bounced", "bad@fabrikam.com"), ("message.delivered", "good@fabrikam.com"),
                                 ("message.deferred", "later@fabrikam.com")):
            self.daemon.wait(event, since=mark, id=id, recipient=recipient)
        del self.sink.rcpt_replies["later@fabrikam.com"]
        self.daemon.wait("message.delivered", since=mark, id=id, recipient="later@fabrikam.com")
        eventually(lambda: self.assertEqual(self.daemon.queue(), []))
        messages = {message.sender: [] for message in self.sink.messages}
        for message in self.sink.messages:
            messages[message.sender].append(message.recipients)
        self.assertEqual(messages, {SENDER: [["good@fabrikam.com"], ["later@fabrikam.com"]], "": [[SENDER]]})


if __name__ == "__main__":
    unittest.main()
