#!/usr/bin/python3
"""Accounts of Active Directory, on a real Samba DC, asked for by a plain service account: nested groups, the primary group,
accounts that are disabled, expired or locked, names of Kerberos and NTLM, changes."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import samba_dc  # noqa: E402
from lib.account_probe import HISTORY, PRIMARY_GROUP, SELF, TOKEN_GROUPS, AccountProbe  # noqa: E402
from lib.smtp import eventually  # noqa: E402

PASSWORD = "Passw0rd.456"
NOTICED = 7  # seconds: Samba looks at its notifications every 5 s


def setUpModule():
    global DC, BIND
    samba_dc.install_packages()
    DC = samba_dc.SambaDc()
    unittest.addModuleCleanup(DC.close)
    service = DC.create_service_account("relaysvc", PASSWORD)
    BIND = ("--ca", DC.ca_file, "--bind", *service)


def user_dn(name):
    return "CN=%s,CN=Users,%s" % (name, DC.suffix)


class Accounts(unittest.TestCase):
    maxDiff = None

    def probe(self, *arguments):
        probe = AccountProbe(*BIND, *arguments, DC.ldaps_uri)
        self.addCleanup(probe.end)
        return probe

    # proves: contract-3 facts-9.6 D9
    def test_groups(self):
        user = DC.create_user("nested", PASSWORD, mail="nested@contoso.com", displayName="Nested User",
                              proxyAddresses=["SMTP:nested@contoso.com", "smtp:n@contoso.com", "x500:/o=x"])
        inner = DC.create_group("inner", members=[user])
        outer = DC.create_group("outer", members=[inner], scope="domain-local")
        DC.modify("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (inner, outer), check=False)  # a cycle
        answer = self.probe().ask("nested")
        self.assertEqual(answer["error"], "ok", answer["note"])
        rows = {row["sid"]: row for row in answer["sids"]}
        own, users = DC.sid_of(user), DC.domain_sid + "-513"
        self.assertEqual(answer["sids"][0]["sid"], own)
        self.assertEqual(rows[own]["source"], SELF)
        self.assertEqual((rows[users]["source"], rows[users]["name"]), (PRIMARY_GROUP, user_dn("Domain Users")))
        for group in (inner, outer):
            row = rows[DC.sid_of(group)]
            self.assertEqual((row["source"], row["name"]), (TOKEN_GROUPS, group))
        self.assertIn("S-1-5-32-545", rows)  # Domain Users is in Users
        self.assertTrue({"S-1-1-0", "S-1-5-11", "S-1-5-2"} <= set(rows))
        self.assertEqual(answer["addresses"], ["nested@contoso.com", "n@contoso.com"])
        self.assertEqual(answer["display_name"], "Nested User")
        self.assertIn("auth.group_limit", self.probe("--limit", "2").ask("nested")["note"])

    def test_names(self):
        DC.create_user("named", PASSWORD, mail="mail@contoso.com")
        DC.modify("dn: %s\nchangetype: modify\nreplace: userPrincipalName\nuserPrincipalName: upn@ad.contoso.test\n" %
                  user_dn("named"))
        probe = self.probe()
        for name in ("named", "NAMED", "upn@ad.contoso.test", "mail@contoso.com", "CONTOSO\\named"):
            self.assertEqual(probe.ask(name).get("account"), "named", name)
        for name in ("*", "named)(cn=*", "Domain Users", "OTHER\\named"):
            self.assertEqual(probe.ask(name)["error"], "not_found", name)
        # proves: D4
        DC.create_user("other", PASSWORD, mail="mail@contoso.com")
        eventually(lambda: probe.ask("mail@contoso.com")["error"] == "not_found", within=NOTICED)
        self.assertIn("ambiguous", probe.ask("mail@contoso.com")["note"])
        self.assertEqual(probe.ask("named@AD.CONTOSO.TEST", "kerberos")["account"], "named")
        self.assertEqual(probe.ask("upn@ad.contoso.test", "kerberos")["account"], "named")
        self.assertEqual(probe.ask("DC1$@AD.CONTOSO.TEST", "kerberos")["account"], "DC1$")
        self.assertEqual(probe.ask("named@OTHER.TEST", "kerberos")["error"], "not_found")
        self.assertEqual(probe.ask("CONTOSO\\named", "ntlm")["account"], "named")
        self.assertEqual(probe.ask("ad.contoso.test\\named", "ntlm")["account"], "named")
        self.assertEqual(probe.ask("AD\\named", "ntlm")["error"], "not_found")
        self.assertEqual(probe.ask(DC.sid_of(user_dn("named")), "sid")["account"], "named")
        self.assertEqual(probe.ask(user_dn("named"), "dn")["account"], "named")
        self.assertEqual(probe.ask("", kind="renew")["account"], "named")

    # proves: D8
    def test_accounts_out_of_order(self):
        probe = self.probe()
        for name, lines, what in (
                ("disabled", "replace: userAccountControl\nuserAccountControl: 514\n", "is disabled"),
                ("expired", "replace: accountExpires\naccountExpires: 132000000000000000\n", "has expired"),
                ("changes", "replace: userAccountControl\nuserAccountControl: 512\n-\nreplace: pwdLastSet\npwdLastSet: 0\n", "must change its password")):
            DC.create_user(name, PASSWORD)
            DC.modify("dn: %s\nchangetype: modify\n%s" % (user_dn(name), lines))
            answer = probe.ask(name)
            self.assertEqual((answer["error"], what in answer["note"]), ("denied_credentials", True), answer)

    # proves: D8
    def test_changes(self):
        probe = self.probe()
        user = DC.create_user("moving", PASSWORD)
        group = DC.create_group("later")
        probe.ask("moving")
        DC.modify("dn: %s\nchangetype: modify\nreplace: displayName\ndisplayName: now\n" % user)
        eventually(lambda: not probe.is_current(), within=2 * NOTICED)  # the watch is at work
        before = probe.sids("moving")
        DC.modify("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (group, user))
        eventually(lambda: not probe.is_current(), within=NOTICED)
        self.assertEqual(probe.sids("", kind="renew") - before, {DC.sid_of(group)})
        DC.modify("dn: %s\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 514\n" % user)
        eventually(lambda: not probe.is_current(), within=NOTICED)
        self.assertEqual(probe.ask("", kind="renew")["error"], "denied_credentials")
        self.assertNotIn(HISTORY, [row["source"] for row in probe.ask("nobody")["sids"]])


if __name__ == "__main__":
    unittest.main()
