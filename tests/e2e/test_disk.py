"""A full disk: 452 4.3.1 at MAIL, delivery goes on, the door opens again by itself. On a small tmpfs of its own."""

import os
import shutil
import subprocess
import tempfile
import unittest

from lib.dirrelay import Daemon
from lib.organization import EVERYBODY, Organization
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client, can_connect, eventually

NO_ROOM = "452 4.3.1 Insufficient system resources"


def mount(path, size):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s,mode=0755" % size, "none", path], capture_output=True, text=True)
    return done.returncode == 0


@unittest.skipUnless(os.geteuid() == 0, "mounting needs root")
class Disk(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dr-disk-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.disk = os.path.join(self.folder, "disk")
        os.mkdir(self.disk)
        if not mount(self.disk, "24m"):
            self.skipTest("tmpfs cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=False)
        shutil.chown(self.disk, "nobody", "nogroup")
        self.sink, self.port = Sink(), free_port()
        self.addCleanup(self.sink.stop)
        org = Organization()
        org.relay("Relay", self.port, EVERYBODY)
        org.send("Internet", self.sink.port)
        self.daemon = Daemon(org.write(self.folder), {"queue.reserve": "8M", "queue.retry": "1s"},
                             state_dir=os.path.join(self.disk, "state"))
        self.addCleanup(self.daemon.close)
        eventually(lambda: can_connect(self.port))

    def mail(self):
        with Client(self.port) as client:
            client.ehlo()
            return client.mail("chris@contoso.com").text

    def send(self, number, size=100):
        with Client(self.port) as client:
            for reply in client.envelope("chris@contoso.com", ["u%d@fabrikam.com" % number]):
                if reply.code != 250:
                    return reply.text
            return client.data(b"Subject: Test\r\n\r\n" + (b"d" * 98 + b"\r\n") * (size // 100)).text

    # proves: R5 contract-2
    def test_filled_by_others_and_emptied(self):
        self.assertTrue(self.send(0).startswith("250"))
        filler = os.path.join(self.disk, "filler")
        mark = self.daemon.mark()
        with open(filler, "wb") as file:
            file.write(b"\0" * (21 << 20))
        eventually(lambda: self.assertEqual(self.mail(), NO_ROOM), 30)
        self.daemon.wait("spool.full", since=mark)
        self.assertEqual(self.daemon.page("/readyz")[0], 503)
        os.unlink(filler)
        eventually(lambda: self.assertEqual(self.mail(), "250 2.1.0 Sender OK"), 30)
        self.assertTrue(self.send(1).startswith("250"))
        self.sink.wait(2)

    # proves: R5 contract-2
    def test_filled_by_mail_while_the_hop_is_away(self):
        self.sink.stop()
        accepted = []
        for number in range(1000):
            reply = self.send(number, 200000)
            if reply.startswith("452"):
                break
            self.assertTrue(reply.startswith("250"), reply)
            accepted.append("u%d@fabrikam.com" % number)
        else:
            self.fail("never full")
        self.assertEqual(self.mail(), NO_ROOM)
        self.assertGreater(len(accepted), 10)
        # Even with no byte left, what is owed goes out and is taken off the disk.
        filler = os.path.join(self.disk, "filler")
        try:
            with open(filler, "wb") as file:
                while True:
                    file.write(b"\0" * 65536)
                    file.flush()
        except OSError:
            pass
        self.sink.start()
        self.sink.wait(len(accepted), timeout=60)
        self.assertEqual(sorted(m.recipients[0] for m in self.sink.messages), sorted(accepted))
        eventually(lambda: self.assertEqual(self.daemon.queue(), []), 30)
        os.unlink(filler)
        eventually(lambda: self.assertEqual(self.mail(), "250 2.1.0 Sender OK"), 30)
        self.assertTrue(self.send(5000).startswith("250"))
        self.daemon.stop()

    # proves: R5
    def test_full_in_the_middle_of_a_message(self):
        with Client(self.port) as client:
            client.envelope("chris@contoso.com", ["big@fabrikam.com"])
            client.say("DATA")
            client.send(b"Subject: big\r\n\r\n")
            with open(os.path.join(self.disk, "filler"), "wb") as file:
                try:
                    while True:
                        file.write(b"\0" * 65536)
                        file.flush()
                except OSError:
                    pass
            client.send((b"d" * 98 + b"\r\n") * 20000 + b".\r\n")
            self.assertReply(client.reply().text)
        os.unlink(os.path.join(self.disk, "filler"))
        eventually(lambda: self.assertEqual(self.mail(), "250 2.1.0 Sender OK"), 30)
        self.assertTrue(self.send(1).startswith("250"))
        self.sink.wait(1)
        self.assertEqual(self.sink.to("big@fabrikam.com"), [])

    def assertReply(self, text):
        self.assertEqual(text, NO_ROOM)


if __name__ == "__main__":
    unittest.main()
