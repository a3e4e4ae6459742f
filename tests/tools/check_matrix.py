"""Every row of the attack and fault matrix has a test that names it, or a line in docs/security.md that says why not.

    check_matrix.py [LOG]     LOG: what ctest and `unittest -v` said, files of the latter behind a line "file: PATH"

Prints the table row -> tests -> result. Exit 1: a row has neither, or (with LOG) a test of a row failed or none of its tests ran.
"""
import re
import sys

import make_specification_doc as specification

REASON = re.compile(r"^\| ([FADTR]\d+) \|", re.M)
CTEST = re.compile(r"Test +#\d+: (\w+)/(test_\w+) \.* *(Passed|\*\*\*\w+)")
CASE = re.compile(r"^(test_\w+) \(", re.M)
BAD = re.compile(r"^(?:FAIL|ERROR): (test_\w+) \(", re.M)
SKIPPED = re.compile(r"^(test_\w+) \(.*\.\.\. skipped", re.M)


def results(log):
    """{path: {test or "": "passed", "failed" or "skipped"}}; a unit test's program stands for all its tests."""
    found = {}
    for room, name, outcome in CTEST.findall(log):
        found[f"tests/unit/{room}/{name}.c"] = {"": "passed" if outcome == "Passed" else "failed"}
    for part in log.split("\nfile: ")[1:]:
        path, _, text = part.partition("\n")
        tests = {name: "passed" for name in CASE.findall(text)}
        tests.update({name: "skipped" for name in SKIPPED.findall(text)})
        tests.update({name: "failed" for name in BAD.findall(text)})
        found[path] = tests
    return found


def outcome(tests, ran):
    """("3 passed, 1 skipped", good)"""
    counts = {"passed": 0, "failed": 0, "skipped": 0, "not run": 0}
    for path, test in tests:
        known = ran.get(path, {})
        counts[known.get(test, known.get("", "not run"))] += 1
    text = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return text, counts["failed"] == 0 and counts["passed"] > 0


def main():
    found = specification.proofs()
    reasons = set(REASON.findall((specification.root / "docs" / "security.md").read_text()))
    with open(sys.argv[1], errors="replace") if len(sys.argv) > 1 else open("/dev/null") as file:
        ran = results("\n" + file.read())
    bad = []
    print("| row | attack or fault | tests | result |\n|---|---|---|---|")
    for row, attack, _ in specification.rows("matrix.tsv"):
        tests = found.get(row, set())
        text, good = outcome(tests, ran)
        if not tests:
            text, good = ("docs/security.md says why", True) if row in reasons else ("no test", False)
        if not good and (ran or not tests):
            bad.append(f"{row}: {text}")
        print(f"| {row} | {attack} | {specification.cell(tests)} | {text} |")
    print("\n".join(bad), file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
