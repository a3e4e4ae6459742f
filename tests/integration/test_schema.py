#!/usr/bin/python3
"""The schema, the tree, the rights and the sample organization, loaded into real slapds."""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(REPOSITORY, folder) for folder in ("tests", "ldap-schema", "ldif")]
import generate  # noqa: E402
import make_sample  # noqa: E402
from lib.slapd import DIRRELAY_SCHEMAS, STANDARD_SCHEMAS, Slapd, SlapdError  # noqa: E402

SCHEMA = os.path.join(REPOSITORY, "ldap-schema")
LDIF = os.path.join(REPOSITORY, "ldif")
WITH_MSUSER = STANDARD_SCHEMAS + ("msuser", DIRRELAY_SCHEMAS[1])
ATTRIBUTES, CLASSES = generate.read_table()
BY_NAME = {row["name"]: row for row in ATTRIBUTES + CLASSES}
ORGANIZATION = "CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration,dc=contoso,dc=com"
SERVER = "CN=Mailbox01,CN=Servers,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups," + ORGANIZATION
RECEIVE = "CN=SMTP Receive Connectors,CN=Protocols," + SERVER


class Generated(unittest.TestCase):
    def test_committed_schema_is_what_the_table_says(self):
        done = subprocess.run([os.path.join(SCHEMA, "generate.py"), "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_committed_sample_is_what_the_script_says(self):
        for name, text in make_sample.make_all(make_sample.parse_options([])).items():
            with open(os.path.join(LDIF, name)) as file:
                self.assertEqual(file.read(), text, name)

    # proves: contract-3
    def test_every_oid_is_microsofts_or_below_the_arc(self):
        for row in ATTRIBUTES + CLASSES:
            self.assertRegex(row["oid"], r"^(1\.2\.840\.113556\.|" + re.escape(generate.ARC) + r"\.[12]\.\d+$)")

    # proves: facts-3
    def test_rights_are_those_the_server_knows(self):
        with open(os.path.join(REPOSITORY, "server/security/rights.c")) as file:
            source = file.read()
        with open(os.path.join(LDIF, "rights.tsv")) as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        self.assertEqual(len(rows), 26)
        for name, guid, display_name in rows:
            words = ", ".join("0x" + word for word in guid.split("-"))
            self.assertRegex(source, re.escape('"%s", "%s",' % (name, display_name)) + r"[^}]*" + re.escape(words))


class Schema(unittest.TestCase):
    # proves: contract-3
    def test_both_forms_load(self):
        for base in ("dirrelay-ad-base", None):
            includes = ["/etc/ldap/schema/%s.schema" % name for name in STANDARD_SCHEMAS]
            includes += [os.path.join(SCHEMA, base + ".schema")] if base else ["/etc/ldap/schema/msuser.schema"]
            with tempfile.TemporaryDirectory() as folder:
                config = os.path.join(folder, "slapd.conf")
                with open(config, "w") as file:
                    for path in includes + [os.path.join(SCHEMA, "dirrelay.schema")]:
                        file.write("include %s\n" % path)
                done = subprocess.run(["/usr/sbin/slaptest", "-u", "-f", config], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)

    # proves: contract-3
    def test_base_defines_what_msuser_defines(self):
        with open("/etc/ldap/schema/msuser.ldif") as file:
            lines = [line for line in file.read().replace("\n ", "").lower().splitlines() if line[:1] != "#"]
            msuser = "\n".join(lines)
        for row in ATTRIBUTES + CLASSES:
            self.assertEqual("name '%s'" % row["name"].lower() in msuser, row["file"] == "base", row["name"])

    # proves: contract-3 facts-1.3 facts-1.5
    def test_mandatory_attributes(self):
        self.assertEqual(BY_NAME["msExchSmtpReceiveConnector"]["must"].split(),
                         ["cn", "msExchSmtpReceiveBindings", "msExchSmtpReceiveRemoteIPRanges"])
        self.assertEqual(BY_NAME["msExchAcceptedDomain"]["must"].split(), ["cn", "msExchAcceptedDomainName"])
        self.assertEqual(BY_NAME["container"]["oid"], "1.2.840.113556.1.3.23")
        self.assertEqual(BY_NAME["dirrelaySecured"]["may"], "dirrelayAce")
        self.assertEqual(BY_NAME["dirrelayPerson"]["may"].split(),
                         ["dirrelayAce", "proxyAddresses", "publicDelegates", "mailAlternateAddress"])

    # proves: contract-3
    def test_values_are_single_unless_facts_say_multi(self):
        multi = {row["name"] for row in ATTRIBUTES if row["values"] == "multi"}
        self.assertEqual(multi, {
            "msExchSmtpReceiveBindings", "msExchSmtpReceiveRemoteIPRanges", "msExchSmtpReceiveTlsDomainCapabilities",
            "routingList", "connectedDomains", "msExchSourceBridgeheadServersDN", "msExchTLSReceiveDomainSecureList",
            "msExchTLSSendDomainSecureList", "msExchInternalSMTPServers", "networkAddress", "otherWellKnownObjects",
            "msExchSMTPReceiveDefaultAcceptedDomainBL", "publicDelegates", "mailAlternateAddress", "proxyAddresses",
            "msExchDSNSendCopyToAdmin", "sIDHistory", "appliesTo", "dirrelayAce", "dirrelayPermissionGroups", "dirrelayReportOnly"})


class Loaded(unittest.TestCase):
    """One server with the sample organization, for all tests that read or change it."""

    @classmethod
    def setUpClass(cls):
        cls.slapd = Slapd()
        cls.addClassCleanup(cls.slapd.close)
        cls.slapd.start()
        for name in ("tree", "rights", "sample"):
            cls.slapd.add(os.path.join(LDIF, name + ".ldif"))

    def modify(self, dn, *lines):
        self.slapd.modify("dn: %s\nchangetype: modify\n%s\n" % (dn, "\n".join(lines)))

    # proves: facts-3 contract-3
    def test_rights_are_objects(self):
        found = self.slapd.search("CN=Extended-Rights,CN=Configuration,dc=contoso,dc=com",
                                  "(objectClass=controlAccessRight)")
        self.assertEqual(len(found), 26)
        by_name = {attributes["cn"][0]: attributes for _, attributes in found}
        self.assertEqual(by_name["ms-Exch-SMTP-Submit"]["rightsGuid"], ["a18293f1-0685-4540-aa63-e32df421b3a2"])
        self.assertEqual(by_name["Send-As"]["rightsGuid"], ["ab721a54-1e2f-11d0-9819-00aa0040529b"])

    # proves: C8 C9 C11 C261 facts-5.3
    def test_sample_has_setups_connectors_and_the_relay(self):
        found = {a["cn"][0]: a for _, a in self.slapd.search(RECEIVE, "(objectClass=msExchSmtpReceiveConnector)")}
        bindings = {name: a["msExchSmtpReceiveBindings"] for name, a in found.items()}
        self.assertEqual(bindings, {
            "Default Frontend Mailbox01": ["0.0.0.0:25", "[::]:25"],
            "Client Frontend Mailbox01": ["0.0.0.0:587", "[::]:587"],
            "Outbound Proxy Frontend Mailbox01": ["0.0.0.0:717", "[::]:717"],
            "Default Mailbox01": ["0.0.0.0:2525", "[::]:2525"],
            "Client Proxy Mailbox01": ["0.0.0.0:465", "[::]:465"],
            "Anonymous Relay": ["0.0.0.0:25"]})
        relay = found["Anonymous Relay"]
        self.assertEqual(relay["msExchSmtpReceiveRemoteIPRanges"], ["192.168.5.10", "192.168.5.11"])
        self.assertEqual(relay["dirrelayPermissionGroups"], ["AnonymousUsers"])

    # proves: contract-3
    def test_one_ace_is_one_value_however_it_is_written(self):
        dn = "CN=Anonymous Relay," + RECEIVE
        self.modify(dn, "add: dirrelayAce", "dirrelayAce: deny ms-Exch-SMTP-Submit to CN=Chris,dc=contoso,dc=com")
        with self.assertRaises(SlapdError):
            self.modify(dn, "add: dirrelayAce", "dirrelayAce: Deny  MS-EXCH-SMTP-SUBMIT to cn=chris,dc=contoso,dc=com")
        self.modify(dn, "delete: dirrelayAce", "dirrelayAce: deny ms-exch-smtp-submit  to CN=Chris,DC=contoso,dc=com")

    # proves: contract-3 C223
    def test_ace_lines_on_containers_and_any_entry(self):
        ace = "dirrelayAce: deny ms-Exch-SMTP-Submit to everyone"
        for dn in (SERVER, "CN=Protocols," + SERVER, RECEIVE, ORGANIZATION,
                   "CN=Administrative Groups," + ORGANIZATION, "CN=Transport Settings," + ORGANIZATION):
            self.modify(dn, "add: dirrelayAce", ace)
            self.modify(dn, "delete: dirrelayAce", ace)
        people = "ou=people,dc=contoso,dc=com"
        with self.assertRaises(SlapdError):
            self.modify(people, "add: dirrelayAce", ace)
        self.modify(people, "add: objectClass", "objectClass: dirrelaySecured", "-", "add: dirrelayAce", ace)

    # proves: C221 contract-3
    def test_no_permission_group_on_a_send_connector(self):
        dn = ("CN=Internet,CN=Connections,CN=Routing Group (DWBGZMFD01QNBJR),CN=Routing Groups,CN=Exchange "
              "Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups," + ORGANIZATION)
        with self.assertRaisesRegex(SlapdError, "not allowed"):
            self.modify(dn, "add: dirrelayPermissionGroups", "dirrelayPermissionGroups: AnonymousUsers")

    # proves: contract-3
    def test_a_connector_needs_bindings_and_ranges(self):
        for line in ("msExchSmtpReceiveBindings: 0.0.0.0:26", "msExchSmtpReceiveRemoteIPRanges: 10.0.0.1"):
            with self.assertRaises(SlapdError):
                self.slapd.add("dn: CN=x,%s\nobjectClass: msExchSmtpReceiveConnector\ncn: x\n%s\n" % (RECEIVE, line))


class OtherServers(unittest.TestCase):
    def load(self, *arguments, **server):
        with tempfile.TemporaryDirectory() as folder, Slapd(**server) as slapd:
            made = make_sample.make_all(make_sample.parse_options(list(arguments)))
            for name in ("tree", "rights", "sample"):
                path = os.path.join(folder, name + ".ldif")
                with open(path, "w") as file:
                    file.write(made[name + ".ldif"])
                slapd.add(path)
            return slapd.search(slapd.suffix, "(objectClass=msExchSmtpReceiveConnector)")

    # proves: contract-3
    def test_with_msuser(self):
        self.assertEqual(len(self.load("--no-network-address", schemas=WITH_MSUSER)), 6)

    def test_other_suffix_ports_and_hosts(self):
        found = self.load("--suffix", "o=example", "--server", "mx1", "--address", "127.0.0.1", "--port", "10025",
                          "--relay-binding", "127.0.0.1:10025", "--relay-hosts", "127.0.0.2", suffix="o=example")
        by_name = {a["cn"][0]: a for _, a in found}
        self.assertEqual(by_name["Default Frontend mx1"]["msExchSmtpReceiveBindings"], ["127.0.0.1:10025"])
        self.assertEqual(by_name["Anonymous Relay"]["msExchSmtpReceiveRemoteIPRanges"], ["127.0.0.2"])


class Fixture(unittest.TestCase):
    def test_nothing_is_left_behind(self):
        with Slapd(schemas=STANDARD_SCHEMAS, tls=True) as slapd:
            folder, process = slapd.directory, slapd.process
            slapd.freeze()
            slapd.thaw()
            slapd.restart()
            self.assertEqual(len(slapd.search()), 1)
        self.assertFalse(os.path.exists(folder))
        self.assertIsNotNone(process.poll())
        self.assertEqual(glob.glob(folder + "*"), [])


if __name__ == "__main__":
    unittest.main()
