#!/usr/bin/python3
"""The keeper against a real slapd: what the daemon serves while the directory comes, goes, stalls and changes."""

import os
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.dirrelay import Daemon  # noqa: E402
from lib.organization import ANY_RECIPIENT, Organization, same_dn  # noqa: E402
from lib.sink import Sink  # noqa: E402
from lib.slapd import Slapd, free_port  # noqa: E402
from lib.smtp import Client, eventually  # noqa: E402

GROUP = "cn=printers,dc=contoso,dc=com"


class Keeper(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.sink = Sink()
        self.addCleanup(self.sink.stop)
        self.organization = Organization()
        self.organization.send("Internet", self.sink.port)
        self.organization.receive("Relay", self.port, ["127.0.0.2"], groups="AnonymousUsers", aces=[ANY_RECIPIENT])
        self.slapd = Slapd()
        self.addCleanup(self.slapd.close)
        self.slapd.start()
        self.slapd.add(self.organization.ldif())
        self.state = tempfile.mkdtemp(prefix="dr-state-")
        os.chmod(self.state, 0o777)
        self.addCleanup(shutil.rmtree, self.state, True)
        self.dn = self.organization.receive_dn("Relay")

    def daemon(self, **options):
        daemon = Daemon(self.slapd.uri, {"directory.poll": "1", **options.pop("config", {})}, state_dir=self.state,
                        **options)
        self.addCleanup(daemon.close)
        return daemon

    def modify(self, *lines):
        self.slapd.modify("dn: %s\nchangetype: modify\n%s\n" % (self.dn, "\n".join(lines)))

    def relays(self):
        """May the relay host reach an outside recipient?"""
        with Client(self.port, source="127.0.0.2") as client:
            client.say("EHLO test")
            client.say("MAIL FROM:<chris@contoso.com>")
            return client.say("RCPT TO:<kate@fabrikam.com>").code == 250

    def assert_relays(self, does=True):
        eventually(lambda: self.relays() == does)

    # proves: contract-3 D7
    def test_killed_and_back_with_another_policy(self):
        daemon = self.daemon()
        self.assert_relays()
        self.slapd.kill()
        daemon.wait("directory.down")
        self.assert_relays()
        self.assertEqual(daemon.metrics()["dirrelay_directory_up"], 0)
        eventually(lambda: daemon.metrics()["dirrelay_organization_age_seconds"] > 0.5)
        mark = daemon.mark()
        self.slapd.start()
        daemon.wait("directory.up", since=mark)
        self.modify("delete: dirrelayAce", "dirrelayAce: " + ANY_RECIPIENT)
        self.assert_relays(False)
        eventually(lambda: daemon.metrics()["dirrelay_organization_age_seconds"] == 0)
        self.assertEqual(daemon.metrics()["dirrelay_directory_up"], 1)
        daemon.stop()

    # proves: contract-3
    def test_restart_while_the_directory_is_away(self):
        daemon = self.daemon()
        self.modify("add: dirrelayAce", "dirrelayAce: deny ms-Exch-Bypass-Anti-Spam to anonymous")
        daemon.wait("org.loaded", generation=2)
        daemon.kill()
        self.slapd.stop()
        start = time.monotonic()
        daemon.start()
        self.assertLess(time.monotonic() - start, 6)
        self.assertEqual(daemon.wait("org.loaded")["from"], "disk")
        self.assert_relays()
        self.assertEqual(daemon.status()["directory"]["state"], "saved")
        mark = daemon.mark()
        self.slapd.start()
        self.assertEqual(daemon.wait("org.loaded", since=mark)["from"], "directory")
        self.assert_relays()
        daemon.stop()

    # proves: contract-3
    def test_a_right_taken_away_stays_away_after_a_crash(self):
        daemon = self.daemon()
        self.assert_relays()
        self.modify("delete: dirrelayAce", "dirrelayAce: " + ANY_RECIPIENT)
        self.assert_relays(False)
        daemon.kill()
        self.slapd.stop()
        daemon.start()
        self.assert_relays(False)

    # proves: contract-3 D7
    def test_frozen_at_start(self):
        self.daemon().stop()
        self.slapd.freeze()
        daemon = self.daemon()
        self.assertEqual(daemon.wait("org.loaded")["from"], "disk")
        self.assert_relays()
        mark = daemon.mark()
        self.slapd.thaw()
        self.assertEqual(daemon.wait("org.loaded", since=mark, timeout=40)["from"], "directory")

    def test_a_damaged_file_is_named_and_the_directory_serves(self):
        with open(os.path.join(self.state, "organization.ldif"), "w") as file:
            file.write("this is no LDIF\n")
        os.chmod(file.name, 0o666)
        daemon = self.daemon()
        self.assertIn("organization.ldif", daemon.wait("org.not_restored")["message"])
        self.assert_relays()
        daemon.stop()

    # proves: contract-3
    def test_a_group_named_by_dn(self):
        self.modify("add: dirrelayAce", "dirrelayAce: allow ms-Exch-SMTP-Submit to " + GROUP)
        daemon = self.daemon()
        self.assertIn("there is no " + GROUP, daemon.wait("org.refused", dn=same_dn(self.dn))["why"])
        self.assert_relays()
        mark = daemon.mark()
        self.slapd.add("dn: %s\nobjectClass: posixGroup\ncn: printers\ngidNumber: 77\n" % GROUP)
        daemon.wait("org.loaded", since=mark, refused=0)
        rights = daemon.cli("access", "--connector", "Relay", "--sid", "S-1-22-2-77", json=True).json["granted"]
        self.assertEqual(rights, ["ms-Exch-SMTP-Submit"])
        # A deny for somebody who is gone cannot be kept: nothing is granted until it is mended.
        mark = daemon.mark()
        self.modify("add: dirrelayAce", "dirrelayAce: deny ms-Exch-SMTP-Submit to cn=gone,dc=contoso,dc=com")
        self.assertIn("grants nothing", daemon.wait("org.refused", since=mark, dn=same_dn(self.dn))["why"])
        self.assert_relays(False)

    # proves: contract-3
    def test_a_burst_of_changes_is_one_organization(self):
        daemon = self.daemon()
        mark = daemon.mark()
        self.slapd.add("\n".join(self.organization.receive_ldif("More %d" % i, free_port(), "10.0.%d.1" % i)
                                 for i in range(100)))
        daemon.wait("org.loaded", since=mark, receive_connectors=101)
        self.assertLess(len(daemon.seen("org.loaded", since=mark)), 50)

    # proves: contract-3
    def test_refusals_are_told_once_a_change(self):
        daemon = self.daemon()
        self.modify("add: msExchSmtpReceiveMaxAcknowledgementDelay", "msExchSmtpReceiveMaxAcknowledgementDelay: 5")
        event = daemon.wait("org.refused", dn=same_dn(self.dn))
        self.assertIn('msExchSmtpReceiveMaxAcknowledgementDelay "5" is not supported yet', event["why"])
        mark = daemon.mark()
        self.slapd.add(self.organization.receive_ldif("Other", free_port(), "10.0.0.1", groups="AnonymousUsers"))
        daemon.wait("org.loaded", since=mark, receive_connectors=2)
        self.assertEqual(daemon.seen("org.refused", since=mark), [])


if __name__ == "__main__":
    unittest.main()
