"""SIGKILL before the k-th system call of accepting, and of delivering; then the daemon starts again and client, queue and
sink are compared by id: once on the files as the kill left them, and once on a disk that lost all that was not synced.

    DIRRELAY_EVERY=1   before every call, instead of a sample
    DIRRELAY_SEED=N    another sample
"""

import collections
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from lib.directory_probe import program
from lib.dirrelay import BUILD, Daemon
from lib.disk import Chance, Recording, record, replay, why_no_recording
from lib.organization import EVERYBODY, Organization
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client, Closed, can_connect, eventually

SEED = int(os.environ.get("DIRRELAY_SEED", "7"))
KILLS = None if os.environ.get("DIRRELAY_EVERY") else 5
SIZES = (300, 40000, 3000)  # inside the database, in a file, inside
ENVIRONMENT = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=0"}


def name(number):
    return "m%d" % number


def content(number):
    line = b"%d" % number * 60 + b"\r\n"
    return b"Subject: %d\r\n\r\n" % number + line * (SIZES[number] // len(line) + 1)


class Ledger:
    """What the client knows: whose final dot it sent; {number: id} of what was answered 250."""

    def __init__(self):
        self.ended, self.accepted = set(), {}

    def send(self, port):
        """All messages over one session, as far as it gets."""
        try:
            with Client(port) as client:
                client.ehlo()
                for number in range(len(SIZES)):
                    self.one(client, number)
        except (OSError, Closed):
            pass

    def one(self, client, number):
        codes = [client.mail("%s@elsewhere.example" % name(number)).code, client.rcpt("%s@fabrikam.com" % name(number)).code,
                 client.say("DATA").code]
        if codes != [250, 250, 354]:
            raise Closed(str(codes))
        self.ended.add(number)
        reply = client.content(content(number))
        if reply.code == 250:
            self.accepted[number] = int(re.search(r"InternalId=(\d+)", reply.text).group(1))


class Life:
    """One daemon that is killed before its k-th call (0: at the end), counted from accepting or from delivering."""

    def __init__(self, folder, binary, phase, kill_at):
        self.folder = tempfile.mkdtemp(dir=folder)
        os.chmod(self.folder, 0o755)
        self.port, self.ledger = free_port(), Ledger()
        self.sink, self.record_path = Sink(), os.path.join(self.folder, "record")
        self.sink.stop()
        org = Organization()
        org.relay("Relay", self.port, EVERYBODY)
        org.send("Internet", self.sink.port)
        self.daemon = Daemon(org.write(self.folder), {"queue.retry": "1s 1s 1s", "server.loops": 1}, env=ENVIRONMENT, as_root=True,
                             start=False)
        try:
            self.live(binary, phase, kill_at)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.daemon.close()
        self.sink.stop()

    def live(self, binary, phase, kill_at):
        daemon = self.daemon
        daemon.program, daemon.tracer = os.path.join(BUILD, binary), record(self.record_path, kill_at)
        daemon.start()
        eventually(lambda: can_connect(self.port))
        if phase == "accepting":
            self.count()
            self.ledger.send(self.port)
        else:
            self.ledger.send(self.port)
            self.count()
            self.sink.start()
            eventually(self.is_over, 30)
        daemon.kill()
        self.sink.stop()
        eventually(lambda: Recording.is_whole(self.record_path))
        self.recording = Recording.read(self.record_path)
        self.was_killed = self.recording.counted == kill_at
        self.arrived = self.take_arrivals()
        daemon.program, daemon.tracer = os.path.join(BUILD, "dirrelayd"), []

    def is_over(self):
        """Killed, or all is delivered and written down."""
        if not self.daemon.is_running():
            return True
        return len(self.daemon.seen("message.delivered")) >= len(SIZES) and self.daemon.metrics().get("dirrelay_queue_messages") == 0

    def count(self):
        """From here on the recorder counts."""
        os.kill(Recording.recorder(self.record_path), signal.SIGUSR1)

    def lose_power(self):
        """The spool with what was synced, and nothing else."""
        spool = os.path.join(self.daemon.state_dir, "spool")
        for _, _, disk in replay(self.recording, spool):
            pass
        shutil.rmtree(spool)
        disk.build(spool, Chance(random.Random(SEED), 0.0))
        for root, _, files in os.walk(spool):
            for path in [root] + [os.path.join(root, file) for file in files]:
                self.daemon._own(path, 0o700)

    def owed(self):
        """The ids in the spool, from a copy of it."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            copy = shutil.copytree(os.path.join(self.daemon.state_dir, "spool"), os.path.join(folder, "spool"))
            os.chmod(copy, 0o700)
            done = subprocess.run([program("spool_writer"), "check", copy], capture_output=True, text=True, check=True,
                                  env={**os.environ, **ENVIRONMENT})
        return {int(line.split()[1]) for line in done.stdout.splitlines() if not line.startswith("next")}

    def start_again(self):
        """All that is owed leaves; one line for each thing that client, queue and sink do not agree on."""
        owed, ledger = self.owed(), self.ledger
        self.sink.start()
        self.daemon.start()
        eventually(lambda: self.daemon.metrics().get("dirrelay_queue_messages") == 0, 30)
        self.daemon.kill()
        self.sink.stop()
        arrived = collections.Counter(self.arrived + self.take_arrivals())
        again = {number for number in arrived if arrived[number] > 1}
        in_flight = {number for number in self.arrived if ledger.accepted.get(number) in owed}
        return (["%d: answered 250 and lost" % number for number in ledger.accepted if not arrived[number]]
                + ["%d: arrived without a final dot" % number for number in arrived if number not in ledger.ended]
                + ["%d: came again after its end was written down" % number for number in again - in_flight]
                + ["%d: came %d times" % (number, arrived[number]) for number in again if arrived[number] > 2])

    def take_arrivals(self):
        """The numbers of the messages at the sink, each whole; it forgets them."""
        messages, self.sink.messages = self.sink.messages, []
        numbers = [int(message.recipients[0].partition("@")[0][1:]) for message in messages]
        for number, message in zip(numbers, messages):
            if message.body != content(number).partition(b"\r\n\r\n")[2] or message.sender != name(number) + "@elsewhere.example":
                raise AssertionError("%d arrived damaged" % number)
        return numbers


@unittest.skipIf(why_no_recording(), why_no_recording())
@unittest.skipUnless(os.geteuid() == 0, "needs root: the daemon lets nobody else look in")
class KilledAtCall(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dr-calls-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        self.hits = 0  # lives that came as far as the call they were to be killed at

    def life(self, phase, kill_at, binary="dirrelayd"):
        life = Life(self.folder, binary, phase, kill_at)
        self.addCleanup(life.close)
        return life

    def reconcile(self, phase, calls, binary="dirrelayd"):
        """What went wrong on the files as they were left, and on the disk that lost power; by call."""
        killed, lost = [], []
        for call in calls:
            life = self.life(phase, call, binary)
            self.hits += life.was_killed
            killed += ["call %d, %s" % (call, line) for line in life.start_again()]
            life.lose_power()
            lost += ["call %d, %s" % (call, line) for line in life.start_again()]
            life.close()
        return killed, lost

    def calls(self, phase):
        """Those that one life makes."""
        life = self.life(phase, 0)
        self.assertEqual(set(life.ledger.accepted), set(range(len(SIZES))))
        self.assertGreater(life.recording.counted, 100)
        return range(1, life.recording.counted + 1)

    def check(self, phase):
        calls = self.calls(phase)
        chosen = calls if KILLS is None else random.Random(SEED).sample(calls, KILLS)
        self.assertEqual(self.reconcile(phase, chosen), ([], []))
        self.assertGreater(self.hits, len(chosen) / 2)
        print("killed while %s, at %d of %d calls: nothing lost" % (phase, self.hits, len(calls)), file=sys.stderr)

    # proves: R7 R8 contract-5
    def test_while_accepting(self):
        self.check("accepting")

    # proves: R9 R8 contract-5
    def test_while_delivering(self):
        self.check("delivering")

    # proves: R7
    def test_answers_before_the_commit_are_noticed(self):
        calls = self.calls("accepting")
        killed, lost = self.reconcile("accepting", [len(calls) * part // 10 for part in (5, 7, 9)], "dirrelayd_early")
        self.assertTrue(any("lost" in line for line in killed), killed)
        self.assertTrue(any("lost" in line for line in lost), lost)

    # proves: R8
    def test_a_daemon_without_syncs_is_noticed(self):
        calls = self.calls("accepting")
        killed, lost = self.reconcile("accepting", [len(calls) * part // 10 for part in (7, 9)], "dirrelayd_nosync")
        self.assertEqual(killed, [])  # the page cache outlives the process
        self.assertTrue(any("lost" in line for line in lost), lost)


if __name__ == "__main__":
    unittest.main()
