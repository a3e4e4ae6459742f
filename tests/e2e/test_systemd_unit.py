"""The unit that is installed: its sandbox lets through every system call that the daemon makes."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from lib.dirrelay import DIRRELAYD, REPOSITORY
from lib.smtp import Client, eventually
from lib.syscalls import why_no_strace
from lib.world import World

RELEASE = os.path.join(REPOSITORY, "build", "dirrelayd")
# What a sanitizer does is no part of the program.
PROGRAM = RELEASE if os.path.exists(RELEASE) else DIRRELAYD
with open(os.path.join(REPOSITORY, "server", "daemon", "dirrelayd.service.in")) as source:
    TEXT = source.read()


def unit():
    """{directive: [values]}"""
    found = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", TEXT, re.M):
        found.setdefault(name, []).append(value)
    return found


def expand(words):
    """The system calls that these names and @groups of systemd mean."""
    calls = set()
    for word in words:
        if not word.startswith("@"):
            calls.add(word)
            continue
        text = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True).stdout
        inside = [line.strip() for line in text.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
        calls |= expand(inside)
    return calls


def allowed():
    calls = set()
    for value in unit()["SystemCallFilter"]:
        if value.startswith("~"):
            calls -= expand(value[1:].split())
        else:
            calls |= expand(value.split())
    return calls


@unittest.skipIf(why_no_strace(), why_no_strace())
@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed here")
class SystemdUnit(unittest.TestCase):
    # proves: R23
    def test_the_filter_lets_a_life_of_the_daemon_through(self):
        def organize(org, port, unused):
            org.relay("Relay", port, ["127.0.0.0/24"])
        with World(organize, start=False) as world:
            daemon, path = world.daemon, os.path.join(world.daemon.folder, "trace")
            daemon.program, daemon.tracer = PROGRAM, ["strace", "-D", "-f", "-o", path]
            daemon.start()
            world.listening()
            with Client(world.port) as client:
                client.send_message("chris@contoso.com", ["kate@fabrikam.com"], b"Subject: x\r\n\r\n" + b"long\r\n" * 8000)
            world.sink.wait(1)
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait("config.reloaded")
            self.assertEqual(daemon.cli("status").code, 0)
            daemon.stop()

            def made():
                with open(path, errors="replace") as file:
                    text = file.read()
                return "+++ exited with" in text.splitlines()[-1] and set(re.findall(r"^\d+ +([a-z_0-9]+)\(", text, re.M))
            calls = eventually(made)
        self.assertIn("capset", calls)
        self.assertIn("fdatasync" if "fdatasync" in calls else "fsync", calls)
        self.assertEqual(calls - allowed(), set())

    def test_the_unit_is_well_formed_and_closed(self):
        directives = unit()
        self.assertEqual(directives["CapabilityBoundingSet"], ["CAP_NET_BIND_SERVICE"])
        self.assertEqual(directives["User"], ["dirrelay"])
        self.assertEqual(directives["ProtectSystem"], ["strict"])
        with tempfile.TemporaryDirectory(prefix="dr-unit-") as folder:
            path = os.path.join(folder, "dirrelayd.service")
            with open(path, "w") as file:
                file.write(TEXT.replace("@CMAKE_INSTALL_FULL_BINDIR@", "/bin"))
            # Exposure in tenths, of 100.
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", path],
                                  capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
