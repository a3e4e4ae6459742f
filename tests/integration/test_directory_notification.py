#!/usr/bin/python3
"""The watch by AD's change notification against a scripted DC: what is asked, what is trusted, what is found."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.directory_probe import Probe  # noqa: E402
from lib.scripted_ldap import SEARCH, ScriptedLdap, read_all  # noqa: E402

NOTIFICATION, SD_FLAGS = "1.2.840.113556.1.4.528", "1.2.840.113556.1.4.801"
AND, GREATER_OR_EQUAL = 0xA0, 0xA5
SERVER, BASE = "cn=ntds settings,cn=dc1", "cn=exchange,dc=x"


def id_of(number):
    return bytes([number]) * 16


class Dc:
    """Objects below BASE with their update sequence numbers; refuse: the answer to a notification search."""

    def __init__(self, invocation=b"\x00first-database\x00", refuse=None, usn=100, knows_notification=True):
        self.invocation, self.refuse, self.usn = invocation, refuse, usn
        self.objects = {}
        self.waiting = []
        self.controls = [NOTIFICATION] if knows_notification else []
        self.server = ScriptedLdap(on_search=self.on_search, on_root=self.on_root)
        self.uri = self.server.uri

    def put(self, number, text="1", usn=None):
        self.usn = usn or self.usn + 1
        self.objects[number] = (self.usn, text)

    def notify(self):
        for connection, request in self.waiting:
            connection.send_entry(request, "cn=1," + BASE, {})

    def on_root(self, connection, request):
        connection.send_entry(request, "", {
            "namingContexts": ["dc=x"], "supportedControl": self.controls, "supportedCapabilities": ["1.2.840.113556.1.4.800"],
            "highestCommittedUSN": [str(self.usn)], "dsServiceName": [SERVER]})
        connection.send_done(request)

    def on_search(self, connection, request):
        if NOTIFICATION in request.controls:
            if self.refuse is not None:
                connection.send_done(request, self.refuse)
            else:
                self.waiting.append((connection, request))
            return
        if request.base.lower() == SERVER:
            connection.send_entry(request, SERVER, {"invocationId": [self.invocation]} if self.invocation else {})
        elif self.refuse == 32:
            connection.send_done(request, 32)
            return
        else:
            least = self.least_usn(request)
            for number, (usn, text) in list(self.objects.items()):
                if usn >= least:
                    connection.send_entry(request, "cn=%d,%s" % (number, BASE),
                                          {"objectGUID": [id_of(number)], "description": [text]})
        connection.send_done(request)

    @staticmethod
    def least_usn(request):
        """N of (&(uSNChanged>=N)…), or 0."""
        tag, content = request.filter
        first = read_all(content)[0] if tag == AND else (0, b"")
        if first[0] != GREATER_OR_EQUAL:
            return 0
        attribute, value = (part.decode() for _, part in read_all(first[1]))
        assert attribute == "uSNChanged"
        return int(value)

    def content_searches(self, since=0):
        """uSNChanged of each search for content below BASE: 0 for all."""
        return [self.least_usn(request) for request in self.server.requests[since:]
                if request.tag == SEARCH and request.base == BASE and "description" in request.attributes]


class Notification(unittest.TestCase):
    def watch(self, dc, *arguments):
        self.addCleanup(dc.server.close)
        probe = Probe(*(arguments or ("--poll", "60000")), dc.uri)
        self.addCleanup(probe.end)
        probe.watch("w", BASE, "(objectClass=*)", "description")
        return probe

    def wait_gone(self, probe, number):
        self.assertEqual(probe.wait("delete")["id"], id_of(number).hex())

    # proves: contract-3
    def test_a_change_is_pushed_and_only_it_is_read(self):
        dc = Dc()
        for number in (1, 2, 3):
            dc.put(number)
        probe = self.watch(dc)
        self.assertTrue(probe.wait("current")["is_pushed"])
        self.assertEqual(dc.content_searches(), [0])
        dc.put(2, "2")
        began = time.monotonic()
        dc.notify()
        self.assertEqual(probe.wait("entry")["dn"], "cn=2," + BASE)
        self.assertLess(time.monotonic() - began, 1)
        self.assertEqual(dc.content_searches()[:2], [0, 104])

    def test_inherited_aces_follow(self):
        """They move no number: all is read once more after a change."""
        dc = Dc()
        dc.put(1), dc.put(2)
        probe = self.watch(dc)
        probe.wait("current")
        dc.put(1, "2")
        dc.notify()
        self.assertEqual(probe.wait("entry")["dn"], "cn=1," + BASE)
        dc.put(2, "inherited", usn=dc.objects[2][0])
        dc.usn = 103
        self.assertEqual(probe.wait("entry", timeout=4)["dn"], "cn=2," + BASE)

    # proves: contract-3
    def test_what_is_gone_is_found_without_a_notification(self):
        dc = Dc()
        dc.put(1), dc.put(2)
        probe = self.watch(dc)
        probe.wait("current")
        del dc.objects[1]
        dc.usn += 1
        self.wait_gone(probe, 1)
        self.assertEqual(dc.content_searches()[:2], [0, 103])

    def test_a_quiet_dc_is_asked_for_its_number_alone(self):
        dc = Dc()
        dc.put(1)
        probe = self.watch(dc)
        probe.wait("current"), probe.wait("current"), probe.wait("current")
        self.assertEqual(dc.content_searches(), [0])

    # proves: contract-3
    def test_after_a_loss_the_same_dc_is_asked_for_the_changes(self):
        dc = Dc()
        dc.put(1), dc.put(2), dc.put(3)
        probe = self.watch(dc)
        probe.wait("current")
        dc.put(2, "2")
        del dc.objects[3]
        since = len(dc.server.requests)
        dc.server.drop_all()
        probe.wait("lost")
        self.assertEqual(probe.wait("entry")["dn"], "cn=2," + BASE)
        self.wait_gone(probe, 3)
        self.assertEqual(dc.content_searches(since)[0], 104)

    def check_read_in_full(self, change):
        """After a loss; the objects are others by then, their numbers small."""
        dc = Dc()
        dc.put(1), dc.put(2)
        probe = self.watch(dc)
        probe.wait("current")
        since = len(dc.server.requests)
        change(dc)
        dc.objects = {2: (7, "2")}
        dc.server.drop_all()
        probe.wait("lost")
        self.assertEqual(probe.wait("entry")["dn"], "cn=2," + BASE)
        self.wait_gone(probe, 1)
        self.assertEqual(dc.content_searches(since)[0], 0)

    # proves: contract-3
    def test_the_numbers_of_another_dc_are_not_trusted(self):
        def change(dc):
            dc.invocation, dc.usn = b"another-database", 5000
        self.check_read_in_full(change)

    def test_a_dc_that_went_back_is_not_trusted(self):
        def change(dc):
            dc.usn = 50
        self.check_read_in_full(change)

    def test_a_dc_without_a_name_for_its_database_is_read_in_full(self):
        def change(dc):
            dc.invocation = None
        self.check_read_in_full(change)

    # proves: contract-2 contract-3
    def test_polling_where_notifications_are_refused(self):
        for options in ({"refuse": 12}, {"refuse": 53}, {"refuse": 11}, {"knows_notification": False}):
            with self.subTest(**options):
                dc = Dc(**options)
                dc.put(1)
                probe = self.watch(dc, "--poll", "300")
                while probe.wait("current")["is_pushed"]:
                    pass
                dc.put(1, "2")
                probe.wait("entry", timeout=3)
                del dc.objects[1]
                self.wait_gone(probe, 1)

    def test_a_base_that_is_not_there_is_empty(self):
        dc = Dc(refuse=32)
        probe = self.watch(dc)
        probe.wait("current")

    # proves: contract-3
    def test_searches_carry_the_control_for_descriptors(self):
        dc = Dc()
        dc.put(1)
        self.watch(dc).wait("current")
        values = {request.controls.get(SD_FLAGS) for request in dc.server.requests
                  if request.tag == SEARCH and request.base == BASE and NOTIFICATION not in request.controls}
        self.assertEqual(values, {b"\x30\x03\x02\x01\x07"})


if __name__ == "__main__":
    unittest.main()
