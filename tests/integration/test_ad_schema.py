#!/usr/bin/python3
"""ldap-schema/ad loaded into a real Samba AD DC with plain ldapmodify, objects and descriptors on it, and what the server
makes of them as a plain service account."""

import base64
import os
import sys
import unittest
import uuid

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(REPOSITORY, folder) for folder in ("tests", "ldap-schema")]
import active_directory  # noqa: E402
import generate  # noqa: E402
from lib import dirrelay, samba_dc  # noqa: E402

ATTRIBUTES, CLASSES = generate.read_table()
ADDED = [row for row in ATTRIBUTES + CLASSES if active_directory.is_new(row) and row["name"] != "publicDelegates"]
RELAY_RIGHTS = ("ms-Exch-SMTP-Submit", "ms-Exch-SMTP-Accept-Any-Sender", "ms-Exch-Accept-Headers-Routing",
                "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender", "ms-Exch-SMTP-Accept-Any-Recipient")
ANONYMOUS, AUTHENTICATED = "S-1-5-7", "S-1-5-11"
LOCAL = ("--local", "127.0.0.1:2526")
PASSWORD = "Passw0rd.456"


def read_rights():
    with open(os.path.join(REPOSITORY, "ldif/rights.tsv")) as file:
        return {name: guid for name, guid, _ in (line.rstrip("\n").split("\t") for line in file)}


def read_ldif(name):
    with open(os.path.join(REPOSITORY, "ldap-schema/ad", name + ".ldif")) as file:
        return file.read().replace("DC=X", DC.suffix).replace("First Organization", "Contoso")


RIGHTS = read_rights()
DC = None


def setUpModule():
    """One DC for all tests: its schema can be loaded only once."""
    global DC, SERVICE, ORGANIZATION, SERVER, RECEIVE, RELAY, DOMAINS, CONNECTIONS, BEFORE
    samba_dc.install_packages()
    DC = samba_dc.SambaDc(options={"ldap server require strong auth": "allow_sasl_over_tls"})
    unittest.addModuleCleanup(DC.close)
    ORGANIZATION = "CN=Contoso,CN=Microsoft Exchange,CN=Services," + DC.configuration
    groups = "CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups," + ORGANIZATION
    SERVER = "CN=Mailbox01,CN=Servers," + groups
    RECEIVE = "CN=SMTP Receive Connectors,CN=Protocols," + SERVER
    RELAY = "CN=Anonymous Relay," + RECEIVE
    DOMAINS = "CN=Accepted Domains,CN=Transport Settings," + ORGANIZATION
    CONNECTIONS = "CN=Connections,CN=Routing Group (DWBGZMFD01QNBJR),CN=Routing Groups," + groups
    BEFORE = read_schema()
    for name in ("1-attributes", "2-classes", "3-rights", "4-tree", "sample"):
        DC.modify(read_ldif(name))
    SERVICE = DC.create_service_account("relaysvc", PASSWORD)


def read_schema():
    found = DC.search("CN=Schema," + DC.configuration, "(lDAPDisplayName=*)",
                      ["lDAPDisplayName", "attributeID", "governsID", "schemaIDGUID", "attributeSyntax", "isSingleValued"])
    return {attributes["lDAPDisplayName"][0]: attributes for _, attributes in found}


def as_bytes(value):
    return value.encode() if isinstance(value, str) else value


def aces(rights, trustee="AN", kind="OA"):
    return "".join("(%s;CI;CR;%s;;%s)" % (kind, RIGHTS[right], trustee) for right in rights)


def granted(descriptor, *sids):
    """The rights that the engine gives a token over a descriptor in bytes."""
    arguments = [word for sid in sids for word in ("--sid", sid)]
    answer = dirrelay.cli("--json", "access", "--sd", base64.b64encode(descriptor).decode(), *arguments)
    return set(answer.json["granted"])


def encode_sddl(sddl):
    """With the domain's SID for DA and the like."""
    return base64.b64decode(dirrelay.cli("sd", "encode", "--domain-sid", DC.domain_sid, sddl).out)


def add_connector(case, name, *lines, container=None):
    """A receive connector that is gone after the test; its DN."""
    dn = "CN=%s,%s" % (name, container or RECEIVE)
    DC.modify("\n".join(["dn: " + dn, "changetype: add", "objectClass: msExchSmtpReceiveConnector",
                         "msExchSmtpReceiveBindings: 127.0.0.1:2526", "msExchSmtpReceiveRemoteIPRanges: 10.1.2.3",
                         "msExchSMTPReceiveInboundSecurityFlag: 1", *lines, ""]))
    case.addCleanup(DC.delete, dn)
    return dn


class Schema(unittest.TestCase):
    # proves: contract-3
    def test_only_what_was_missing_is_added(self):
        there = {row["name"] for row in ATTRIBUTES + CLASSES if row["name"] in BEFORE}
        self.assertEqual(there, {row["name"] for row in ATTRIBUTES + CLASSES if row["ad"] == "base"})
        self.assertEqual({row["name"] for row in ADDED} - set(read_schema()), set())

    # proves: facts-1.2 facts-1.3 contract-3
    def test_oids_guids_and_syntaxes(self):
        schema = read_schema()
        for row in ADDED:
            found = schema[row["name"]]
            self.assertEqual(found.get("attributeID", found.get("governsID")), [active_directory.choose_oid(row)])
            self.assertEqual(uuid.UUID(bytes_le=as_bytes(found["schemaIDGUID"][0])), active_directory.choose_guid(row))
            if "syntax" in row:
                self.assertEqual(found["attributeSyntax"], [active_directory.SYNTAX[row["syntax"]][0]])
                self.assertEqual(found["isSingleValued"], ["TRUE" if row["values"] == "single" else "FALSE"])

    def test_why_the_other_arc(self):
        record = ("dn: CN=x-%s,CN=Schema," + DC.configuration + "\nchangetype: add\nobjectClass: attributeSchema\n"
                  "lDAPDisplayName: x%s\nattributeID: %s.1.9999\nattributeSyntax: 2.5.5.9\noMSyntax: 2\n"
                  "isSingleValued: TRUE\n")
        refused = DC.modify(record % ("a", "a", active_directory.ARC_2_25), check=False)
        self.assertIn("attributeID", refused.stderr)
        DC.modify(record % ("b", "b", active_directory.ARC))

    # proves: facts-3
    def test_rights(self):
        found = DC.search("CN=Extended-Rights," + DC.configuration, "(|(cn=ms-Exch-*)(cn=Send-As))",
                          ["cn", "rightsGuid", "validAccesses"])
        self.assertEqual({a["cn"][0]: a["rightsGuid"][0].lower() for _, a in found}, RIGHTS)
        self.assertEqual({a["validAccesses"][0] for _, a in found}, {"256"})

    # proves: facts-1.3 contract-3
    def test_mandatory_attributes_and_places(self):
        dn = "dn: CN=x,%s\nchangetype: add\nobjectClass: msExchSmtpReceiveConnector\n"
        bindings, ranges = "msExchSmtpReceiveBindings: 127.0.0.1:26\n", "msExchSmtpReceiveRemoteIPRanges: 10.0.0.1\n"
        for text in (dn % RECEIVE + bindings, dn % RECEIVE + ranges, dn % CONNECTIONS + bindings + ranges):
            self.assertIn("Object class violation" if RECEIVE in text else "Naming violation",
                          DC.modify(text, check=False).stderr)

    def test_the_default_domain_is_a_link(self):
        domain = "CN=contoso.com," + DOMAINS
        dn = add_connector(self, "Linked", "msExchSMTPReceiveDefaultAcceptedDomainLink: " + domain)
        (_, back), = DC.search(domain, scope="base", attributes=["msExchSMTPReceiveDefaultAcceptedDomainBL"])
        self.assertEqual(back["msExchSMTPReceiveDefaultAcceptedDomainBL"], [dn])

    def test_public_delegates(self):
        DC.modify(read_ldif("public-delegates"))
        delegate = DC.create_user("delegate", PASSWORD)
        owner = DC.create_user("owner", PASSWORD, publicDelegates=delegate)
        (_, found), = DC.search(owner, scope="base", attributes=["publicDelegates"])
        self.assertEqual(found["publicDelegates"], [delegate])


class Descriptors(unittest.TestCase):
    # proves: contract-3
    def test_a_new_connector_grants_nothing_to_anybody_who_is_no_administrator(self):
        descriptor = DC.read_descriptor(add_connector(self, "Fresh"))
        everybody = (ANONYMOUS, AUTHENTICATED, "S-1-1-0", "S-1-5-2", "S-1-5-32-545", DC.domain_sid + "-513")
        for sids in ((ANONYMOUS,), everybody):
            self.assertEqual(granted(descriptor, *sids), set())

    # proves: contract-3
    def test_a_plain_account_needs_the_control(self):
        self.assertIsNone(DC.read_descriptor(RELAY, user=SERVICE, sd_flags=None))
        self.assertIsNone(DC.read_descriptor(RELAY, user=SERVICE, sd_flags=15))
        self.assertIsNotNone(DC.read_descriptor(RELAY, user=SERVICE, sd_flags=7))
        self.assertIsNotNone(DC.read_descriptor(RELAY, sd_flags=None))

    def test_a_plain_account_writes_nothing(self):
        descriptor = DC.read_descriptor(RELAY)
        self.assertIn("Insufficient access", DC.write_descriptor(RELAY, descriptor, 4, SERVICE, check=False).stderr)
        self.assertIn("Insufficient access", DC.modify(
            "dn: %s\nchangetype: modify\nreplace: msExchSmtpReceiveEnabled\nmsExchSmtpReceiveEnabled: FALSE\n" % RELAY,
            user=SERVICE, check=False).stderr)

    # proves: facts-3 facts-5.1
    def test_samba_tool_writes_what_the_engine_reads(self):
        dn = add_connector(self, "By samba-tool")
        DC.add_ace(dn, aces(RELAY_RIGHTS))
        self.assertEqual(granted(DC.read_descriptor(dn, SERVICE), ANONYMOUS), set(RELAY_RIGHTS))
        self.assertEqual(granted(DC.read_descriptor(dn, SERVICE), AUTHENTICATED), set())

    # proves: facts-3
    def test_ldapmodify_writes_what_the_engine_reads(self):
        group = DC.sid_of(DC.create_group("Printers"))
        for flags in (None, 4):
            dn = add_connector(self, "By ldapmodify %s" % flags)
            owner = "O:DAG:DA" if flags is None else ""
            DC.write_descriptor(dn, encode_sddl(owner + "D:" + aces(RELAY_RIGHTS[-1:], group, "OD") + aces(RELAY_RIGHTS) +
                                                "(A;;RPLCLORC;;;AU)"), flags)
            descriptor = DC.read_descriptor(dn, SERVICE)
            self.assertEqual(granted(descriptor, ANONYMOUS), set(RELAY_RIGHTS))
            self.assertEqual(granted(descriptor, ANONYMOUS, group), set(RELAY_RIGHTS[:-1]))
            sddl = dirrelay.cli("sd", "decode", base64.b64encode(descriptor).decode()).out
            self.assertIn("ID;", sddl)  # what the Configuration partition hands down came back by itself

    # proves: facts-5.1
    def test_aces_on_containers_are_handed_down_by_the_server(self):
        server = SERVER.replace("Mailbox01", "Mailbox02")
        for dn, kind in ((server, "msExchExchangeServer"), ("CN=Protocols," + server, "protocolCfgSharedServer"),
                         (RECEIVE.replace(SERVER, server), "msExchSmtpReceiveConnectorContainer")):
            DC.modify("dn: %s\nchangetype: add\nobjectClass: %s\n" % (dn, kind))
            self.addCleanup(DC.delete, dn)
        dn = add_connector(self, "Below", container=RECEIVE.replace(SERVER, server))
        DC.add_ace(server, aces(("ms-Exch-Bypass-Anti-Spam",), AUTHENTICATED))
        self.assertEqual(granted(DC.read_descriptor(dn, SERVICE), AUTHENTICATED), {"ms-Exch-Bypass-Anti-Spam"})

    def test_the_smart_hosts_password_is_confidential(self):
        dn = "CN=With password," + CONNECTIONS
        DC.modify("dn: %s\nchangetype: add\nobjectClass: msExchRoutingSMTPConnector\n"
                  "msExchSmtpOutboundSecurityPassword: hop\n" % dn)
        self.addCleanup(DC.delete, dn)

        def read():
            (_, found), = DC.search(dn, scope="base", attributes=["msExchSmtpOutboundSecurityPassword"], user=SERVICE)
            return found.get("msExchSmtpOutboundSecurityPassword")

        self.assertIsNone(read())
        row, = [row for row in ATTRIBUTES if row["name"] == "msExchSmtpOutboundSecurityPassword"]
        DC.add_ace(dn, "(OA;;RPCR;%s;;%s)" % (active_directory.choose_guid(row),
                                              DC.sid_of("CN=relaysvc,CN=Users," + DC.suffix)))
        self.assertEqual(read(), ["hop"])


class Server(unittest.TestCase):
    """The programs, as a plain service account."""

    def daemon(self, **config):
        daemon = dirrelay.Daemon(DC.ldaps_uri, {"directory.bind_dn": SERVICE[0], "directory.bind_password": SERVICE[1],
                                                "directory.ca_file": DC.ca_file, **config}, start=False)
        self.addCleanup(daemon.close)
        return daemon

    def check(self, daemon):
        return dirrelay.run(dirrelay.DIRRELAYD, "-c", daemon.config_path, "--check")

    # proves: contract-3
    def test_over_ldaps_and_starttls(self):
        for uri in (DC.ldaps_uri, DC.ldap_uri):
            daemon = self.daemon(**{"directory.uri": uri})
            answer = self.check(daemon)
            self.assertEqual(answer.code, 0, answer)
            self.assertIn('organization "Contoso", server "Mailbox01"', answer.out)
            listed = {row["Name"]: row for row in daemon.cli("connector", "list", json=True).json}
            self.assertEqual(set(listed), {"Anonymous Relay", "Internet"})
            self.assertEqual(listed["Anonymous Relay"]["RemoteIPRanges"], ["192.168.5.10", "192.168.5.11"])

    # proves: contract-2
    def test_gssapi_with_a_keytab(self):
        # With maxssf=0, inside TLS, Cyrus SASL's plugin never releases the credentials it takes: leaks are not looked for.
        sanitized = {**dirrelay.SANITIZED, "ASAN_OPTIONS": dirrelay.SANITIZED["ASAN_OPTIONS"] + ":detect_leaks=0"}
        keytab = os.path.join(DC.directory, "relaysvc.keytab")
        DC.export_keytab("relaysvc", keytab)
        for uri, start_tls in (("ldaps://" + DC.host, None), ("ldap://" + DC.host, None), ("ldap://" + DC.host, "never")):
            daemon = dirrelay.Daemon(uri, {"directory.sasl_mech": "GSSAPI", "directory.ca_file": DC.ca_file,
                                           "directory.start_tls": start_tls}, start=False)
            self.addCleanup(daemon.close)
            done = DC.run([dirrelay.DIRRELAYD, "-c", daemon.config_path, "--check"], check=False,
                          env={"KRB5_CLIENT_KTNAME": keytab, **sanitized})
            self.assertEqual(done.returncode, 0, (uri, start_tls, done.stdout, done.stderr))

    # proves: contract-2
    def test_another_ca_and_a_wrong_password_are_no_directory(self):
        for config in ({"directory.ca_file": "/etc/ssl/certs/ca-certificates.crt"}, {"directory.bind_password": "no"}):
            self.assertEqual(self.check(self.daemon(**config)).code, 3)

    # proves: contract-3 facts-8.3
    def test_the_descriptor_decides(self):
        dn = add_connector(self, "Decides")
        daemon = self.daemon()

        def explain():
            return daemon.cli("explain", "--client", "10.1.2.3", *LOCAL, "--from", "a@contoso.com", "--to", "b@fabrikam.com").out

        self.assertNotIn("250 2.1.0", explain())
        DC.add_ace(dn, aces(RELAY_RIGHTS[:4]))
        self.assertIn("550 5.7.1 Unable to relay", explain())
        DC.add_ace(dn, aces(RELAY_RIGHTS[4:]))
        self.assertIn("250 2.1.5 Recipient OK", explain())
        self.assertIn("421 4.3.2", daemon.cli("explain", "--client", "10.1.2.4", *LOCAL, "--from", "a@contoso.com").out)

    # proves: contract-3
    def test_a_descriptor_that_may_not_be_read_grants_nothing(self):
        dn = add_connector(self, "Hidden")
        DC.add_ace(dn, aces(RELAY_RIGHTS))
        DC.add_ace(dn, "(D;;RC;;;%s)" % DC.sid_of("CN=relaysvc,CN=Users," + DC.suffix))
        daemon = self.daemon()
        listed = {row["Name"]: row for row in daemon.cli("connector", "list", json=True).json}
        self.assertIn("may not read it", listed["Hidden"]["GrantsNothing"])
        self.assertNotIn("250 2.1.0", daemon.cli("explain", "--client", "10.1.2.3", *LOCAL, "--from", "a@contoso.com").out)


if __name__ == "__main__":
    unittest.main()
