#!/usr/bin/python3
"""dirrelay permission add|remove against a real slapd: dirrelayAce values, one at a time."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.dirrelay import REPOSITORY, Daemon  # noqa: E402
from lib.organization import Organization  # noqa: E402
from lib.slapd import Slapd, free_port  # noqa: E402

RIGHT = "ms-Exch-SMTP-Accept-Any-Recipient"
SUBMIT = "ms-Exch-SMTP-Submit"
GROUP = "cn=printers,dc=contoso,dc=com"


class Permission(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.slapd = Slapd()
        cls.addClassCleanup(cls.slapd.close)
        cls.slapd.start()
        cls.organization = Organization()
        cls.slapd.add(cls.organization.ldif())
        cls.slapd.add("dn: %s\nobjectClass: groupOfNames\ncn: printers\nmember: cn=nobody\n" % GROUP)
        cls.tool = Daemon(cls.slapd.uri, {"directory.bind_dn": cls.slapd.root_dn,
                                          "directory.bind_password": cls.slapd.root_password}, start=False)
        cls.addClassCleanup(cls.tool.close)
        cls.count = 0

    def setUp(self):
        type(self).count += 1
        self.name = "Relay %d" % self.count
        self.dn = self.organization.receive_dn(self.name)

    def connector(self, *aces, **attributes):
        self.slapd.add(self.organization.receive_ldif(self.name, free_port(), "192.0.2.%d" % self.count, aces=aces,
                                                      **attributes))

    def lines(self):
        (_, attributes), = self.slapd.search(self.dn, attributes=["dirrelayAce"], scope="base")
        return sorted(attributes.get("dirrelayAce", []))

    def permission(self, verb, user, rights, *options, code=0, **more):
        answer = self.tool.cli("permission", verb, self.name, "--user", user, "--rights", rights, *options, **more)
        self.assertEqual(answer.code, code, answer.out + answer.err)
        return answer

    # proves: contract-4 C250
    def test_add_and_remove_one_value(self):
        self.connector()
        self.assertIn("%s: added" % RIGHT, self.permission("add", "anonymous", RIGHT).out)
        self.assertEqual(self.lines(), ["allow %s to anonymous" % RIGHT])
        listed = self.tool.cli("permission", "list", self.name, json=True).json
        self.assertEqual([(row["trustee"], row["right"], row["allow"], row["inherited"], row["from"]) for row in listed],
                         [("NT AUTHORITY\\ANONYMOUS LOGON", RIGHT, True, False, "explicit")])
        self.assertIn("nothing to add", self.permission("add", "NT AUTHORITY\\ANONYMOUS LOGON", RIGHT).out)
        self.permission("remove", "S-1-5-7", RIGHT)
        self.assertEqual(self.lines(), [])
        self.assertIn("nothing to remove", self.permission("remove", "anonymous", RIGHT, code=1).out)

    # proves: C248 C249 C251 contract-4
    def test_cross_forest_gives_a_set_from_a_file(self):
        self.connector()
        table = os.path.join(REPOSITORY, "server", "cli", "cross-forest.ini")
        for arguments in (["--dry-run"], [], []):
            answer = self.tool.cli("permission", "cross-forest", self.name, "--user", GROUP, "--rights-file", table, *arguments)
            self.assertEqual(answer.code, 0, answer)
            self.assertEqual(bool(self.lines()), not arguments)
        line, = self.lines()
        rights = line.partition(" ")[2].partition(" to ")[0].split(",")
        self.assertEqual(len(rights), 10)
        self.assertNotIn("Exch50", line)
        self.assertTrue(line.endswith(" to " + GROUP))
        self.slapd.add(self.organization.send_ldif("Other forest", 25, spaces="SMTP:other.example;1", hosts="[192.0.2.1]", aces=[]))
        answer = self.tool.cli("permission", "cross-forest", "Other forest", "--user", "partner-servers", "--rights-file", table, json=True)
        self.assertEqual(len(answer.json["changed"]), 4)
        own = os.path.join(self.tool.folder, "own.ini")
        for text, code in (("[send]\nright = ms-Exch-Send-Headers-Routing\n", 0), ("[send]\nright = nonsense\n", 2), ("[other]\nright = x\n", 2),
                           ("[receive]\nright = ms-Exch-SMTP-Submit\n", 2), ("", 2)):
            with open(own, "w") as file:
                file.write(text)
            answer = self.tool.cli("permission", "cross-forest", "Other forest", "--user", "anonymous", "--rights-file", own)
            self.assertEqual(answer.code, code, (text, answer))
        self.assertEqual(self.tool.cli("permission", "cross-forest", "Nobody", "--user", "anonymous", "--rights-file", own).code, 1)
        self.assertEqual(self.tool.cli("permission", "cross-forest", "Other forest").code, 2)

    # proves: contract-4
    def test_removing_one_of_several_rights_keeps_the_others_as_they_were_written(self):
        unknown = "12345678-0000-4000-8000-0000000000aa"
        self.connector("Allow %s , %s,%s  to anonymous" % (SUBMIT, RIGHT.lower(), unknown), "allow %s to authenticated" % RIGHT)
        self.permission("remove", "anonymous", RIGHT)
        self.assertEqual(self.lines(), ["Allow %s,%s to anonymous" % (SUBMIT, unknown), "allow %s to authenticated" % RIGHT])

    # proves: contract-4
    def test_deny_is_another_ace(self):
        self.connector("allow %s to anonymous" % RIGHT)
        self.permission("add", "anonymous", RIGHT, "--deny")
        self.assertEqual(self.lines(), ["allow %s to anonymous" % RIGHT, "deny %s to anonymous" % RIGHT])
        self.permission("remove", "anonymous", RIGHT, "--deny")
        self.assertEqual(self.lines(), ["allow %s to anonymous" % RIGHT])

    def test_all_rights(self):
        self.connector("allow * to hub-servers")
        answer = self.permission("remove", "hub-servers", SUBMIT, code=1)
        self.assertIn("stays: another value", answer.out)
        self.permission("remove", "hub-servers", "*")
        self.assertEqual(self.lines(), [])

    # proves: contract-4
    def test_a_group_by_its_dn(self):
        self.connector()
        self.permission("add", GROUP, SUBMIT + "," + RIGHT)
        self.assertEqual(self.lines(), ["allow %s,%s to %s" % (SUBMIT, RIGHT, GROUP)])
        self.permission("remove", GROUP.replace(",", ", ").upper(), SUBMIT)
        self.assertEqual(self.lines(), ["allow %s to %s" % (RIGHT, GROUP)])
        self.permission("add", "cn=nobody-there,dc=contoso,dc=com", RIGHT, code=1)

    # proves: contract-4
    def test_a_dry_run_prints_what_ldapmodify_takes(self):
        self.connector("allow %s,%s to anonymous" % (SUBMIT, RIGHT))
        ldif = self.permission("remove", "anonymous", SUBMIT, "--dry-run").out
        self.assertEqual(self.lines(), ["allow %s,%s to anonymous" % (SUBMIT, RIGHT)])
        self.slapd.modify(ldif)
        self.assertEqual(self.lines(), ["allow %s to anonymous" % RIGHT])

    # proves: contract-7
    def test_refused_where_a_descriptor_counts(self):
        self.connector()
        self.slapd.modify("dn: %s\nchangetype: modify\nadd: nTSecurityDescriptor\nnTSecurityDescriptor:: "
                          "AQAEgAAAAAAAAAAAAAAAABQAAAACAAgAAAAAAA==\n" % self.dn)
        answer = self.permission("add", "anonymous", RIGHT, code=4)
        self.assertIn("nTSecurityDescriptor", answer.err)

    def test_usage_and_refusals(self):
        self.connector()
        self.permission("add", "anonymous", "no-such-right", code=2)
        self.permission("add", "nobody", RIGHT, code=2)
        self.permission("add", "anonymous", "12345678-0000-4000-8000-0000000000aa", code=2)
        self.assertEqual(self.tool.cli("permission", "add", self.name, "--user", "anonymous").code, 2)
        self.assertEqual(self.tool.cli("permission", "add", "No Such", "--user", "anonymous", "--rights", RIGHT).code, 1)

    # proves: contract-4
    def test_an_account_that_may_not_write(self):
        self.connector()
        with Daemon(self.slapd.uri, start=False) as reader:
            answer = reader.cli("permission", "add", self.name, "--user", "anonymous", "--rights", RIGHT)
        self.assertEqual(answer.code, 1, answer)
        self.assertIn("modifications require authentication", answer.err)
        self.assertEqual(self.lines(), [])

    def test_a_file_is_not_written(self):
        folder = self.tool.folder
        organization = Organization().receive("Filed", free_port(), aces=[])
        uri = organization.write(folder)
        arguments = ["permission", "add", "Filed", "--user", "anonymous", "--rights", RIGHT]
        with Daemon(uri, start=False) as reader:
            self.assertEqual(reader.cli(*arguments).code, 1)
            answer = reader.cli(*arguments, "--dry-run")
        self.assertEqual(answer.code, 0)
        self.assertIn("add: dirrelayAce\ndirrelayAce: allow %s to anonymous\n-\n" % RIGHT, answer.out)

    # proves: contract-4
    def test_the_directory_away(self):
        with Daemon("ldap://127.0.0.1:%d" % free_port(), start=False) as tool:
            answer = tool.cli("permission", "add", "X", "--user", "anonymous", "--rights", RIGHT)
        self.assertEqual(answer.code, 3)


if __name__ == "__main__":
    unittest.main()
