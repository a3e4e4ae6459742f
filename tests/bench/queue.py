#!/usr/bin/python3
"""A long queue under dirrelayd: how long a start takes, what it holds, how soon the first page is there.

    queue.py BUILD [MESSAGES] [later|due|relay|dead]

BUILD holds dirrelayd, dirrelay and bench_queue (cmake -DDIRRELAY_BENCH=ON). later: every message has failed once and is
due in an hour; due: all are due at once, for 1,009 domains behind one smart host that is away; relay: the same, and smtpsink
takes them: messages a second to one hop; dead: 1,000 of the domains have a smart host each that never greets, the other nine
are smtpsink's, whose mail must not wait for theirs. The spool lies below
$BENCH_ROOT (/var/tmp/dirrelay-bench), which must be on a real disk.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
os.environ["DIRRELAY_BUILD"] = os.path.abspath(sys.argv[1])
from lib.dirrelay import DIRRELAY, Daemon  # noqa: E402
from lib.organization import Organization  # noqa: E402
from lib.slapd import free_port  # noqa: E402

MESSAGES = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
MODE = sys.argv[3] if len(sys.argv) > 3 else "later"
DOMAINS, DEAD = 1009, 1000  # of bench_queue; of these with a dead hop
ROOT = os.environ.get("BENCH_ROOT", "/var/tmp/dirrelay-bench")
STATE = os.path.join(ROOT, "queue-%s-%d" % (MODE, MESSAGES))


def memory(daemon):
    with open("/proc/%d/status" % daemon.process.pid) as file:
        fields = dict(line.split(":", 1) for line in file)
    return "resident %s (anonymous %s), peak %s" % tuple(
        "%.0f MiB" % (int(fields[name].split()[0]) / 1024) for name in ("VmRSS", "RssAnon", "VmHWM"))


def fill():
    if not os.path.exists(STATE):
        os.makedirs(os.path.join(STATE))
        minutes = "60" if MODE == "later" else "0"
        subprocess.run([os.path.join(sys.argv[1], "bench_queue"), "fill", os.path.join(STATE, "spool"), str(MESSAGES), minutes],
                       check=True)
    subprocess.run(["chown", "-R", "nobody:nogroup", STATE], check=True)


def first_page(daemon, *arguments):
    begin = time.monotonic()
    process = subprocess.Popen([DIRRELAY, "-c", daemon.config_path, "queue", "list", *arguments], stdout=subprocess.PIPE)
    lines = [process.stdout.readline() for _ in range(100)]
    took = time.monotonic() - begin
    process.kill()
    process.wait()
    return "%.3f s%s" % (took, "" if lines[-1] else " (short)")


def relay(daemon, sink_port, wanted):
    """Starts the daemon against smtpsink, which writes what it has seen into a file."""
    report = os.path.join(ROOT, "queue-sink.json")
    sink = subprocess.Popen([os.path.join(ROOT, "bin", "smtpsink"), str(sink_port), report], stdout=subprocess.DEVNULL)
    try:
        daemon.start()
        begin, seen, last = time.monotonic(), 0, time.monotonic()
        while seen < wanted and time.monotonic() - last < 20:
            time.sleep(0.1)
            with open(report) as file:
                now = json.load(file)["messages"]
            last = time.monotonic() if now != seen else last
            seen = now
        print("%d messages to one hop in %.1f s: %.0f/s" % (seen, last - begin, seen / (last - begin)))
        with open("/proc/%d/stat" % daemon.process.pid) as file:
            ticks = sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
        print("CPU of dirrelayd: %.0f us a message; %s" % (ticks * 1e6 / os.sysconf("SC_CLK_TCK") / max(seen, 1), memory(daemon)))
        daemon.stop()
    finally:
        sink.kill()
        sink.wait()


def main():
    fill()
    port, sink_port = free_port(), free_port()
    organization = Organization().relay("Relay", port, "127.0.0.2")
    organization.send("Internet", sink_port, msExchSmtpMaxMessagesPerConnection=0)
    silent = socket.create_server(("0.0.0.0", 0), backlog=1)  # accepts nobody: the kernel does, once or twice an address
    for i in range(DEAD if MODE == "dead" else 0):
        organization.send("Dead %d" % i, silent.getsockname()[1], spaces="SMTP:d%d.example.net;1" % i,
                          hosts="[127.9.%d.%d]" % (i // 250, i % 250 + 1))
    folder = os.path.join(ROOT, "queue-directory")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    begin = time.monotonic()
    daemon = Daemon(organization.write(folder), {"log.level": "error", "queue.retry": "1h"}, state_dir=STATE, start=False)
    try:
        if MODE in ("relay", "dead"):
            relay(daemon, sink_port, MESSAGES if MODE == "relay" else sum(i % DOMAINS >= DEAD for i in range(MESSAGES)))
            return
        daemon.start()
        print("ready after %.2f s, %s" % (time.monotonic() - begin, memory(daemon)))
        print("first page of queue list: %s" % first_page(daemon))
        print("  with a filter that the last messages match: %s" % first_page(daemon, "--filter", "sender=user99*@contoso.com"))
        while daemon.metrics()["dirrelay_queue_messages"] < MESSAGES:
            time.sleep(0.1)
        print("all counted after %.2f s" % (time.monotonic() - begin))
        begin = time.monotonic()
        out = subprocess.run([DIRRELAY, "-c", daemon.config_path, "queue", "list"], stdout=subprocess.PIPE).stdout
        print("whole list: %.1f s, %d MiB, %s" % (time.monotonic() - begin, len(out) >> 20, memory(daemon)))
        time.sleep(10)
        print("ten seconds later: %s" % memory(daemon))
        print("first page of queue list: %s" % first_page(daemon))
        daemon.stop()
    finally:
        daemon.close()


main()
