"""Milters between the last byte of a message and its reply."""

import os
import tempfile
import unittest

from lib import milter
from lib.milter import CONTINUE, DISCARD, REJECT, TEMPFAIL, Milter
from lib.organization import ANY_RECIPIENT
from lib.smtp import eventually
from lib.world import World

RELAY = "127.0.0.2"
TRUSTED = "127.0.0.3"
BODY = b"From: chris@contoso.com\r\nSubject: old\r\n\r\nbody\r\n"
RECIPIENTS = ["kate@fabrikam.com", "bob@fabrikam.com"]


def organize(org, port, sink):
    org.receive("Relay", port, RELAY, groups="AnonymousUsers", aces=ANY_RECIPIENT)
    org.receive("Trusted", port, TRUSTED, groups="AnonymousUsers", aces=[ANY_RECIPIENT, "allow ms-Exch-Bypass-Anti-Spam to anonymous"])


class Filtered(unittest.TestCase):
    def world(self, *milters, antispam=(), **config):
        for item in milters:
            self.addCleanup(item.close)
        names = " ".join(("antispam:" if item in antispam else "") + item.name for item in milters)
        config = {"filter." + key: value for key, value in config.items()}
        world = World(organize, {"filter.milters": names, **config})
        self.addCleanup(world.__exit__, None)
        return world

    def send(self, world, message=BODY, source=RELAY, recipients=RECIPIENTS):
        """The reply of the final dot."""
        with world.client(source) as client:
            client.ehlo("client.example")
            for answer in client.envelope("chris@contoso.com", recipients):
                self.assertEqual(answer.code, 250)
            return client.data(message)

    def test_the_filter_hears_everything_and_nothing_changes(self):
        filter_ = Milter()
        world = self.world(filter_)
        big = BODY + b"x" * 70 + b"\r\n" + (b"0123456789" * 7 + b"\r\n") * 2000
        self.assertEqual(self.send(world, big).code, 250)
        message = world.sink.wait(1)[0]
        self.assertEqual(message.body, big.partition(b"\r\n\r\n")[2])
        self.assertEqual(filter_.steps(b"C")[0][:-1].split(b"\0")[0], b"[127.0.0.2]")
        self.assertEqual(filter_.steps(b"H"), [b"client.example\0"])
        self.assertEqual(filter_.steps(b"M"), [b"<chris@contoso.com>\0"])
        self.assertEqual(filter_.steps(b"R"), [b"<kate@fabrikam.com>\0", b"<bob@fabrikam.com>\0"])
        self.assertIn(b"Subject\0old\0", filter_.steps(b"L"))
        self.assertEqual(b"".join(filter_.steps(b"B")), message.body)
        self.assertEqual(len(filter_.steps(b"E")), 1)

    # proves: F8
    def test_chunks_are_filtered_and_pipelined(self):
        """What stands behind the last chunk waits for the filters' word."""
        filter_ = Milter()
        world = self.world(filter_)
        message = BODY + b"line\r\n" * 10000
        envelope = b"MAIL FROM:<chris@contoso.com>\r\nRCPT TO:<kate@fabrikam.com>\r\n"
        chunks = b"BDAT 20\r\n" + message[:20] + b"BDAT %d LAST\r\n" % (len(message) - 20) + message[20:]
        for verdict, code in ((CONTINUE, 250), (REJECT, 550), (TEMPFAIL, 451), (DISCARD, 250)):
            filter_.script = {b"E": verdict}
            with self.subTest(code=code), world.client(RELAY) as client:
                client.ehlo("client.example")
                client.send(envelope + chunks + envelope + chunks)
                self.assertEqual([client.reply().code for _ in range(8)], [250, 250, 250, code] * 2)
        self.assertEqual([m.body for m in world.sink.wait(2)], [message.partition(b"\r\n\r\n")[2]] * 2)
        self.assertEqual(sum(letter == b"E" for conversation in filter_.heard for letter, _ in conversation), 8)

    def test_verdicts(self):
        for step in (b"C", b"H", b"M", b"R", b"T", b"L", b"N", b"B", b"E"):
            filter_ = Milter({step: REJECT})
            with self.subTest(step=step):
                world = self.world(filter_)
                self.assertEqual(self.send(world).text, "550 5.7.1 Message refused by a content filter")
                event = world.daemon.wait("data.refused", reason="filter-rejected")
                self.assertEqual(event["filter"], filter_.name)
                filter_.script = {step: TEMPFAIL}
                self.assertEqual(self.send(world).text, "451 4.7.1 Message deferred by a content filter")
                filter_.script = {step: milter.reply("554 5.7.9 go away\nsecond line")}
                self.assertEqual(self.send(world).text, "554 5.7.9 go away")
                filter_.script = {step: milter.packet(b"a")}
                self.assertEqual(self.send(world).code, 250)
                self.assertEqual(len(world.sink.wait(1)), 1)

    def test_a_discarded_message_is_answered_and_gone(self):
        filter_ = Milter({b"E": DISCARD})
        world = self.world(filter_)
        self.assertEqual(self.send(world).code, 250)
        self.assertEqual(world.daemon.wait("message.discarded")["filter"], filter_.name)
        filter_.script = {}
        self.assertEqual(self.send(world, BODY.replace(b"old", b"second")).code, 250)
        self.assertEqual([message.fields("Subject") for message in world.sink.wait(1)], [["second"]])

    def test_changes(self):
        filter_ = Milter({b"E": milter.insert_header(0, "X-First", "1") + milter.add_header("X-Last", "a\n\tb") +
                          milter.change_header(1, "Subject", "new") + milter.replace_body(b"new\nbody\r\n") +
                          milter.delete_recipient("bob@fabrikam.com") + milter.add_recipient("eve@fabrikam.com") + CONTINUE})
        world = self.world(filter_)
        self.assertEqual(self.send(world).code, 250)
        message = world.sink.wait(1)[0]
        self.assertTrue(message.header.startswith(b"X-First: 1\r\n") or b"X-First: 1\r\nReceived:" in message.header, message.header)
        self.assertIn(b"X-Last: a\r\n\tb\r\n", message.header)
        self.assertEqual(message.fields("Subject"), ["new"])
        self.assertEqual(message.body, b"new\r\nbody\r\n")
        self.assertEqual(sorted(message.recipients), ["eve@fabrikam.com", "kate@fabrikam.com"])

    # proves: facts-6.1
    def test_cross_premises_headers_of_a_filter_do_not_leave(self):
        world = self.world(Milter({b"E": milter.add_header("X-MS-Exchange-CrossPremises-SCL", "-1") + CONTINUE}))
        self.assertEqual(self.send(world).code, 250)
        message = world.sink.wait(1)[0]
        self.assertEqual(message.fields("X-MS-Exchange-CrossPremises-SCL"), [])
        self.assertEqual(message.fields("X-CrossPremisesHeadersFilteredBySendConnector"), ["mailbox01.contoso.com"])

    def test_the_second_filter_sees_what_the_first_one_made(self):
        first = Milter({b"E": milter.add_header("X-First", "yes") + milter.replace_body(b"first\r\n") + CONTINUE})
        second = Milter()
        world = self.world(first, second)
        self.assertEqual(self.send(world).code, 250)
        world.sink.wait(1)
        self.assertIn(b"X-First\0yes\0", second.steps(b"L"))
        self.assertEqual(second.steps(b"B"), [b"first\r\n"])

    def test_a_quarantined_message_is_held(self):
        world = self.world(Milter({b"E": milter.quarantine("looks bad") + CONTINUE}))
        self.assertEqual(self.send(world).code, 250)
        self.assertEqual(world.daemon.wait("message.accepted")["quarantine"], "looks bad")
        queue = world.daemon.cli("queue", "list", json=True).json
        self.assertEqual(len(queue), 1)
        world.daemon.cli("queue", "release", queue[0]["id"])
        self.assertEqual(len(world.sink.wait(1)), 1)

    # proves: facts-8.3 C25
    def test_the_right_goes_past_antispam_filters_and_no_others(self):
        spam, signer = Milter({b"E": REJECT}), Milter({b"E": milter.add_header("X-Signed", "yes") + CONTINUE})
        world = self.world(spam, signer, antispam=(spam,))
        self.assertEqual(self.send(world).code, 550)
        self.assertEqual(self.send(world, source=TRUSTED).code, 250)
        self.assertEqual(world.sink.wait(1)[0].fields("X-Signed"), ["yes"])

    def test_a_filter_that_is_away_and_each_default(self):
        gone = Milter()
        gone.close()
        for default, code in (("tempfail", 451), ("accept", 250), ("reject", 550)):
            with self.subTest(default=default):
                world = self.world(gone, default=default)
                self.assertEqual(self.send(world).code, code)
                self.assertEqual(world.daemon.wait("filter.failed")["filter"], gone.name)

    def test_filters_that_break_the_protocol_or_say_nothing(self):
        answers = {"silence": b"", "garbage": b"\xff" * 64, "out of place": milter.packet(b"h", b"X\0y\0"),
                   "unknown": milter.packet(b"?"), "empty packet": b"\0\0\0\0"}
        for name, answer in answers.items():
            for step in (b"C", b"L"):
                with self.subTest(name=name, step=step):
                    world = self.world(Milter({step: answer}), timeout="1s")
                    self.assertEqual(self.send(world).code, 451)
                    self.assertEqual(self.send(world).code, 451)

    def test_half_a_change_is_none(self):
        world = self.world(Milter({b"E": milter.add_header("X-Half", "1") + milter.packet(b"m", b"\0")}), default="accept", timeout="1s")
        self.assertEqual(self.send(world).code, 250)
        self.assertEqual(world.sink.wait(1)[0].fields("X-Half"), [])

    def test_a_filter_behind_a_socket_of_the_file_system(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            world = self.world(Milter({b"E": milter.add_header("X-Unix", "yes") + CONTINUE}, path=folder + "/socket"))
            self.assertEqual(self.send(world).code, 250)
            self.assertEqual(world.sink.wait(1)[0].fields("X-Unix"), ["yes"])

    def test_a_client_that_leaves_while_a_filter_thinks(self):
        filter_ = Milter({b"E": b""})
        world = self.world(filter_, timeout="1s")
        with world.client(RELAY) as client:
            client.ehlo()
            client.envelope("chris@contoso.com", RECIPIENTS)
            client.say("DATA")
            client.send(BODY + b".\r\n")
            eventually(lambda: filter_.heard and filter_.steps(b"E"))
            address = client.address
            client.reset()
        world.daemon.wait("session.close", client=address)
        filter_.script = {}
        self.assertEqual(self.send(world).code, 250)
        self.assertEqual(len(world.sink.wait(1)), 1)


if __name__ == "__main__":
    unittest.main()
