"""What stands in docker/ without an engine: every setting is a variable that .env.example names, with the same default."""

import glob
import os
import re
import unittest

from e2e.test_readme import REPOSITORY, read

FILES = sorted(os.path.basename(path) for path in glob.glob(os.path.join(REPOSITORY, "docker", "*.yaml")))


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


if __name__ == "__main__":
    unittest.main()
