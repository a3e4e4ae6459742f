#!/usr/bin/python3
"""dirrelay lint finds out whether the relay's account, or nobody, could write connectors; slapd's access rules decide."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.dirrelay import Daemon  # noqa: E402
from lib.organization import Organization, same_dn  # noqa: E402
from lib.slapd import Slapd, free_port  # noqa: E402

RELAY = "cn=dirrelay,dc=contoso,dc=com"
PASSWORD = "secret-of-the-relay"
RULES = {"relay": 'to * by dn.exact="%s" write by * read' % RELAY, "everybody": "to * by * write",
         "nobody": 'to dn.subtree="CN=Configuration,dc=contoso,dc=com" by dn.exact="%s" read by * none' % RELAY,
         "one attribute": 'to attrs=msExchSmtpReceiveRemoteIPRanges by dn.exact="%s" write by * read' % RELAY}


# slapd takes no change from who has not said a name, whatever its rules are, unless it is told to.
ANONYMOUS = "dn: cn=config\nchangetype: modify\nadd: olcAllows\nolcAllows: update_anon\n"


class Access(unittest.TestCase):
    def lint(self, rule, bind=True, update_anonymous=True):
        organization = Organization()
        organization.receive("Relay", free_port(), "192.0.2.1", groups="AnonymousUsers")
        auth = "to attrs=userPassword by anonymous auth by * none"
        with Slapd(access=[auth, RULES[rule], "to * by * read"]) as slapd:
            slapd.add(organization.ldif())
            slapd.add("dn: %s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: dirrelay\nuserPassword: %s\n"
                      % (RELAY, PASSWORD))
            if update_anonymous:
                subprocess.run(["ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", slapd.ldapi_uri], input=ANONYMOUS, text=True, check=True,
                               capture_output=True)
            before = slapd.search(organization.receive_dn("Relay"), attributes=["*", "entryCSN"], scope="base")
            account = {"directory.bind_dn": RELAY, "directory.bind_password": PASSWORD} if bind else {}
            tool = Daemon(slapd.uri, account, start=False)
            self.addCleanup(tool.close)
            answer = tool.cli("lint", json=True)
            self.assertEqual(slapd.search(organization.receive_dn("Relay"), attributes=["*", "entryCSN"], scope="base"), before)
        self.code = answer.code
        is_it = same_dn(organization.receive_dn("Relay"))
        self.unseen = [f["severity"] for f in answer.json["findings"] if f["rule"] == "writers-unseen"]
        return {finding["rule"]: finding["severity"] for finding in answer.json["findings"]
                if finding["rule"].startswith("writable") and is_it(finding["dn"])}

    # proves: contract-4
    def test_the_relays_own_account(self):
        self.assertEqual(self.lint("relay"), {"writable-by-relay": "warning"})
        self.assertEqual(self.lint("one attribute"), {"writable-by-relay": "warning"})

    # proves: contract-4
    def test_whoever_connects(self):
        self.assertEqual(self.lint("everybody"), {"writable-by-relay": "warning", "writable-by-many": "error"})
        self.assertEqual(self.code, 1)
        self.assertEqual(self.lint("everybody", bind=False), {"writable-by-many": "error"})
        self.assertEqual(self.lint("everybody", update_anonymous=False), {"writable-by-relay": "warning"})

    # proves: contract-4
    def test_as_the_documents_rules_have_it(self):
        self.assertEqual(self.lint("nobody"), {})
        self.assertEqual(self.unseen, ["info"])
        self.assertEqual(self.code, 0)


if __name__ == "__main__":
    unittest.main()
