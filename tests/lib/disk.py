"""What a disk holds after a power loss: built from a recording (tests/tools/recorder.c) of what a program did to files.

    subprocess.run(record(path) + [program])
    for kind, call, disk in replay(Recording.read(path), spool):     after each line of the recording
        disk.build(folder, Chance(rng, 0.5))                         one thing that the power loss may have left

Sure is what was synced: of a file what had been written before fdatasync or fsync began, or by a descriptor with
O_DSYNC; of a directory the names that had come and gone before its fsync began. All else is up to the chance: each
sector of a file is in one of the states it went through since it was synced, each name is there or not, and nothing
keeps an order among them. A sector is written whole or not at all.
"""

import os
import re
import subprocess

from lib.directory_probe import program

SECTOR, PAGE = 512, 4096
O_DSYNC = 0o10000


def record(path, kill_at=0):
    """The command that a program's own follows."""
    return [program("recorder"), path, str(kill_at)]


def why_no_recording():
    """Why no program can be recorded here; "" where it can."""
    done = subprocess.run(record("/dev/null") + ["true"], capture_output=True, text=True, timeout=20)
    return "" if done.returncode == 0 else "no recording: " + done.stderr.strip()


class Call:
    """One call of a recording; result None: the program did not live to see it."""

    def __init__(self, name, path, offset, flags, data):
        self.name, self.path, self.offset, self.flags, self.data, self.result = name, path, offset, flags, data, None
        self.is_over = False


class Recording:
    """lines: ("begin" or "end", Call) in order; counted: calls since the signal."""

    def __init__(self):
        self.lines, self.counted = [], 0

    @staticmethod
    def recorder(path):
        """The process that makes the recording."""
        with open(path, "rb") as file:
            return int(file.readline().split(b"\t")[1])

    @staticmethod
    def is_whole(path):
        """The program has ended and the recorder too."""
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 40))
            return re.search(rb"\ncounted\t\d+\n$", file.read()) is not None

    @classmethod
    def read(cls, path):
        self, calls = cls(), {}
        with open(path, "rb") as file:
            for line in file:
                kind, *fields = line.rstrip(b"\n").split(b"\t")
                if kind == b"recorder":
                    continue
                if kind == b"counted":
                    self.counted = int(fields[0])
                elif kind == b"begin":
                    number, name, name_of_file, offset, flags, length = fields
                    data = file.read(int(length))
                    file.readline()
                    call = calls[number] = Call(name.decode(), os.fsdecode(name_of_file), int(offset), int(flags), data)
                    self.lines.append(("begin", call))
                else:
                    call = calls[fields[0]]
                    self.lines.append(("end", call))
                    call.result = int(fields[1])
        return self


class Chance:
    """Decides what of the unsynced is there. keep: the share of it, from 0.0 to 1.0."""

    def __init__(self, rng, keep):
        self.rng, self.keep = rng, keep

    def choose(self, count):
        """How many of so many successive changes of one place have reached the disk."""
        if self.rng.random() < self.keep:
            return count if self.keep == 1.0 else self.rng.randint(1, count)
        return 0


class File:
    def __init__(self):
        self.sure = bytearray()
        self.open = {}  # sector: [(call, start, bytes)], what is not synced, oldest first

    def write(self, call):
        at, data = call.offset, call.data
        while data:
            start = at % SECTOR
            part, data = data[:SECTOR - start], data[SECTOR - start:]
            self.open.setdefault(at // SECTOR, []).append((call, start, part))
            at += len(part)

    def sync(self, sectors, is_covered):
        """The changes of these sectors that are covered are sure from now on."""
        for sector in sectors:
            covered = [change for change in self.open[sector] if is_covered(change[0])]
            left = [change for change in self.open[sector] if not is_covered(change[0])]
            for change in covered:
                put(self.sure, sector, change)
            if left:
                self.open[sector] = left
            else:
                del self.open[sector]

    def content(self, chance):
        content = bytearray(self.sure)
        for sector, changes in self.open.items():
            for change in changes[:chance.choose(len(changes))]:
                put(content, sector, change)
        return content


def put(content, sector, change):
    _, start, data = change
    at = sector * SECTOR + start
    if len(content) < at + len(data):
        content.extend(bytes(at + len(data) - len(content)))
    content[at:at + len(data)] = data


class Disk:
    """The folder and all below it; paths are relative to what is above the folder."""

    def __init__(self, folder):
        self.folder, self.above = folder, os.path.dirname(folder)
        self.sure = {}   # path: File, or None for a directory
        self.open = {}   # path: [(call, File or None, is_there)], oldest first
        self.now = {}    # path: File or None, as the program sees it
        self.covered = {}  # sync that runs: the calls that had ended when it began
        self.has_changed = False  # by the last line

    def holds(self, path):
        return path == self.folder or path.startswith(self.folder + "/")

    def begin(self, call):
        handler = getattr(self, "_begin_" + call.name)
        self.has_changed = self.holds(call.path) or (call.name == "sync" and call.path == self.above)
        if self.has_changed:
            handler(call)

    def end(self, call):
        """Only a call that worked changes what is sure."""
        call.is_over = self.has_changed = True
        if call.name == "sync" and call in self.covered:
            covered = self.covered.pop(call)
            if call.result == 0:
                self._sync(call.path, covered)
        elif call.name == "write" and call.flags & O_DSYNC and self.holds(call.path):
            file = self.now[call.path]
            pages = range(call.offset // PAGE * PAGE // SECTOR, -(-(call.offset + len(call.data)) // PAGE) * PAGE // SECTOR)
            file.sync([sector for sector in file.open if sector in pages], lambda other: other.is_over)
        else:
            self.has_changed = False

    def build(self, folder, chance):
        """Makes the folder as the power loss left it; False: not even the folder is there."""
        names = dict(self.sure)
        for path, changes in self.open.items():
            for _, what, is_there in changes[:chance.choose(len(changes))]:
                if is_there:
                    names[path] = what
                else:
                    names.pop(path, None)
        for path in sorted(names, key=lambda path: path.count("/")):
            here = folder + path[len(self.folder):]
            if not os.path.isdir(os.path.dirname(here)):
                continue
            if names[path] is None:
                os.mkdir(here, 0o700)
            else:
                write_sparse(here, names[path].content(chance))
        return os.path.isdir(folder)

    # -- one a name of call; on those that fail nothing is built, the programs make none ------------------------

    def _name(self, call, path, what, is_there):
        if is_there:
            self.now[path] = what
        else:
            self.now.pop(path, None)
        self.open.setdefault(path, []).append((call, what, is_there))

    def _begin_open(self, call):
        if call.path not in self.now:
            self._name(call, call.path, File(), True)

    def _begin_mkdir(self, call):
        if call.path not in self.now:
            self._name(call, call.path, None, True)

    def _begin_unlink(self, call):
        if call.path in self.now:
            self._name(call, call.path, None, False)

    def _begin_rename(self, call):
        target = os.fsdecode(call.data)
        what = self.now[call.path]
        self._name(call, target, what, True)
        self._name(call, call.path, None, False)

    def _begin_write(self, call):
        file = self.now.get(call.path)
        if file:  # it was not unlinked meanwhile
            file.write(call)

    def _begin_truncate(self, call):
        pass  # LMDB's lock file alone, whose content does not outlive a process

    def _begin_sync(self, call):
        self.covered[call] = None
        file = self.now.get(call.path)
        changes = [change[0] for part in file.open.values() for change in part] if file else []
        changes += [change[0] for path, part in self.open.items() if os.path.dirname(path) == call.path for change in part]
        self.covered[call] = {change for change in changes if change.is_over}

    def _sync(self, path, covered):
        file = self.now.get(path)
        if file:
            file.sync(list(file.open), covered.__contains__)
        for name in [name for name in self.open if os.path.dirname(name) == path]:
            for call, what, is_there in [change for change in self.open[name] if change[0] in covered]:
                if is_there:
                    self.sure[name] = what
                else:
                    self.sure.pop(name, None)
            self.open[name] = [change for change in self.open[name] if change[0] not in covered]
            if not self.open[name]:
                del self.open[name]


def write_sparse(path, content):
    """Pages of zeros stay holes."""
    with open(path, "wb") as file:
        os.chmod(path, 0o600)
        for at in range(0, len(content), PAGE):
            page = content[at:at + PAGE]
            if any(page):
                file.seek(at)
                file.write(page)
        file.truncate(len(content))


def replay(record, folder):
    """(line, call, disk) after each line; the disk is one object that goes on changing."""
    disk = Disk(folder)
    for kind, call in record.lines:
        getattr(disk, kind)(call)
        yield kind, call, disk
