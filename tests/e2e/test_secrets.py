"""What a client says of its password is in no log line, also where AUTH is not offered."""

import json
import resource
import unittest

from lib.dirrelay import SANITIZED
from lib.world import Case, World

USER, PASSWORD = "cHJpbnRlci11c2Vy", "Y2FuYXJ5LXBhc3N3b3Jk"


class Secrets(Case):
    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Default", port, groups="AnonymousUsers")

    def said(self, source):
        """The log so far, once a session from this source has ended."""
        self.daemon.wait("session.close", client=lambda client: client and client.startswith(source + ":"))
        return json.dumps(self.daemon.seen())

    # proves: contract-6 T11
    def test_a_client_that_sends_its_password_unasked(self):
        for number, lines in enumerate((
                ["AUTH LOGIN", USER, PASSWORD, "EHLO again"],
                ["AUTH PLAIN " + PASSWORD],
                ["auth plain\t" + PASSWORD],
                ["AUTH LOGIN " + USER, PASSWORD + " ", "* "])):
            source = "127.0.0.%d" % (10 + number)
            with self.client(source) as client:
                client.ehlo()
                for line in lines:
                    client.say(line)
                client.quit()
            log = self.said(source)
            self.assertNotIn(PASSWORD, log)
            self.assertNotIn(USER, log)

    # proves: contract-6 T11
    def test_all_in_one_segment(self):
        for number, text in enumerate(("AUTH PLAIN %s\r\nNOOP\r\n" % PASSWORD, "AUTH LOGIN\r\n%s\r\n%s\r\n" % (USER, PASSWORD))):
            source = "127.0.0.%d" % (20 + number)
            with self.client(source) as client:
                client.ehlo()
                client.send(text.encode())
                self.assertEqual(client.reply().code, 554)
            log = self.said(source)
            self.assertNotIn(PASSWORD, log)
            self.assertNotIn(USER, log)


class Cores(unittest.TestCase):
    # proves: T11
    def test_the_daemon_leaves_none(self):
        """Whatever it inherits. (AddressSanitizer forbids cores by itself, unless told.)"""
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        if hard == 0:
            self.skipTest("no process may leave a core here")
        before = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, before)
        options = SANITIZED["ASAN_OPTIONS"] + ":disable_coredump=0"
        with World(lambda org, port, sink: org.relay("Relay", port, ["127.0.0.2"]), env={"ASAN_OPTIONS": options}) as world:
            with open("/proc/%d/limits" % world.daemon.process.pid) as file:
                limits = file.read()
            self.assertRegex(limits, r"Max core file size +0 +0 ")


if __name__ == "__main__":
    unittest.main()
