#!/usr/bin/python3
"""What of a login with a password reaches a directory that says yes to every bind, as servers do that take an empty password
for none (RFC 4513 5.1.2): the authenticator behind tests/tools/auth_probe.c."""

import base64
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.auth_probe import AuthProbe  # noqa: E402
from lib.scripted_ldap import BIND, ScriptedLdap  # noqa: E402


def encode(text):
    return base64.b64encode(text).decode() or "="


class Passwords(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(ScriptedLdap())
        self.probe = self.enterContext(AuthProbe(dict(os.environ), "--uri", self.server.uri, "--dn-after", ",ou=people,dc=x"))

    # proves: D1 D2
    def test_nothing_is_bound_for_what_proves_nothing(self):
        for message in (b"\0alice\0", b"\0alice\0\0", b"\0alice\0\0secret", b"\0alice\0sec\0ret", b"\0\0secret", b"\0\0",
                        b"\0 alice\0secret", b"alice\0secret", b"", b"\0alice", b"\0" + b"x" * 30000 + b"\0secret"):
            with self.subTest(message=message[:40]):
                self.assertIn(self.probe.say("start", "PLAIN", encode(message))[0], ("refused", "malformed"))
        for name, password in ((b"alice", b""), (b"alice", b"\0secret"), (b"", b"secret"), (b" alice", b"secret")):
            with self.subTest(name=name, password=password):
                verb, _ = self.probe.say("start", "LOGIN", encode(name))
                if verb == "challenge":
                    verb, _ = self.probe.say("step", encode(password))
                self.assertIn(verb, ("refused", "malformed"))
        self.assertEqual(self.server.count(BIND), 0)

    # proves: D1
    def test_a_password_is_bound_with_once(self):
        self.assertEqual(self.probe.say("start", "PLAIN", encode(b"\0alice\0secret"))[0], "done")
        self.assertEqual(self.server.count(BIND), 1)


if __name__ == "__main__":
    unittest.main()
