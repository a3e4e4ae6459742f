#!/usr/bin/python3
"""The spool after a power loss: everything it did to its files is recorded, the disk is rebuilt as it may have been at
moments of that life, and opened. What had been answered is there and whole, what had been removed stays away.

    DIRRELAY_EVERY=1   every moment, instead of a sample
    DIRRELAY_SEED=N    another sample
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.directory_probe import program  # noqa: E402
from lib.disk import Chance, Recording, record, replay, why_no_recording  # noqa: E402
from lib.smtp import eventually  # noqa: E402

SEED = int(os.environ.get("DIRRELAY_SEED", "8"))
MOMENTS = None if os.environ.get("DIRRELAY_EVERY") else 100
KEEP = (0.0, 0.1, 0.5, 0.9, 1.0)  # shares of the unsynced that reached the disk
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
LIFE = ("write", "SPOOL", "4", "24", "3000,16384,20000,200,70000")


class Said:
    """What the writer had told its clients so far: sets of ids by word."""

    def __init__(self):
        self.committed, self.removing, self.removed = set(), set(), set()

    def add(self, line):
        word, number = line.split()
        getattr(self, word, set()).add(int(number))


def broken_promises(said, spool):
    """One line for each thing that this spool should not be."""
    done = subprocess.run([program("spool_writer"), "check", spool], capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    if done.returncode != 0:
        return ["it does not open: %d %s" % (done.returncode, done.stderr[-300:])]
    lines = [line.split() for line in done.stdout.splitlines()]
    found = {word: {int(number) for kind, number in lines if kind == word} for word in ("stored", "broken", "next")}
    return (["%d is not whole" % number for number in found["broken"]]
            + ["%d is lost" % number for number in said.committed - said.removing - found["stored"]]
            + ["%d came back" % number for number in said.removed & found["stored"]]
            + ["%d is given out again" % number for number in said.committed if number >= min(found["next"])])


@unittest.skipIf(why_no_recording(), why_no_recording())
class PowerLoss(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dirrelay-power-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.addCleanup(shutil.rmtree, self.folder)
        self.spool = os.path.join(self.folder, "live", "spool")
        os.mkdir(os.path.dirname(self.spool))

    def live(self, *command):
        """The recording of a life of the spool."""
        path = os.path.join(self.folder, "record")
        arguments = [self.spool if word == "SPOOL" else word for word in command]
        done = subprocess.run(record(path) + arguments, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(done.stdout.count("committed"), 24)
        eventually(lambda: Recording.is_whole(path))
        return Recording.read(path)

    def lose_power(self, recording, moments=MOMENTS):
        """(how many images were opened, the promises broken)"""
        rng, said, opened, found = random.Random(SEED), Said(), 0, []
        changes = sum(1 for _, _, disk in replay(recording, self.spool) if disk.has_changed)
        chosen = range(changes) if moments is None else set(rng.sample(range(changes), min(moments, changes)))
        place = -1
        for kind, call, disk in replay(recording, self.spool):
            if kind == "begin" and call.path == "stdout":
                said.add(call.data.decode())
            place += disk.has_changed
            if not disk.has_changed or place not in chosen:
                continue
            for keep in KEEP if moments is None else (rng.choice(KEEP),):
                image = os.path.join(self.folder, "image")
                if disk.build(image, Chance(rng, keep)):
                    opened += 1
                    found += ["at %d, %.1f kept: %s" % (place, keep, line) for line in broken_promises(said, image)]
                    shutil.rmtree(image)
                elif said.committed:
                    found.append("at %d: the folder is lost" % place)
        return changes, opened, found

    # proves: R8 contract-5
    def test_what_was_answered_is_there(self):
        changes, opened, found = self.lose_power(self.live(program("spool_writer"), "--remove", *LIFE))
        self.assertEqual(found, [])
        self.assertGreater(opened, 50)
        print("power loss: %d changes of the disk recorded, %d images opened, nothing lost" % (changes, opened), file=sys.stderr)

    # proves: R8
    def test_a_store_without_syncs_is_noticed(self):
        found = self.lose_power(self.live(program("spool_writer"), "--nosync", *LIFE))[2]
        self.assertGreater(len(found), 10)

    # proves: R8
    def test_answers_before_the_commit_are_noticed(self):
        found = self.lose_power(self.live(program("spool_writer_early"), *LIFE))[2]
        self.assertGreater(len(found), 10)


if __name__ == "__main__":
    unittest.main()
