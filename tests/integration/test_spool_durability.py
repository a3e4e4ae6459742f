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

CALLS = "openat,write,pwrite64,writev,pwritev,fsync,fdatasync,msync,unlinkat"
# LeakSanitizer cannot run under a tracer.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")


class Call:
    """One system call of a trace: name, arguments and the lines on which it began and ended (None: never)."""

    def __init__(self, name, text, begin):
        self.name, self.text, self.begin, self.end, self.ok = name, text, begin, None, False

    def finish(self, text, end):
        self.text += text
        self.end = end
        self.ok = re.search(r"\) += [0-9]", self.text[-200:]) is not None


def read_trace(path):
    """The calls of `strace -f -y` in the order in which they began."""
    calls, open_calls = [], {}
    with open(path, errors="replace") as file:
        for number, line in enumerate(file):
            match = re.match(r"(\d+) +(.*)", line.rstrip("\n"))
            if not match:
                continue
            thread, rest = match.groups()
            resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", rest)
            if resumed:
                if thread in open_calls:
                    open_calls.pop(thread).finish(resumed.group(1), number)
                continue
            started = re.match(r"(\w+)\((.*)", rest)
            if not started:
                continue
            call = Call(started.group(1), started.group(2), number)
            calls.append(call)
            if rest.endswith("<unfinished ...>"):
                open_calls[thread] = call
            else:
                call.finish("", number)
    return calls


def descriptor(call):
    match = re.match(r"(\d+)<([^>]*)>", call.text)
    return (match.group(1), match.group(2)) if match else ("", "")


class Trace:
    """What the trace says about the disk."""

    def __init__(self, path):
        self.metas, self.syncs, self.lines = [], {}, []
        self.body_writes, self.unlinks, self.marks = {}, {}, {}
        synced_at_write = set()
        for call in read_trace(path):
            number, name = descriptor(call)
            if call.name == "openat":
                made = re.search(r"\) = (\d+)<([^>]*)>", call.text)
                if made and "O_DSYNC" in call.text:
                    synced_at_write.add(made.group(1))
                elif made:
                    synced_at_write.discard(made.group(1))
            elif call.name in ("fsync", "fdatasync", "msync"):
                self.syncs.setdefault(name, []).append(call)
            elif call.name == "unlinkat":
                unlinked = re.match(r'\d+<[^>]*/bodies>, "([0-9a-f]{16})"', call.text)
                if unlinked:
                    self.unlinks[int(unlinked.group(1), 16)] = call
            elif name.endswith("/data.mdb"):
                if number in synced_at_write:
                    self.metas.append(call)
                else:
                    for mark in re.findall(r"(?:id=|rcpt-)\d{16}", call.text):
                        self.marks.setdefault(mark, call)
            elif "/bodies/" in name:
                self.body_writes.setdefault(int(os.path.basename(name), 16), []).append((name, call))
            elif number == "1" and call.name == "write":
                said = re.search(r'"(\w+) (\d{16})\\n"', call.text)
                if said:
                    self.lines.append((said.group(1), int(said.group(2)), call))

    def synced(self, name, after):
        """The first sync of the file that began after the call had ended, and worked."""
        if after is None or after.end is None:
            return None
        for call in self.syncs.get(name, []):
            if call.begin > after.end and call.end is not None and call.ok:
                return call
        return None

    def committed(self, after):
        """The first synced write of LMDB's meta page after the call."""
        if after is None or after.end is None:
            return None
        return next((call for call in self.metas if call.begin > after.end and call.end is not None and call.ok), None)


def violations(trace):
    """Every promise of ADR 1 that the trace shows broken."""
    found = []

    def demand(earlier, later, why):
        if earlier is None or earlier.end is None or earlier.end >= later.begin:
            found.append(why)

    for word, number, line in trace.lines:
        if word != "committed":
            continue
        envelope = trace.marks.get("rcpt-%016d" % number)
        needed = [envelope]
        if number in trace.body_writes:
            name, last = trace.body_writes[number][-1]
            content = trace.synced(name, last)
            directory = trace.synced(os.path.dirname(name), content)
            if envelope is not None:
                demand(content, envelope, "%d: body not synced before the database knew it" % number)
                demand(directory, envelope, "%d: its directory not synced before the database knew it" % number)
        else:
            needed.append(trace.marks.get("id=%016d" % number))
        for write in needed:
            data = next(iter([name for name in trace.syncs if name.endswith("/data.mdb")]), None)
            sync = trace.synced(data, write)
            demand(sync, line, "%d: answered before its pages were synced" % number)
            demand(trace.committed(sync), line, "%d: answered before its commit was synced" % number)
    removing = {number: line for word, number, line in trace.lines if word == "removing"}
    for number, unlink in trace.unlinks.items():
        if number in removing:
            demand(trace.committed(removing[number]), unlink, "%d: unlinked before its removal was synced" % number)
    return found


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
        self.assertEqual([line for line in lines if line[0] != "stored"], [])
        return {int(number) for _, number in lines}

    def trace(self, *arguments, inject=(), check=True):
        path = os.path.join(self.folder, "trace")
        command = ["strace", "-f", "-y", "-s", "2000000", "-e", "trace=" + CALLS, "-o", path]
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
        trace = Trace(path)
        self.assertEqual(result.stdout.count("committed"), 120)
        self.assertEqual(len(trace.body_writes), 48)
        self.assertEqual(len(trace.unlinks), 48)
        self.assertEqual(violations(trace), [])

    # proves: contract-5
    def test_a_store_without_syncs_is_noticed(self):
        path, result = self.trace("--nosync", "write", self.spool, "8", "40", "3000")
        self.assertEqual(result.stdout.count("committed"), 40)
        self.assertGreaterEqual(len(violations(Trace(path))), 40)

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
            time.sleep(0.05 + moments.random() * 0.4)
            process.send_signal(signal.SIGKILL)
            output = process.stdout.read().decode()
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
