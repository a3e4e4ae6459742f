"""What stands in docker/ without an engine: every setting is a variable that .env.example names, with the same default."""

import fnmatch
import glob
import os
import re
import unittest

from e2e.test_readme import REPOSITORY, read

FILES = sorted(os.path.basename(path) for path in glob.glob(os.path.join(REPOSITORY, "docker", "*.yaml")))
DOCKERFILES = ("Dockerfile", "openldap/Dockerfile", "haproxy/Dockerfile")


def variables(text):
    """{name: set of its defaults}"""
    found = {}
    for name, kind, default in re.findall(r"\$\{([A-Z_]+)(:-|:\?)([^}]*)\}", text):
        found.setdefault(name, set())
        if kind == ":-":
            found[name].add(default)
    return found


class ComposeFiles(unittest.TestCase):
    def test_every_variable_stands_in_the_example_with_its_default(self):
        example = dict(re.findall(r"^#([A-Z_]+)=(.*)$", read("docker", ".env.example"), re.M))
        used = {}
        for name in FILES:
            for variable, defaults in variables(read("docker", name)).items():
                used.setdefault(variable, set()).update(defaults)
        self.assertEqual(set(used), set(example))
        for variable, defaults in used.items():
            if variable not in ("DIRRELAY_PROJECT", "DIRRELAY_SNAPSHOT"):
                with self.subTest(variable=variable):
                    self.assertLessEqual(defaults, {example[variable]})

    def test_no_file_asks_for_more_than_a_machine_may_have(self):
        for name in FILES:
            with self.subTest(file=name):
                self.assertNotRegex(read("docker", name), r"ulimits|privileged")

    def test_every_image_is_a_variable(self):
        for name in FILES:
            for image in re.findall(r"^ +image: (.*)$", read("docker", name), re.M):
                self.assertRegex(image, r"^\$\{DIRRELAY_[A-Z]*_?IMAGE:-dirrelay[a-z-]*\}$")

    def test_every_published_port_and_folder_of_the_machine_is_a_variable(self):
        for name in FILES:
            text = read("docker", name)
            found = re.findall(r"^ +- \"?([^\s\"]+):\d+\"?$", text, re.M)  # ports
            found += re.findall(r"^ +file: (.*)$", text, re.M) + re.findall(r"^ +- (\S*[./]\S*):/", text, re.M)
            for value in found:
                with self.subTest(file=name, value=value):
                    self.assertRegex(value, r"^\$\{DIRRELAY_[A-Z_]+:-[^}]+\}$")
            # Addresses of networks are variables, or defaults of some.
            self.assertNotRegex(re.sub(r"\$\{[^}]*\}", "", re.sub("#.*", "", text)), r"172\.")

    def test_every_image_is_pinned_and_says_what_it_is(self):
        version = re.search(r"project\(dirrelay VERSION (\S+)", read("CMakeLists.txt")).group(1)
        for name in DOCKERFILES:
            with self.subTest(file=name):
                text = read("docker", name)
                for need in ("ARG BASE=debian:bookworm-slim", 'pin-archive.sh "${SNAPSHOT}"', "\nSTOPSIGNAL ", "\nHEALTHCHECK ", "\nUSER ",
                             "\nARG VERSION=%s\n" % version):
                    self.assertIn(need, text)
                labels = re.findall(r'org\.opencontainers\.image\.([a-z]+)="([^"]+)"', text)
                self.assertEqual({label for label, unused in labels}, {"title", "description", "licenses", "version", "revision"})
        for name in FILES:
            text = read("docker", name)
            self.assertEqual(re.findall(r"SNAPSHOT: (.*)", text), ["${DIRRELAY_SNAPSHOT:-}"] * text.count("    build:"))

    def test_what_an_image_copies_is_sent_to_the_engine(self):
        for name in DOCKERFILES:
            ignore = read("docker", name + ".dockerignore").split()
            self.assertEqual(ignore[0], "*")
            for copied in re.findall(r"^COPY (?!--)(.*) \S+$", read("docker", name), re.M):
                for path in copied.split():
                    with self.subTest(file=name, path=path):
                        self.assertTrue(os.path.exists(os.path.join(REPOSITORY, path)))
                        self.assertTrue(any(fnmatch.fnmatch(path, sent[1:]) or path.startswith(sent[1:] + "/") for sent in ignore[1:]))


if __name__ == "__main__":
    unittest.main()
