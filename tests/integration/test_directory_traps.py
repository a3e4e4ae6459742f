#!/usr/bin/python3
"""The directory room against servers that misbehave: stop inside a message, lie, refer elsewhere, refuse."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.directory_probe import Probe  # noqa: E402
from lib.scripted_ldap import (BIND, DISCONNECTION, EXTENDED, PAGED, SEARCH, SYNC_INFO, SYNC_REQUEST, SYNC_STATE,  # noqa: E402
                               ScriptedLdap, boolean, make_certificates, number, octets, read_all, remove_certificates, tlv)

GAP_MS = 400
DEADLINE_MS = 600
QUICK = ("--deadline", str(DEADLINE_MS), "--probe", "300")
BIG = {"cn": ["a"], "description": ["x" * 3000]}
SYNC_ROOT = {"namingContexts": ["dc=x"], "supportedControl": [SYNC_REQUEST]}
AD_ROOT = {"namingContexts": ["dc=x"], "supportedControl": [PAGED], "supportedCapabilities": ["1.2.840.113556.1.4.800"]}
PERSIST_DONE = tlv(0xA1, b"")  # refreshDelete, refreshDone by default


def sync_state(state, id, cookie=b""):
    return SYNC_STATE, tlv(0x30, number(state, 0x0A) + octets(id) + (octets(cookie) if cookie else b""))


def sync_cookie(request):
    """What the client sent as its cookie, or None."""
    fields = read_all(read_all(request.controls[SYNC_REQUEST])[0][1])
    return fields[1][1] if len(fields) > 1 and fields[1][0] == 0x04 else None


class WithTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificate = make_certificates()
        cls.addClassCleanup(remove_certificates, cls.certificate)

    def transports(self):
        """(name, keywords of the server, arguments of the probe)"""
        ca = ("--ca", self.certificate[0])
        yield "plain", {}, ()
        yield "start", {"tls": "start", "certificate": self.certificate}, ca + ("--start-tls", "always")
        yield "ldaps", {"tls": "ldaps", "certificate": self.certificate}, ca

    def serve(self, keywords, **more):
        server = ScriptedLdap(**keywords, **more)
        self.addCleanup(server.close)
        return server


class Held(WithTls):
    def test_a_held_loop_is_found_out(self):
        """The control of all the bounds below: a loop that sleeps or works too long passes GAP_MS."""
        server = self.serve({})
        for way in ("block", "spin"):
            with self.subTest(way=way), Probe(server.uri) as probe:
                probe.wait("up")
                probe.say(way, 2 * GAP_MS)
                probe.wait("info")
                self.assertGreater(probe.largest_gap_ms(), GAP_MS)


class Stops(WithTls):
    """Matrix D7: accepts, then is silent, wherever that hurts most."""

    def search_that_stops(self, half):
        for name, keywords, arguments in self.transports():
            if half == "send_half_record" and name == "plain":
                continue
            with self.subTest(transport=name):
                def answer(connection, request):
                    connection.send_entry(request, "cn=whole,dc=x", BIG)
                    getattr(connection, half)(request, "cn=half,dc=x", BIG)
                    connection.stall()

                server = self.serve(keywords, on_search=answer)
                with Probe(*arguments, *QUICK, server.uri) as probe:
                    probe.wait("up")
                    before = time.monotonic()
                    probe.search("s", "dc=x", "sub", "", "", DEADLINE_MS)
                    self.assertEqual(probe.wait("entry")["dn"], "cn=whole,dc=x")
                    self.assertIn(probe.wait("done")["error"], ("timeout", "temporary"))
                    self.assertLess(time.monotonic() - before, 3)
                    # The whole message was a sign of life; the probe finds that none follows.
                    probe.wait("down", timeout=5)
                    probe.wait("up", timeout=5)
                    self.assertLess(probe.largest_gap_ms(), GAP_MS)
                self.assertEqual(server.errors, [])

    # proves: D7
    def test_inside_a_search_entry(self):
        self.search_that_stops("send_half_entry")

    # proves: D7
    def test_inside_a_tls_record(self):
        self.search_that_stops("send_half_record")

    # proves: D7
    def test_inside_a_pushed_change(self):
        for name, keywords, arguments in self.transports():
            with self.subTest(transport=name):
                def answer(connection, request):
                    connection.send_entry(request, "dc=x", BIG, [sync_state(1, b"a" * 16)])
                    connection.send_intermediate(request, SYNC_INFO, PERSIST_DONE)
                    connection.send_half_entry(request, "cn=b,dc=x", BIG, [sync_state(1, b"b" * 16)])
                    connection.stall()

                server = self.serve(keywords, on_search=answer, root=SYNC_ROOT)
                with Probe(*arguments, *QUICK, server.uri) as probe:
                    probe.wait("up")
                    probe.watch("w", "dc=x")
                    probe.wait("current")
                    self.assertEqual(probe.wait("lost", timeout=5)["error"], "timeout")
                    probe.wait("current", timeout=5)
                    self.assertLess(probe.largest_gap_ms(), GAP_MS)
                self.assertEqual(server.errors, [])

    # proves: D7
    def test_inside_the_refresh(self):
        def answer(connection, request):
            connection.send_half_entry(request, "dc=x", BIG, [sync_state(1, b"a" * 16)])
            connection.stall()

        server = self.serve({}, on_search=answer, root=SYNC_ROOT)
        with Probe("--deadline", str(DEADLINE_MS), server.uri) as probe:
            probe.wait("up")
            probe.watch("w", "dc=x")
            self.assertEqual(probe.wait("lost", timeout=5)["error"], "timeout")

    def opening_that_stops(self, **scripts):
        for name, keywords, arguments in self.transports():
            with self.subTest(transport=name):
                server = self.serve(keywords, **scripts)
                with Probe(*arguments, *QUICK, "--bind", "cn=me", "secret", server.uri) as probe:
                    before = time.monotonic()
                    self.assertIn("no answer within", probe.wait("down", timeout=5)["why"])
                    self.assertLess(time.monotonic() - before, 3)
                    self.assertLess(probe.largest_gap_ms(), GAP_MS)
                    # Closing while the next attempt is stuck does not wait for it.
                    before = time.monotonic()
                    probe.say("close")
                    probe.wait("closed", timeout=5)
                    self.assertLess(time.monotonic() - before, 2)

    # proves: D7
    def test_inside_the_bind_answer(self):
        def half(connection, request):
            whole = connection.message(request, connection.result(0x61, 0, "x" * 500))
            connection.send(whole[:100])
            connection.stall()

        self.opening_that_stops(on_bind=half)

    # proves: D7
    def test_inside_the_root_entry(self):
        def half(connection, request):
            connection.send_half_entry(request, "", {"namingContexts": ["dc=" + "x" * 500]})
            connection.stall()

        self.opening_that_stops(on_root=half)

    # proves: D7
    def test_before_any_answer(self):
        self.opening_that_stops(on_bind=lambda connection, request: connection.stall())

    # proves: D7
    def test_one_byte_at_a_time(self):
        def trickle(connection, request):
            for byte in connection.message(request, connection.entry("cn=slow,dc=x", BIG)):
                connection.send(bytes([byte]))
                time.sleep(0.05)

        server = self.serve({}, on_search=trickle)
        with Probe(*QUICK, server.uri) as probe:
            probe.wait("up")
            probe.search("s", "dc=x", "sub", "", "", DEADLINE_MS)
            events = probe.until("done", error="timeout")
            self.assertIn("down", [event["event"] for event in events])
            self.assertLess(probe.largest_gap_ms(), GAP_MS)

    # proves: D7
    def test_a_server_that_does_not_read_for_a_while(self):
        """More than the socket takes: the rest goes when there is room, without stopping the loop."""
        for name, keywords, arguments in self.transports():
            with self.subTest(transport=name):
                def answer(connection, request):
                    if sum(one.tag == SEARCH for one in connection.requests) == 2:  # the first after the rootDSE
                        time.sleep(1)
                    connection.send_done(request)

                server = self.serve(keywords, on_search=answer)
                with Probe(*arguments, server.uri) as probe:
                    probe.wait("up")
                    for i in range(100):
                        probe.search("s%d" % i, "dc=x", "base", "(description=%s)" % ("x" * 200000))
                    done = [probe.wait("done", timeout=30)["error"] for _ in range(100)]
                    self.assertEqual(set(done), {"ok"})
                    self.assertLess(probe.largest_gap_ms(), GAP_MS)
                self.assertEqual(server.errors, [])

    # proves: D7
    def test_a_dead_peer_does_not_stop_another_server(self):
        dead = self.serve({}, on_bind=lambda connection, request: connection.stall())
        alive = self.serve({})
        with Probe(*QUICK, "--bind", "cn=me", "secret", dead.uri, alive.uri) as probe:
            self.assertEqual(probe.wait("up", timeout=5)["uri"], alive.uri)


class Breaks(WithTls):
    # proves: D7
    def test_closes_inside_a_result(self):
        def answer(connection, request):
            connection.send_entry(request, "cn=whole,dc=x", BIG)
            connection.send_half_entry(request, "cn=half,dc=x", BIG)
            raise ConnectionError("as told")

        for name, keywords, arguments in self.transports():
            with self.subTest(transport=name):
                server = self.serve(keywords, on_search=answer)
                with Probe(*arguments, *QUICK, server.uri) as probe:
                    probe.wait("up")
                    probe.search("s", "dc=x")
                    probe.wait("entry")
                    events = probe.until("done", error="temporary")
                    self.assertIn("down", [event["event"] for event in events])
                    probe.wait("up", timeout=5)

    # proves: D7
    def test_a_poll_that_breaks_off_deletes_nobody(self):
        rounds = []

        def answer(connection, request):
            rounds.append(request)
            connection.send_entry(request, "cn=a,dc=x", {"entryUUID": ["00000000-0000-0000-0000-00000000000a"]})
            if len(rounds) == 2:
                connection.send_done(request, 51)
                return
            if len(rounds) != 4:
                connection.send_entry(request, "cn=b,dc=x", {"entryUUID": ["00000000-0000-0000-0000-00000000000b"]})
            connection.send_done(request)

        server = self.serve({}, on_search=answer)
        with Probe("--poll", "100", server.uri) as probe:
            probe.wait("up")
            probe.watch("w", "dc=x")
            self.assertFalse(probe.wait("current")["is_pushed"])
            self.assertEqual(probe.wait("lost")["error"], "temporary")
            self.assertFalse([event for event in probe.until("current") if event["event"] == "delete"])
            self.assertTrue([event for event in probe.until("current") if event["event"] == "delete"])

    # proves: D7
    def test_limits_are_told(self):
        for code in (3, 4, 11):
            server = self.serve({}, on_search=lambda connection, request: connection.send_done(request, code))
            with Probe(server.uri) as probe:
                probe.wait("up")
                probe.search("s", "dc=x")
                self.assertEqual(probe.wait("done")["error"], "limit")

    # proves: D7
    def test_busy_and_unavailable_are_temporary(self):
        for code in (51, 52, 53, 80):
            server = self.serve({}, on_search=lambda connection, request: connection.send_done(request, code))
            with Probe(server.uri) as probe:
                probe.wait("up")
                probe.search("s", "dc=x")
                self.assertEqual(probe.wait("done")["error"], "temporary")

    def test_a_notice_of_disconnection(self):
        def answer(connection, request):
            # Without a text: libldap loses the memory of it.
            notice = tlv(0x78, number(52, 0x0A) + octets("") + octets("") + octets(DISCONNECTION, 0x8A))
            connection.send(connection.message(None, notice))

        server = self.serve({}, on_search=answer)
        with Probe(server.uri) as probe:
            probe.wait("up")
            probe.search("s", "dc=x")
            self.assertEqual(probe.wait("done")["error"], "temporary")
            self.assertIn("unavailable", [event for event in probe.events if event["event"] == "down"][0]["why"])

    def test_a_message_larger_than_memory(self):
        def answer(connection, request):
            connection.send(b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01")
            connection.stall()

        server = self.serve({}, on_search=answer)
        with Probe(server.uri) as probe:
            probe.wait("up")
            probe.search("s", "dc=x")
            self.assertEqual(probe.wait("done", timeout=3)["error"], "temporary")
            with open("/proc/%d/status" % probe.process.pid) as status:
                peak = [line for line in status if line.startswith("VmHWM")][0]
            self.assertLess(int(peak.split()[1]), 400 * 1024)

    def test_garbage(self):
        for garbage in (b"\x00" * 50, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\x05\x02\x01\x01\x65\x00", b"\xff" * 20):
            server = self.serve({}, on_search=lambda connection, request: (connection.send(garbage), connection.stall()))
            with Probe(*QUICK, server.uri) as probe:
                probe.wait("up")
                probe.search("s", "dc=x", "sub", "", "", DEADLINE_MS)
                self.assertNotEqual(probe.wait("done", timeout=3)["error"], "ok")


class Refuses(WithTls):
    # proves: D5
    def test_referrals_are_not_followed(self):
        rogue = self.serve({})

        def answer(connection, request):
            if request.base == "ou=all,dc=x":
                connection.send_done(request, 10, referral=[rogue.uri + "/dc=x"])
                return
            connection.send_reference(request, rogue.uri + "/cn=else,dc=x??sub")
            connection.send_entry(request, "cn=here,dc=x", {"cn": ["here"]})
            connection.send_done(request)

        server = self.serve({}, on_search=answer)
        with Probe("--bind", "cn=me", "secret", server.uri) as probe:
            probe.wait("up")
            probe.search("s", "dc=x")
            self.assertEqual(probe.wait("done")["error"], "ok")
            probe.search("all", "ou=all,dc=x")
            self.assertEqual(probe.wait("done")["error"], "temporary")
        self.assertEqual(rogue.connection_count, 0)

    # proves: D1
    def test_an_empty_password_is_never_sent(self):
        server = self.serve({})
        with Probe("--bind", "cn=me", "", server.uri) as probe:
            self.assertIn("password", probe.wait("down")["why"])
        self.assertEqual(server.count(BIND), 0)

    def no_bind(self, probe_arguments, expected, **keywords):
        server = self.serve(keywords)
        with Probe(*QUICK, "--bind", "cn=me", "secret", *probe_arguments, server.uri) as probe:
            self.assertRegex(probe.wait("down", timeout=5)["why"], expected)
        self.assertEqual(server.count(BIND), 0)
        self.assertEqual(server.count(SEARCH), 0)

    # proves: D6
    def test_start_tls_refused_sends_no_bind(self):
        self.no_bind(("--start-tls", "always", "--ca", self.certificate[0]), "StartTLS")

    # proves: D6
    def test_an_untrusted_certificate_sends_no_bind(self):
        other = make_certificates()
        self.addCleanup(remove_certificates, other)
        for tls, more in (("ldaps", ()), ("start", ("--start-tls", "always"))):
            self.no_bind(more + ("--ca", other[0]), "connect|StartTLS", tls=tls, certificate=self.certificate)

    # proves: D6
    def test_a_certificate_for_another_name_sends_no_bind(self):
        other = make_certificates(name="elsewhere", alternatives="DNS:elsewhere.example")
        self.addCleanup(remove_certificates, other)
        for tls, more in (("ldaps", ()), ("start", ("--start-tls", "always"))):
            self.no_bind(more + ("--ca", other[0]), "connect|StartTLS", tls=tls, certificate=other)

    # proves: D6
    def test_a_missing_ca_file_is_no_reason_to_trust(self):
        self.no_bind(("--start-tls", "always", "--ca", "/no/such/file"), "CA file", tls="start", certificate=self.certificate)

    # proves: contract-2
    def test_the_local_configuration_of_libldap_is_not_read(self):
        os.environ["LDAPTLS_REQCERT"] = "never"
        self.addCleanup(os.environ.pop, "LDAPTLS_REQCERT")
        self.test_a_certificate_for_another_name_sends_no_bind()


class Sync(unittest.TestCase):
    """RFC 4533 as no slapd does it on demand."""

    def serve(self, answer):
        server = ScriptedLdap(on_search=answer, root=SYNC_ROOT)
        self.addCleanup(server.close)
        return server

    def test_refresh_required_begins_again_without_the_cookie(self):
        cookies = []

        def answer(connection, request):
            cookies.append(sync_cookie(request))
            if cookies[-1] == b"old":
                connection.send_done(request, 4096)
                return
            connection.send_entry(request, "cn=%d,dc=x" % len(cookies), {"cn": ["a"]}, [sync_state(1, bytes([len(cookies)]) * 16)])
            connection.send_intermediate(request, SYNC_INFO, tlv(0xA1, octets("old")))
            if len(cookies) == 1:
                connection.send_done(request, 4096)

        server = self.serve(answer)
        with Probe("--poll", "200", server.uri) as probe:
            probe.wait("up")
            probe.watch("w", "dc=x")
            probe.wait("current")
            events = probe.until("current")
            self.assertEqual([event["dn"] for event in events if event["event"] == "entry"], ["cn=2,dc=x"])
            self.assertEqual([event["id"] for event in events if event["event"] == "delete"], ["01" * 16])
            self.assertEqual(cookies, [None, None])
            server.drop_all()
            probe.wait("lost")
            probe.wait("current")
        self.assertEqual(cookies[2:4], [b"old", None])

    def test_present_then_delete_phase(self):
        turns = []
        ids = [bytes([i]) * 16 for i in range(6)]

        def answer(connection, request):
            turns.append(sync_cookie(request))
            if len(turns) == 1:
                for i in range(1, 6):
                    connection.send_entry(request, "cn=%d,dc=x" % i, {"cn": [str(i)]}, [sync_state(1, ids[i])])
                connection.send_intermediate(request, SYNC_INFO, tlv(0xA1, octets("c1")))
                return
            # 1 by a state, 2 and 3 by an id set; 4 and 5 are not named: gone. Then the delete phase takes 3 away.
            connection.send_entry(request, "cn=1,dc=x", {}, [sync_state(0, ids[1])])
            connection.send_intermediate(request, SYNC_INFO, tlv(0xA3, tlv(0x31, octets(ids[2]) + octets(ids[3]))))
            connection.send_intermediate(request, SYNC_INFO, tlv(0xA2, boolean(False)))
            connection.send_intermediate(request, SYNC_INFO, tlv(0xA3, boolean(True) + tlv(0x31, octets(ids[3]))))
            connection.send_intermediate(request, SYNC_INFO, tlv(0xA1, octets("c2")))
            connection.send_intermediate(request, SYNC_INFO, octets("c3", 0x80))

        server = self.serve(answer)
        with Probe(server.uri) as probe:
            probe.wait("up")
            probe.watch("w", "dc=x")
            probe.wait("current")
            for cookie in (b"c1", b"c3"):
                server.drop_all()
                probe.wait("lost")
                gone = [event["id"] for event in probe.until("current") if event["event"] == "delete"]
                self.assertEqual(turns[-1], cookie)
                self.assertEqual(sorted(gone), [ids[i].hex() for i in (3, 4, 5)] if cookie == b"c1" else [])

    def test_a_refresh_that_breaks_off_keeps_everything(self):
        turns = []

        def answer(connection, request):
            turns.append(sync_cookie(request))
            connection.send_entry(request, "cn=a,dc=x", {"cn": ["a"]}, [sync_state(1, b"a" * 16, b"too early")])
            if len(turns) == 2:
                raise ConnectionError("as told")
            connection.send_entry(request, "cn=b,dc=x", {"cn": ["b"]}, [sync_state(1, b"b" * 16)])
            connection.send_intermediate(request, SYNC_INFO, PERSIST_DONE)

        server = self.serve(answer)
        with Probe(server.uri) as probe:
            probe.wait("up")
            probe.watch("w", "dc=x")
            probe.wait("current")
            server.drop_all()
            probe.wait("lost")
            events = probe.until("current")
            self.assertFalse([event for event in events if event["event"] in ("delete", "entry")])
        self.assertEqual(turns, [None, None, None])

    def test_a_base_without_sync_is_polled(self):
        def answer(connection, request):
            if SYNC_REQUEST in request.controls:
                connection.send_done(request, 12)
                return
            connection.send_entry(request, "cn=a,dc=x", {"entryUUID": ["00000000-0000-0000-0000-00000000000a"]})
            connection.send_done(request)

        server = self.serve(answer)
        with Probe("--poll", "100", server.uri) as probe:
            probe.wait("up")
            probe.watch("w", "dc=x")
            self.assertFalse(probe.wait("current")["is_pushed"])

    def test_lies_are_a_loss_not_a_crash(self):
        lies = [
            lambda c, r: c.send_entry(r, "cn=a,dc=x", {"cn": ["a"]}),
            lambda c, r: c.send_entry(r, "cn=a,dc=x", {"cn": ["a"]}, [sync_state(1, b"short")]),
            lambda c, r: c.send_entry(r, "cn=a,dc=x", {"cn": ["a"]}, [sync_state(9, b"a" * 16)]),
            lambda c, r: c.send_entry(r, "cn=a,dc=x", {"cn": ["a"]}, [(SYNC_STATE, b"\x30\x84\xff\xff\xff\xff")]),
            lambda c, r: c.send_intermediate(r, SYNC_INFO, b""),
            lambda c, r: c.send_intermediate(r, SYNC_INFO, tlv(0xA3, tlv(0x31, octets("short")))),
            lambda c, r: c.send_intermediate(r, SYNC_INFO, tlv(0xA9, b"")),
            lambda c, r: c.send_intermediate(r, SYNC_INFO, b"\xa1\x84\x7f\xff\xff\xff"),
        ]
        for place, lie in enumerate(lies):
            with self.subTest(lie=place), self.serve(lie) as server, Probe("--poll", "100", server.uri) as probe:
                probe.wait("up")
                probe.watch("w", "dc=x")
                self.assertEqual(probe.wait("lost", timeout=3)["error"], "protocol")


class Ranges(unittest.TestCase):
    """Matrix D9: AD gives large groups in parts."""

    COUNT = 3700

    def serve(self, gap=False):
        def answer(connection, request):
            wanted = [name for name in request.attributes if name.lower().startswith("member;range=")]
            low = int(wanted[0].split("=")[1].split("-")[0]) if wanted else 0
            high = min(low + 1499, self.COUNT - 1)
            members = ["cn=%d,dc=x" % i for i in range(low, high + 1)]
            last = "*" if high == self.COUNT - 1 else str(high)
            if gap and low:
                low += 1
            connection.send_entry(request, "cn=group,dc=x", {"objectGUID": [bytes(range(16))], "member": [],
                                                             "member;range=%d-%s" % (low, last): members})
            if not wanted:
                connection.send_entry(request, "cn=small,dc=x", {"member": ["cn=1,dc=x"]})
            connection.send_done(request)

        server = ScriptedLdap(on_search=answer, root=AD_ROOT)
        self.addCleanup(server.close)
        return server

    # proves: D9
    def test_a_group_in_parts_comes_whole(self):
        server = self.serve()
        with Probe(server.uri) as probe:
            probe.wait("up")
            probe.search("s", "dc=x", "sub", "", "member")
            events = probe.until("done")
        found = {event["dn"]: event for event in events if event["event"] == "entry"}
        self.assertEqual(events[-1]["error"], "ok")
        self.assertEqual(found["cn=group,dc=x"]["attributes"]["member"], self.COUNT)
        self.assertEqual(found["cn=group,dc=x"]["id"], "03020100050407060809" "0a0b0c0d0e0f")
        self.assertEqual(len(found), 2)

    # proves: D9
    def test_a_part_that_is_missing_fails_the_search(self):
        server = self.serve(gap=True)
        with Probe(server.uri) as probe:
            probe.wait("up")
            probe.search("s", "dc=x", "sub", "", "member")
            self.assertEqual(probe.until("done")[-1]["error"], "protocol")

    # proves: facts-9.6
    def test_ad_is_asked_for_descriptors_without_the_sacl(self):
        server = self.serve()
        with Probe(server.uri) as probe:
            probe.wait("up")
            probe.say("info")
            self.assertEqual(probe.wait("info")["flavor"], 2)
            probe.search("s", "dc=x")
            probe.wait("done")
        searches = [request for request in server.requests if request.tag == SEARCH and request.base == "dc=x"]
        self.assertEqual(searches[0].controls["1.2.840.113556.1.4.801"], b"\x30\x03\x02\x01\x07")
        self.assertIn("objectGUID", searches[0].attributes)


if __name__ == "__main__":
    unittest.main()
