#!/usr/bin/python3
"""docs/existing-directory.md (d): people in a directory that may only be read, connectors in an OpenLDAP in front of it that
hands questions about people on (back_ldap). The people's directory is a slapd here."""

import os
import subprocess
import sys
import unittest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests"))
from lib import dirrelay  # noqa: E402
from lib.slapd import STANDARD_SCHEMAS, Slapd, SlapdError, free_port  # noqa: E402

PEOPLE = """dn: cn=users,dc=example,dc=org
objectClass: organizationalRole
cn: users

dn: uid=chris,cn=users,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: posixAccount
uid: chris
cn: Chris Green
sn: Green
uidNumber: 1500
gidNumber: 1500
homeDirectory: /nonexistent
userPassword: secret

dn: cn=printers,cn=users,dc=example,dc=org
objectClass: posixGroup
cn: printers
gidNumber: 2000
memberUid: chris
"""
PROXY = """dn: olcDatabase=ldap,cn=config
objectClass: olcDatabaseConfig
objectClass: olcLDAPConfig
olcDatabase: ldap
olcSuffix: dc=example,dc=org
olcDbURI: %s
olcReadOnly: TRUE
olcAccess: to * by * read
"""
RELAY = ("CN=Anonymous Relay,CN=SMTP Receive Connectors,CN=Protocols,CN=Mailbox01,CN=Servers,CN=Exchange Administrative "
         "Group (FYDIBOHF23SPDLT),CN=Administrative Groups,CN=Contoso,CN=Microsoft Exchange,CN=Services,"
         "CN=Configuration,o=relay")


class ProxiedUsers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.people = cls.enterClassContext(Slapd(suffix="dc=example,dc=org", schemas=STANDARD_SCHEMAS))
        cls.people.add(PEOPLE)
        cls.front = cls.enterClassContext(Slapd(suffix="o=relay", modules=("back_ldap",), config=PROXY % cls.people.uri))
        ports = [word for name in ("port", "client-port", "outbound-proxy-port", "hub-port", "client-proxy-port")
                 for word in ("--" + name, str(free_port()))]
        subprocess.run([os.path.join(REPOSITORY, "ldif/make_sample.py"), "--suffix", "o=relay", "--address", "127.0.0.1",
                        "--relay-binding", "127.0.0.1:" + ports[1], *ports, "--output", cls.front.directory], check=True)
        for name in ("tree", "rights", "sample"):
            cls.front.add(os.path.join(cls.front.directory, name + ".ldif"))
        cls.front.modify("dn: %s\nchangetype: modify\nadd: dirrelayAce\n"
                         "dirrelayAce: allow ms-Exch-Bypass-Anti-Spam to uid=chris,cn=users,dc=example,dc=org\n"
                         "dirrelayAce: deny ms-Exch-Bypass-Anti-Spam to cn=printers,cn=users,dc=example,dc=org\n" % RELAY)

    # proves: contract-3
    def test_trustees_are_found_behind_the_proxy(self):
        daemon = dirrelay.Daemon(self.front.uri, start=False)
        self.addCleanup(daemon.close)
        rows = daemon.cli("permission", "list", "Anonymous Relay", json=True).json
        found = {(row["sid"], row["allow"]) for row in rows if row["right"] == "ms-Exch-Bypass-Anti-Spam"}
        self.assertEqual(found, {("S-1-22-1-1500", True), ("S-1-22-2-2000", False)})

    def test_people_bind_and_nothing_is_written(self):
        done = subprocess.run(["ldapwhoami", "-x", "-H", self.front.uri, "-D", "uid=chris,cn=users,dc=example,dc=org",
                               "-w", "secret"], capture_output=True, text=True)
        self.assertEqual(done.stdout, "dn:uid=chris,cn=users,dc=example,dc=org\n", done.stderr)
        with self.assertRaises(SlapdError):
            self.front.modify("dn: uid=chris,cn=users,dc=example,dc=org\nchangetype: modify\nreplace: sn\nsn: x\n")

    # proves: contract-3
    def test_connectors_are_pushed(self):
        with dirrelay.Daemon(self.front.uri) as daemon:
            since = daemon.mark()
            self.front.modify("dn: %s\nchangetype: modify\nreplace: msExchSmtpReceiveRemoteIPRanges\n"
                              "msExchSmtpReceiveRemoteIPRanges: 192.168.5.12\n" % RELAY)
            daemon.wait("org.loaded", since=since, timeout=3)


if __name__ == "__main__":
    unittest.main()
