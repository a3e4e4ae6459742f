#!/usr/bin/python3
"""Every #include between rooms is allowed by server/edges.txt; the same file links the rooms."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2] / "server"
edges = {}
for line in (root / "edges.txt").read_text().splitlines():
    match = re.match(r"([a-z_]+):(.*)", line)
    if match:
        edges[match[1]] = set(match[2].split()) | {"base", match[1]}

failures = []
for room in sorted(path.name for path in root.iterdir() if path.is_dir()):
    if room not in edges:
        failures.append(f"server/{room}: not in edges.txt")
        continue
    for source in sorted((root / room).glob("*.[ch]")):
        for included in re.findall(r'^#include "([a-z_]+)/', source.read_text(), re.M):
            if included not in edges[room]:
                failures.append(f"server/{room}/{source.name}: includes {included}/, which edges.txt does not allow")
for room, below in edges.items():
    for other in below - {room}:
        if room in edges.get(other, ()):
            failures.append(f"edges.txt: {room} and {other} lean on each other")
print("\n".join(failures) or "edges hold")
sys.exit(bool(failures))
