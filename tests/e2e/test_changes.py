"""One ldapmodify is in force within a second, in open sessions too: rights, ranges, bindings, whole connectors, and
values that nobody can read."""

import threading
import unittest

from lib.organization import ANY_RECIPIENT, EVERYBODY, SUBDOMAINS, change
from lib.slapd import free_port
from lib.smtp import Client, Closed, can_connect
from lib.world import Case

UNABLE_TO_RELAY = "550 5.7.1 Unable to relay"
NOT_AVAILABLE = "421 4.3.2 Service not available"
RECIPIENT_OK = "250 2.1.5 Recipient OK"
RANGES = "msExchSmtpReceiveRemoteIPRanges"
BINDINGS = "msExchSmtpReceiveBindings"


class Changes(Case):
    """Every test has its own connector on its own address, so that none sees another's change."""

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Default", port, EVERYBODY, groups="AnonymousUsers")

    def relay(self, name, source, ranges=None, **attributes):
        """A relay connector more; its DN, once it serves."""
        self.world.modify(self.organization.receive_ldif(name, self.port, ranges or source, groups="AnonymousUsers", aces=ANY_RECIPIENT,
                                                         **attributes))
        self.addCleanup(self.delete, self.organization.receive_dn(name))
        self.assertWithin(1, lambda: self.assertEqual(self.ask(source), RECIPIENT_OK))
        return self.organization.receive_dn(name)

    def delete(self, dn):
        try:
            self.slapd.delete(dn)
        except Exception:
            pass  # the test has done it

    def ask(self, source, recipient="kate@fabrikam.com"):
        """The reply to RCPT in a session of its own, or what came before it."""
        with self.client(source) as client:
            return client.greeting.text if client.greeting.code != 220 else self.again(client, recipient)

    def again(self, client, recipient="kate@fabrikam.com"):
        """MAIL and RCPT in an open session; back outside of a transaction."""
        replies = [client.ehlo(), client.mail("chris@contoso.com")]
        if replies[-1].code == 250:
            replies.append(client.rcpt(recipient))
            client.say("RSET")
        return replies[-1].text

    # proves: C69 contract-3 C257
    def test_one_ace_taken_and_given_in_an_open_session(self):
        dn = self.relay("Printers", "127.0.3.1")
        with self.client("127.0.3.1") as client:
            self.assertEqual(self.again(client), RECIPIENT_OK)
            self.slapd.modify(change(dn, ("delete", "dirrelayAce", ANY_RECIPIENT)))
            self.assertWithin(1, lambda: self.assertEqual(self.again(client), UNABLE_TO_RELAY))
            self.slapd.modify(change(dn, ("add", "dirrelayAce", "allow ms-exch-smtp-accept-any-recipient to ANONYMOUS")))
            self.assertWithin(1, lambda: self.assertEqual(self.again(client), RECIPIENT_OK))

    # proves: contract-3
    def test_a_transaction_that_has_begun_ends_under_the_old_policy(self):
        dn = self.relay("Running", "127.0.3.2")
        with self.client("127.0.3.2") as client, self.client("127.0.3.2") as other:
            client.envelope("chris@contoso.com", ["kate@fabrikam.com"])
            self.world.modify(change(dn, ("delete", "dirrelayAce", ANY_RECIPIENT)))
            self.assertWithin(1, lambda: self.assertEqual(self.again(other), UNABLE_TO_RELAY))
            self.assertEqual(client.rcpt("ann@fabrikam.com").text, RECIPIENT_OK)
            self.assertEqual(client.data().code, 250)
            self.assertEqual(self.again(client), UNABLE_TO_RELAY)
        self.assertEqual(sorted(self.arrived()[0].recipients), ["ann@fabrikam.com", "kate@fabrikam.com"])

    # proves: contract-3
    def test_connector_deleted_under_an_open_session(self):
        dn = self.relay("Short lived", "127.0.3.3")
        with self.client("127.0.3.3") as client, self.client("127.0.3.3") as busy:
            self.again(client)
            busy.envelope("chris@contoso.com", ["kate@fabrikam.com"])
            self.world.delete(dn)
            self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.3"), UNABLE_TO_RELAY))
            self.assertEqual(client.say("NOOP").code, 250)
            self.assertReply(client.mail("chris@contoso.com"), NOT_AVAILABLE)
            self.assertTrue(client.at_end())
            self.assertEqual(busy.data().code, 250)
            self.assertReply(busy.mail("chris@contoso.com"), NOT_AVAILABLE)
        self.arrived()

    # proves: contract-3
    def test_a_closer_connector_takes_an_open_session_over(self):
        with self.client("127.0.3.4") as client:
            self.assertEqual(self.again(client), UNABLE_TO_RELAY)
            self.relay("Closer", "127.0.3.4")
            self.assertReply(client.mail("chris@contoso.com"), NOT_AVAILABLE)

    # proves: contract-3 facts-7
    def test_disabled_and_enabled_again(self):
        dn = self.relay("Switched", "127.0.3.5")
        with self.client("127.0.3.5") as client:
            self.world.modify(change(dn, ("replace", "msExchSmtpReceiveEnabled", "FALSE")))
            self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.5"), UNABLE_TO_RELAY))
            client.ehlo()
            self.assertReply(client.mail("chris@contoso.com"), NOT_AVAILABLE)
        self.world.modify(change(dn, ("replace", "msExchSmtpReceiveEnabled", "TRUE")))
        self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.5"), RECIPIENT_OK))

    # proves: contract-3
    def test_bound_to_another_port_and_back(self):
        dn, other = self.relay("Moving", "127.0.3.6"), free_port()
        with self.client("127.0.3.6") as client:
            self.world.modify(change(dn, ("replace", BINDINGS, "127.0.0.1:%d" % other)))
            self.assertWithin(1, lambda: self.assertTrue(can_connect(other)))
            with self.client("127.0.3.6", port=other) as moved:
                self.assertEqual(self.again(moved), RECIPIENT_OK)
            self.assertReply(client.say("MAIL FROM:<>"), "503 5.5.2 Send hello first")
            client.ehlo()
            self.assertReply(client.mail("chris@contoso.com"), NOT_AVAILABLE)
        self.world.modify(change(dn, ("replace", BINDINGS, "127.0.0.1:%d" % self.port)))
        self.assertWithin(1, lambda: self.assertFalse(can_connect(other)))
        self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.6"), RECIPIENT_OK))

    def test_connections_survive_while_connectors_come_and_go(self):
        """Clients connect all the time; none is reset, each gets a greeting."""
        stop, failures, count = threading.Event(), [], [0]

        def knock(source):
            while not stop.is_set():
                try:
                    with Client(self.port, source=source) as client:
                        count[0] += 1
                        if client.greeting.code not in (220, 421):
                            failures.append(client.greeting.text)
                except (OSError, Closed) as error:
                    failures.append(repr(error))

        threads = [threading.Thread(target=knock, args=("127.0.3.%d" % (50 + i),)) for i in range(3)]
        for thread in threads:
            thread.start()
        try:
            for round in range(6):
                extra = free_port()
                name = "Coming and going %d" % round
                self.world.modify(self.organization.receive_ldif(name, ["127.0.0.1:%d" % self.port, "127.0.0.1:%d" % extra],
                                                                 "127.0.3.51", groups="AnonymousUsers"))
                self.assertWithin(1, lambda: self.assertTrue(can_connect(extra)))
                self.world.delete(self.organization.receive_dn(name))
                self.assertWithin(1, lambda: self.assertFalse(can_connect(extra)))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertGreater(count[0], 20)

    # proves: C59 contract-3 D15
    def test_an_unreadable_value_keeps_the_previous_good_version(self):
        dn = self.relay("Typo", "127.0.3.7")
        mark = self.daemon.mark()
        self.world.modify(change(dn, ("add", RANGES, "127.0.3.8,127.0.3.9")))
        refused = self.refused(dn, since=mark)
        self.assertTrue(refused["kept"])
        self.assertIn(RANGES, refused["why"])
        self.assertIn("127.0.3.8,127.0.3.9", refused["why"])
        self.assertEqual(self.ask("127.0.3.7"), RECIPIENT_OK)
        self.assertEqual(self.ask("127.0.3.8"), UNABLE_TO_RELAY)
        self.world.modify(change(dn, ("delete", RANGES, "127.0.3.8,127.0.3.9"), ("add", RANGES, "127.0.3.8")))
        self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.8"), RECIPIENT_OK))

    # proves: contract-3
    def test_a_value_out_of_range_keeps_the_previous_good_version(self):
        dn = self.relay("Number", "127.0.3.10", msExchSmtpReceiveMaxRecipientsPerMessage=2)
        mark = self.daemon.mark()
        self.world.modify(change(dn, ("replace", "msExchSmtpReceiveMaxRecipientsPerMessage", "999999999")))
        self.assertTrue(self.refused(dn, since=mark)["kept"])
        with self.client("127.0.3.10") as client:
            codes = [reply.code for reply in client.envelope("chris@contoso.com", ["a@x.example", "b@x.example", "c@x.example"])]
        self.assertEqual(codes, [250, 250, 250, 250, 452])

    # proves: contract-3
    def test_at_its_first_load_a_bad_value_refuses_the_object_which_keeps_its_place(self):
        name, mark = "Born bad", self.daemon.mark()
        dn = self.organization.receive_dn(name)
        self.world.modify(self.organization.receive_ldif(name, self.port, "127.0.3.11", groups="AnonymousUsers",
                                                         aces=ANY_RECIPIENT, msExchSmtpReceiveMaxHopCount=501))
        self.addCleanup(self.delete, dn)
        refused = self.refused(dn, since=mark)
        self.assertFalse(refused["kept"])
        self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.11"), NOT_AVAILABLE))
        self.assertEqual(self.ask("127.0.3.12"), UNABLE_TO_RELAY)
        self.assertIn(dn.lower(), [row["dn"].lower() for row in self.daemon.status()["organization"]["refused"]])

    # proves: contract-3
    def test_an_unreadable_ace_takes_everything_away_at_once(self):
        dn = self.relay("Bad ace", "127.0.3.13")
        with self.client("127.0.3.13") as client:
            self.again(client)
            self.world.modify(change(dn, ("add", "dirrelayAce", "allow nobody knows what")))
            self.assertWithin(1, lambda: self.assertEqual(self.again(client), "530 5.7.1 Client was not authenticated"))
            self.world.modify(change(dn, ("delete", "dirrelayAce", "allow nobody knows what")))
            self.assertWithin(1, lambda: self.assertEqual(self.again(client), RECIPIENT_OK))

    # proves: C1 contract-3
    def test_a_range_opened_to_the_world_stops_the_connector(self):
        dn = self.relay("Widened", "127.0.3.14")
        self.world.modify(change(dn, ("add", RANGES, "8.8.8.0/24")))
        self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.14"), NOT_AVAILABLE))
        self.world.modify(change(dn, ("add", "dirrelayAllowOpenRelay", "TRUE")))
        self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.14"), RECIPIENT_OK))

    # proves: facts-7
    def test_of_two_in_conflict_the_serving_one_stays(self):
        self.relay("First", "127.0.3.16", "127.0.3.15-127.0.3.17")
        dn = self.organization.receive_dn("Second")
        mark = self.daemon.mark()
        self.world.modify(self.organization.receive_ldif("Second", self.port, "127.0.3.16-127.0.3.18", groups="AnonymousUsers"))
        self.addCleanup(self.delete, dn)
        self.refused(dn, since=mark)
        self.assertEqual(self.ask("127.0.3.16"), RECIPIENT_OK)

    # proves: C112
    def test_what_a_client_says_does_not_change_its_rights(self):
        with self.client("127.0.3.40") as client:
            for line in ("EHLO [127.0.0.1]", "NOOP", "RSET", "HELO mailbox01.contoso.com"):
                client.say(line)
                client.mail("chris@contoso.com")
                self.assertEqual(client.rcpt("kate@fabrikam.com").text, UNABLE_TO_RELAY)
                client.say("RSET")

    def test_accepted_domains_come_and_go(self):
        self.assertEqual(self.ask("127.0.3.41", "bob@new.example"), UNABLE_TO_RELAY)
        dn = self.organization.domain_dn("new.example")
        self.world.modify(self.organization.domain_ldif("new.example", SUBDOMAINS))
        self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.41", "bob@NEW.example."), RECIPIENT_OK))
        self.assertEqual(self.ask("127.0.3.41", "bob@sub.new.example"), RECIPIENT_OK)
        self.assertEqual(self.ask("127.0.3.41", "bob@notnew.example"), UNABLE_TO_RELAY)
        self.world.delete(dn)
        self.assertWithin(1, lambda: self.assertEqual(self.ask("127.0.3.41", "bob@new.example"), UNABLE_TO_RELAY))

    # proves: contract-3
    def test_an_accepted_domain_for_everything_is_not_taken_unasked(self):
        dn = self.organization.domain_dn("*")
        self.world.modify(self.organization.domain_ldif("*"))
        self.addCleanup(self.delete, dn)
        self.refused(dn)
        self.assertEqual(self.ask("127.0.3.42", "bob@anywhere.example"), UNABLE_TO_RELAY)


if __name__ == "__main__":
    unittest.main()
