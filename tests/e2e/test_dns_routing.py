"""Send connectors that route by DNS, with nsd as the name server and a host at each address."""

import os
import socket
import tempfile
import time
import unittest

from lib.nsd import Nsd, private_network, sign
from lib.organization import SEND_ROUTING
from lib.sink import Sink
from lib.slapd import free_port
from lib.world import Case

FIRST, SECOND, THIRD, SIX, OURS = "203.0.113.11", "203.0.113.12", "203.0.113.13", "2001:db8:77::11", "203.0.113.99"
TARPIT = "203.0.113.88"
SENDER = "chris@contoso.com"
RECORDS = """
contoso.com. IN MX 10 first.example.
first.example. IN A 203.0.113.11
second.example. IN A 203.0.113.12
third.example. IN A 203.0.113.13
order.example. IN MX 10 first.example.
order.example. IN MX 20 second.example.
order.example. IN MX 30 third.example.
equal.example. IN MX 10 first.example.
equal.example. IN MX 10 second.example.
plain.example. IN A 203.0.113.12
six.example. IN MX 10 host6.example.
host6.example. IN AAAA 2001:db8:77::11
plainsix.example. IN AAAA 2001:db8:77::11
alias.example. IN CNAME order.example.
tocname.example. IN MX 10 cname.example.
cname.example. IN CNAME second.example.
circle.example. IN CNAME circle2.example.
circle2.example. IN CNAME circle.example.
null.example. IN MX 0 .
dangling.example. IN MX 10 nowhere.example.
loopback.example. IN MX 10 local.example.
local.example. IN A 127.0.0.1
local.example. IN A 203.0.113.11
self.example. IN MX 10 self.hosts.example.
self.hosts.example. IN A 203.0.113.99
backup.example. IN MX 10 down.example.
backup.example. IN MX 20 self.hosts.example.
backup.example. IN MX 30 first.example.
down.example. IN A 203.0.113.77
metadata.example. IN A 169.254.169.254
*.tarpit.example. IN MX 10 tarpit.example.
tarpit.example. IN A 203.0.113.88
flap.example. 0 IN MX 10 first.example.
""" + "".join("hundred.example. IN MX %d mx%d.hundred.example.\nmx%d.hundred.example. IN A 203.0.113.%d\n" %
              (1000 - i, i, i, 12 if i == 99 else 13) for i in range(100))
SIGNED = "signed.test. IN MX 10 host.signed.test.\nhost.signed.test. IN A 203.0.113.11\n"
TEXT = b"From: chris@contoso.com\r\nSubject: Test\r\n\r\nThis is a test message\r\n"


def setUpModule():
    private_network([FIRST, SECOND, THIRD, SIX, OURS, TARPIT])


class DnsRouting(Case):
    config = {"queue.retry": "1s 1s 1s", "queue.expire": "1h"}
    internet = False

    @classmethod
    def setUpClass(cls):
        signed, anchor = sign("signed.test.", SIGNED)
        forged = signed.replace("203.0.113.11", "203.0.113.12")
        cls.nsd = Nsd({".": RECORDS, "signed.test.": signed, "forged.test.": forged.replace("signed.test", "forged.test"),
                       "lame.test.": "no SOA and no zone: SERVFAIL\n"})
        cls.addClassCleanup(cls.nsd.close)
        with tempfile.NamedTemporaryFile("w", suffix=".ds", delete=False) as file:
            file.write(anchor + anchor.replace("signed.test", "forged.test"))
        os.chmod(file.name, 0o644)
        cls.addClassCleanup(os.unlink, file.name)
        cls.config = {**DnsRouting.config, "dns.trust_anchor": file.name}
        cls.hop_port = free_port()
        cls.hosts = {}
        for name, address in (("first", FIRST), ("second", SECOND), ("third", THIRD), ("six", SIX)):
            cls.hosts[name] = Sink(address, cls.hop_port)
            cls.addClassCleanup(cls.hosts[name].stop)
        super().setUpClass()

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, "127.0.0.2")
        org.receive("Ours", "%s:%d" % (OURS, cls.hop_port), "203.0.113.99")
        org.send("Internet", cls.hop_port, hosts=None, aces=SEND_ROUTING, msExchSmtpMaxMessagesPerConnection=1)

    def setUp(self):
        for host in self.hosts.values():
            host.reset()

    def tearDown(self):
        self.daemon.cli("queue", "remove", "*")

    def submit(self, recipient, sender=SENDER):
        """The queue's id."""
        with self.client() as client:
            client.ehlo()
            self.assertEqual(client.mail(sender).code, 250)
            self.assertEqual(client.rcpt(recipient).code, 250)
            reply = client.data(TEXT)
            self.assertEqual(reply.code, 250)
        return int(reply.text.partition("InternalId=")[2].partition("]")[0])

    def arrives(self, domain, host):
        self.submit("kate@" + domain)
        message = self.hosts[host].wait(1)[0]
        self.assertEqual(message.recipients, ["kate@" + domain])
        for name, other in self.hosts.items():
            if name != host:
                self.assertEqual(other.messages, [], name)
            other.reset()

    def bounces(self, domain, reply):
        """The report goes by DNS too, to first.example."""
        mark = self.daemon.mark()
        id = self.submit("kate@" + domain)
        event = self.daemon.wait("message.bounced", since=mark, id=id)
        self.assertTrue(event["reply"].startswith(reply), event["reply"])
        report = self.hosts["first"].wait(1)[0]
        self.assertEqual((report.sender, report.recipients), ("", [SENDER]))
        self.assertIn(b"Status: " + reply.split()[1].encode(), report.content)
        self.hosts["first"].reset()

    def waits(self, domain, reply):
        mark = self.daemon.mark()
        id = self.submit("kate@" + domain)
        event = self.daemon.wait("message.deferred", since=mark, id=id)
        self.assertTrue(event["reply"].startswith(reply), event["reply"])
        self.daemon.cli("queue", "remove", id)

    # proves: R14 facts-1.4
    def test_the_best_exchanger_and_then_the_next(self):
        self.arrives("order.example", "first")
        self.hosts["first"].stop()
        try:
            self.arrives("order.example", "second")
        finally:
            self.hosts["first"].start()

    # proves: R14
    def test_equal_exchangers_share(self):
        for number in range(30):
            self.submit("kate%d@equal.example" % number)
        self.assertWithin(20, lambda: self.assertEqual(
            len(self.hosts["first"].messages) + len(self.hosts["second"].messages), 30))
        self.assertGreater(len(self.hosts["first"].messages), 3)
        self.assertGreater(len(self.hosts["second"].messages), 3)

    # proves: R14
    def test_addresses_stand_in_for_exchangers(self):
        self.arrives("plain.example", "second")
        self.arrives("plainsix.example", "six")
        self.arrives("six.example", "six")

    # proves: R14
    def test_aliases(self):
        self.arrives("alias.example", "first")
        self.arrives("tocname.example", "second")
        self.waits("circle.example", "451 4.4.3")

    # proves: R14
    def test_a_hundred_exchangers_in_an_answer_that_udp_cannot_hold(self):
        self.arrives("hundred.example", "second")

    # proves: R14
    def test_records_that_may_not_be_kept(self):
        for _ in range(3):
            self.arrives("flap.example", "first")

    # proves: R14
    def test_domains_without_mail(self):
        self.bounces("null.example", "556 5.1.10")
        self.bounces("missing.example", "550 5.1.2")
        self.bounces("dangling.example", "550 5.4.4")

    # proves: R14 R21
    def test_ourselves_and_strange_addresses(self):
        self.bounces("loopback.example", "550 5.4.6")
        self.bounces("self.example", "550 5.4.6")
        self.bounces("metadata.example", "550 5.4.4")
        self.waits("backup.example", "421 4.2.1")  # we are second: the better one is tried, the worse one never
        self.assertEqual(self.hosts["first"].offered, [])

    # proves: R14
    def test_servers_that_do_not_know(self):
        self.waits("lame.test", "451 4.4.3")

    # proves: R14
    def test_dnssec(self):
        self.arrives("signed.test", "first")
        self.waits("forged.test", "451 4.4.3")
        self.assertEqual(self.hosts["second"].offered, [])

    def test_dead_destinations_hold_nobody_up(self):
        with socket.create_server((TARPIT, self.hop_port), backlog=1024):  # takes connections and never says a word
            with self.client() as client:
                client.ehlo()
                for number in range(300):
                    client.send_message(SENDER, ["kate@d%d.tarpit.example" % number], TEXT)
                begin = time.monotonic()
                client.send_message(SENDER, ["kate@order.example"], TEXT)
                self.hosts["first"].wait(1)
                self.assertLess(time.monotonic() - begin, 2)
            self.assertEqual(len(self.daemon.queue()), 300)

    # proves: contract-4
    def test_the_queue_names_the_domain(self):
        id = self.submit("kate@lame.test")
        self.daemon.wait("message.deferred", id=id, hop="lame.test")
        rows = self.daemon.cli("queue", "list", "--filter", "hop=lame.*", json=True).json
        self.assertEqual([row["hop"] for row in rows], ["lame.test"])
        self.assertEqual(rows[0]["id"], str(id))


if __name__ == "__main__":
    unittest.main()
