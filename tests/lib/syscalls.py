"""What a trace of the system calls says about a spool: which bytes were synced when, and what was answered too early.

    subprocess.run(strace(path) + [program])
    trace = Trace(open(path))
    answered_too_early(trace, [Answer(mark, body, call), …])

A message is found in its pages by the marks "id=N" (in its content) and "rcpt-N" (in a recipient), N in 16 digits. A
body file is found by its name.
"""

import os
import re
import subprocess
from collections import namedtuple

CALLS = "openat,write,pwrite64,writev,pwritev,fsync,fdatasync,msync,unlinkat,sendto,sendmsg"
SYNCS = ("fsync", "fdatasync", "msync")

# mark: the number in the marks; body: that of the body file, if there is one; call: the one that carries the answer.
Answer = namedtuple("Answer", "mark body call")


def strace(path, *options):
    """The command that a traced program is put behind."""
    return ["strace", "-f", "-y", "-s", "2000000", "-e", "trace=" + CALLS, "-o", path, *options]


def why_no_strace():
    """Why no program can be traced here; "" where it can."""
    try:
        done = subprocess.run(strace("/dev/null") + ["true"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "strace cannot run: %s" % error
    return "" if done.returncode == 0 else "strace cannot run: " + done.stderr.strip()


class Call:
    """One system call of a trace: name, arguments and the lines on which it began and ended (None: never)."""

    def __init__(self, name, text, begin):
        self.name, self.text, self.begin, self.end, self.ok = name, text, begin, None, False

    def finish(self, text, end):
        self.text += text
        self.end = end
        self.ok = re.search(r"\) += [0-9]", self.text[-200:]) is not None


def read_calls(lines):
    """The calls of `strace -f -y` in the order in which they began."""
    calls, open_calls = [], {}
    for number, line in enumerate(lines):
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
    """(number, path) of the call's first argument."""
    match = re.match(r"(\d+)<([^>]*)>", call.text)
    return (match.group(1), match.group(2)) if match else ("", "")


class Trace:
    """What the trace says about the disk; others: (number, path, call) of the writes to anything else."""

    def __init__(self, lines):
        self.metas, self.syncs, self.others = [], {}, []
        self.body_writes, self.unlinks, self.marks = {}, {}, {}
        synced_at_write = set()
        for call in read_calls(lines):
            number, name = descriptor(call)
            if call.name == "openat":
                made = re.search(r"\) = (\d+)<([^>]*)>", call.text)
                if made and "O_DSYNC" in call.text:
                    synced_at_write.add(made.group(1))
                elif made:
                    synced_at_write.discard(made.group(1))
            elif call.name in SYNCS:
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
            else:
                self.others.append((number, name, call))

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


def is_before(earlier, later):
    """Had the one ended when the other began?"""
    return earlier is not None and earlier.end is not None and earlier.end < later.begin


def answered_too_early(trace, answers):
    """Every answer that the trace shows to be given, or prepared, before the syncs it needs: one line each."""
    found = []
    data = next((name for name in trace.syncs if name.endswith("/data.mdb")), None)
    for answer in answers:
        envelope = trace.marks.get("rcpt-%016d" % answer.mark)
        needed = [envelope]
        if answer.body in trace.body_writes:
            name, last = trace.body_writes[answer.body][-1]
            content = trace.synced(name, last)
            directory = trace.synced(os.path.dirname(name), content)
            if envelope is not None:
                if not is_before(content, envelope):
                    found.append("%d: body not synced before the database knew it" % answer.mark)
                if not is_before(directory, envelope):
                    found.append("%d: its directory not synced before the database knew it" % answer.mark)
        else:
            needed.append(trace.marks.get("id=%016d" % answer.mark))
        for write in needed:
            sync = trace.synced(data, write)
            if not is_before(sync, answer.call):
                found.append("%d: answered before its pages were synced" % answer.mark)
            if not is_before(trace.committed(sync), answer.call):
                found.append("%d: answered before its commit was synced" % answer.mark)
    return found
