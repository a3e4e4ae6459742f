"""dirrelay's answers about a directory: explain, access, permission, connector, lint; online and from a file."""

import os
import tempfile
import time
import unittest

from lib.dirrelay import cli
from lib.organization import ANY_RECIPIENT, EXTERNAL, FRONTEND, HUB, Organization, change, make_sample, record
from lib.slapd import free_port
from lib.world import Case

ANONYMOUS = "NT AUTHORITY\\ANONYMOUS LOGON"
SECURED = "S-1-9-1419165041-1139599005-3936102811-1022490595-23"


class Explain(Case):
    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Default", port, "127.0.0.0/8", groups="AnonymousUsers")
        org.relay("Relay", port, "127.0.0.2")
        org.receive("Denied", port, "127.0.0.3", groups="AnonymousUsers",
                    aces=[ANY_RECIPIENT, "deny ms-Exch-SMTP-Accept-Any-Recipient to anonymous"])
        org.receive("Off", port, "127.0.0.4", groups="AnonymousUsers", msExchSmtpReceiveEnabled="FALSE")
        org.receive("Broken", port, "127.0.0.5", msExchSmtpReceiveMaxHopCount=0)

    def explain(self, client, *arguments):
        return self.daemon.cli("explain", "--client", client, "--local", "127.0.0.1:%d" % self.port, *arguments, json=True)

    # proves: contract-4
    def test_shape_and_exit_codes(self):
        answer = self.explain("127.0.0.2", "--from", "chris@contoso.com", "--to", "kate@fabrikam.com")
        self.assertEqual(answer.code, 0)
        report = answer.json
        self.assertEqual(report["connector"], "Mailbox01\\Relay")
        why = {row["connector"]: row["why"] for row in report["candidates"]}
        self.assertEqual(set(why), {"Mailbox01\\" + name for name in ("Default", "Relay", "Denied", "Off", "Broken")})
        self.assertEqual(len(set(why.values())) > 2, True)
        self.assertEqual([row["sid"] for row in report["token"]], ["S-1-5-7"])
        right = next(row for row in report["rights"] if row["right"] == "ms-Exch-SMTP-Accept-Any-Recipient")
        self.assertEqual((right["granted"], right["ace"]), (True, ANY_RECIPIENT))
        submit = next(row for row in report["rights"] if row["right"] == "ms-Exch-SMTP-Submit")
        self.assertEqual((submit["granted"], submit["from"]), (True, "AnonymousUsers"))
        self.assertEqual([step["reply"][:3] for step in report["dialogue"]], ["220", "250", "250", "250", "354", "250", "221"])
        refused = self.explain("127.0.0.9", "--from", "chris@contoso.com", "--to", "kate@fabrikam.com")
        self.assertEqual(refused.code, 1)
        self.assertEqual(refused.json["connector"], "Mailbox01\\Default")

    # proves: contract-4 facts-1.4
    def test_the_route_of_each_recipient(self):
        arguments = ("--from", "chris@contoso.com", "--to", "kate@fabrikam.com", "--to", "postmaster")
        routes = self.explain("127.0.0.2", *arguments).json["route"]
        self.assertEqual([route["recipient"] for route in routes], ["kate@fabrikam.com", "postmaster@contoso.com"])
        self.assertEqual((routes[0]["domain"], routes[0]["connector"]), ("fabrikam.com", "Internet"))
        self.assertEqual(routes[0]["next_hops"], ["[127.0.0.1], port %d" % self.sink.port])
        self.assertEqual(routes[0]["candidates"], [
            {"connector": "Internet", "why": "SMTP:*;1 is the most specific, then the cheapest that fits"}])
        text = self.daemon.cli("explain", "--client", "127.0.0.2", "--local", "127.0.0.1:%d" % self.port, *arguments).out
        self.assertIn("route of kate@fabrikam.com: Internet\n  next hop: [127.0.0.1], port %d\n" % self.sink.port, text)

    # proves: contract-4 C79
    def test_a_refusal_says_which_right_and_which_ace(self):
        report = self.explain("127.0.0.3", "--from", "chris@contoso.com", "--to", "kate@fabrikam.com").json
        step = next(step for step in report["dialogue"] if step["sent"].startswith("RCPT"))
        self.assertEqual(step["reply"], "550 5.7.1 Unable to relay")
        self.assertTrue(step["why"])
        right = next(row for row in report["rights"] if row["right"] == "ms-Exch-SMTP-Accept-Any-Recipient")
        self.assertEqual((right["granted"], right["ace"]), (False, "deny ms-Exch-SMTP-Accept-Any-Recipient to anonymous"))
        text = self.daemon.cli("explain", "--client", "127.0.0.3", "--local", "127.0.0.1:%d" % self.port, "--from", "chris@contoso.com",
                               "--to", "kate@fabrikam.com").out
        self.assertIn("deny ms-Exch-SMTP-Accept-Any-Recipient to anonymous", text)

    # proves: contract-4
    def test_refused_disabled_and_no_connector(self):
        report = self.explain("127.0.0.5").json
        self.assertEqual(report["connector"], "Mailbox01\\Broken")
        self.assertTrue(report["refused"])
        self.assertEqual(report["dialogue"][0]["reply"], "421 4.3.2 Service not available")
        self.assertEqual(self.explain("127.0.0.4").json["connector"], "Mailbox01\\Default")
        self.assertIsNone(self.explain("10.1.1.1").json["connector"])

    def test_nothing_is_sent(self):
        self.explain("127.0.0.2", "--from", "chris@contoso.com", "--to", "kate@fabrikam.com")
        self.assertEqual(self.daemon.queue(), [])
        self.assertEqual(self.sink.messages, [])

    # proves: contract-4
    def test_usage(self):
        for arguments in ((), ("--client", "nonsense"), ("--client", "127.0.0.2", "--user")):
            self.assertEqual(self.daemon.cli("explain", *arguments).code, 2, arguments)
        self.assertEqual(self.daemon.cli("fly").code, 2)

    # proves: contract-4
    def test_directory_away(self):
        away = "ldap://127.0.0.1:%d" % free_port()
        start = time.monotonic()
        self.assertEqual(self.daemon.cli("--directory", away, "explain", "--client", "127.0.0.2").code, 3)
        self.assertLess(time.monotonic() - start, 5)
        answer = self.daemon.cli("--directory", "%s %s" % (away, self.slapd.uri), "explain", "--client", "127.0.0.2")
        self.assertEqual(answer.code, 0, answer)

    # proves: C67 C254 C255 contract-4
    def test_permission_list_views(self):
        rows = self.daemon.cli("permission", "list", json=True).json
        self.assertEqual({row["connector"] for row in rows}, {"Mailbox01\\Default", "Mailbox01\\Relay", "Mailbox01\\Denied",
                                                              "Mailbox01\\Off", "Internet"} | {row["connector"] for row in rows if "Broken" in row["connector"]})
        for row in rows:
            self.assertEqual(set(row) >= {"connector", "trustee", "sid", "right", "allow", "inherited", "from"}, True)
        mine = self.daemon.cli("permission", "list", "relay", "--user", ANONYMOUS, json=True).json
        self.assertEqual({(row["allow"], row["inherited"], row["sid"]) for row in mine}, {(True, False, "S-1-5-7")})
        self.assertEqual({row["from"] for row in mine}, {"explicit", "AnonymousUsers"})
        denied = self.daemon.cli("permission", "list", "Denied", "--user", "S-1-5-7", json=True).json
        self.assertIn(("ms-Exch-SMTP-Accept-Any-Recipient", False), [(row["right"], row["allow"]) for row in denied])
        self.assertEqual(self.daemon.cli("permission", "list", "--by", "user").code, 0)
        self.assertEqual(self.daemon.cli("permission", "list", "No such").code, 1)

    # proves: contract-4 C21
    def test_access(self):
        answer = self.daemon.cli("access", "--connector", "Relay", "--sid", "S-1-5-7", "--right", "ms-Exch-SMTP-Accept-Any-Recipient", json=True)
        self.assertEqual(answer.code, 0)
        self.assertEqual([(row["right"], row["granted"], row["ace"]) for row in answer.json["decisions"]],
                         [("ms-Exch-SMTP-Accept-Any-Recipient", True, ANY_RECIPIENT)])
        self.assertEqual(self.daemon.cli("access", "--connector", "Default", "--sid", "S-1-5-7", "--right",
                                         "ms-Exch-SMTP-Accept-Any-Recipient").code, 1)
        self.assertEqual(self.daemon.cli("access", "--connector", "No such", "--sid", "S-1-5-7").code, 1)

    # proves: contract-4
    def test_connector_list_and_show(self):
        names = {row["Identity"] for row in self.daemon.cli("connector", "list", json=True).json}
        self.assertEqual(names, {"Mailbox01\\Default", "Mailbox01\\Relay", "Mailbox01\\Denied", "Mailbox01\\Off", "Mailbox01\\Broken", "Internet"})
        send = self.daemon.cli("connector", "list", "--type", "send", json=True).json
        self.assertEqual([(row["Name"], row["AddressSpaces"], row["SmartHosts"], row["Port"]) for row in send],
                         [("Internet", ["SMTP:*;1"], ["[127.0.0.1]"], self.sink.port)])
        self.assertEqual(self.daemon.cli("connector", "show", "Off", json=True).json["Enabled"], False)
        self.assertEqual(self.daemon.cli("connector", "show", "No such").code, 1)


class Offline(unittest.TestCase):
    """The sample organization as a file: no server at all."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="dr-offline-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        options = make_sample.parse_options([])
        path = os.path.join(cls.folder, "sample.ldif")
        with open(path, "w") as file:
            file.write("\n".join([record("dc=contoso,dc=com", "dcObject", "organization", o="Contoso"),
                                  *make_sample.make_all(options).values()]))
        cls.uri = "ldif:" + path

    def ask(self, *arguments, uri=None, json=True):
        return cli(*(["--json"] if json else []), "--directory", uri or self.uri, *arguments, env={"DIRRELAY_SERVER_NAME": "Mailbox01"})

    # proves: C54 C8 C11 contract-4
    def test_the_sample_has_the_documents_values(self):
        shown = self.ask("connector", "show", "Anonymous Relay").json
        self.assertEqual((shown["Bindings"], shown["RemoteIPRanges"]), (["0.0.0.0:25"], ["192.168.5.10", "192.168.5.11"]))
        for client, code in (("192.168.5.10", 0), ("192.168.5.11", 0), ("192.168.5.12", 1)):
            answer = self.ask("explain", "--client", client, "--local", "192.168.5.1:25", "--from", "chris@contoso.com", "--to", "kate@fabrikam.com")
            self.assertEqual(answer.code, code, client)
        self.assertEqual(self.ask("explain", "--client", "192.168.5.12", "--local", "192.168.5.1:25").json["connector"],
                         "Mailbox01\\Default Frontend Mailbox01")
        self.assertEqual(self.ask("explain", "--client", "192.168.5.10", "--local", "192.168.5.1:2525").json["connector"],
                         "Mailbox01\\Default Mailbox01")

    # proves: C66
    def test_connectors_of_setup_have_no_finding_that_is_an_error(self):
        errors = [f for f in self.ask("lint").json["findings"] if f["severity"] == "error"]
        self.assertEqual(errors, [])
        self.assertEqual(self.ask("lint").code, 0)

    # proves: C52 C54 contract-4
    def test_who_may_relay_is_what_explain_says(self):
        org = Organization()
        org.relay("Relay", 25, "10.0.0.0/28", role=FRONTEND)
        org.receive("Hole", 25, "10.0.0.4/30", groups="AnonymousUsers")
        org.receive("Secured", 25, "10.0.0.9", auth=EXTERNAL, groups="ExchangeServers")
        org.receive("Users", 587, "10.0.0.0/8", auth=5, groups="ExchangeUsers")
        org.send("Internet", 25, hosts="[192.168.5.25]")
        uri = org.write(self.folder, "who.ldif")
        answer = self.ask("lint", "--who-may-relay", uri=uri)
        self.assertEqual(answer.code, 0)
        found = [(run["local"], run["clients"], run["connector"], run["identities"]) for run in answer.json["relay"]]
        anonymous, secured = "NT AUTHORITY\\ANONYMOUS LOGON", "MS Exchange\\Externally Secured Servers"
        relay = [(clients, "Mailbox01\\" + name, [identity]) for clients, name, identity in (
            ("10.0.0.0-10.0.0.3", "Relay", anonymous), ("10.0.0.8", "Relay", anonymous), ("10.0.0.9", "Secured", secured),
            ("10.0.0.10-10.0.0.15", "Relay", anonymous))]
        self.assertEqual(found, [("127.0.0.1:25", *row) for row in relay] + [
            ("127.0.0.1:587", "10.0.0.0-10.255.255.255", "Mailbox01\\Users", ["every account"])])
        for last in (0, 3, 4, 7, 8, 9, 10, 15, 16):
            client = "10.0.0.%d" % last
            may = any(first <= last <= end for first, end in ((0, 3), (8, 15)))
            answer = self.ask("explain", "--client", client, "--local", "127.0.0.1:25", "--from", "a@b.example", "--to", "kate@fabrikam.com",
                              uri=uri)
            self.assertEqual(answer.code == 0, may, client)
        self.assertIn("5 runs", self.ask("lint", "--who-may-relay", uri=uri, json=False).out)
        nobody = Organization().receive("Default", 25, "10.0.0.0/8", groups="AnonymousUsers").write(self.folder, "nobody.ldif")
        self.assertEqual(self.ask("lint", "--who-may-relay", uri=nobody).code, 1)

    # proves: C52 contract-4
    def test_lint_ranks_the_wide_relay_connector_above_the_narrow_one(self):
        org = Organization()
        org.relay("Narrow", 25, "10.0.0.0/30")
        org.relay("Wide", 2525, "10.0.0.0/8")
        org.send("Internet", 25, hosts="[192.168.5.25]")
        uri = org.write(self.folder, "wide.ldif")
        found = [f for f in self.ask("lint", uri=uri).json["findings"] if f["rule"] == "relay-width"]
        self.assertEqual(["Wide" in f["dn"] for f in found], [True, False])

    # proves: C5
    def test_a_private_eight_is_no_open_relay_and_a_public_one_is(self):
        for range, is_open in (("10.0.0.0/8", False), ("11.0.0.0/8", True)):
            org = Organization()
            org.relay("Relay", 25, range)
            rules = [f["rule"] for f in self.ask("lint", uri=org.write(self.folder, "range.ldif")).json["findings"]]
            self.assertEqual("open-relay" in rules, is_open)

    # proves: C50
    def test_an_absent_range_is_every_ipv4_address(self):
        org = Organization()
        org.receive("Bare", 25, None, groups="AnonymousUsers")
        org.relay("Bare relay", 2525, None)
        uri = org.write(self.folder, "bare.ldif")
        self.assertEqual(self.ask("connector", "show", "Bare", uri=uri).json["RemoteIPRanges"], ["0.0.0.0-255.255.255.255"])
        self.assertIn("open relay", self.ask("connector", "show", "Bare relay", uri=uri).json["Refused"])

    # proves: C4
    def test_the_documents_caution_about_default_connectors(self):
        org = Organization()
        org.receive("Default Frontend Mailbox01", 25, "10.0.0.0/8", groups="AnonymousUsers", aces=ANY_RECIPIENT)
        finding = next(f for f in self.ask("lint", uri=org.write(self.folder, "default.ldif")).json["findings"]
                       if f["rule"] == "relay-on-default-connector")
        self.assertEqual(finding["severity"], "error")
        self.assertIn("Default Frontend Mailbox01", finding["dn"])
        self.assertIn("delete: dirrelayAce", finding["fix"])

    # proves: C6
    def test_relay_belongs_to_the_front_end_role(self):
        org = Organization()
        org.relay("Relay", 25, "10.0.0.7", role=HUB)
        rules = [f["rule"] for f in self.ask("lint", uri=org.write(self.folder, "hub.ldif")).json["findings"]]
        self.assertIn("relay-on-hub-role", rules)

    # proves: C182 C64 contract-3
    def test_externally_secured_over_the_world_is_an_open_relay(self):
        org = Organization()
        org.receive("Secured", 25, "0.0.0.0-255.255.255.255", auth=EXTERNAL, groups="ExchangeServers", role=FRONTEND)
        uri = org.write(self.folder, "secured.ldif")
        self.assertIn("open relay", self.ask("connector", "show", "Secured", uri=uri).json["Refused"])
        self.assertIn("open-relay", [f["rule"] for f in self.ask("lint", uri=uri).json["findings"] if f["severity"] == "error"])

    # proves: C68
    def test_access_of_the_secured_identity_offline(self):
        org = Organization()
        org.receive("Secured", 25, "10.0.0.1", auth=EXTERNAL, groups="ExchangeServers")
        uri = org.write(self.folder, "access.ldif")
        self.assertEqual(len(self.ask("access", "--connector", "Secured", "--sid", SECURED, uri=uri).json["granted"]), 9)

    # proves: contract-1
    def test_a_file_that_is_no_ldif(self):
        path = os.path.join(self.folder, "bad.ldif")
        with open(path, "w") as file:
            file.write("this is no LDIF\n")
        self.assertEqual(self.ask("lint", uri="ldif:" + path).code, 4)

    # proves: contract-1
    def test_a_file_that_cannot_be_read(self):
        """As a directory that does not answer, for every command that needs one."""
        for command in (["lint"], ["connector", "list"], ["permission", "list"], ["explain", "--client", "10.0.0.1"],
                        ["permission", "add", "Relay", "--user", "anonymous", "--rights", "ms-Exch-SMTP-Submit"]):
            answer = self.ask(*command, uri="ldif:/nonexistent/file.ldif")
            self.assertEqual(answer.code, 3, answer)
            self.assertIn("/nonexistent/file.ldif: No such file", answer.err)


class Mending(Case):
    """What lint offers to mend a finding with is an ldapmodify that works."""

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Default Frontend Mailbox01", port, "127.0.0.2")

    # proves: contract-4 C256
    def test_the_fix_takes_the_finding_away(self):
        dn = self.organization.receive_dn("Default Frontend Mailbox01")
        finding = next(f for f in self.findings(dn) if f["rule"] == "relay-on-default-connector")
        self.world.modify(finding["fix"])
        self.assertNotIn("relay-on-default-connector", [f["rule"] for f in self.findings(dn)])
        self.world.modify(change(dn, ("add", "dirrelayAce", ANY_RECIPIENT)))
        self.assertIn("relay-on-default-connector", [f["rule"] for f in self.findings(dn)])

    # proves: contract-4 contract-7 D14 R21
    def test_every_other_fix_does_too(self):
        org, port = self.organization, free_port()
        cases = {
            "relay-on-hub-role": org.receive_ldif("Hub", port, "10.7.0.1", groups="AnonymousUsers", aces=[ANY_RECIPIENT], role=HUB),
            "relay-width": org.receive_ldif("Wide", port + 1, "10.0.0.0/8", groups="AnonymousUsers", aces=[ANY_RECIPIENT]),
            "relay-incomplete": org.receive_ldif("Incomplete", port + 2, "10.7.0.1", aces=[ANY_RECIPIENT]),
            "both-methods": org.receive_ldif("Both", port + 3, "10.7.0.1", groups="AnonymousUsers ExchangeServers", auth=EXTERNAL,
                                             aces=[ANY_RECIPIENT]),
            "grants-nothing": org.receive_ldif("Nothing", port + 4, "10.7.0.1"),
            "absent-mechanism": org.receive_ldif("Absent", port + 5, "10.7.0.1", groups="AnonymousUsers", auth=None),
            "report-only": org.receive_ldif("Reporting", port + 6, "10.7.0.1", groups="AnonymousUsers",
                                            dirrelayReportOnly="ms-Exch-SMTP-Accept-Any-Sender"),
            "open-relay": org.receive_ldif("Open", port + 7, "11.0.0.0/8", groups="AnonymousUsers", aces=[ANY_RECIPIENT]),
            "login-in-clear": org.receive_ldif("Clear", port + 8, "10.7.0.1", groups="ExchangeUsers", auth=4),
            "smart-host-is-self": org.send_ldif("Loop", self.port, spaces="SMTP:loop.example;1"),
            "smart-host-link-local": org.send_ldif("Cloud", 25, spaces="SMTP:cloud.example;1", hosts="[169.254.169.254],[192.0.2.1]"),
            "wide-domain": org.domain_ldif("example", 65536),
        }
        for rule, ldif in cases.items():
            with self.subTest(rule=rule):
                dn = ldif.partition("\n")[0][4:]
                self.world.modify(ldif)
                finding = next(f for f in self.findings(dn) if f["rule"] == rule)
                self.world.modify(finding["fix"])
                left = [f for f in self.findings(dn) if f["rule"] == rule and f["severity"] != "info"]
                self.assertEqual(left, [])
                self.world.delete(dn)


if __name__ == "__main__":
    unittest.main()
