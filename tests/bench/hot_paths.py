#!/usr/bin/python3
"""Instructions of five hot paths, counted by callgrind and held against the last ones recorded; and 1,000 connectors of 100
ranges, loaded and matched.

    hot_paths.py BUILD              exit 1 when a path takes more than its count in hot_paths.tsv and TOLERANCE
    hot_paths.py BUILD --record     writes the counts there

BUILD holds bench_hot_paths and bench_connectors (cmake -DDIRRELAY_BENCH=ON, RelWithDebInfo). Counts do not depend on the
machine's load, but on the compiler and the libraries: those of Debian 12 on x86-64 with AVX2 were recorded.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from lib.organization import Organization  # noqa: E402

RECORD = os.path.join(HERE, "hot_paths.tsv")
TOLERANCE = 0.05
CONNECTORS, RANGES = 1000, 100


def write_connectors(folder):
    organization = Organization()
    for i in range(CONNECTORS):
        net = "10.%d.%d." % (i // 250, i % 250)
        organization.relay("C%d" % i, "0.0.0.0:25", ["%s%d-%s%d" % (net, 2 * j, net, 2 * j + 1) for j in range(RANGES)])
    return organization.write(folder).partition(":")[2]


def count(build, connectors, folder):
    """{path: instructions a round}"""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=" + os.path.join(folder, "out"),
         os.path.join(build, "bench_hot_paths"), connectors, os.path.join(folder, "spool")], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("bench_hot_paths: %s%s" % (done.stdout, done.stderr))
    rounds = {name: int(number) for name, number in (line.split() for line in done.stdout.splitlines())}
    counts = {}
    for path in glob.glob(os.path.join(folder, "out.*")):
        with open(path) as file:
            text = file.read()
        name = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)
        if name:
            counts[name[1]] = int(re.search(r"^totals: (\d+)$", text, re.M)[1]) // rounds[name[1]]
    if set(counts) != set(rounds):
        sys.exit("no counts of %s" % sorted(set(rounds) - set(counts)))
    return counts


def read_record():
    with open(RECORD) as file:
        return {name: int(number) for name, number in (line.split("\t") for line in file)}


def judge(counts):
    """Prints each path; False when one takes too many."""
    recorded, is_good = read_record(), True
    for name, number in recorded.items():
        change = counts[name] / number - 1
        is_good = is_good and change <= TOLERANCE
        print("%-22s %8d instructions, recorded %8d: %+.1f %%%s" %
              (name, counts[name], number, 100 * change, "" if change <= TOLERANCE else "  TOO MANY"))
        if change < -2 * TOLERANCE:
            print("%-22s takes fewer for good? then record it" % name)
    return is_good


def main():
    build = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="dr-hot-") as folder:
        connectors = write_connectors(folder)
        counts = count(build, connectors, folder)
        if sys.argv[2:] == ["--record"]:
            with open(RECORD, "w") as file:
                file.writelines("%s\t%d\n" % row for row in counts.items())
        is_good = judge(counts)
        is_good = subprocess.run([os.path.join(build, "bench_connectors"), connectors]).returncode == 0 and is_good
    sys.exit(0 if is_good else 1)


main()
