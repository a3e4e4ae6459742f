"""Smart hosts whose name is one of exchangers: reached by MX, known by the name in the list (table 2)."""

import unittest

from lib.nsd import Nsd, private_network
from lib.peers import INVALID, PeerCase
from lib.sink import Sink
from lib.slapd import free_port

BASIC_TLS = 4 << 20
HOSTS = {"listed": "203.0.113.11", "target": "203.0.113.12", "behind": "203.0.113.13"}


def setUpModule():
    private_network(HOSTS.values())


class SmartHostNames(PeerCase):
    """The smart host mail.NAME.test has an MX record alone, which leads to host.NAME.test."""

    @classmethod
    def provide(cls, certificates):
        ca = certificates.ca()
        cls.hop_port = free_port()
        cls.names = {"listed": "mail.listed.test", "target": "host.target.test", "behind": "mail.behind.test"}
        for name, address in HOSTS.items():
            peer = cls.peers[name] = Sink(address, cls.hop_port)
            peer.logins = {"relay": "secret"}
            peer.certificate = certificates.make(name, cls.names[name], issuer=ca, into=certificates.work)
        cls.config = {"tls.ca_file": ca[0]}
        records = "".join("mail.%s.test. IN MX 10 host.%s.test.\nhost.%s.test. IN A %s\n" % (name, name, name, address)
                          for name, address in HOSTS.items())
        cls.enterClassContext(Nsd({".": records + "mail.behind.test. IN MX 5 away.behind.test.\naway.behind.test. IN A 203.0.113.99\n"}))

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        for name in HOSTS:
            org.send(name, cls.hop_port, spaces="SMTP:%s.example;1" % name, hosts="mail.%s.test" % name, msExchSmtpSendFlags=BASIC_TLS,
                     msExchSmtpOutboundSecurityUserName="relay", msExchSmtpOutboundSecurityPassword="secret")

    # proves: C139 C140 R14 facts-10.5
    def test_the_listed_name_counts(self):
        message, event = self.delivered("listed")
        self.assertEqual((message.user, event["host"], event["address"]), ("relay", "mail.listed.test", HOSTS["listed"]))
        self.assertEqual(self.peers["listed"].sessions[0].server_name, "mail.listed.test")
        self.assertEqual(self.left("target"), INVALID + "the certificate is another host's: host.target.test")
        self.assertNotIn("AUTH", " ".join(self.peers["target"].sessions[0].commands))

    # proves: R14
    def test_the_next_exchanger_stands_in(self):
        self.assertEqual(self.delivered("behind")[1]["address"], HOSTS["behind"])


if __name__ == "__main__":
    unittest.main()
