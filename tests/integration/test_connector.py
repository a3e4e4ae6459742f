#!/usr/bin/python3
"""dirrelay connector new|set|remove against a real slapd."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.dirrelay import Daemon, cli  # noqa: E402
from lib.organization import Organization, record  # noqa: E402
from lib.slapd import Slapd  # noqa: E402

ALL = "0.0.0.0-255.255.255.255"


class Connector(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.slapd = Slapd()
        cls.addClassCleanup(cls.slapd.close)
        cls.slapd.start()
        cls.organization = Organization()
        cls.organization.receive("Default Frontend Mailbox01", ["0.0.0.0:25"], ALL, groups="AnonymousUsers", auth=1)
        cls.organization.send("Internet", 25, hosts="[192.168.5.25]")
        cls.slapd.add(cls.organization.ldif())
        cls.tool = Daemon(cls.slapd.uri, {"directory.bind_dn": cls.slapd.root_dn,
                                          "directory.bind_password": cls.slapd.root_password}, start=False)
        cls.addClassCleanup(cls.tool.close)

    def connector(self, *arguments, code=0, **options):
        answer = self.tool.cli("connector", *arguments, **options)
        self.assertEqual(answer.code, code, answer)
        return answer

    def entry(self, dn):
        """None where it is not."""
        found = self.slapd.search("CN=Configuration,dc=contoso,dc=com", "(cn=%s)" % dn.partition(",")[0][3:])
        return found[0][1] if found else None

    def names(self):
        return [row["Name"] for row in self.connector("list", json=True).json]

    # proves: C47 C54 C247 contract-4
    def test_the_documents_relay_connector(self):
        answer = self.connector("new", "Anonymous Relay", "--transport-role", "FrontendTransport", "--usage", "Custom", "--bindings", "0.0.0.0:25",
                                "--remote-ip-ranges", "192.168.5.10,192.168.5.11", "--permission-groups", "AnonymousUsers")
        self.assertIn("created", answer.out)
        shown = self.connector("show", "Anonymous Relay", json=True).json
        self.assertEqual((shown["Bindings"], shown["RemoteIPRanges"], shown["PermissionGroups"], shown["AuthMechanism"], shown["TransportRole"]),
                         (["0.0.0.0:25"], ["192.168.5.10", "192.168.5.11"], ["AnonymousUsers"], [], ["FrontendTransport"]))
        self.assertIsNone(shown["Refused"])
        self.assertEqual((shown["MaxInboundConnection"], shown["MaxInboundConnectionPerSource"], shown["MaxProtocolErrors"]), (5000, 20, 5))
        self.connector("new", "Anonymous Relay", "--bindings", "0.0.0.0:26", code=1)
        self.tool.cli("permission", "add", "Anonymous Relay", "--user", "anonymous", "--rights", "ms-Exch-SMTP-Accept-Any-Recipient")
        self.assertIn("open relay", self.connector("set", "Anonymous Relay", "--remote-ip-ranges", "8.0.0.0/8", code=4).err)
        self.connector("set", "Anonymous Relay", "--remote-ip-ranges", "10.0.0.0/28, 10.0.1.1", "--enabled", "no", "--require-tls", "yes",
                       "--auth-mechanism", "Tls", "--set", "adminDescription=for printers")
        shown = self.connector("show", "Anonymous Relay", json=True).json
        self.assertEqual((shown["RemoteIPRanges"], shown["Enabled"], shown["AuthMechanism"]), (["10.0.0.0-10.0.0.15", "10.0.1.1"], False, ["Tls"]))
        self.assertEqual(self.entry("CN=Anonymous Relay")["adminDescription"], ["for printers"])
        self.connector("set", "Anonymous Relay", "--set", "adminDescription=", "--require-tls", "no")
        self.assertNotIn("adminDescription", self.entry("CN=Anonymous Relay"))
        self.assertEqual(self.entry("CN=Anonymous Relay")["msExchSmtpReceiveProtocolRestrictions"], ["0"])
        self.assertIn("removed", self.connector("remove", "Anonymous Relay").out)
        self.connector("remove", "Anonymous Relay", code=1)
        self.assertNotIn("Anonymous Relay", self.names())

    # proves: C53 C55 contract-4
    def test_the_ldif_is_as_good_as_the_tool(self):
        arguments = ["new", "Printed", "--usage", "Custom", "--transport-role", "FrontendTransport", "--remote-ip-ranges", "192.168.5.12"]
        self.assertIn("usage Custom needs --bindings", self.connector(*arguments, code=2).err)
        ldif = self.connector(*arguments, "--bindings", "0.0.0.0:25", "--dry-run", json=True).json["ldif"]
        self.assertNotIn("Printed", self.names())
        self.slapd.modify(ldif)
        shown = self.connector("show", "Printed", json=True).json
        self.assertEqual((shown["Bindings"], shown["RemoteIPRanges"], shown["Refused"]), (["0.0.0.0:25"], ["192.168.5.12"], None))
        self.connector("remove", "Printed")

    # proves: C127 C131 C184 C242 C244 contract-4
    def test_a_send_connector(self):
        self.connector("new", "Partner, Fabrikam", "--usage", "Custom", "--address-spaces", "fabrikam.com,SMTP:*.fabrikam.com;5",
                       "--smart-hosts", "mail.fabrikam.com,192.0.2.7", "--require-tls", "yes", "--fqdn", "mx1.contoso.com")
        shown = self.connector("show", "Partner, Fabrikam", json=True).json
        self.assertEqual((shown["AddressSpaces"], shown["SmartHosts"]),
                         (["SMTP:fabrikam.com;1", "SMTP:*.fabrikam.com;5"], ["mail.fabrikam.com", "[192.0.2.7]"]))
        self.connector("set", "Partner, Fabrikam", "--address-spaces", "fabrikam.com;7", "--smart-host-auth", "None", "--enabled", "no")
        shown = self.connector("show", "Partner, Fabrikam", json=True).json
        self.assertEqual((shown["AddressSpaces"], shown["Enabled"]), (["SMTP:fabrikam.com;7"], False))
        self.assertIn("need a user name and a password",
                      self.connector("set", "Partner, Fabrikam", "--smart-host-auth", "BasicAuth", code=4).err)
        credential = ["--set", "msExchSmtpOutboundSecurityUserName=relay", "--set", "dirrelaySmartHostPasswordFile=/run/password"]
        for mechanism, value in (("BasicAuth", 2), ("BasicAuthRequireTLS", 4), ("ExchangeServer", 8), ("None", 0)):
            self.connector("set", "Partner, Fabrikam", "--smart-host-auth", mechanism, *credential)
            self.assertEqual(self.entry("CN=Partner*")["msExchSmtpSendFlags"], [str(value << 20)])
        self.connector("set", "Partner, Fabrikam", "--smart-host-auth", "ExternalAuthoritative", code=4)  # a smart host has a name
        self.connector("remove", "Partner, Fabrikam", "--type", "send")
        self.assertIn("no address space", self.connector("new", "Empty", "--type", "send", code=4).err)
        self.assertNotIn("Empty", self.names())

    # proves: facts-7 contract-4
    def test_what_the_server_would_refuse_is_not_written(self):
        answer = self.connector("new", "Other role", "--transport-role", "HubTransport", "--bindings", "0.0.0.0:25", "--remote-ip-ranges", "10.0.0.1",
                                code=4)
        self.assertIn("role", answer.err.lower())
        answer = self.connector("new", "Same", "--transport-role", "FrontendTransport", "--bindings", "0.0.0.0:25", "--remote-ip-ranges", ALL, code=4)
        self.assertIn("Default Frontend Mailbox01", answer.err)
        self.assertIn("BasicAuthRequireTLS", self.connector("new", "Auth", "--bindings", "0.0.0.0:2626", "--auth-mechanism", "BasicAuthRequireTLS",
                                                            code=4).err)
        self.connector("new", "Range", "--bindings", "0.0.0.0:2626", "--remote-ip-ranges", "10.0.0.9-10.0.0.1", code=4)
        self.connector("new", "Number", "--bindings", "0.0.0.0:2626", "--set", "msExchSmtpReceiveMaxHopCount=1000", code=4)
        for name in ("Other role", "Same", "Auth", "Range", "Number"):
            self.assertNotIn(name, self.names())

    # proves: contract-4
    def test_another_server(self):
        servers = self.organization.server_dn.partition(",")[2]
        for rdn, kind in (("CN=Other", "msExchExchangeServer"), ("CN=Protocols,CN=Other", "protocolCfgSharedServer"),
                          ("CN=SMTP Receive Connectors,CN=Protocols,CN=Other", "container")):
            roles = {"msExchCurrentServerRoles": 16384} if kind == "msExchExchangeServer" else {}
            self.slapd.add(record("%s,%s" % (rdn, servers), kind, **roles))
        self.connector("new", "There", "--server", "Other", "--bindings", "0.0.0.0:25", "--remote-ip-ranges", "10.0.0.1", "--permission-groups", "AnonymousUsers")
        self.assertNotIn("There", self.names())
        shown = self.connector("show", "There", "--server", "Other", json=True).json
        self.assertEqual((shown["Identity"], shown["TransportRole"]), ("Other\\There", ["FrontendTransport"]))
        self.connector("set", "There", "--server", "Other", "--fqdn", "there.contoso.com")
        self.connector("remove", "There", "--server", "Other")
        self.assertIn("Nowhere", self.connector("list", "--server", "Nowhere", code=4).err)

    # proves: contract-4
    def test_what_is_typed_wrong(self):
        for arguments in (["new"], ["new", "X", "--bindings"], ["new", "X"], ["new", "X", "--usage", "Anybody"], ["set", "Internet", "--type", "send",
                          "--bindings", "0.0.0.0:25"], ["new", "X", "--bindings", "0.0.0.0:25", "--smart-hosts", "a.example"],
                          ["new", "X", "--type", "send", "--usage", "Client"], ["new", "X", "--usage", "Client", "--auth-mechanism", "Telepathy"],
                          ["set", "Internet"], ["set", "Internet", "--usage", "Custom"], ["new", "X", "--usage", "Client", "--enabled", "perhaps"],
                          ["new", "X", "--usage", "Client", "--set", "nothing"], ["remove", "X", "--unknown", "y"]):
            self.connector(*arguments, code=2)
        self.connector("set", "Nobody", "--enabled", "no", code=1)
        self.assertEqual(sorted(self.names()), ["Default Frontend Mailbox01", "Internet"])


class Usage(unittest.TestCase):
    """The LDIF of --dry-run, by usage and model; from a file."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="dr-connector-")
        cls.addClassCleanup(folder.cleanup)
        cls.uris = {model: Organization(model=model).send("Internet", 25, hosts="[192.168.5.25]").write(folder.name, model + ".ldif")
                    for model in ("2007", "2010")}

    def made(self, model, *arguments):
        answer = cli("--json", "--directory", self.uris[model], "connector", "new", "Made", *arguments, "--dry-run",
                     env={"DIRRELAY_SERVER_NAME": "Mailbox01"})
        self.assertEqual(answer.code, 0, answer)
        self.assertFalse(answer.json["written"])
        values = {}
        for line in answer.json["ldif"].replace("\n ", "").splitlines():
            name, _, value = line.partition(": ")
            values.setdefault(name, []).append(value)
        return values

    # proves: C235 C236 C237 C238 C239 C240 C241 contract-7
    def test_receive(self):
        for model, usage, flag, groups in (
                ("2007", "Client", "13", ["ExchangeUsers"]), ("2010", "Client", "15", ["ExchangeUsers"]),
                ("2007", "Internal", "16", ["ExchangeServers", "ExchangeLegacyServers"]),
                ("2010", "Internal", "17", ["ExchangeServers", "ExchangeLegacyServers"]),
                ("2007", "Internet", "0", ["AnonymousUsers", "Partners"]), ("2010", "Internet", "1", ["AnonymousUsers", "Partners"]),
                ("2010", "Partner", "1", ["Partners"])):
            with self.subTest(model=model, usage=usage):
                made = self.made(model, "--usage", usage)
                self.assertEqual(made["msExchSMTPReceiveInboundSecurityFlag"], [flag])
                self.assertEqual(made["dirrelayPermissionGroups"], groups)
                self.assertEqual(made["changetype"], ["add"])
                self.assertEqual(made["msExchSmtpReceiveBindings"], ["0.0.0.0:587" if usage == "Client" else "0.0.0.0:25"])

    # proves: C247 C238 contract-7
    def test_no_usage_is_custom(self):
        for model in self.uris:
            made = self.made(model, "--bindings", "0.0.0.0:25")
            self.assertEqual(made["msExchSMTPReceiveInboundSecurityFlag"], ["0"])
            self.assertNotIn("dirrelayPermissionGroups", made)
            self.assertEqual(made, self.made(model, "--bindings", "0.0.0.0:25", "--usage", "Custom"))

    # proves: C235 C242 C243 C244 C245 contract-7
    def test_send(self):
        routing = "allow ms-Exch-Send-Headers-Routing to "
        for usage, expected in (("Custom", []), ("Internet", [routing + "anonymous"]), ("Partner", [routing + "partner-servers"])):
            made = self.made("2007", "--type", "send", "--usage", usage, "--address-spaces", "a.example")
            self.assertEqual(made.get("dirrelayAce", []), expected)
            self.assertEqual(made["routingList"], ["SMTP:a.example;1"])
            self.assertNotIn("msExchSmtpSendFlags", made)
        made = self.made("2007", "--type", "send", "--usage", "Internal", "--address-spaces", "a.example", "--smart-hosts", "hub.example")
        self.assertEqual([line.rpartition(" ")[2] for line in made["dirrelayAce"]],
                         ["hub-servers", "edge-servers", "externally-secured-servers", "legacy-servers"])
        self.assertEqual(made["msExchSmtpSendFlags"], [str(8 << 20)])
        self.assertEqual(len(self.made("2010", "--type", "send", "--usage", "Internet", "--address-spaces", "a.example")["dirrelayAce"]), 6)

    # proves: contract-4
    def test_a_file_is_only_read(self):
        with open(self.uris["2010"].partition(":")[2]) as file:
            before = file.read()
        answer = cli("--directory", self.uris["2010"], "connector", "new", "Made", "--bindings", "0.0.0.0:25", "--remote-ip-ranges", "10.0.0.1",
                     env={"DIRRELAY_SERVER_NAME": "Mailbox01"})
        self.assertEqual(answer.code, 1, answer)
        with open(self.uris["2010"].partition(":")[2]) as file:
            self.assertEqual(file.read(), before)


if __name__ == "__main__":
    unittest.main()
