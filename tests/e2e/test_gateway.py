"""Clients that a user-land proxy or NAT hides behind the address of a gateway. In a network of the test's own, as root."""

import ctypes
import os
import subprocess
import sys
import unittest

from lib.organization import ANY_RECIPIENT, change
from lib.smtp import Client
from lib.world import Case

CLONE_NEWNET = 0x40000000
GATEWAY, PRINTER, OWN = "10.99.0.1", "10.99.0.7", "10.99.0.2"
ALONE = "DIRRELAY_TEST_ALONE"
# The gateway's address is given to the machine only behind the route, which would else lead to itself.
NETWORK = """
ip link set lo up
ip link add dr0 type veth peer name dr1
ip addr add {own}/24 dev dr0
ip link set dr0 up
ip link set dr1 up
ip route add default via {gateway} dev dr0
ip addr add {gateway}/32 dev lo
ip addr add {printer}/32 dev lo
""".format(own=OWN, gateway=GATEWAY, printer=PRINTER)


def enter_own_network():
    """For this process and all that it starts."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise unittest.SkipTest("no network of one's own here: " + os.strerror(ctypes.get_errno()))
    subprocess.run(["sh", "-ec", NETWORK], check=True)


@unittest.skipUnless(os.environ.get(ALONE), "run by test_in_a_network_of_its_own")
class Hidden(Case):
    @classmethod
    def setUpClass(cls):
        enter_own_network()
        super().setUpClass()

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Relay", port, "10.99.0.0/24", groups="AnonymousUsers", aces=ANY_RECIPIENT)
        org.receive("Everybody", port, "0.0.0.0-255.255.255.255", groups="AnonymousUsers")

    def relay(self, source):
        with Client(self.port, source=source) as client:
            client.ehlo()
            client.mail("chris@contoso.com")
            return client.rcpt("kate@fabrikam.com").text

    def explain(self, source):
        return self.daemon.cli("explain", "--client", source, "--local", "127.0.0.1:%d" % self.port, "--from", "chris@contoso.com",
                               "--to", "kate@fabrikam.com", json=True)

    # proves: D13
    def test_1_the_gateway_relays_for_nobody(self):
        self.daemon.wait("gateway.in_range", gateway=GATEWAY, connector="Mailbox01\\Relay")
        mark = self.daemon.mark()
        self.assertEqual(self.relay(PRINTER), "250 2.1.5 Recipient OK")
        self.assertEqual(self.daemon.seen("gateway.client", since=mark), [])
        self.assertEqual(self.relay(GATEWAY), "550 5.7.1 Unable to relay")
        event = self.daemon.wait("gateway.client", since=mark, connector="Mailbox01\\Relay", level="warning")
        self.assertIn("userland-proxy", event["mend"])
        self.assertIn("gateway", self.daemon.wait("rcpt.refused", since=mark)["ace"])
        self.assertEqual(self.daemon.metrics()['dirrelay_gateway_sessions_total{connector="Mailbox01\\\\Relay"}'], 1)

    # proves: D13 contract-4
    def test_2_explain_says_the_same(self):
        answer = self.explain(GATEWAY)
        self.assertEqual(answer.code, 1)
        self.assertIn("550 5.7.1 Unable to relay", [step["reply"] for step in answer.json["dialogue"]])
        right = next(right for right in answer.json["rights"] if right["right"] == "ms-Exch-SMTP-Accept-Any-Recipient")
        self.assertFalse(right["granted"])
        self.assertIn("gateway", right["ace"])
        self.assertEqual(self.explain(PRINTER).code, 0)

    # proves: D13 contract-4
    def test_3_lint_mends_it_by_leaving_the_gateway_out(self):
        dn = self.organization.receive_dn("Relay")
        finding = next(finding for finding in self.findings(dn) if finding["rule"] == "gateway-in-range")
        self.assertEqual(finding["severity"], "warning")
        self.assertIn("network_mode: host", finding["why"])
        mark = self.daemon.mark()
        self.world.modify(finding["fix"])
        self.assertNotIn("gateway-in-range", [finding["rule"] for finding in self.findings(dn)])
        self.assertEqual(self.daemon.seen("gateway.in_range", since=mark), [])
        self.assertEqual(self.relay(PRINTER), "250 2.1.5 Recipient OK")
        self.assertEqual(self.relay(GATEWAY), "550 5.7.1 Unable to relay")
        self.daemon.wait("session.open", since=mark, connector="Mailbox01\\Everybody")

    # proves: D13 contract-3
    def test_4_an_acknowledged_open_relay_is_one(self):
        dn = self.organization.receive_dn("Everybody")
        self.world.modify(change(dn, ("add", "dirrelayAce", ANY_RECIPIENT), ("add", "dirrelayAllowOpenRelay", "TRUE")))
        self.assertEqual(self.relay(GATEWAY), "250 2.1.5 Recipient OK")


class Alone(unittest.TestCase):
    """A process cannot come back from a network of its own."""

    @unittest.skipIf(os.environ.get(ALONE), "inside")
    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_in_a_network_of_its_own(self):
        done = subprocess.run([sys.executable, "-m", "unittest", "-v", "e2e.test_gateway.Hidden"], capture_output=True, text=True,
                              env={**os.environ, ALONE: "1"}, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        if "skipped" in done.stderr:
            self.skipTest(done.stderr)


if __name__ == "__main__":
    unittest.main()
