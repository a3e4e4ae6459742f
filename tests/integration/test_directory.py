#!/usr/bin/python3
"""The directory room against a real slapd: transports, paging, the RFC 4533 watch, losses and recoveries."""

import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.directory_probe import Probe  # noqa: E402
from lib.scripted_ldap import Forwarder  # noqa: E402
from lib.slapd import STANDARD_SCHEMAS, Slapd  # noqa: E402

BASE = "dc=contoso,dc=com"
# A loop that turns all the time never lets this pass between two beats; generous, for sanitizers on two busy cores.
GAP_MS = 400


def unit(name, text=""):
    return "dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n%s\n" % (name, BASE, name, text)


def dns(events, name="w"):
    return [event["dn"] for event in events if event["event"] == "entry" and event["name"] == name]


class Transports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.slapd = Slapd(schemas=STANDARD_SCHEMAS, tls=True)
        cls.slapd.start()

    @classmethod
    def tearDownClass(cls):
        cls.slapd.close()

    def open_and_look(self, *arguments):
        with Probe(*arguments) as probe:
            probe.wait("up")
            probe.search("s", BASE, "base")
            self.assertEqual(dns(probe.until("done", error="ok"), "s"), [BASE])
            probe.say("info")
            info = probe.wait("info")
            self.assertLess(probe.largest_gap_ms(), GAP_MS)
        return info

    # proves: contract-2 contract-3
    def test_plain_anonymous(self):
        info = self.open_and_look(self.slapd.uri)
        self.assertEqual(info["flavor"], 1)
        self.assertEqual(info["default_context"], BASE)

    def test_simple_bind(self):
        self.open_and_look("--bind", self.slapd.root_dn, self.slapd.root_password, self.slapd.uri)

    # proves: contract-2
    def test_ldapi_is_external_by_itself(self):
        self.open_and_look(self.slapd.ldapi_uri)

    def test_ldaps(self):
        self.open_and_look("--ca", self.slapd.ca_file, self.slapd.ldaps_uri)

    def test_start_tls(self):
        self.open_and_look("--ca", self.slapd.ca_file, "--start-tls", "always", self.slapd.uri)

    # proves: D6
    def test_an_unknown_ca_is_refused(self):
        for arguments in ((self.slapd.ldaps_uri,), ("--start-tls", "always", self.slapd.uri)):
            with Probe(*arguments) as probe:
                self.assertIn(arguments[-1], probe.wait("down")["why"])

    # proves: D7
    def test_a_refused_bind_is_down_with_its_reason(self):
        with Probe("--bind", self.slapd.root_dn, "wrong", self.slapd.uri) as probe:
            self.assertIn("Invalid credentials", probe.wait("down")["why"])
            probe.search("s", BASE)
            self.assertEqual(probe.wait("done")["error"], "temporary")

    def test_bad_configuration_is_refused(self):
        for arguments in (("http://x",), ("ldap://x/dc=y",), ("ldap://x/??sub",), ("--sasl", "PLAIN", "ldap://x"),
                          ("ldif:/no/such/file",), ("ldif:/tmp/x", "ldap://x")):
            probe = Probe(*arguments)
            self.assertEqual(probe.end(), 4, arguments)

    def test_not_found_and_bad_filter(self):
        with Probe(self.slapd.uri) as probe:
            probe.wait("up")
            probe.search("none", "ou=none," + BASE)
            self.assertEqual(probe.wait("done")["error"], "not_found")
            probe.search("bad", BASE, "sub", "(((")
            self.assertEqual(probe.wait("done")["error"], "syntax")
            probe.search("worse", "not a dn", "sub")
            self.assertIn(probe.wait("done")["error"], ("syntax", "protocol"))

    # proves: D7
    def test_the_second_server_takes_over(self):
        with Slapd(schemas=STANDARD_SCHEMAS) as first:
            with Probe(first.uri, self.slapd.uri) as probe:
                self.assertEqual(probe.wait("up")["uri"], first.uri)
                probe.watch("w", BASE)
                probe.wait("current")
                first.kill()
                probe.wait("lost")
                self.assertEqual(probe.wait("up")["uri"], self.slapd.uri)
                events = probe.until("current")
                # Another server's entry of the same name is another entry.
                self.assertIn(BASE, dns(events))
                self.assertTrue(any(event["event"] == "delete" for event in events))
                self.assertLess(probe.largest_gap_ms(), GAP_MS)

    # proves: D7
    def test_a_frozen_first_server_is_passed_over(self):
        with Slapd(schemas=STANDARD_SCHEMAS) as first:
            first.freeze()
            with Probe("--deadline", "500", first.uri, self.slapd.uri) as probe:
                self.assertEqual(probe.wait("up", timeout=5)["uri"], self.slapd.uri)
                self.assertLess(probe.largest_gap_ms(), GAP_MS)


class Paging(unittest.TestCase):
    # proves: D9
    def test_more_than_one_page(self):
        with Slapd(schemas=STANDARD_SCHEMAS, size_limit="size.soft=100 size.hard=100 size.pr=1000 size.prtotal=unlimited") as slapd:
            slapd.stop()
            slapd.load("".join(unit("n%04d" % i) for i in range(1234)))
            slapd.start()
            with Probe(slapd.uri) as probe:
                probe.wait("up")
                probe.search("s", BASE, "one")
                events = probe.until("done", timeout=30)
                self.assertEqual(events[-1]["error"], "ok")
                self.assertEqual(len(set(dns(events, "s"))), 1234)
                self.assertLess(probe.largest_gap_ms(), GAP_MS)

    def test_two_searches_in_pages_at_once(self):
        with Slapd(schemas=STANDARD_SCHEMAS) as slapd:
            slapd.stop()
            slapd.load("".join(unit("n%04d" % i) for i in range(1234)))
            slapd.start()
            with Probe(slapd.uri) as probe:
                probe.wait("up")
                for name in "abc":
                    probe.search(name, BASE, "one")
                probe.search("base", BASE, "base")
                events = []
                for _ in range(4):
                    events += probe.until("done", error="ok", timeout=30)
                self.assertEqual([len(set(dns(events, name))) for name in "abc"], [1234] * 3)

    # proves: D7
    def test_a_canceled_search_says_so_and_no_more(self):
        with Slapd(schemas=STANDARD_SCHEMAS) as slapd:
            slapd.stop()
            slapd.load("".join(unit("n%04d" % i) for i in range(1000)))
            slapd.start()
            with Probe(slapd.uri) as probe:
                probe.wait("up")
                probe.say("search\ts\t%s\tone\ncancel\ts" % BASE)
                self.assertEqual(probe.wait("done")["error"], "canceled")
                self.assertEqual(dns(probe.quiet(0.3), "s"), [])
                probe.search("again", BASE, "base")
                self.assertEqual(probe.wait("done")["error"], "ok")

    def test_many_searches_at_once(self):
        with Slapd(schemas=STANDARD_SCHEMAS) as slapd:
            with Probe(slapd.uri) as probe:
                probe.wait("up")
                for i in range(300):
                    probe.search("s%d" % i, BASE, "base")
                done = [probe.wait("done") for _ in range(300)]
                self.assertEqual({event["error"] for event in done}, {"ok"})


class Watch(unittest.TestCase):
    def setUp(self):
        self.slapd = Slapd(schemas=STANDARD_SCHEMAS)
        self.addCleanup(self.slapd.close)
        self.slapd.start()

    # proves: contract-3
    def test_never_one_behind(self):
        with Probe(self.slapd.uri) as probe:
            probe.wait("up")
            probe.watch("w", BASE)
            self.assertTrue(probe.wait("current")["is_pushed"])
            self.slapd.add("".join(unit("b%03d" % i) for i in range(200)))
            seen = set()
            while len(seen) < 200:
                seen.add(probe.wait("entry", name="w", timeout=5)["dn"])
            before = time.monotonic()
            self.slapd.delete("ou=b007," + BASE)
            probe.wait("delete", timeout=1)
            self.assertLess(time.monotonic() - before, 1)
            self.assertLess(probe.largest_gap_ms(), GAP_MS)

    def test_changes_renames_and_what_was_not_asked_for(self):
        self.slapd.add(unit("a", "description: one"))
        with Probe(self.slapd.uri) as probe:
            probe.wait("up")
            probe.watch("w", BASE, "(objectClass=organizationalUnit)", "description,objectClass")
            before = [event for event in probe.until("current") if event["event"] == "entry"]
            self.assertEqual(len(before), 1)
            self.slapd.modify("dn: ou=a,%s\nchangetype: modify\nadd: seeAlso\nseeAlso: cn=x\n" % BASE)
            self.slapd.modify("dn: ou=a,%s\nchangetype: modify\nreplace: description\ndescription: two\n" % BASE)
            after = probe.wait("entry")
            self.assertEqual(after["attributes"]["description"][1]["text"], "two")
            self.slapd.rename("ou=a," + BASE, "ou=z")
            renamed = probe.wait("entry")
            self.assertEqual((renamed["dn"], renamed["id"]), ("ou=z," + BASE, before[0]["id"]))
            probe.say("stop", "w")
            self.slapd.delete("ou=z," + BASE)
            self.assertEqual(probe.quiet(0.3), [])

    def lose_and_find(self, session_log):
        """Entries are added, changed and deleted while the connection is away."""
        slapd = Slapd(schemas=STANDARD_SCHEMAS, session_log=session_log)
        self.addCleanup(slapd.close)
        slapd.start()
        slapd.add(unit("stays") + unit("changes") + unit("goes"))
        with Forwarder(slapd.port) as way, Probe("ldap://127.0.0.1:%d" % way.port) as probe:
            probe.wait("up")
            probe.watch("w", BASE)
            first = probe.until("current")
            ids = {event["dn"]: event["id"] for event in first if event["event"] == "entry"}
            way.cut()
            probe.wait("lost")
            probe.wait("down")
            slapd.delete("ou=goes," + BASE)
            slapd.add(unit("comes"))
            slapd.modify("dn: ou=changes,%s\nchangetype: modify\nadd: description\ndescription: x\n" % BASE)
            way.restore()
            probe.wait("up")
            events = probe.until("current")
            self.assertEqual(sorted(dns(events)), ["ou=changes," + BASE, "ou=comes," + BASE])
            gone = [event["id"] for event in events if event["event"] == "delete"]
            self.assertEqual(gone, [ids["ou=goes," + BASE]])
            slapd.delete("ou=comes," + BASE)
            probe.wait("delete", timeout=2)

    # proves: D8
    def test_a_loss_with_a_session_log(self):
        self.lose_and_find(1000)

    # proves: D8
    def test_a_loss_without_a_session_log(self):
        self.lose_and_find(0)

    def test_a_cookie_another_server_does_not_know(self):
        with Slapd(schemas=STANDARD_SCHEMAS) as other, Forwarder(self.slapd.port) as way:
            self.slapd.add(unit("old"))
            other.add(unit("new"))
            with Probe("ldap://127.0.0.1:%d" % way.port) as probe:
                probe.wait("up")
                probe.watch("w", BASE)
                self.assertIn("ou=old," + BASE, dns(probe.until("current")))
                way.cut()
                probe.wait("down")
                way.target = other.port
                way.restore()
                known = {}
                for event in probe.until("current"):
                    if event["event"] == "entry":
                        known[event["id"]] = event["dn"]
                self.assertIn("ou=new," + BASE, known.values())
                other.delete("ou=new," + BASE)
                self.assertEqual(known[probe.wait("delete", timeout=2)["id"]], "ou=new," + BASE)

    # proves: D7
    def test_a_restarted_server(self):
        with Probe(self.slapd.uri) as probe:
            probe.wait("up")
            probe.watch("w", BASE)
            probe.wait("current")
            for round in range(3):
                self.slapd.stop() if round else self.slapd.kill()
                probe.wait("lost")
                probe.wait("down")
                self.slapd.start()
                probe.wait("up")
                probe.wait("current")
            self.slapd.add(unit("after"))
            self.assertEqual(probe.wait("entry", timeout=2)["dn"], "ou=after," + BASE)
            descriptors = len(os.listdir("/proc/%d/fd" % probe.process.pid))
            self.assertLess(descriptors, 20)

    # proves: D7
    def test_a_server_that_is_away_at_the_start(self):
        self.slapd.stop()
        with Probe(self.slapd.uri) as probe:
            probe.watch("w", BASE)
            self.assertIn("Can't contact", probe.wait("down")["why"])
            self.slapd.start()
            probe.wait("up")
            probe.wait("current")

    # proves: D7
    def test_a_frozen_server_is_found_out(self):
        with Probe("--deadline", "500", "--probe", "300", self.slapd.uri) as probe:
            probe.wait("up")
            probe.watch("w", BASE)
            probe.wait("current")
            self.slapd.freeze()
            before = time.monotonic()
            self.assertEqual(probe.wait("lost")["error"], "timeout")
            probe.wait("down")
            self.assertLess(time.monotonic() - before, 3)
            probe.search("s", BASE)
            self.assertEqual(probe.wait("done")["error"], "temporary")
            self.slapd.thaw()
            probe.wait("up")
            probe.wait("current")
            self.assertLess(probe.largest_gap_ms(), GAP_MS)

    def test_a_base_that_comes_later(self):
        with Probe("--poll", "200", self.slapd.uri) as probe:
            probe.wait("up")
            probe.watch("w", "ou=late," + BASE)
            self.assertEqual(dns(probe.until("current")), [])
            self.slapd.add(unit("late"))
            self.assertEqual(probe.wait("entry")["dn"], "ou=late," + BASE)
            probe.wait("current")

    def test_several_watches(self):
        self.slapd.add(unit("a") + unit("b"))
        with Probe(self.slapd.uri) as probe:
            probe.watch("a", "ou=a," + BASE)
            probe.watch("b", "ou=b," + BASE)
            probe.watch("all", BASE)
            for _ in range(3):
                probe.wait("current")
            self.slapd.add("dn: ou=deep,ou=b,%s\nobjectClass: organizationalUnit\nou: deep\n" % BASE)
            self.assertEqual({probe.wait("entry")["name"] for _ in range(2)}, {"b", "all"})

    def test_a_binary_value_keeps_its_zero_bytes(self):
        self.slapd.add("dn: cn=p,%s\nobjectClass: inetOrgPerson\ncn: p\nsn: p\njpegPhoto:: AAECAA==\n" % BASE)
        with Probe(self.slapd.uri) as probe:
            probe.wait("up")
            probe.search("s", "cn=p," + BASE, "base")
            self.assertEqual(probe.wait("entry")["attributes"]["jpegPhoto"][1]["len"], 4)


class LdifFile(unittest.TestCase):
    # proves: contract-2
    def test_a_changed_file_is_a_changed_directory(self):
        with tempfile.NamedTemporaryFile("w", suffix=".ldif") as file:
            def write(text):
                with open(file.name, "w") as out:
                    out.write(text)

            write("dn: dc=x\ndc: x\n\ndn: cn=a,dc=x\ncn: a\n\ndn: cn=b,dc=x\ncn: b\n")
            with Probe("ldif:" + file.name) as probe:
                probe.wait("up")
                probe.watch("w", "dc=x")
                self.assertEqual(dns(probe.until("current")), ["dc=x", "cn=a,dc=x", "cn=b,dc=x"])
                write("dn: dc=x\ndc: x\n\ndn: cn=a,dc=x\ncn: a\nmail: new\n")
                self.assertEqual(probe.wait("entry")["dn"], "cn=a,dc=x")
                probe.wait("delete")
                write("dn: dc=x\nnot ldif\n")
                self.assertIn("line 2", probe.wait("down")["why"])
                write("dn: dc=x\ndc: x\n")
                probe.wait("up")
                probe.wait("delete")


if __name__ == "__main__":
    unittest.main()
