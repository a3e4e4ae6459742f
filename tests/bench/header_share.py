#!/usr/bin/python3
"""What part of dirrelayd's instructions the header firewall and the authentication stamp take when it relays 4 KiB messages.

    header_share.py [BUILD] [MESSAGES]        BUILD: built as RelWithDebInfo or Release (build); MESSAGES: of one run (300)

A whole dirrelayd under callgrind, from one client to a sink, two runs: what the second one's additional messages cost. Counted are
instructions of the program itself, not the kernel's, so that other work on the machine does not matter; of all that a message
costs, kernel and disk included, the part is smaller. "short" is the header of smtpload (5 fields), "long" that of
tests/messages/thunderbird.eml (14 fields, four of them folded).
"""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
os.environ["DIRRELAY_BUILD"] = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
from lib import client_messages, dirrelay  # noqa: E402
from lib.organization import Organization  # noqa: E402
from lib.sink import Sink  # noqa: E402
from lib.slapd import free_port  # noqa: E402
from lib.smtp import Client, can_connect, eventually  # noqa: E402

MESSAGES = int(sys.argv[2]) if len(sys.argv) > 2 else 300
IN_A_SESSION = 20
# None of them calls another one. header_remove is every walk that picks out fields or takes some away, inbound and outbound, with the
# copy of the header that it makes.
PARTS = ("header_remove", "auth_stamp_plan", "auth_stamp_append", "auth_stamp_makes_internal")
SHORT = (b"From: <sender@bench.test>\r\nTo: <rcpt@example.org>\r\nSubject: benchmark message\r\nMessage-ID: <1@load.bench.test>\r\n"
         b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n")
HEADERS = {"short": SHORT, "long": client_messages.text("thunderbird").partition(b"\r\n\r\n")[0] + b"\r\n"}


def counts(out):
    """(all instructions, {part: inclusive instructions})"""
    text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out], capture_output=True, text=True, check=True).stdout
    def number(pattern):
        found = re.findall(r"^\s*([\d,]+) \(.*%s" % pattern, text, re.M)
        return max((int(value.replace(",", "")) for value in found), default=0)
    return number("PROGRAM TOTALS"), {part: number(r":%s(?: \[.*)?$" % part) for part in PARTS + ("message_header_rewrite",)}


# What callgrind cannot do: seccomp, and a map of 64 GiB.
PRELOADED = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
int seccomp_load(void *filter) { (void)filter; return 0; }
int seccomp_attr_set(void *filter, int name, unsigned value) { (void)filter, (void)name, (void)value; return 0; }
int mdb_env_set_mapsize(void *env, size_t size)
{
    int (*set)(void *, size_t) = (int (*)(void *, size_t))dlsym(RTLD_NEXT, "mdb_env_set_mapsize");
    return set(env, size < 1ul << 30 ? size : 1ul << 30);
}
"""


def preloaded(folder):
    source, library = os.path.join(folder, "preloaded.c"), os.path.join(folder, "preloaded.so")
    with open(source, "w") as file:
        file.write(PRELOADED)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": library}


def run(header, messages):
    with tempfile.TemporaryDirectory() as folder, Sink() as sink:
        os.chmod(folder, 0o777)
        port, out = free_port(), os.path.join(folder, "out")
        organization = Organization()
        organization.relay("Relay", port, ["127.0.0.2"], msExchSmtpReceiveMaxInboundConnectionsPerSource=1000)
        organization.send("Internet", sink.port)
        daemon = dirrelay.Daemon(organization.write(folder), {"server.loops": 1}, env=preloaded(folder), start=False)
        daemon.tracer = ["valgrind", "--quiet", "--tool=callgrind", "--log-file=" + folder + "/log", "--callgrind-out-file=" + out]
        try:
            daemon.start(wait=False)
            eventually(lambda: can_connect(port), within=60)
            body = (b"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 01234\r\n" * 60)[:4096 - len(header) - 2]
            text = header + b"\r\n" + body[:body.rindex(b"\n") + 1]
            for _ in range(messages // IN_A_SESSION):
                with Client(port, timeout=60) as client:
                    client.ehlo()
                    for _ in range(IN_A_SESSION):
                        client.mail("sender@bench.test")
                        client.rcpt("rcpt@example.org")
                        assert client.data(text).code == 250
            sink.wait(messages, timeout=120)
            daemon.stop(120)
        finally:
            daemon.close()
        return counts(out)


def main():
    for name, header in HEADERS.items():
        (few, few_parts), (many, many_parts) = run(header, IN_A_SESSION), run(header, IN_A_SESSION + MESSAGES)
        a_message = (many - few) / MESSAGES
        parts = {part: (many_parts[part] - few_parts[part]) / MESSAGES for part in many_parts}
        rewrite = parts.pop("message_header_rewrite")
        print("%-5s header: %8.0f instructions a message, %6.0f (%.1f %%) of them firewall and stamp; the whole new header %6.0f" % (
            name, a_message, sum(parts.values()), 100 * sum(parts.values()) / a_message, rewrite))
        for part, instructions in parts.items():
            print("    %-28s %6.0f" % (part, instructions))


main()
