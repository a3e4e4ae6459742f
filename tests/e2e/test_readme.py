"""The README's commands, as printed: taken out of its code blocks and typed into a shell beside a running quickstart."""

import os
import re
import signal
import subprocess
import unittest

from lib.smtp import eventually

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REFUSED = "550 5.7.1 Unable to relay"


def commands_and_answers():
    """[(shell text, what the README promises of its output)]: a block without a language is the answer to the one above."""
    blocks = re.findall(r"^```(sh)?\n(.*?)^```$", read("README.md"), re.M | re.S)
    found = []
    for language, text in blocks:
        if language:
            found.append([text, None])
        else:
            found[-1][1] = text.strip("\n")
    return found


class Quickstart:
    """./quickstart.sh until its log follows; after(export lines) runs in another terminal's shell."""

    def __enter__(self):
        self.process = subprocess.Popen(["./quickstart.sh"], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, start_new_session=True)
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if line.startswith("The log of dirrelayd follows"):
                break
        self.exports = "\n".join(re.findall(r"^export .*$", self.said, re.M))
        return self

    def __exit__(self, *unused):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.log = self.process.communicate(timeout=60)[0]

    def type(self, text):
        done = subprocess.run(["/bin/bash", "-ec", "%s\n%s" % (self.exports, text)], cwd=REPOSITORY, capture_output=True,
                              text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr


class Readme(unittest.TestCase):
    # proves: C23 contract-1 contract-4 contract-6
    def test_every_command_works_as_printed(self):
        steps = commands_and_answers()
        self.assertGreaterEqual(len(steps), 10)
        logged = None
        with Quickstart() as quickstart:
            self.assertEqual(len(quickstart.exports.splitlines()), 4, quickstart.said)
            for command, answer in steps:
                if answer and answer.startswith('"event"'):
                    logged, answer = answer, "<** " + REFUSED
                with self.subTest(command=command):
                    self.try_step(quickstart, command, answer)
        self.assertTrue(logged)
        parts = [part.strip(", ") for part in logged.split("…")]
        self.assertTrue(any(all(part in line for part in parts) for line in quickstart.log.splitlines()), quickstart.log)

    def try_step(self, quickstart, command, answer):
        """A change takes a moment that a reader does not notice: what does not change anything is tried again."""
        is_change = command.startswith(("ldapadd", "ldapmodify"))
        is_refusal = answer is not None and REFUSED in answer

        def works():
            self.code, self.out = quickstart.type(command)
            return (self.code != 0) == is_refusal and (answer is None or answer in self.out)
        try:
            if is_change:
                self.assertTrue(works())
            else:
                eventually(works, 20)
        except AssertionError:
            self.fail("exit %d, expected %r:\n%s" % (self.code, answer, self.out))


def read(*path):
    with open(os.path.join(REPOSITORY, *path)) as file:
        return file.read()


def sources(*folders):
    for folder in folders:
        for name in sorted(os.listdir(os.path.join(REPOSITORY, "server", folder))):
            if name.endswith(".c"):
                yield read("server", folder, name)


class Documents(unittest.TestCase):
    def test_every_linked_document_exists(self):
        for folder, name in (("", "README.md"), ("docs", "architecture.md"), ("docs", "permissions.md"), ("docs", "operations.md"),
                             ("docs", "openldap.md"), ("docs", "migrating-from-exchange.md"), ("docs", "existing-directory.md")):
            for target in re.findall(r"\]\(([^)#:]+)\)", read(folder, name)):
                self.assertTrue(os.path.exists(os.path.join(REPOSITORY, folder, target)), "%s: %s" % (name, target))

    # proves: contract-2
    def test_operations_names_every_key(self):
        table = read("docs", "operations.md")
        for section, name in re.findall(r'^    \{"([a-z]+)", "([a-z_]+)", KEY_', read("server", "config", "keys.c"), re.M):
            self.assertRegex(table, r"\n\|[^|]*\b%s\.%s\b" % (section, name))

    # proves: contract-6
    def test_operations_names_every_event_reason_and_metric(self):
        text = read("docs", "operations.md")
        every = [name for name in os.listdir(os.path.join(REPOSITORY, "server")) if "." not in name]
        found = {name for source in sources(*every) for name in re.findall(r'"([a-z]+\.[a-z_]+)"', source)}
        found = {name for name in found if not name.endswith((".mdb", ".ldif", ".com"))}
        found |= set(re.findall(r'"(dirrelay_[a-z_]+)"', "".join(sources(*every))))
        found |= set(re.findall(r'"([a-z0-9-]+)"\}', read("server", "smtp_server", "reply.c")))
        self.assertGreater(len(found), 80)
        self.assertEqual([name for name in sorted(found) if not re.search(r"\b%s\b" % re.escape(name), text)], [])

    # proves: contract-4
    def test_operations_names_every_rule_of_lint(self):
        table = read("docs", "operations.md").partition("| lint rule | |")[2].partition("\n\n")[0]
        documented = set(re.findall(r"[a-z-]+", " ".join(re.findall(r"^\|([^|]*)\|", table, re.M))))
        rules = {name for source in sources("policy") for name in re.findall(r'"(refused|[a-z]+-[a-z-]+[a-z])"', source) if "LINT_" in source}
        self.assertGreater(len(rules), 25)
        self.assertEqual({name for name in rules if not name.endswith("-acknowledged")} - documented, set())


if __name__ == "__main__":
    unittest.main()
