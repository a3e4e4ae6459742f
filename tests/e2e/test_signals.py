"""Signals that mean nothing to the daemon, and calls that they interrupt, change no result."""

import os
import re
import signal
import threading
import unittest

from lib.organization import EVERYBODY
from lib.smtp import Client, eventually
from lib.syscalls import why_no_strace
from lib.world import World

MESSAGES = 160
STORM = (signal.SIGPIPE, signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT)
# What a system interrupts (of the files of a spool no call is): every third call of a thread from the third on. A program's start
# reads its libraries; those reads are not interrupted either.
INTERRUPTED = (("readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,accept4,connect,epoll_wait,epoll_pwait,poll,ppoll", "3+3"), ("read", "240+3"))


def organize(org, port, unused):
    org.relay("Relay", port, EVERYBODY)


def relay(world):
    """Every message over one session, small and large ones; which arrived, in order of their numbers."""
    with Client(world.port) as client:
        for number in range(MESSAGES):
            text = b"Subject: %d\r\n\r\n" % number + b"x" * 70 * (number % 2 * 600) + b"\r\n"
            client.send_message("chris@contoso.com", ["m%d@fabrikam.com" % number], text)
    eventually(lambda: world.daemon.metrics().get("dirrelay_queue_messages") == 0, 40)
    return sorted(int(message.recipients[0].partition("@")[0][1:]) for message in world.sink.messages)


class Signals(unittest.TestCase):
    # proves: R12
    def test_a_storm_of_signals(self):
        with World(organize) as world:
            stop, sent = threading.Event(), []

            def storm():
                while not stop.is_set():
                    for number in STORM:
                        for thread in os.listdir("/proc/%d/task" % world.daemon.process.pid):
                            try:
                                os.kill(int(thread), number)
                            except ProcessLookupError:
                                continue
                            sent.append(number)
                    stop.wait(0.001)
            thread = threading.Thread(target=storm)
            thread.start()
            try:
                self.assertEqual(relay(world), list(range(MESSAGES)))
            finally:
                stop.set()
                thread.join()
            self.assertGreater(len(sent), 1000)

    # proves: R12
    @unittest.skipIf(why_no_strace(), why_no_strace())
    def test_interrupted_calls(self):
        with World(organize, env={"ASAN_OPTIONS": "exitcode=99:detect_leaks=0"}, start=False) as world:
            daemon, path = world.daemon, os.path.join(world.daemon.folder, "trace")
            daemon.tracer = ["strace", "-D", "-f", "-o", path]
            for calls, when in INTERRUPTED:
                daemon.tracer += ["-e", "inject=%s:error=EINTR:when=%s" % (calls, when)]
            daemon.start()
            world.listening()
            self.assertEqual(relay(world), list(range(MESSAGES)))
            with open(path, errors="replace") as file:
                names = re.findall(r" (?:<\.\.\. )?(\w+)(?:\(| resumed>).*\(INJECTED\)$", file.read(), re.M)
        self.assertGreater(len(names), 200)
        self.assertLessEqual({"read", "write", "accept4"}, set(names))


if __name__ == "__main__":
    unittest.main()
