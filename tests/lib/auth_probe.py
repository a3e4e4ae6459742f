"""The authenticator without a session: tests/tools/auth_probe.c, a question and an answer a line."""

import os
import subprocess

from lib.directory_probe import program

HOST = "mail.example.test"
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LEAKS_OF_LIBRARIES = {"LSAN_OPTIONS": "suppressions=%s:print_suppressions=0" % os.path.join(TESTS, "lsan.supp"),
                      "ASAN_OPTIONS": "fast_unwind_on_malloc=0"}


class AuthProbe:
    def __init__(self, environment, *arguments):
        self.process = subprocess.Popen([program("auth_probe"), "--host", HOST, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env={**environment, **LEAKS_OF_LIBRARIES})

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        self.process.stdin.close()
        code = self.process.wait(20)
        self.process.stdout.close()
        if kind is None and code != 0:
            raise AssertionError("auth_probe ended with %d" % code)

    def say(self, *words):
        """[verb, rest]"""
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return (self.process.stdout.readline().rstrip("\n").split(" ", 1) + [""])[:2]

    def offered(self):
        return self.say("offered")[1].split()
