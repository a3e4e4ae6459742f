#!/usr/bin/python3
"""docs/openldap.md and docs/migrating-from-exchange.md typed into a shell beside a slapd that had none of it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.dirrelay import BUILD, DIRRELAY, DIRRELAYD, Daemon, run  # noqa: E402
from lib.organization import Organization, change  # noqa: E402
from lib.slapd import STANDARD_SCHEMAS, Slapd, free_port  # noqa: E402
from lib.smtp import eventually  # noqa: E402

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SUFFIX = "dc=contoso,dc=com"
RELAY = "cn=dirrelay,ou=services," + SUFFIX
ADMINISTRATOR, USER = "uid=chris,ou=people," + SUFFIX, "uid=kate,ou=people," + SUFFIX
CONNECTORS = ("CN=SMTP Receive Connectors,CN=Protocols,CN=mx1,CN=Servers,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),"
              "CN=Administrative Groups,CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration," + SUFFIX)
CONNECTOR = "CN=Anonymous Relay," + CONNECTORS
ACE = ("add", "dirrelayAce", "deny ms-Exch-SMTP-Submit to anonymous")


def shell_blocks(name):
    with open(os.path.join(REPOSITORY, "docs", name)) as file:
        return re.findall(r"^```sh\n(.*?)^```$", file.read(), re.M | re.S)


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dr-openldap-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        os.chmod(cls.folder, 0o755)
        for name in ("ldif", "ldap-schema"):
            os.symlink(os.path.join(REPOSITORY, name), os.path.join(cls.folder, name))
        cls.slapd = Slapd(schemas=STANDARD_SCHEMAS, size_limit="10", suffix=SUFFIX)
        cls.addClassCleanup(cls.slapd.close)
        cls.slapd.start()
        with open(os.path.join(cls.folder, "admin.password"), "w") as file:
            file.write(cls.slapd.root_password)
        head = ('export CONFIG="-Q -Y EXTERNAL -H %s" ADMIN="-x -H %s -D %s -y admin.password" PATH="%s:$PATH"\n'
                % (cls.slapd.ldapi_uri, cls.slapd.uri, cls.slapd.root_dn, BUILD))
        cls.outputs = []
        for block in shell_blocks("openldap.md"):
            if "export CONFIG" in block or "olcModuleLoad" in block:
                continue  # what the fixture is made with: how to reach slapd, and syncprov
            block = block.replace("uri = ldap://127.0.0.1", "uri = " + cls.slapd.uri)
            done = subprocess.run(["/bin/bash", "-ec", head + block], cwd=cls.folder, capture_output=True, text=True, timeout=60)
            if done.returncode != 0:
                raise AssertionError("exit %d of\n%s\n%s%s" % (done.returncode, block, done.stdout, done.stderr))
            cls.outputs.append(done.stdout)
        cls.slapd.add("dn: %s\nobjectClass: inetOrgPerson\nuid: kate\ncn: Kate\nsn: Kate\n" % USER)
        for dn in (ADMINISTRATOR, USER):
            cls.slapd.modify(change(dn, ("replace", "userPassword", "secret")))
        with open(os.path.join(cls.folder, "dirrelay.password")) as file:
            cls.passwords = {ADMINISTRATOR: "secret", USER: "secret", RELAY: file.read()}

    def modify_as(self, dn, ldif):
        """The LDAP result code."""
        return subprocess.run(["ldapmodify", "-x", "-H", self.slapd.uri, "-D", dn, "-w", self.passwords[dn]], input=ldif,
                              capture_output=True, text=True, timeout=20).returncode

    def test_check_finds_the_organization(self):
        self.assertIn('organization "Contoso", server "mx1": 6 receive connectors, 1 send connectors, 1 accepted domains, 0 refused',
                      self.outputs[-1])

    # proves: C46
    def test_only_the_administrators_group_writes_connectors(self):
        for dn in (USER, RELAY):
            self.assertEqual(self.modify_as(dn, change(CONNECTOR, ACE)), 50, dn)
        self.assertEqual(self.modify_as(ADMINISTRATOR, change(CONNECTOR, ACE)), 0)
        self.assertEqual(self.modify_as(ADMINISTRATOR, change(CONNECTOR, ("delete",) + ACE[1:])), 0)

    # proves: C46
    def test_nobody_says_who_he_is(self):
        person = [("add", "objectClass", "dirrelayPerson"), ("add", "dirrelayAce", "allow Send-As to " + USER)]
        self.assertEqual(self.modify_as(USER, change(USER, *person)), 50)

    def test_a_user_does_not_see_connectors_and_the_relay_no_password(self):
        for dn, base in ((USER, CONNECTOR), (RELAY, ADMINISTRATOR)):
            done = subprocess.run(["ldapsearch", "-x", "-LLL", "-H", self.slapd.uri, "-D", dn, "-w", self.passwords[dn], "-b", base,
                                   "-s", "base", "userPassword", "dirrelayAce"], capture_output=True, text=True, timeout=20)
            self.assertNotIn("userPassword:", done.stdout)
            self.assertNotIn("dirrelayAce:", done.stdout)

    def daemon(self, dn, **options):
        return Daemon(self.slapd.uri, {"server.name": "mx1", "directory.bind_dn": dn,
                                       "directory.bind_password": self.passwords[dn]}, **options)

    # proves: contract-2 contract-3
    def test_the_relay_reads_and_watches_with_its_own_account(self):
        # The sample's ports may be taken on this machine.
        for dn, _ in self.slapd.search(CONNECTORS, "(objectClass=msExchSmtpReceiveConnector)", ["1.1"]):
            self.slapd.modify(change(dn, ("replace", "msExchSmtpReceiveEnabled", "FALSE")))
        with self.daemon(RELAY) as daemon:
            mark = daemon.mark()
            self.slapd.modify(change(CONNECTOR, ("replace", "msExchSmtpReceiveTarpitInterval", "3")))
            daemon.wait("org.loaded", since=mark, timeout=2)

    def test_an_account_with_the_default_limit_is_told(self):
        """What step 6 is for."""
        with self.daemon(ADMINISTRATOR, start=False) as daemon:
            daemon.start(wait=False)
            self.assertIn("Size limit exceeded", daemon.wait("directory.refused")["message"])
            eventually(lambda: "Size limit exceeded" in daemon.status()["directory"]["why"])
            answer = run(DIRRELAY, "-c", daemon.config_path, "lint")
            self.assertEqual(answer.code, 3, answer)
            self.assertIn("Size limit exceeded", answer.err)


class Migrating(unittest.TestCase):
    """docs/migrating-from-exchange.md, over the sample organization."""

    # proves: contract-3
    def test_every_command_works_as_printed_and_nothing_is_refused(self):
        blocks = shell_blocks("migrating-from-exchange.md")
        with Slapd(suffix=SUFFIX) as slapd:
            for name in ("tree", "rights", "sample"):
                slapd.add(os.path.join(REPOSITORY, "ldif", name + ".ldif"))
            with Daemon(slapd.uri, start=False) as daemon:
                head = blocks[0] + ('unset DIRRELAY_DIRECTORY_BIND_PASSWORD_FILE; export LDAP="-x -H {0} -D {1} -w {2}" CONF={3} '
                                    'DIRRELAY_DIRECTORY_BIND_DN={1} DIRRELAY_DIRECTORY_BIND_PASSWORD={2} PATH="{4}:$PATH"\n').format(
                    slapd.uri, slapd.root_dn, slapd.root_password, daemon.config_path, BUILD)
                for block in blocks[1:]:
                    done = subprocess.run(["/bin/bash", "-ec", head + block], capture_output=True, text=True, timeout=60)
                    self.assertEqual(done.returncode, 0, block + done.stdout + done.stderr)
                answer = run(DIRRELAYD, "-c", daemon.config_path, "--check")
                self.assertEqual(answer.code, 0, answer)
                self.assertIn("8 receive connectors, 2 send connectors, 2 accepted domains, 0 refused", answer.out)


class RootDse(unittest.TestCase):
    """The tree stands below ou=relay, where no naming context begins."""

    def publish(self, slapd):
        path = os.path.join(slapd.directory, "rootdse.ldif")
        with open(path, "w") as file:
            file.write("dn:\nconfigurationNamingContext: CN=Configuration,ou=relay,%s\n" % SUFFIX)
        os.chmod(path, 0o644)
        return subprocess.run(["ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", slapd.ldapi_uri], capture_output=True, text=True,
                              input=change("cn=config", ("add", "olcRootDSE", path)), timeout=20)

    # proves: contract-2
    def test_published_configuration_naming_context_is_found(self):
        organization = Organization(suffix="ou=relay," + SUFFIX)
        organization.receive("Relay", free_port(), ["127.0.0.2"], groups="AnonymousUsers")
        with Slapd(suffix=SUFFIX) as slapd:
            slapd.add("dn: ou=relay,%s\nobjectClass: organizationalUnit\nou: relay\n\n%s" % (SUFFIX, organization.ldif()))
            with Daemon(slapd.uri, start=False) as daemon:
                self.assertEqual(run(DIRRELAYD, "-c", daemon.config_path, "--check").code, 4)
                done = self.publish(slapd)
                self.assertEqual(done.returncode, 0, done.stderr)
                slapd.restart()
                daemon.start()
                self.assertEqual(daemon.wait("org.loaded")["receive_connectors"], 1)

    def test_slapd_without_the_schema_does_not_publish_it(self):
        with Slapd(suffix=SUFFIX, schemas=STANDARD_SCHEMAS) as slapd:
            self.publish(slapd)
            self.assertEqual(slapd.search("", scope="base", attributes=["configurationNamingContext"]), [("", {})])


if __name__ == "__main__":
    unittest.main()
