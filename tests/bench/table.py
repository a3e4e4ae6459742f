#!/usr/bin/python3
"""table.py RAW.jsonl: medians (min..max) in one Markdown table a workload, with ratios against Postfix."""

import collections
import json
import statistics
import sys

REFERENCE = "postfix"


def load(field):
    return lambda run: (run["load"] or {}).get(field)


def memory(field):
    return lambda run: run["memory"][field] / 1024 if run["memory"] else None


def delivered(run):
    """Messages a second from the start of the load to the last arrival."""
    sink = run["sink"]
    return sink["messages"] / ((sink["last_us"] - run["load"]["start_us"]) / 1e6) if sink["messages"] else None


def delivered_mb(run):
    return (delivered(run) or 0) * run["load"]["size"] / 1e6


def arrived_percent(run):
    return 100 * run["sink"]["messages"] / run["load"]["ok"] if run["load"]["ok"] else None


def logged_percent(run):
    """Refusals that stand in the log."""
    return 100 * run["extra"]["logged"] / run["load"]["ops"] if run["load"]["ops"] else None


def cpu(field, count="ops"):
    return lambda run: run[field] / run["load"][count] if run["load"][count] else None


def cpu_s_per_gb(run):
    return run["cpu_us"] / 1e6 / (run["load"]["ok"] * run["load"]["size"] / 1e9) if run["load"]["ok"] else None


def cpu_ms(run):
    return run["cpu_us"] / 1e3 / run["load"]["ok"] if run["load"]["ok"] else None


def directory_cpu_ms(run):
    return run["directory_cpu_us"] / 1e3 / run["load"]["ok"] if run["load"]["ok"] else None


def resumed_percent(run):
    return 100 * run["load"]["held"] / run["load"]["ok"] if run["load"]["ok"] else None


def busy_cores(run):
    """Of the peer, the load, the sink and the directory together, while the load ran."""
    seconds = max(run["load"]["seconds"], (run["sink"]["last_us"] - run["load"]["start_us"]) / 1e6)
    return (run["cpu_us"] + run["load_cpu_us"] + run["directory_cpu_us"]) / 1e6 / seconds


def kib_per_session(field):
    return lambda run: (run["memory"][field] - run["extra"]["base"][field]) / (run["extra"]["hold"]["held"] or 1)


def middle(field):
    return lambda run: statistics.median(run["extra"][field])


def worst(field):
    return lambda run: max(run["extra"][field])


# Title, figure of one run, and whether a ratio is worth saying.
SENDING = [("accepted/s", load("ok_per_s"), False), ("delivered/s", delivered, True), ("delivered %", arrived_percent, False),
           ("CPU µs/message", cpu("cpu_us"), True), ("peak RSS MiB", memory("rss_kb"), False),
           ("peak PSS MiB", memory("pss_kb"), True), ("p50 ms", load("p50_ms"), False), ("p99 ms", load("p99_ms"), False),
           ("load CPU µs/message", cpu("load_cpu_us"), False), ("busy cores", busy_cores, False), ("failed", load("failed"), False)]
TABLES = {
    "w1": SENDING,
    "w1b": SENDING,
    "w2": [("held", lambda run: run["extra"]["hold"]["held"], False), ("KiB PSS/session", kib_per_session("pss_kb"), True),
           ("KiB anonymous/session", kib_per_session("anon_kb"), False), ("PSS MiB", memory("pss_kb"), False),
           ("processes", lambda run: run["memory"]["procs"], False), ("new served of 10", load("ok"), False)],
    "w3": [("decisions/s", load("ok_per_s"), True), ("p50 ms", load("p50_ms"), False), ("p99 ms", load("p99_ms"), False),
           ("CPU µs/decision", cpu("cpu_us"), True), ("slapd CPU µs/decision", cpu("directory_cpu_us"), False),
           ("load CPU µs/decision", cpu("load_cpu_us"), False), ("busy cores", busy_cores, False), ("peak PSS MiB", memory("pss_kb"), False), ("logged %", logged_percent, False)],
    "w4": [("sessions/s", load("ok_per_s"), True), ("CPU ms/session", cpu_ms, True), ("slapd CPU ms/session", directory_cpu_ms, False),
           ("resumed %", resumed_percent, False), ("p50 ms", load("p50_ms"), False), ("p99 ms", load("p99_ms"), False),
           ("failed", load("failed"), False), ("peak PSS MiB", memory("pss_kb"), False)],
    "w5": [("delivered MB/s", delivered_mb, True), ("delivered %", arrived_percent, False), ("CPU s/GB", cpu_s_per_gb, True), ("busy cores", busy_cores, False),
           ("peak RSS MiB", memory("rss_kb"), False), ("peak PSS MiB", memory("pss_kb"), True),
           ("p50 ms", load("p50_ms"), False), ("max ms", load("max_ms"), False)],
    "policy": [("refused ms, median", middle("refused_ms"), False), ("refused ms, worst", worst("refused_ms"), False),
               ("granted ms, median", middle("granted_ms"), False), ("granted ms, worst", worst("granted_ms"), False),
               ("from ldapmodify's start ms, worst", worst("whole_ms"), False)],
}


def number(value):
    if value is None:
        return "–"
    return "%.0f" % value if abs(value) >= 100 else "%.1f" % value if abs(value) >= 10 else "%.2f" % value


def cell(values, reference):
    values = [value for value in values if value is not None]
    if not values:
        return "–"
    low, high, median = number(min(values)), number(max(values)), statistics.median(values)
    text = number(median) + (" (%s..%s)" % (low, high) if low != high else "")
    if reference:
        text += " **×%s**" % number(median / reference)
    return text


def print_table(name, runs):
    columns = TABLES[name]
    print("\n### %s\n\n| case | peer | runs | %s |" % (name, " | ".join(title for title, _, _ in columns)))
    print("|" + " --- |" * (len(columns) + 3))
    for case in dict.fromkeys(case for case, _ in runs):
        compared = runs.get((case, REFERENCE))
        for (_, peer), found in ((key, value) for key, value in runs.items() if key[0] == case):
            cells = []
            for _, figure, has_ratio in columns:
                reference = None
                if has_ratio and compared and peer != REFERENCE:
                    reference = statistics.median(figure(run) or 0 for run in compared)
                cells.append(cell([figure(run) for run in found], reference))
            print("| %s | %s | %d | %s |" % (case, peer, len(found), " | ".join(cells)))


def main():
    tables = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(sys.argv[1]) as file:
        for line in file:
            run = json.loads(line)
            tables[run["workload"]][run["case"], run["peer"]].append(run)
    for name in TABLES:
        if name in tables:
            print_table(name, tables[name])


main()
