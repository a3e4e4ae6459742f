#!/usr/bin/python3
"""Passwords proven by binds: a real slapd, and servers that misbehave."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.directory_probe import program  # noqa: E402
from lib.scripted_ldap import BIND, ScriptedLdap, make_certificates, remove_certificates, tlv  # noqa: E402
from lib.slapd import Slapd  # noqa: E402
from lib.smtp import eventually  # noqa: E402

ALICE = "uid=alice,ou=people,dc=contoso,dc=com"
PEOPLE = """dn: ou=people,dc=contoso,dc=com
objectClass: organizationalUnit
ou: people

dn: %s
objectClass: inetOrgPerson
uid: alice
cn: Alice
sn: A
userPassword: secret

dn: uid=bare,ou=people,dc=contoso,dc=com
objectClass: inetOrgPerson
uid: bare
cn: Bare
sn: B
""" % ALICE
# For probes that meet a server which says nothing. One that answers may also miss it, on a busy machine: such a probe is
# asked until it got its answer, and what is judged is whom it asked.
QUICK = ("--deadline", "600")


class BindProbe:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([program("bind_probe"), *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        self.process.stdin.close()
        code = self.process.wait(20)
        self.process.stdout.close()
        if kind is None and code != 0:
            raise AssertionError("bind_probe ended with %d" % code)

    def many(self, count, dn, password):
        """[(error, note)]"""
        self.process.stdin.write("%d\t%s\t%s\n" % (count, dn, password))
        self.process.stdin.flush()
        return [tuple(self.process.stdout.readline().rstrip("\n").split("\t", 1)) for _ in range(count)]

    def one(self, dn, password):
        return self.many(1, dn, password)[0]


def answer_with(code, extra=b""):
    def answer(connection, request):
        connection.send(connection.message(request, connection.result(0x61, code, "because", extra)))
    return answer


def binds(server):
    return [request.dn for request in server.requests if request.tag == BIND]


class WithSlapd(unittest.TestCase):
    def test_right_and_wrong_passwords(self):
        with Slapd() as slapd:
            slapd.add(PEOPLE)
            for uri in (slapd.uri, slapd.ldapi_uri):
                with self.subTest(uri=uri), BindProbe(uri) as probe:
                    self.assertEqual(probe.one(ALICE, "secret")[0], "ok")
                    error, why = probe.one(ALICE, "canary")
                    self.assertEqual(error, "denied_credentials")
                    self.assertNotIn("canary", why)
                    self.assertEqual(probe.one(ALICE, "secret")[0], "ok")
                    self.assertEqual(probe.one("uid=nobody,ou=people,dc=contoso,dc=com", "x")[0],
                                     "denied_credentials")
                    self.assertEqual(probe.one("uid=bare,ou=people,dc=contoso,dc=com", "x")[0],
                                     "denied_credentials")
                    self.assertEqual({error for error, _ in probe.many(16, ALICE, "secret")}, {"ok"})

    # proves: D7
    def test_a_restart_is_not_noticed_and_a_stop_is_no_refusal(self):
        with Slapd() as slapd:
            slapd.add(PEOPLE)
            with BindProbe(slapd.uri) as probe, BindProbe(*QUICK, slapd.uri) as quick:
                self.assertEqual({error for error, _ in probe.many(4, ALICE, "secret")}, {"ok"})
                slapd.stop()
                self.assertEqual(probe.one(ALICE, "secret")[0], "temporary")
                slapd.start()
                self.assertEqual({error for error, _ in probe.many(4, ALICE, "secret")}, {"ok"})
                eventually(lambda: quick.one(ALICE, "secret")[0] == "ok")
                slapd.freeze()
                self.assertIn(quick.one(ALICE, "secret")[0], ("timeout", "temporary"))
                slapd.thaw()
                eventually(lambda: quick.one(ALICE, "secret")[0] == "ok")


class Answers(unittest.TestCase):
    def serve(self, **more):
        server = ScriptedLdap(**more)
        self.addCleanup(server.close)
        return server

    def test_a_connection_is_used_again(self):
        server = self.serve()
        with BindProbe(server.uri) as probe:
            for _ in range(5):
                self.assertEqual(probe.one("cn=a", "x")[0], "ok")
        self.assertEqual(server.connection_count, 1)
        self.assertEqual(binds(server), ["cn=a"] * 5)

    # proves: D7
    def test_only_what_is_said_of_the_entry_is_a_refusal(self):
        for code, expected in ((49, "denied_credentials"), (48, "denied_credentials"), (50, "denied_credentials"),
                               (19, "denied_credentials"), (53, "denied_credentials"), (32, "denied_credentials"),
                               (51, "temporary"), (52, "temporary"), (1, "temporary"), (80, "temporary"),
                               (3, "temporary"), (11, "temporary"), (8, "temporary"), (13, "temporary"),
                               (7, "temporary"), (2, "temporary")):
            with self.subTest(code=code):
                server = self.serve(on_bind=answer_with(code))
                with BindProbe(server.uri) as probe:
                    self.assertEqual(probe.one("cn=a", "x")[0], expected)

    # proves: D5
    def test_a_referral_is_not_followed(self):
        other = self.serve()
        server = self.serve(on_bind=answer_with(10, tlv(0xA3, tlv(0x04, (other.uri + "/cn=a").encode()))))
        with BindProbe(server.uri) as probe:
            self.assertEqual(probe.one("cn=a", "x")[0], "temporary")
        self.assertEqual(other.connection_count, 0)

    # proves: D7
    def test_a_silent_server_is_left_for_the_next(self):
        silent = self.serve(on_bind=lambda connection, request: connection.stall())
        half = self.serve(on_bind=lambda connection, request: (connection.send(b"\x30\x0c\x02\x01"), connection.stall()))
        good = self.serve()
        for server in (silent, half):
            with self.subTest(server=server.uri), BindProbe(*QUICK, server.uri, good.uri) as probe:
                eventually(lambda: probe.one("cn=a", "x")[0] == "ok")
                self.assertGreater(len(binds(server)), 0)

                def goes_straight_to_the_one_that_answered():
                    asked = len(binds(server))
                    return probe.one("cn=a", "x")[0] == "ok" and len(binds(server)) == asked
                eventually(goes_straight_to_the_one_that_answered)
        with BindProbe(*QUICK, silent.uri) as probe:
            self.assertEqual(probe.one("cn=a", "x")[0], "timeout")

    # proves: D7
    def test_one_that_closed_meanwhile_is_asked_again(self):
        server = self.serve()
        with BindProbe(server.uri) as probe:
            self.assertEqual(probe.one("cn=a", "x")[0], "ok")
            server.drop_all()
            self.assertEqual(probe.one("cn=a", "x")[0], "ok")
        self.assertEqual(server.connection_count, 2)


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificate = make_certificates()
        cls.addClassCleanup(remove_certificates, cls.certificate)
        cls.other = make_certificates()
        cls.addClassCleanup(remove_certificates, cls.other)

    # proves: D6
    def test_no_password_leaves_without_the_tls_that_is_wanted(self):
        always = ("--start-tls", "always")
        for name, keywords, arguments, expected in (
                ("refused", {}, (*always, "--ca", self.certificate[0]), "temporary"),
                ("other CA", {"tls": "start", "certificate": self.other}, (*always, "--ca", self.certificate[0]), "temporary"),
                ("other CA", {"tls": "ldaps", "certificate": self.other}, ("--ca", self.certificate[0]), "temporary"),
                ("no CA", {"tls": "ldaps", "certificate": self.certificate}, ("--ca", "/nonexistent"), "temporary"),
                ("right", {"tls": "start", "certificate": self.certificate}, (*always, "--ca", self.certificate[0]), "ok"),
                ("right", {"tls": "ldaps", "certificate": self.certificate}, ("--ca", self.certificate[0]), "ok")):
            with self.subTest(name=name, tls=keywords.get("tls")), ScriptedLdap(**keywords) as server:
                with BindProbe(*arguments, server.uri) as probe:
                    self.assertEqual(probe.one("cn=a", "x")[0], expected)
                self.assertEqual(len(binds(server)), 1 if expected == "ok" else 0)


if __name__ == "__main__":
    unittest.main()
