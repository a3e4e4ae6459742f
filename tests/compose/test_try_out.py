"""docker/compose.yaml: what the README promises, clients with addresses of their own, access rules, a life with interruptions."""

import json
import re
import subprocess
import threading
import unittest

from e2e.test_readme import commands_and_answers, read
from lib.compose import REFUSED, REPOSITORY, ComposeCase, docker, inspect
from lib.smtp import Client, eventually

NETWORK = "dirrelay-try_mail"
ALLOWED, OTHER, GATEWAY = "172.30.25.10", "172.30.25.11", "172.30.25.1"
SUFFIX = "dc=contoso,dc=com"
MIB = 1024 * 1024


class TryOut(ComposeCase):
    FILE = "compose.yaml"

    def send(self, address, subject, *arguments):
        return self.swaks(address, subject, *arguments, server="relay", network=NETWORK)

    # proves: C23 contract-1 contract-4
    def test_every_command_of_the_readme_works_as_printed(self):
        for command, answer in commands_and_answers():
            if answer and answer.startswith('"event"'):
                answer = "<** " + REFUSED
            with self.subTest(command=command):
                self.try_step(command, answer)

    # proves: contract-4
    def test_the_docker_commands_of_the_documents_work_as_printed(self):
        """Without a terminal and without files; taking it down is the end of every test."""
        printed = [line for document in (("README.md",), ("docs", "deploy.md")) for line in re.findall(
            r"^    (docker (?:build|run|compose -f docker/compose.yaml) .*)$", read(*document), re.M) if not line.endswith("down -v")]
        self.assertGreater(len(printed), 6)
        for line in printed:
            with self.subTest(line=line):
                typed = line.partition(" >")[0].replace(" exec -T ", " exec ").replace(" exec ", " exec -T ").replace(" logs -f ", " logs ")
                done = subprocess.run(["bash", "-c", typed], cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def try_step(self, command, answer):
        """What changes something is typed once; the rest waits for the change to be in force."""
        is_refusal = answer is not None and REFUSED in answer

        def works():
            done = self.project.shell(command, timeout=60)
            said = done.stdout + done.stderr
            assert (done.returncode != 0) == is_refusal and (answer is None or answer in said), said
        eventually(works, 0 if command.startswith(("ldapadd", "ldapmodify")) else 20)

    # proves: D13
    def test_the_connector_sees_the_address_of_the_client(self):
        done = self.send(ALLOWED, "from-allowed")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(ALLOWED, self.project.wait_arrived("from-allowed")["received"][0])
        done = self.send(OTHER, "from-other")
        self.assertIn(REFUSED, done.stdout)
        self.assertEqual(self.project.arrived("from-other"), [])

    # proves: D13
    def test_who_comes_by_the_published_port_of_loopback_gains_nothing(self):
        with Client(2525, source="127.0.0.1") as client:
            client.say("EHLO printer.contoso.com")
            client.say("MAIL FROM:<printer@contoso.com>")
            self.assertEqual(client.say("RCPT TO:<kate@fabrikam.com>").text, REFUSED)

    # proves: D13
    def test_who_names_the_gateway_lets_nobody_relay(self):
        connector = "CN=Anonymous Relay," + self.project.exec("shell", "sh", "-c", "echo $CONNECTORS").stdout.strip()
        change = "dn: %s\nchangetype: modify\n%%s: msExchSmtpReceiveRemoteIPRanges\nmsExchSmtpReceiveRemoteIPRanges: %s\n" % (connector, GATEWAY)
        self.assertEqual(self.ldap("admin", ["ldapmodify"], change % "add").returncode, 0)
        try:
            eventually(lambda: bool(self.project.events(event="gateway.in_range")), 10)
            with Client(2525, source="127.0.0.1") as client:
                client.say("EHLO printer.contoso.com")
                client.say("MAIL FROM:<printer@contoso.com>")
                self.assertEqual(client.say("RCPT TO:<kate@fabrikam.com>").text, REFUSED)
            self.assertTrue(self.project.events(event="gateway.client")[-1]["client"].startswith(GATEWAY + ":"))
            rules = [finding["rule"] for finding in json.loads(self.project.exec("relay", "dirrelay", "lint", "--json", check=False).stdout)["findings"]]
            self.assertIn("gateway-in-range", rules)
        finally:
            self.ldap("admin", ["ldapmodify"], change % "delete")

    # proves: R23
    def test_the_relay_may_nothing_that_it_does_not_need(self):
        container = inspect(self.project.container("relay"))
        host = container["HostConfig"]
        self.assertTrue(host["ReadonlyRootfs"])
        self.assertEqual(host["CapDrop"], ["ALL"])
        self.assertEqual([name.replace("CAP_", "") for name in host["CapAdd"]], ["NET_BIND_SERVICE"])
        self.assertFalse(host["Ulimits"])
        status = dict(line.split(":\t", 1) for line in self.project.exec("relay", "cat", "/proc/1/status").stdout.splitlines() if ":\t" in line)
        self.assertEqual(status["Uid"].split(), ["10025"] * 4)
        self.assertEqual(int(status["CapBnd"], 16) & ~(1 << 10), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        done = self.project.exec("relay", "touch", "/etc/dirrelay/x", check=False)
        self.assertNotEqual(done.returncode, 0)

    def test_the_image_is_small_and_says_what_it_is(self):
        image, base = inspect("dirrelay"), inspect("debian:bookworm-slim")
        self.assertLess(image["Size"] - base["Size"], 60 * MIB)
        self.assertEqual(image["Config"]["StopSignal"], "SIGTERM")
        self.assertEqual(image["Config"]["Healthcheck"]["Test"], ["CMD", "dirrelay", "status"])
        self.assertEqual(image["Config"]["Labels"]["org.opencontainers.image.title"], "dirrelay")

    def ldap(self, name, arguments, ldif=""):
        """As the account of this name below ou=services, or as a DN."""
        who = {"admin": ("cn=admin," + SUFFIX, "admin/admin.password"),
               "dirrelay": ("cn=dirrelay,ou=services," + SUFFIX, "relay/relay.password")}[name]
        command, *rest = arguments
        return self.project.exec("shell", command, "-x", "-ZZ", "-H", "ldap://directory", "-D", who[0], "-y", "/credentials/" + who[1], *rest,
                                 text=ldif, check=False)

    # proves: contract-3
    def test_only_the_administrators_group_writes_connectors(self):
        relay_connector = "CN=Anonymous Relay," + self.project.exec("shell", "sh", "-c", "echo $CONNECTORS").stdout.strip()
        widen = "dn: %s\nchangetype: modify\nadd: msExchSmtpReceiveRemoteIPRanges\nmsExchSmtpReceiveRemoteIPRanges: %s\n"
        change = ["ldapmodify"]
        self.assertIn("Insufficient access (50)", self.ldap("dirrelay", change, widen % (relay_connector, "10.0.0.0/8")).stderr)
        found = self.ldap("dirrelay", ["ldapsearch", "-LLL", "-b", SUFFIX, "(userPassword=*)", "userPassword"]).stdout
        self.assertNotIn("userPassword", found)
        person = "uid=chris,ou=people," + SUFFIX
        self.project.exec("directory", "ldappasswd", "-Q", "-Y", "EXTERNAL", "-H", "ldapi://%2Frun%2Fslapd%2Fldapi", "-s", "secret-of-chris", person)

        def as_person(*command, ldif=""):
            return self.project.exec("shell", command[0], "-x", "-ZZ", "-H", "ldap://directory", "-D", person, "-w", "secret-of-chris", *command[1:],
                                     text=ldif, check=False)
        self.assertEqual(as_person("ldapmodify", ldif=widen % (relay_connector, "10.0.0.0/8")).returncode, 50)
        self.assertEqual(as_person("ldapsearch", "-LLL", "-b", "CN=Configuration," + SUFFIX).returncode, 32)
        own = "dn: %s\nchangetype: modify\nadd: proxyAddresses\nproxyAddresses: smtp:ceo@contoso.com\n" % person
        self.assertEqual(as_person("ldapmodify", ldif=own).returncode, 50)
        group = "dn: cn=transport-admins,ou=services,%s\nchangetype: modify\nadd: member\nmember: %s\n" % (SUFFIX, person)
        self.assertEqual(as_person("ldapmodify", ldif=group).returncode, 50)
        self.assertEqual(self.ldap("admin", change, group).returncode, 0)
        done = as_person("ldapmodify", ldif=widen % (relay_connector, "172.30.25.99"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_directory_says_nothing_in_clear_or_to_nobody(self):
        done = self.project.exec("shell", "ldapsearch", "-x", "-H", "ldap://directory", "-b", SUFFIX, check=False)
        self.assertIn("Confidentiality required", done.stdout)
        done = self.project.exec("shell", "ldapsearch", "-x", "-ZZ", "-H", "ldap://directory", "-b", SUFFIX, check=False)
        self.assertEqual(done.returncode, 32)

    def begin_message(self, subject):
        """A session of the shell's allowed address that has said DATA and half of the message; finish by what it returns."""
        script = ("import socket,sys\n"
                  "s=socket.create_connection(('127.0.0.1',25),20,('127.0.0.10',0));f=s.makefile('rb')\n"
                  "f.readline()\n"
                  "for line in ('HELO x','MAIL FROM:<printer@contoso.com>','RCPT TO:<kate@fabrikam.com>','DATA'):\n"
                  "    s.sendall(line.encode()+b'\\r\\n');print(f.readline().decode().strip(),flush=True)\n"
                  "s.sendall(b'Subject: %s\\r\\n\\r\\nhalf')\n"
                  "sys.stdin.readline()\n"
                  "s.sendall(b' whole\\r\\n.\\r\\n');print(f.readline().decode().strip(),flush=True)\n" % subject)
        process = subprocess.Popen(["docker", "compose", "-f", self.project.file, "exec", "-T", "shell", "python3", "-c", script],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        for unused in range(4):
            said = process.stdout.readline()
        self.assertTrue(said.startswith("354"), said)
        return process

    # proves: R11 contract-1
    def test_stop_waits_for_a_running_transaction_and_the_state_stays(self):
        process = self.begin_message("while-stopping")
        stopping = threading.Thread(target=self.project.run, args=("stop", "relay"))
        stopping.start()
        self.addCleanup(self.project.up)
        self.addCleanup(stopping.join)
        eventually(lambda: bool(self.project.events(event="server.draining")), 10)
        process.stdin.write("\n")
        process.stdin.flush()
        self.assertTrue(process.stdout.readline().startswith("250 2.6.0"))
        stopping.join()
        self.assertEqual(inspect(self.project.container("relay"))["State"]["ExitCode"], 0)
        self.project.up()
        self.project.wait_arrived("while-stopping")

    # proves: contract-5
    def test_killed_it_comes_back_with_what_it_had_accepted(self):
        self.project.run("stop", "next-hop")
        self.addCleanup(self.project.up)
        done = self.send(ALLOWED, "before-kill")
        self.assertEqual(done.returncode, 0, done.stdout)
        restarts = inspect(self.project.container("relay"))["RestartCount"]
        pid = inspect(self.project.container("relay"))["State"]["Pid"]
        subprocess.run(["kill", "-9", str(pid)], check=True)
        eventually(lambda: inspect(self.project.container("relay"))["RestartCount"] > restarts, 20)
        self.project.up()
        self.project.flush()
        self.project.wait_arrived("before-kill")

    # proves: R11
    def test_a_second_container_on_the_same_state_is_refused(self):
        relay = self.project.container("relay")
        done = docker("run", "--rm", "--volumes-from", relay, "--network", NETWORK, "-e", "DIRRELAY_DIRECTORY_URI=ldap://directory",
                      "-e", "DIRRELAY_SERVER_CONTROL=/run/dirrelay/second.sock", "dirrelay", check=False, timeout=60)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn('"event":"start.failed"', done.stdout)
        self.assertIn("/var/lib/dirrelay", done.stdout)

    # proves: contract-3
    def test_without_its_directory_it_serves_on_and_starts_again(self):
        self.project.run("stop", "directory")
        self.addCleanup(self.project.up)
        self.assertEqual(self.send(ALLOWED, "directory-away").returncode, 0)
        self.project.run("restart", "relay")
        eventually(lambda: self.send(ALLOWED, "restarted-alone").returncode == 0, 30)
        self.assertIn(REFUSED, self.send(OTHER, "restarted-alone").stdout)
        self.project.wait_arrived("directory-away")


if __name__ == "__main__":
    unittest.main()
