#!/usr/bin/python3
"""dirrelay permission add in AD while somebody else writes the same descriptor, at each moment in turn, against a scripted
DC: nobody's change is lost without a word."""

import base64
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.dirrelay import Daemon, cli  # noqa: E402
from lib.organization import Organization  # noqa: E402
from lib.scripted_ldap import MODIFY, ScriptedLdap  # noqa: E402
from lib.slapd import free_port, parse_ldif  # noqa: E402

SD_FLAGS = "1.2.840.113556.1.4.801"
DACL_ALONE = b"\x30\x03\x02\x01\x04"
BASE, REPLACE, SCOPE_BASE = "dc=contoso,dc=com", 2, 0
CONNECTOR = "Relay"
RIGHT, GUID = "ms-Exch-SMTP-Submit", "a18293f1-0685-4540-aa63-e32df421b3a2"
BEFORE, OURS = "(A;;LCRPLORC;;;AU)", "(OA;CI;CR;%s;;AN)" % GUID


def encode(sddl):
    return base64.b64decode(cli("sd", "encode", sddl).out)


def decode(descriptor):
    return cli("sd", "decode", base64.b64encode(descriptor).decode()).out.strip()


def aces(sddl):
    return re.findall(r"\([^)]*\)", sddl)


class Dc:
    """The organization's objects; one connector has a descriptor. At each reading of that object by itself, and at each
    writing, the next of the given changes by somebody else is made: a function of the descriptor, or None."""

    def __init__(self, sddl, after_reading=(), after_writing=()):
        organization = Organization().receive(CONNECTOR, free_port(), "10.0.0.1", groups=None, aces=None)
        self.dn = organization.receive_dn(CONNECTOR)
        with tempfile.TemporaryDirectory() as folder:
            with open(organization.write(folder).partition(":")[2]) as file:
                self.entries = parse_ldif(file.read())
        self.descriptor = encode(sddl)
        self.after_reading, self.after_writing = list(after_reading), list(after_writing)
        self.server = ScriptedLdap(self.on_search, on_modify=self.on_modify, root={
            "namingContexts": [BASE], "defaultNamingContext": [BASE], "configurationNamingContext": ["CN=Configuration," + BASE],
            "supportedControl": [], "supportedCapabilities": ["1.2.840.113556.1.4.800"]})

    def somebody_else(self, changes):
        change = changes.pop(0) if changes else None
        if change:
            self.descriptor = encode(change(decode(self.descriptor)))

    def on_search(self, connection, request):
        for number, (dn, attributes) in enumerate(self.entries):
            inside = dn.lower() == request.base.lower() or (request.scope and dn.lower().endswith("," + request.base.lower()))
            if inside:
                more = {"nTSecurityDescriptor": [self.descriptor]} if dn == self.dn else {}
                connection.send_entry(request, dn, {**attributes, "objectGUID": [number.to_bytes(16, "big")], **more})
        if request.scope == SCOPE_BASE and request.base == self.dn:
            self.somebody_else(self.after_reading)
        connection.send_done(request)

    def on_modify(self, connection, request):
        (operation, attribute, values), = request.changes
        assert (request.dn, operation, attribute, len(values)) == (self.dn, REPLACE, "nTSecurityDescriptor", 1), request.changes
        assert request.controls[SD_FLAGS] == DACL_ALONE, request.controls
        self.descriptor = values[0]
        self.somebody_else(self.after_writing)
        connection.send_modified(request)


def theirs(number):
    return "(D;;RP;;;S-1-5-21-1-2-3-%d)" % number


def add_theirs(number):
    return lambda sddl: sddl.replace("D:", "D:" + theirs(number), 1)


class LostUpdate(unittest.TestCase):
    def add(self, **changes):
        """Gives the right to anonymous: what the tool says, how often it writes, and the descriptor in the end."""
        dc = Dc("D:" + BEFORE, **changes)
        self.addCleanup(dc.server.close)
        with Daemon(dc.server.uri, start=False) as tool:
            answer = tool.cli("permission", "add", CONNECTOR, "--user", "anonymous", "--rights", RIGHT)
        self.assertEqual(dc.server.errors, [])
        self.assertEqual(dc.after_reading + dc.after_writing, [])
        return answer, dc.server.count(MODIFY), decode(dc.descriptor)

    def test_nobody_else_writes(self):
        answer, written, descriptor = self.add()
        self.assertEqual((answer.code, written), (0, 1), answer)
        self.assertCountEqual(aces(descriptor), [BEFORE, OURS])

    # proves: contract-4
    def test_a_change_between_reading_and_writing_is_kept(self):
        for changes in ([add_theirs(1)], [add_theirs(1), add_theirs(2)]):
            with self.subTest(count=len(changes)):
                answer, written, descriptor = self.add(after_reading=changes)
                self.assertEqual((answer.code, written), (0, 1), answer)
                self.assertCountEqual(aces(descriptor), [BEFORE, OURS] + [theirs(1 + i) for i in range(len(changes))])

    # proves: contract-4
    def test_where_it_never_rests_nothing_is_written(self):
        answer, written, descriptor = self.add(after_reading=[add_theirs(number) for number in range(6)])
        self.assertEqual((answer.code, written), (3, 0), answer)
        self.assertIn("somebody else keeps changing", answer.err)
        self.assertNotIn(OURS, descriptor)

    # proves: contract-4
    def test_a_change_that_takes_ours_back_is_said(self):
        answer, written, descriptor = self.add(after_writing=[lambda sddl: sddl.replace(OURS, "")])
        self.assertEqual((answer.code, written), (3, 1), answer)
        self.assertIn("changed again by somebody else", answer.err)
        self.assertNotIn(OURS, descriptor)


if __name__ == "__main__":
    unittest.main()
