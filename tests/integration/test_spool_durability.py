#!/usr/bin/python3
"""ADR 1 on the real store: what the spool said OK to was synced before, survives being killed, and failing syncs give no OK."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.directory_probe import program  # noqa: E402
from lib.syscalls import Answer, Trace, answered_too_early, is_before, strace  # noqa: E402

# LeakSanitizer cannot run under a tracer.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")


def violations(path):
    """The trace, and every promise of ADR 1 that it shows broken."""
    with open(path, errors="replace") as file:
        trace = Trace(file)
    lines = []
    for number, _, call in trace.others:
        said = re.search(r'"(\w+) (\d{16})\\n"', call.text) if number == "1" else None
        if said:
            lines.append((said.group(1), int(said.group(2)), call))
    found = answered_too_early(trace, [Answer(number, number, call) for word, number, call in lines if word == "committed"])
    removing = {number: call for word, number, call in lines if word == "removing"}
    for number, unlink in trace.unlinks.items():
        if number in removing and not is_before(trace.committed(removing[number]), unlink):
            found.append("%d: unlinked before its removal was synced" % number)
    return trace, found


class Spool(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dirrelay-spool-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.spool = os.path.join(self.folder, "spool")

    def check(self):
        """Ids of the stored messages; fails on a broken one."""
        result = subprocess.run([program("spool_writer"), "check", self.spool], capture_output=True, text=True, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = [line.split() for line in result.stdout.splitlines()]
        self.assertEqual([line for line in lines if line[0] not in ("stored", "next")], [])
        return {int(number) for word, number in lines if word == "stored"}

    def trace(self, *arguments, inject=(), check=True):
        path = os.path.join(self.folder, "trace")
        command = strace(path)
        for one in inject:
            command += ["-e", "inject=" + one]
        result = subprocess.run(command + [program("spool_writer"), *arguments], capture_output=True, text=True,
                                timeout=240, env=ENVIRONMENT)
        if check:
            self.assertEqual(result.returncode, 0, result.stderr)
        return path, result

    # proves: contract-5 R7 R8
    def test_each_answer_comes_after_the_sync_that_covers_it(self):
        path, result = self.trace("--remove", "write", self.spool, "8", "120", "3000,16384,16385,700000,200")
        trace, broken = violations(path)
        self.assertEqual(result.stdout.count("committed"), 120)
        self.assertEqual(len(trace.body_writes), 48)
        self.assertEqual(len(trace.unlinks), 48)
        self.assertEqual(broken, [])

    # proves: contract-5
    def test_a_store_without_syncs_is_noticed(self):
        path, result = self.trace("--nosync", "write", self.spool, "8", "40", "3000")
        self.assertEqual(result.stdout.count("committed"), 40)
        self.assertGreaterEqual(len(violations(path)[1]), 40)

    # proves: R6 R5
    def test_failing_calls_give_no_ok_and_no_phantom(self):
        seen_failures = 0
        for call, error in (("fdatasync", "EIO"), ("fsync", "EIO"), ("pwrite64", "EIO"), ("writev", "ENOSPC"),
                            ("pwritev", "ENOSPC")):
            for first in range(1, 10):
                for last in (first, first + 3):
                    self.fail_calls(call, error, first, last)
                    seen_failures += self.failed
        self.assertGreater(seen_failures, 20)

    def fail_calls(self, call, error, first, last):
        shutil.rmtree(self.spool, ignore_errors=True)
        _, result = self.trace("write", self.spool, "3", "12", "3000,40000", check=False,
                               inject=["%s:error=%s:when=%d..%d" % (call, error, first, last)])
        words = [line.split() for line in result.stdout.splitlines()]
        committed = {int(number) for word, number in words if word == "committed"}
        self.failed = sum(1 for word, _ in words if word == "failed")
        if result.returncode != 0:
            self.assertEqual(committed - (self.check() if committed else set()), set())
            return
        self.assertEqual(len(words), 12)
        self.assertEqual(self.check(), committed, "%s %s %d..%d" % (call, error, first, last))

    # proves: R7 contract-5
    def test_killed_at_random_moments(self):
        known, seed = set(), random.randrange(1 << 30)
        moments = random.Random(seed)
        for _ in range(15):
            process = subprocess.Popen([program("spool_writer"), "write", self.spool, "20", "1000000",
                                        "3000,20000,100,400000"], stdout=subprocess.PIPE, env=ENVIRONMENT)
            started = b""
            while not started.endswith(b"\n") or b"committed " not in started:
                started += process.stdout.readline() or self.fail("the writer ended by itself")
            time.sleep(moments.random() * 0.4)  # the moment itself, whatever happens there
            process.send_signal(signal.SIGKILL)
            output = (started + process.stdout.read()).decode()
            process.wait()
            process.stdout.close()
            lines = [line for line in output.split("\n")[:-1]]
            committed = {int(line.split()[1]) for line in lines if line.startswith("committed ")}
            self.assertEqual(committed & known, set(), "an id was given out twice")
            known |= committed
            stored = self.check()
            self.assertEqual(known - stored, set(), "seed %d" % seed)
        self.assertGreater(len(known), 100)

    # proves: R7
    def test_killed_at_each_call_of_accepting(self):
        known = set()
        for call in ("fdatasync", "fsync", "pwrite64", "writev", "pwritev", "openat", "unlinkat"):
            for when in range(1, 12):
                _, result = self.trace("--remove", "write", self.spool, "3", "12", "3000,40000", check=False,
                                       inject=["%s:signal=KILL:when=%d" % (call, when)])
                words = [line.split() for line in result.stdout.splitlines() if len(line.split()) == 2]
                known |= {int(number) for word, number in words if word == "committed"}
                known -= {int(number) for word, number in words if word == "removing"}
                if os.path.isdir(self.spool):
                    self.assertEqual(known - self.check(), set())


if __name__ == "__main__":
    unittest.main()
