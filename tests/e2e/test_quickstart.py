"""quickstart.sh as a new user runs it."""

import os
import re
import signal
import subprocess
import unittest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(REPOSITORY, "quickstart.sh")


class Quickstart(unittest.TestCase):
    # proves: contract-1
    def test_once(self):
        done = subprocess.run([PROGRAM, "--once"], capture_output=True, text=True, timeout=900)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for line in ("S: 250 2.1.0 Sender OK", "S: 250 2.1.5 Recipient OK", "S: 354 Start mail input; end with <CRLF>.<CRLF>",
                     "S: 221 2.0.0 Service closing transmission channel", "S: 550 5.7.1 Unable to relay"):
            self.assertIn(line, done.stdout)
        self.assertRegex(done.stdout, r"S: 250 2\.6\.0 <\S+> \[InternalId=\d+\] Queued mail for delivery")
        self.assertIn("   This is a test message", done.stdout)

    def test_usage(self):
        self.assertEqual(subprocess.run([PROGRAM, "--twice"], capture_output=True, timeout=900).returncode, 2)

    # proves: contract-1 C23
    def test_foreground_the_printed_session_works_and_ctrl_c_cleans_up(self):
        process = subprocess.Popen([PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        text = ""
        try:
            for line in process.stdout:
                text += line
                if line.startswith("The log of dirrelayd follows"):
                    break
            session = text[text.index("export LDAP="):text.index("README.md goes on")]
            script = "\n".join(line for line in session.splitlines() if not line.startswith("take the right away"))
            explain = next(line for line in script.splitlines() if "explain" in line)
            done = subprocess.run(["/bin/bash", "-ec", "%s\n%s || true" % (script, explain)], cwd=REPOSITORY,
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("cn: Anonymous Relay", done.stdout)
            self.assertIn("250 2.1.5 Recipient OK", done.stdout)
            self.assertIn("550 5.7.1 Unable to relay", done.stdout)
            folder = re.search(r"^export CONF=(.*)/dirrelay\.conf$", text, re.M).group(1)
            self.assertTrue(os.path.isdir(folder))
            os.killpg(process.pid, signal.SIGINT)
            rest = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, 0, rest)
            self.assertIn('"org.loaded"', rest)
            self.assertFalse(os.path.exists(folder))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(60)
            process.stdout.close()


if __name__ == "__main__":
    unittest.main()
