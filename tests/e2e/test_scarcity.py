"""Descriptors run out, and a client floods: others are served, nothing spins, nothing that was accepted is lost."""

import os
import socket
import threading
import time
import unittest

from lib.organization import EVERYBODY
from lib.smtp import Closed, eventually
from lib.world import Case, World

HONEST, GREEDY = "127.0.0.2", "127.0.0.3"
FLOOD = 5000
SPARE = 16  # descriptors that the daemon has left when it listens


@unittest.skipUnless(os.geteuid() == 0, "needs root: the daemon lets nobody else look in")
class Descriptors(unittest.TestCase):
    # proves: R4
    def test_none_left(self):
        def organize(org, port, sink):
            org.relay("Relay", port, EVERYBODY)
        with World(organize) as world:
            daemon = world.daemon
            limit = len(os.listdir("/proc/%d/fd" % daemon.process.pid)) + SPARE
            daemon.stop()
            daemon.tracer = ["prlimit", "--nofile=%d:%d" % (limit, limit)]
            daemon.start()
            world.listening()
            with world.client(HONEST) as early:
                early.ehlo()
                greedy = [socket.create_connection(("127.0.0.1", world.port), source_address=(GREEDY, 0)) for _ in range(2 * SPARE)]
                try:
                    daemon.wait("listener.paused")
                    # Who was there before goes on: a message in the database needs no descriptor of its own.
                    self.assertEqual([reply.code for reply in (early.mail("chris@contoso.com"), early.rcpt("early@fabrikam.com"))], [250, 250])
                    self.assertEqual(early.data().code, 250)
                    started, cpu = time.monotonic(), cpu_seconds(daemon)
                    eventually(lambda: time.monotonic() > started + 1)
                    self.assertLess(cpu_seconds(daemon) - cpu, 0.5 * (time.monotonic() - started))
                finally:
                    for one in greedy:
                        one.close()

            def send():
                with world.client(HONEST) as client:
                    client.send_message("chris@contoso.com", ["after@fabrikam.com"])
            eventually(send)
            eventually(lambda: self.assertEqual(daemon.metrics().get("dirrelay_queue_messages"), 0), 30)
            self.assertEqual(sorted(message.recipients[0] for message in world.sink.messages), ["after@fabrikam.com", "early@fabrikam.com"])


class Flood(Case):
    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, EVERYBODY)

    # proves: R2
    def test_others_are_served(self):
        """Transactions may go on for ever; commands that lead to none, and errors, may not."""
        for line, is_bounded in ((b"NOOP\r\n", True), (b"VRFY x\r\n", True), (b"HELP\r\n", True), (b"NONSENSE\r\n", True), (b"RSET\r\n", False),
                                 (b"MAIL FROM:<a@b.example>\r\nRSET\r\n", False)):
            flooding = threading.Thread(target=self.flood, args=(line,))
            self.replies = 0
            flooding.start()
            slowest = 0
            while flooding.is_alive():
                started = time.monotonic()
                with self.client(HONEST) as client:
                    client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
                slowest = max(slowest, time.monotonic() - started)
            flooding.join()
            self.assertLess(slowest, 10, line)
            if is_bounded:
                self.assertLess(self.replies, FLOOD, line)

    def flood(self, line):
        """Counts the replies that come before the server closes."""
        try:
            with self.client(GREEDY) as client:
                client.ehlo()
                for _ in range(FLOOD // 100):
                    client.send(line * 100)
                    for _ in range(100 * line.count(b"\n")):
                        client.reply()
                        self.replies += 1
        except (Closed, OSError):
            pass


def cpu_seconds(daemon):
    with open("/proc/%d/stat" % daemon.process.pid) as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    unittest.main()
