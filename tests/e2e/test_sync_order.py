"""ADR 1 on the daemon: each 250 leaves after the sync that covers its message's bytes. The system calls are the witness."""

import os
import re
import tempfile
import threading
import unittest

from lib.dirrelay import BUILD, Daemon
from lib.organization import EVERYBODY, Organization
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client, eventually
from lib.syscalls import SYNCS, Answer, Trace, answered_too_early, strace, why_no_strace

SESSIONS, MESSAGES = 6, 8
SMALL, LARGE = (200, 3000, 12000), (20000, 100000, 300000)
QUEUED = re.compile(r"250 2\.6\.0 <(\d{16})@contoso\.com> \[InternalId=(\d+)\] Queued mail for delivery")


def size_of(number):
    """Each session sends them all, and at any time different ones are on their way."""
    sizes = SMALL + LARGE
    return sizes[(number // SESSIONS + number) % len(sizes)]


def message(number):
    """Its mark is in its last line."""
    filler = b"x" * 70 + b"\r\n"
    return (b"Message-ID: <%016d@contoso.com>\r\nSubject: %d\r\n\r\n" % (number, number)
            + filler * (size_of(number) // len(filler)) + b"id=%016d\r\n" % number)


def without(lines, *names, path=""):
    """The trace as a program would leave it that does not make these calls on the file of such a name."""
    kept, left_out = [], set()
    for line in lines:
        thread, _, rest = line.partition(" ")
        rest = rest.lstrip()
        if re.match(r"<\.\.\. (%s) resumed>" % "|".join(names), rest) and thread in left_out:
            left_out.discard(thread)
        elif re.match(r"(%s)\(\d+<[^>]*%s>" % ("|".join(names), path), rest):
            if "<unfinished ...>" in rest:
                left_out.add(thread)
        else:
            kept.append(line)
    return kept


def early(lines):
    """The trace, its answers, and the numbers of the messages that were answered too early."""
    trace = Trace(lines)
    answers = []
    for _, name, call in trace.others:
        for mark, body in QUEUED.findall(call.text) if name.startswith("socket:") else ():
            answers.append(Answer(int(mark), int(body), call))
    return trace, answers, {int(line.partition(":")[0]) for line in answered_too_early(trace, answers)}


def send(port):
    """All messages, over several sessions at a time."""
    def session(first):
        with Client(port) as client:
            for number in range(first, SESSIONS * MESSAGES, SESSIONS):
                client.send_message("chris@contoso.com", ["rcpt-%016d@fabrikam.com" % number], message(number))
    threads = [threading.Thread(target=session, args=(first,)) for first in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def traced_run(program):
    """The lines of the trace of this daemon while it accepts and delivers all messages."""
    with tempfile.TemporaryDirectory(prefix="dr-sync-") as folder, Sink() as sink:
        os.chmod(folder, 0o755)
        port = free_port()
        org = Organization()
        org.relay("Relay", port, EVERYBODY)
        uri = org.send("Internet", sink.port).write(folder)
        with Daemon(uri, env={"ASAN_OPTIONS": "exitcode=99:detect_leaks=0"}, as_root=True, start=False) as daemon:
            path = os.path.join(daemon.folder, "trace")
            daemon.program, daemon.tracer = os.path.join(BUILD, program), strace(path, "-D")
            daemon.start()
            send(port)
            sink.wait(SESSIONS * MESSAGES)
            daemon.stop()
            return eventually(lambda: ended(path))


@unittest.skipIf(why_no_strace(), why_no_strace())
@unittest.skipUnless(os.geteuid() == 0, "needs root: the daemon lets nobody else look in")
class SyncOrder(unittest.TestCase):
    """One run of the daemon, looked at from several sides."""

    @classmethod
    def setUpClass(cls):
        cls.lines = traced_run("dirrelayd")
        cls.everything = set(range(SESSIONS * MESSAGES))
        cls.large = {number for number in cls.everything if size_of(number) in LARGE}

    # proves: R8 contract-5
    def test_each_250_comes_after_the_sync_that_covers_its_message(self):
        trace, answers, broken = early(self.lines)
        self.assertEqual(sorted(answer.mark for answer in answers), sorted(self.everything))
        self.assertEqual({answer.mark for answer in answers if answer.body in trace.body_writes}, self.large)
        self.assertEqual(broken, set())

    def test_syncs_left_out_are_noticed(self):
        self.assertEqual(early(without(self.lines, *SYNCS))[2], self.everything)
        self.assertEqual(early(without(self.lines, *SYNCS, path="/data.mdb"))[2], self.everything)
        self.assertEqual(early([line.replace("|O_DSYNC", "") for line in self.lines])[2], self.everything)
        self.assertEqual(early(without(self.lines, *SYNCS, path="/bodies/[0-9a-f]+"))[2], self.large)
        self.assertEqual(early(without(self.lines, *SYNCS, path="/bodies"))[2], self.large)

    # proves: R8
    def test_a_daemon_built_with_nosync_is_noticed(self):
        _, answers, broken = early(traced_run("dirrelayd_nosync"))
        self.assertEqual(sorted(answer.mark for answer in answers), sorted(self.everything))
        self.assertEqual(broken, self.everything)

    # proves: R8
    def test_a_daemon_that_answers_before_its_commit_is_noticed(self):
        _, answers, broken = early(traced_run("dirrelayd_early"))
        self.assertEqual(sorted(answer.mark for answer in answers), sorted(self.everything))
        self.assertEqual(broken, self.everything)


def ended(path):
    """The lines of the trace once strace has written its last; else False."""
    with open(path, errors="replace") as file:
        lines = file.readlines()
    return lines if lines and "+++ exited with" in lines[-1] else False


if __name__ == "__main__":
    unittest.main()
