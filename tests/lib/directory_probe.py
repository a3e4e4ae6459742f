"""Drives tests/tools/directory_probe.c: a directory client whose events come as Python dictionaries."""

import json
import os
import queue
import subprocess
import threading
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def program(name):
    """A built program: below $DIRRELAY_BUILD, else below build-asan or build."""
    for folder in (os.environ.get("DIRRELAY_BUILD"), "build-asan", "build"):
        path = os.path.join(REPOSITORY, folder, name) if folder else ""
        if os.path.exists(path):
            return path
    raise FileNotFoundError("%s is not built" % name)


class Probe:
    """One process.

        with Probe(slapd.uri, "--poll", "200") as probe:
            probe.watch("w", "dc=contoso,dc=com")
            probe.wait("current", name="w")
    """

    PROGRAM = "directory_probe"

    def __init__(self, *arguments):
        self.events = []
        self._queue = queue.Queue()
        self.process = subprocess.Popen([program(self.PROGRAM), *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._readers = [threading.Thread(target=self._read, daemon=True),
                         threading.Thread(target=self._read_errors, daemon=True)]
        self.errors = []
        for reader in self._readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        code = self.end()
        if kind is None and code != 0:
            raise AssertionError("%s ended with %s: %s" % (self.PROGRAM, code, "".join(self.errors)))

    def _read(self):
        for line in self.process.stdout:
            self._queue.put(json.loads(line))
        self._queue.put(None)

    def _read_errors(self):
        self.errors.extend(self.process.stderr)

    def say(self, *fields):
        self.process.stdin.write("\t".join(str(field) for field in fields) + "\n")
        self.process.stdin.flush()

    def watch(self, name, base, filter="", attributes=""):
        self.say("watch", name, base, filter, attributes)

    def search(self, name, base, scope="sub", filter="", attributes="", deadline=""):
        self.say("search", name, base, scope, filter, attributes, deadline)

    def next(self, timeout=10):
        """The next event; fails when none comes in time."""
        try:
            event = self._queue.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError("no event within %s s; last: %s" % (timeout, self.events[-5:])) from None
        if event is None:
            raise AssertionError(self.PROGRAM + " ended: " + "".join(self.errors))
        self.events.append(event)
        return event

    def wait(self, kind, timeout=10, **fields):
        """Reads on until an event of this kind with these fields; gives it."""
        deadline = time.monotonic() + timeout
        while True:
            event = self.next(max(0.01, deadline - time.monotonic()))
            if event["event"] == kind and all(event.get(key) == value for key, value in fields.items()):
                return event

    def until(self, kind, timeout=10, **fields):
        """All events up to the one waited for, it included."""
        start = len(self.events)
        self.wait(kind, timeout, **fields)
        return self.events[start:]

    def quiet(self, seconds):
        """Events of the next seconds, for asserting that there are none of some kind."""
        start, deadline = len(self.events), time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                event = self._queue.get(timeout=max(0.001, deadline - time.monotonic()))
            except queue.Empty:
                break
            if event is None:
                break
            self.events.append(event)
        return self.events[start:]

    def largest_gap_ms(self):
        return max(event["gap_ms"] for event in self.events)

    def end(self):
        """Closes the directory and waits for the process; its exit code."""
        if self.process.poll() is None:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return self.process.returncode
