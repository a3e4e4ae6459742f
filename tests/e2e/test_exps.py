"""X-EXPS: another Exchange server logs in with its computer account's ticket, also behind X-ANONYMOUSTLS."""

import subprocess
import unittest

from lib.gss_login import log_in
from lib.kdc import Kdc
from lib.organization import record
from lib.people import People
from lib.smtp import Client as Smtp
from lib.world import World

EXCHANGE_SERVER, INTEGRATED = 16, 2
HOST, SOURCE = "mailbox01.contoso.com", "127.0.0.2"


class Exps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kdc = cls.enterClassContext(Kdc("CONTOSO.COM"))
        for name in ("hub2", "bridgehead"):
            cls.kdc.add(name, "secret")
        cls.world = cls.enterClassContext(World(
            cls.organize, {"sasl.keytab": cls.kdc.keytab("smtp/" + HOST)}, env=cls.kdc.server_environment))

    @classmethod
    def organize(cls, org, port, sink):
        # A user of the first group may submit, an old server by -24 alone.
        org.receive("Servers", port, [SOURCE], auth=EXCHANGE_SERVER + INTEGRATED, msExchSMTPReceiveConnectorFQDN=HOST,
                    aces=["allow ms-Exch-SMTP-Submit to cn=servers,ou=groups,dc=contoso,dc=com",
                          "allow ms-Exch-SMTP-Submit to legacy-servers"])
        people = People()
        people.person("hub2", "other")
        people.person("bridgehead", "other")
        people.group("servers", [people.dn("hub2")])
        org.records += [people.ldif(), record(org.options.groups_dn, "organizationalUnit"),
                        record("CN=ExchangeLegacyInterop," + org.options.groups_dn, "groupOfNames",
                               member=people.dn("bridgehead"))]

    def log_in(self, verb, name):
        """The last reply."""
        environment = {**self.kdc.environment, "KRB5CCNAME": "FILE:" + self.kdc.path("tickets-" + name)}
        subprocess.run(["kinit", name], input="secret\n", text=True, check=True, capture_output=True, env=environment)
        smtp = Smtp(self.world.port, source=SOURCE)
        self.addCleanup(smtp.close)
        self.assertIn("X-EXPS GSSAPI", smtp.ehlo().text)
        return log_in(smtp, verb + " GSSAPI", ["sasl", HOST], environment)

    # proves: C125 C154 facts-8.5
    def test_a_server_is_its_account(self):
        mark = self.world.daemon.mark()
        self.assertEqual(self.log_in("X-EXPS", "hub2").text, "235 2.7.0 Authentication successful")
        event = self.world.daemon.wait("auth.ok", since=mark, user="hub2")
        self.assertEqual((event["mechanism"], event["sids"]), ("GSSAPI", 5))

    # proves: contract-7
    def test_an_old_server_is_one_by_x_exps_alone(self):
        self.assertEqual(self.log_in("X-EXPS", "bridgehead").code, 235)
        self.assertEqual(self.log_in("AUTH", "bridgehead").text, "535 5.7.3 Authentication unsuccessful")


if __name__ == "__main__":
    unittest.main()
