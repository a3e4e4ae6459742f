"""docker/compose.edge.yaml: a hub inside and an edge outside that know each other by the directory's certificates; the edge's directory
holds its part alone."""

import unittest

from lib.compose import REFUSED, ComposeCase
from lib.smtp import eventually

SUFFIX = "dc=contoso,dc=com"
ORGANIZATION = "CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration," + SUFFIX
GROUP = "CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups," + ORGANIZATION
CONNECTIONS = "CN=Connections,CN=Routing Group (DWBGZMFD01QNBJR),CN=Routing Groups," + GROUP
LDAPI = ["-Q", "-Y", "EXTERNAL", "-H", "ldapi://%2Frun%2Fslapd%2Fldapi"]
HUBS, EDGES = "MS Exchange\\Hub Transport Servers", "MS Exchange\\Edge Transport Servers"


class Edge(ComposeCase):
    FILE = "compose.edge.yaml"
    ENVIRONMENT = {"COMPOSE_PROFILES": "try"}

    def change(self, ldif):
        self.project.exec("directory", "ldapmodify", *LDAPI, text=ldif)

    def known_at_the_edge(self):
        """{normal DN: {attribute: [value]}} of all that the edge's directory holds."""
        found, entry = {}, None
        for line in self.project.exec("edge-directory", "ldapsearch", "-LLL", "-o", "ldif-wrap=no", *LDAPI, "-b", SUFFIX).stdout.splitlines():
            name, _, value = line.partition(": ")
            if name == "dn":
                entry = found[value.lower()] = {}
            elif line:
                entry.setdefault(name.rstrip(":"), []).append(value)
        return found

    # proves: C96 C156 C159 C160 C197
    def test_mail_from_inside_leaves_by_the_edge(self):
        done = self.swaks("172.30.27.100", "outbound", server="hub", network="dirrelay-edge_inside")
        self.assertEqual(done.returncode, 0, done.stdout)
        received = self.project.wait_arrived("outbound")["received"]
        self.assertIn("edge1.contoso.com", received[0])
        self.assertIn("mx1.contoso.com", received[1])
        hop = self.project.events("hub", "hop.session")[-1]
        self.assertEqual((hop["auth"], hop["identity"]), ("X-ANONYMOUSTLS", EDGES))
        known = self.project.events("edge", "auth.ok")[-1]
        self.assertEqual((known["mechanism"], known["identity"], known["server"]), ("X-ANONYMOUSTLS", HUBS, "mx1"))

    # proves: C96 C156 C159 C160
    def test_mail_from_outside_comes_in_by_the_edge(self):
        done = self.swaks("172.30.29.100", "inbound", "--to", "chris@contoso.com", server="edge", network="dirrelay-edge_outside", sender="kate@fabrikam.com")
        self.assertEqual(done.returncode, 0, done.stdout)
        eventually(lambda: self.assertEqual(len(self.project.arrived("inbound", "mailboxes")), 1), 30)
        self.assertEqual(self.project.events("hub", "auth.ok")[-1]["identity"], EDGES)
        done = self.swaks("172.30.29.100", "relayed", server="edge", network="dirrelay-edge_outside", sender="kate@fabrikam.com")
        self.assertIn(REFUSED, done.stdout)

    def test_the_edges_directory_holds_its_part_alone(self):
        known = self.known_at_the_edge()
        servers = "cn=servers," + GROUP.lower()
        for dn in ("cn=contoso.com,cn=accepted domains,cn=transport settings," + ORGANIZATION.lower(), "cn=mx1," + servers, "cn=edge1," + servers,
                   "cn=default internal receive connector edge1,cn=smtp receive connectors,cn=protocols,cn=edge1," + servers,
                   "cn=internet," + CONNECTIONS.lower(), "cn=edgesync - inbound," + CONNECTIONS.lower()):
            self.assertIn(dn, known)
        for server in ("mx1", "edge1"):
            self.assertIn("msExchServerInternalTLSCert", known["cn=%s,%s" % (server, servers)])
        self.assertEqual([dn for dn in known if dn.endswith(",cn=mx1," + servers)], [])
        self.assertEqual([dn for dn in known if "ou=people" in dn or "mailboxes" in dn or "to internet" in dn], [])
        self.assertEqual([dn for dn in known if ",ou=services" in dn], ["cn=edge1,ou=services," + SUFFIX])

    # proves: contract-3
    def test_a_change_inside_is_in_force_at_the_edge(self):
        before = len(self.project.events("edge", "org.loaded"))
        self.change("dn: CN=adatum.com,CN=Accepted Domains,CN=Transport Settings,%s\nchangetype: add\nobjectClass: msExchAcceptedDomain\ncn: adatum.com\n"
                    "msExchAcceptedDomainName: adatum.com\n" % ORGANIZATION)
        eventually(lambda: self.assertGreater(len(self.project.events("edge", "org.loaded")), before), 10)
        done = self.swaks("172.30.29.100", "adatum", "--to", "kate@adatum.com", "--quit-after", "RCPT", server="edge", network="dirrelay-edge_outside",
                          sender="kate@fabrikam.com")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_is_the_edges_no_more_leaves_its_directory(self):
        internet, server = "CN=Internet," + CONNECTIONS, "CN=%s,CN=Servers," + GROUP
        move = "dn: %s\nchangetype: modify\nreplace: msExchSourceBridgeheadServersDN\nmsExchSourceBridgeheadServersDN: %s\n"
        self.change(move % (internet, server % "mx1"))
        try:
            eventually(lambda: self.assertNotIn(internet.lower(), self.known_at_the_edge()), 10)
        finally:
            self.change(move % (internet, server % "edge1"))
        eventually(lambda: self.assertIn(internet.lower(), self.known_at_the_edge()), 10)


if __name__ == "__main__":
    unittest.main()
