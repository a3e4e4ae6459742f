"""SmartHostAuthMechanism ExchangeServer towards hops that offer X-EXPS alone: the relay logs in with a ticket of its keytab, and the
hop has to prove itself."""

import unittest

from lib.kdc import Kdc
from lib.nsd import Nsd, private_network
from lib.organization import HUB, Organization
from lib.people import People
from lib.relay import Relay
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client
from lib.world import World

EXCHANGE, EXCHANGE_SERVER = 8 << 20, 16
HOST, ADDRESS = "mailbox01.contoso.com", "203.0.113.20"
NEEDS_SERVER = "451 5.7.3 Cannot achieve Exchange Server authentication"
LEGACY = "MS Exchange\\Legacy Exchange Servers"


def setUpModule():
    private_network([ADDRESS])


class Sending(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(Nsd({".": "*.contoso.com. IN A %s\n" % ADDRESS}))
        cls.kdc = cls.enterClassContext(Kdc("CONTOSO.COM"))
        environment = cls.kdc.server_environment
        keytab = cls.kdc.keytab("smtp/" + HOST)
        cls.kdc.keytab("smtp/liar.contoso.com", "smtp/deaf.contoso.com", name="others.keytab")
        cls.port, cls.hops = free_port(), {}
        cls.world = cls.enterClassContext(World(cls.receiving, {"sasl.keytab": keytab}, env=environment, start=False))
        cls.world.daemon.start()
        cls.world.sink.reset()
        cls.hub = cls.enterClassContext(Relay(
            cls.sending(), {"sasl.keytab": cls.kdc.keytab("hub2", name="hub.keytab"), "log.level": "debug"}, env=environment))

    @classmethod
    def receiving(cls, org, port, sink):
        cls.hop_port = port
        org.receive("Servers", "%s:%d" % (ADDRESS, port), "203.0.113.0/24", auth=EXCHANGE_SERVER, msExchSMTPReceiveConnectorFQDN=HOST,
                    aces="allow * to cn=servers,ou=groups,dc=contoso,dc=com")
        people = People()
        people.person("hub2", "other")
        people.group("servers", [people.dn("hub2")])
        org.records.append(people.ldif())

    @classmethod
    def sending(cls):
        org = Organization(server="Hub2", roles=HUB)
        org.receive("Trusting", cls.port, "127.0.0.2", aces="allow * to anonymous")
        # The certificate of none: X-ANONYMOUSTLS could not be had anyway.
        hops = [("server", cls.hop_port, HOST)]
        for name, host in (("liar", "liar.contoso.com"), ("deaf", "deaf.contoso.com"), ("stranger", "stranger.contoso.com"),
                           ("nameless", "[%s]" % ADDRESS), ("ntlm", HOST)):
            hop = cls.hops[name] = cls.enterClassContext(Sink(ADDRESS))
            hop.keywords.append("X-EXPS NTLM" if name == "ntlm" else "X-EXPS GSSAPI NTLM")
            hops.append((name, hop.port, host))
        cls.hops["liar"].replies["X-EXPS"] = "235 2.7.0 sure"
        cls.hops["deaf"].replies["X-EXPS"] = "535 5.7.3 Authentication unsuccessful"
        for name, port, host in hops:
            org.send(name, port, spaces="SMTP:%s.example;1" % name, hosts=host, msExchSmtpSendFlags=EXCHANGE,
                     msExchSmtpMaxMessagesPerConnection=1, aces=[
                "allow ms-Exch-Send-Headers-Routing to legacy-servers", "deny ms-Exch-Send-Headers-Organization to anonymous"])
        return org

    def submit(self, name):
        mark = self.hub.daemon.mark()
        with Client(self.port, source="127.0.0.2") as client:
            client.ehlo()
            client.send_message("chris@contoso.com", ["kate@%s.example" % name])
            client.quit()
        return self.hub.daemon.wait("message.accepted", since=mark)["id"], mark

    # proves: C125 C128 C141 C154 C198 facts-5.2 facts-10.5
    def test_the_relay_logs_in_with_a_ticket(self):
        for _ in range(2):  # the second one finds the ticket in memory
            mark = self.world.daemon.mark()
            id, hub_mark = self.submit("server")
            self.hub.daemon.wait("message.delivered", since=hub_mark, id=id)
            login = self.world.daemon.wait("auth.ok", since=mark)
            self.assertEqual(login["mechanism"], "GSSAPI")
            self.assertIn("uid=hub2", login["identity"].lower())
        session = self.hub.daemon.wait("hop.session")
        self.assertEqual((session["auth"], session["identity"]), ("GSSAPI", LEGACY))
        self.assertGreaterEqual(len(self.world.sink.wait(1)[0].fields("Received")), 1)

    # proves: C129 C130 C141 facts-8.2 facts-10.5
    def test_without_login_nothing_is_sent(self):
        reasons = {
            "liar": NEEDS_SERVER + " (the hop did not prove itself) [",
            "deaf": NEEDS_SERVER + " (535 5.7.3) [",
            "stranger": NEEDS_SERVER + " (",
            "nameless": NEEDS_SERVER + " [",
            "ntlm": NEEDS_SERVER + " [",
        }
        for name, reason in reasons.items():
            with self.subTest(name):
                id, mark = self.submit(name)
                self.assertTrue(self.hub.daemon.wait("message.deferred", since=mark, id=id)["reply"].startswith(reason))
                session = self.hops[name].sessions[-1]
                self.assertEqual((session.commands[-1], self.hops[name].offered), ("QUIT", []))
                self.assertEqual(self.hub.daemon.cli("queue", "remove", id).code, 0)


if __name__ == "__main__":
    unittest.main()
