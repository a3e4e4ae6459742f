"""A compose file of docker/ on the engine that DOCKER_HOST names: started unchanged, asked, and taken down with its volumes.

    class Try(ComposeCase):
        FILE = "compose.yaml"
"""

import json
import os
import subprocess
import unittest

from lib.smtp import eventually

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(REPOSITORY, "docker")
REFUSED = "550 5.7.1 Unable to relay"


def docker(*arguments, text=None, check=True, timeout=300, environment=None):
    """The finished process; what it said is shown when it fails."""
    done = subprocess.run(["docker", *arguments], input=text, capture_output=True, text=True, timeout=timeout, cwd=REPOSITORY,
                          env=dict(os.environ, **(environment or {})))
    if check and done.returncode != 0:
        raise AssertionError("docker %s: exit %d\n%s%s" % (" ".join(arguments), done.returncode, done.stdout[-4000:], done.stderr[-4000:]))
    return done


def inspect(name):
    return json.loads(docker("inspect", name).stdout)[0]


class Compose:
    """One project. environment: the variables of .env.example that this test sets."""

    def __init__(self, file, environment=None):
        self.file = os.path.join(FOLDER, file)
        self.environment = environment or {}

    def run(self, *arguments, **options):
        return docker("compose", "-f", self.file, *arguments, environment=self.environment, **options)

    def up(self, *services):
        """As the administrator starts it: every service healthy at the return."""
        self.run("up", "-d", "--wait", *services)

    def down(self):
        self.run("down", "-v", "--remove-orphans", "-t", "5", check=False)

    def container(self, service):
        return self.run("ps", "-aq", service).stdout.strip()

    def exec(self, service, *command, **options):
        return self.run("exec", "-T", service, *command, **options)

    def shell(self, text, **options):
        """Typed into the shell of the try-out."""
        return self.exec("shell", "bash", "-e", text=text, check=False, **options)

    def events(self, service="relay", event=None):
        """The JSON lines of a service's log."""
        lines = docker("logs", self.container(service)).stdout.splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if event is None or line["event"] == event]

    def arrived(self, subject, service="next-hop"):
        """The messages of this subject that the next hop took."""
        return [line for line in self.events(service, "message") if line["subject"] == subject]

    def flush(self, service="relay"):
        """The next hop is back: nothing waits for the time of its next attempt."""
        def is_empty():
            self.exec(service, "dirrelay", "queue", "retry", "*", check=False)
            assert json.loads(self.exec(service, "dirrelay", "queue", "list", "--json").stdout) == []
        eventually(is_empty, 30, every=0.5)

    def wait_arrived(self, subject, within=30):
        """The message of this subject, which came exactly once so far."""
        def has_come():
            found = self.arrived(subject)
            assert len(found) == 1, "%d messages %r at the next hop" % (len(found), subject)
            return found[0]
        return eventually(has_come, within, every=0.3)


class ComposeCase(unittest.TestCase):
    FILE = None
    ENVIRONMENT = {}

    @classmethod
    def setUpClass(cls):
        cls.project = Compose(cls.FILE, cls.ENVIRONMENT)
        cls.addClassCleanup(cls.project.down)
        cls.project.down()
        cls.project.up()

    def swaks(self, address, subject, *arguments, server, network, image="dirrelay-try", sender="printer@contoso.com"):
        """swaks in a container that has this address; the finished process. Exit 0: the message was accepted."""
        return docker("run", "--rm", "--network", network, "--ip", address, image, "swaks", "--server", server, "--from", sender,
                      "--to", "kate@fabrikam.com", "--header", "Subject: " + subject, *arguments, check=False)
