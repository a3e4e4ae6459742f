"""kill -9 under load, again and again: what was answered 250 arrives, what never reached its final dot does not, and
only messages in flight at a kill arrive twice. Counts at the sink decide, not reply codes."""

import hashlib
import os
import random
import tempfile
import threading
import time
import unittest

from lib.dirrelay import Daemon
from lib.organization import EVERYBODY, Organization
from lib.sink import Drop, Sink
from lib.slapd import free_port
from lib.smtp import Client, Closed, can_connect, eventually, stuff

SEED = int(os.environ.get("DIRRELAY_SEED", "99"))
KILLS, CLIENTS = 12, 6
IN_FLIGHT_S = 2.0  # a copy that reached the sink earlier than this before a kill was written down as delivered


class Ledger:
    """What every message came to, from the clients' side."""

    def __init__(self):
        self.changed = threading.Condition()
        self.ended, self.accepted, self.cut = set(), set(), set()
        self.digests = {}

    def note(self, which, number):
        with self.changed:
            which.add(number)
            self.changed.notify_all()

    def wait_accepted(self, count, timeout=60):
        deadline = time.monotonic() + timeout
        with self.changed:
            while len(self.accepted) < count:
                left = deadline - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    raise AssertionError("%d messages accepted, %d wanted" % (len(self.accepted), count))


class Load(threading.Thread):
    """One client: message after message, on new connections where the old one breaks."""

    def __init__(self, port, ledger, index, stop):
        super().__init__(daemon=True)
        self.port, self.ledger, self.index, self.stop = port, ledger, index, stop
        self.rng = random.Random(SEED * 1000 + index)
        self.count = 0

    def run(self):
        while not self.stop.is_set():
            try:
                with Client(self.port, source="127.0.0.%d" % (10 + self.index)) as client:
                    client.ehlo()
                    while not self.stop.is_set():
                        self.one(client)
            except (OSError, Closed):
                self.stop.wait(0.02)  # killed: until it listens again

    def one(self, client):
        number = "m%d-%d" % (self.index, self.count)
        self.count += 1
        size = self.rng.choice((0, 200, 3000, 15000, 40000, 120000))
        body = ("".join(self.rng.choice("abcdef.\n") for _ in range(size // 8)) * 8).replace("\n", "\r\n").encode() + b"\r\n"
        self.ledger.digests[number] = hashlib.sha256(body).hexdigest()
        wire = stuff(b"Subject: %s\r\n\r\n" % number.encode() + body)
        codes = [client.mail("%s@elsewhere.example" % number).code, client.rcpt("%s@fabrikam.com" % number).code,
                 client.say("DATA").code]
        if codes != [250, 250, 354]:
            raise Closed(str(codes))
        if self.rng.random() < 0.1:
            client.send(wire[:self.rng.randrange(len(wire))])
            self.ledger.note(self.ledger.cut, number)
            raise Closed("given up before the final dot")
        client.send(wire)
        self.ledger.note(self.ledger.ended, number)
        client.send(b".\r\n")
        if client.reply().code == 250:
            self.ledger.note(self.ledger.accepted, number)


class Kill(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dr-kill-")
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o755)
        self.sink, self.port = Sink(), free_port()
        self.addCleanup(self.sink.stop)
        self.arrivals = {}  # number: [times]
        self.sink.hooks["."] = self.on_arrival
        org = Organization()
        org.relay("Relay", self.port, EVERYBODY)
        org.send("Internet", self.sink.port)
        self.daemon = Daemon(org.write(self.folder.name), {"queue.retry": "1s 1s 1s"})
        self.addCleanup(self.daemon.close)
        eventually(lambda: can_connect(self.port))

    def on_arrival(self, session):
        self.arrivals.setdefault(session.recipients[0].partition("@")[0], []).append(time.monotonic())

    def under_load(self, act):
        """Runs act with clients around it; the ledger, once everything that was accepted has left."""
        ledger, stop = Ledger(), threading.Event()
        clients = [Load(self.port, ledger, index, stop) for index in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            act(ledger)
        finally:
            stop.set()
            for client in clients:
                client.join(60)
        eventually(lambda: self.assertEqual(self.daemon.metrics().get("dirrelay_queue_messages"), 0), 120)
        return ledger

    def check(self, ledger, kills):
        arrived = set(self.arrivals)
        self.assertEqual(ledger.accepted - arrived, set(), "answered 250 and lost")
        self.assertEqual(arrived - ledger.ended, set(), "arrived without a final dot")
        self.assertEqual(arrived & ledger.cut, set())
        for message in self.sink.messages:
            number = message.recipients[0].partition("@")[0]
            self.assertEqual(hashlib.sha256(message.body).hexdigest(), ledger.digests[number], number)
            self.assertEqual(message.sender, number + "@elsewhere.example")
        doubled = {number: times for number, times in self.arrivals.items() if len(times) > 1}
        for number, times in doubled.items():
            for first in times[:-1]:
                self.assertTrue(any(first - 0.5 < killed < first + IN_FLIGHT_S for killed in kills), "%s came twice for no kill" % number)

    # proves: R7 R9 C82 contract-5
    def test_kill_under_load(self):
        rng, kills = random.Random(SEED), []

        def act(ledger):
            for _ in range(KILLS):
                ledger.wait_accepted(len(ledger.accepted) + rng.randrange(1, 60))
                kills.append(time.monotonic())
                self.daemon.kill()
                self.daemon.start()
            ledger.wait_accepted(len(ledger.accepted) + 20)

        ledger = self.under_load(act)
        self.check(ledger, kills)
        self.assertGreater(len(ledger.accepted), KILLS)
        self.assertEqual(self.daemon.errors(), "")

    # proves: R9
    def test_kill_while_the_hop_loses_replies(self):
        rng, kills = random.Random(SEED + 1), []

        def on_arrival(session):
            self.on_arrival(session)
            if rng.random() < 0.05:
                kills.append(time.monotonic())  # the sender cannot know: counts like a kill
                raise Drop()
        self.sink.hooks["."] = on_arrival

        def act(ledger):
            for _ in range(4):
                ledger.wait_accepted(len(ledger.accepted) + rng.randrange(10, 60))
                kills.append(time.monotonic())
                self.daemon.kill()
                self.daemon.start()
            ledger.wait_accepted(len(ledger.accepted) + 20)

        self.check(self.under_load(act), kills)

    # proves: R11
    def test_sigterm_under_load_loses_nothing_and_doubles_nothing(self):
        def act(ledger):
            for _ in range(4):
                ledger.wait_accepted(len(ledger.accepted) + 30)
                self.daemon.stop()
                self.daemon.start()
            ledger.wait_accepted(len(ledger.accepted) + 20)

        ledger = self.under_load(act)
        self.check(ledger, [])
        # Without a kill every message that ended was answered.
        self.assertEqual(ledger.ended - ledger.accepted, set())


if __name__ == "__main__":
    unittest.main()
