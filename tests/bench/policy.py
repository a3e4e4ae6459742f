#!/usr/bin/python3
"""How soon a change in the directory is in force in a session that is open: one JSON object.

    policy.py SMTP_PORT DIRECTORY_JSON [ROUNDS]

One session asks, over and over, MAIL, RCPT, RSET. ldapmodify takes the right to relay away; the time counts from its
return to the first 550 of RCPT, and in the same way back to the first 250; whole_ms counts from its start, an upper
bound. The session is never closed.
"""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.organization import ANY_RECIPIENT, change  # noqa: E402
from lib.smtp import Client  # noqa: E402

LIMIT_S = 10


class Asker:
    def __init__(self, port):
        self.client = Client(port, source="127.0.0.1")
        self.client.say("EHLO load.bench.test")

    def code(self):
        self.client.say("MAIL FROM:<sender@bench.test>")
        answer = self.client.say("RCPT TO:<someone@example.org>").code
        self.client.say("RSET")
        return answer

    def wait_for(self, code):
        """The time of the first reply with this code."""
        deadline = time.monotonic() + LIMIT_S
        while self.code() != code:
            if time.monotonic() > deadline:
                raise SystemExit("no %d in %d s" % (code, LIMIT_S))
        return time.monotonic()


def modify(directory, operation):
    subprocess.run(["ldapmodify", "-x", "-H", directory["uri"], "-D", directory["admin"], "-w", directory["password"]],
                   input=change(directory["relay"], (operation, "dirrelayAce", ANY_RECIPIENT)), text=True, check=True,
                   stdout=subprocess.DEVNULL)


def main():
    port = int(sys.argv[1])
    with open(sys.argv[2]) as file:
        directory = json.load(file)
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    asker = Asker(port)
    asker.wait_for(250)
    times = {"refused_ms": [], "granted_ms": [], "whole_ms": []}
    for _ in range(rounds):
        for operation, code, name in (("delete", 550, "refused_ms"), ("add", 250, "granted_ms")):
            started = time.monotonic()
            modify(directory, operation)
            returned = time.monotonic()
            in_force = asker.wait_for(code)
            times[name].append(1000 * (in_force - returned))
            times["whole_ms"].append(1000 * (in_force - started))
    print(json.dumps(times))


main()
