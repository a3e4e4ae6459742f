"""dirrelay explain --user: whose token a user gets, by which groups, and what he may with it."""

import base64
import unittest

from lib.people import People
from lib.world import Case

RELAY = "allow ms-Exch-SMTP-Accept-Any-Recipient to cn=relay,ou=groups,dc=contoso,dc=com"
SUBMIT = "allow ms-Exch-SMTP-Submit to authenticated"
SENDER = "allow ms-Exch-SMTP-Accept-Any-Sender to authenticated"
TLS, INTEGRATED, BASIC, BASIC_REQUIRE_TLS = 1, 2, 4, 8


def make_people():
    people = People()
    people.person("alice", "secret", mail="alice@contoso.com")
    people.person("bob", "secret", mail=["bob@contoso.com", "shared@contoso.com"])
    people.person("carl", "secret", mail="shared@contoso.com")
    people.group("printers", [people.dn("alice")])
    people.group("staff", [people.group_dn("printers")])
    people.group("relay", [people.group_dn("staff")])
    return people


class ExplainUser(Case):
    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Users", port, ["127.0.0.2"], auth=BASIC, aces=[RELAY, SUBMIT, SENDER])
        org.receive("Tls", port, ["127.0.0.3"], auth=TLS + BASIC + BASIC_REQUIRE_TLS, groups="ExchangeUsers", aces=[SENDER])
        org.receive("Anonymous", port, ["127.0.0.4"], auth=BASIC, groups="AnonymousUsers")
        org.receive("Integrated", port, ["127.0.0.5"], auth=INTEGRATED, aces=[SUBMIT])
        cls.people = make_people()
        org.records.append(cls.people.ldif())

    def explain(self, client, *arguments):
        return self.daemon.cli("explain", "--client", client, "--local", "127.0.0.1:%d" % self.port, *arguments, json=True)

    # proves: C95 C113 contract-4
    def test_nested_groups_and_what_they_give(self):
        answer = self.explain("127.0.0.2", "--user", "alice", "--from", "a@b.example", "--to", "kate@fabrikam.com")
        report = answer.json
        self.assertEqual(answer.code, 0, report["dialogue"])
        self.assertEqual(report["identity"].lower(), self.people.dn("alice").lower())
        token = {sid["name"].lower(): sid for sid in report["token"]}
        relay, staff, printers = (self.people.group_dn(name).lower() for name in ("relay", "staff", "printers"))
        self.assertEqual([name.lower() for name in token[relay]["path"]], [printers, staff])
        self.assertEqual(token[printers]["path"], [])
        self.assertEqual(token[self.people.dn("alice").lower()]["source"], "self")
        self.assertIn("S-1-5-11", [sid["sid"] for sid in report["token"]])
        right = next(right for right in report["rights"] if right["right"] == "ms-Exch-SMTP-Accept-Any-Recipient")
        self.assertTrue(right["granted"])
        self.assertEqual(right["ace"], RELAY)
        said = [(step["sent"], step["reply"][:3]) for step in report["dialogue"]]
        self.assertIn(("AUTH LOGIN =", "235"), said)
        self.assertIn(("RCPT TO:<kate@fabrikam.com>", "250"), said)

    # proves: C95
    def test_who_is_in_no_group(self):
        answer = self.explain("127.0.0.2", "--user", "bob@contoso.com", "--from", "a@b.example", "--to", "kate@fabrikam.com")
        self.assertEqual(answer.code, 1)
        step = next(step for step in answer.json["dialogue"] if step["sent"].startswith("RCPT"))
        self.assertEqual(step["reply"], "550 5.7.1 Unable to relay")
        self.assertEqual(step["right"], "ms-Exch-SMTP-Accept-Any-Recipient")

    # proves: C267 contract-4
    def test_why_a_login_is_refused(self):
        for client, options, reply, why in (
                ("127.0.0.3", (), "538 5.7.11", "tls-required"), ("127.0.0.3", ("--tls",), "235 2.7.0", None),
                ("127.0.0.4", (), "535 5.7.3", "auth-failed")):
            report = self.explain(client, "--user", "alice", *options).json
            step = next(step for step in report["dialogue"] if step["sent"].startswith("AUTH"))
            self.assertEqual((step["reply"][:len(reply)], step["why"]), (reply, why))

    def test_without_passwords(self):
        dialogue = self.explain("127.0.0.5", "--user", "alice").json["dialogue"]
        self.assertEqual([(step["sent"], step["reply"][:3]) for step in dialogue][2], ("AUTH GSSAPI =", "235"))

    # proves: contract-4 C113
    def test_a_live_session_says_the_same(self):
        for source in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):
            for user in ("alice", "bob"):
                for sender in ("a@b.example", "alice@contoso.com", ""):
                    with self.subTest(source=source, user=user, sender=sender):
                        report = self.explain(source, "--user", user, "--from", "<%s>" % sender, "--to", "kate@fabrikam.com").json
                        told = [step["reply"] for step in report["dialogue"] if step["sent"][:4] in ("AUTH", "MAIL", "RCPT")]
                        with self.client(source) as client:
                            client.ehlo()
                            said = [client.say("AUTH PLAIN " + base64.b64encode(b"\0%s\0secret" % user.encode()).decode()),
                                    client.mail(sender), client.rcpt("kate@fabrikam.com")]
                        self.assertEqual(told, [reply.text for reply in said][:len(told)])

    def test_as_text(self):
        text = self.daemon.cli("explain", "--client", "127.0.0.2", "--local", "127.0.0.1:%d" % self.port, "--user", "alice").out
        self.assertIn("identity: uid=alice,ou=people,dc=contoso,dc=com\n", text)
        self.assertRegex(text, r"  S-1-9-\S+ cn=relay,\S+ by cn=printers,\S+ > cn=staff,\S+\n")

    # proves: D4 contract-1
    def test_nobody(self):
        for user, why in (("nobody", "no such account"), ("shared@contoso.com", "ambiguous"), ("*", "no such account")):
            answer = self.explain("127.0.0.2", "--user", user)
            self.assertEqual(answer.code, 1)
            self.assertIn(why, answer.err)

    # proves: contract-2 contract-4
    def test_from_a_file(self):
        org = type(self).make_organization()
        org.receive("Users", 2525, ["127.0.0.2"], auth=BASIC, aces=[RELAY, SUBMIT, SENDER])
        org.records.append(self.people.ldif())
        uri = org.write(self.daemon.folder, "people.ldif")
        answer = self.daemon.cli("--directory", uri, "explain", "--client", "127.0.0.2", "--user", "alice", "--from",
                                 "a@b.example", json=True)
        self.assertEqual(answer.code, 0, answer.err)
        self.assertEqual(len(answer.json["token"]), 7)


if __name__ == "__main__":
    unittest.main()
