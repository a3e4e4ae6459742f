"""Which right decides which reply: one ACE away, deny, inheritance, table 9, both permission models."""

import unittest

from lib.organization import ANY_RECIPIENT, EXTERNAL, HUB, EDGE, INTERNAL_RELAY, DEFAULT, Organization, change
from lib.slapd import free_port
from lib.smtp import can_connect
from lib.world import Case

SUBMIT, ANY_RCPT, ANY_SENDER, OWN_SENDER, ROUTING = (
    "ms-Exch-SMTP-Submit", "ms-Exch-SMTP-Accept-Any-Recipient", "ms-Exch-SMTP-Accept-Any-Sender",
    "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender", "ms-Exch-Accept-Headers-Routing")
FIVE = (SUBMIT, ANY_RCPT, ANY_SENDER, OWN_SENDER, ROUTING)
NOT_AUTHENTICATED = "530 5.7.1 Client was not authenticated"
MAY_NOT_SUBMIT = "550 5.7.1 Client does not have permission to submit to this server"
MAY_NOT_SEND_AS = "550 5.7.1 Client does not have permission to send as this sender"
UNABLE_TO_RELAY = "550 5.7.1 Unable to relay"
FORGED = b"Received: from forged.example by forged.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n"


def allow(*rights, to="anonymous"):
    return "allow %s to %s" % (",".join(rights), to)


class Rights(Case):
    def ask(self, source, sender, recipient):
        """(reply to MAIL, reply to RCPT or None), as texts."""
        with self.client(source) as client:
            client.ehlo()
            mail = client.mail(sender)
            return mail.text, client.rcpt(recipient).text if mail.code == 250 else None


class OneAceAway(Rights):
    """Five ACE lines for anonymous; each test's connector lacks one of them."""

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Five", port, "127.0.2.1", aces=[allow(right) for right in FIVE])
        for number, missing in enumerate(FIVE):
            org.receive("Without %d" % number, port, "127.0.2.%d" % (10 + number),
                        aces=[allow(right) for right in FIVE if right != missing])
        org.receive("One line", port, "127.0.2.2", aces=allow(*FIVE))
        org.receive("Star", port, "127.0.2.3", aces="allow * to S-1-5-7")
        org.receive("Denied", port, "127.0.2.4", aces=["allow * to anonymous", "deny %s to anonymous" % ANY_RCPT])
        org.receive("Everyone", port, "127.0.2.5", aces="allow * to everyone")
        org.receive("GUID", port, "127.0.2.6", groups="AnonymousUsers",
                    aces="allow 5c82f031-4e4c-4326-88e1-8c4f0cad9de5 to anonymous")
        org.receive("Null sender", port, "127.0.2.7", aces=allow(SUBMIT, ANY_RCPT, "ms-Exch-Bypass-Anti-Spam"))

    def relays_fully(self, source):
        self.assertEqual(self.ask(source, "chris@contoso.com", "kate@fabrikam.com"),
                         ("250 2.1.0 Sender OK", "250 2.1.5 Recipient OK"))
        self.assertEqual(self.ask(source, "ann@elsewhere.example", "kate@fabrikam.com")[1], "250 2.1.5 Recipient OK")

    # proves: C14 C15 C16 C17 C18
    def test_the_minimum_list_is_enough(self):
        for source in ("127.0.2.1", "127.0.2.2", "127.0.2.3", "127.0.2.6"):
            self.relays_fully(source)

    # proves: C18 C201 C265 contract-5
    def test_without_submit(self):
        self.assertEqual(self.ask("127.0.2.10", "chris@contoso.com", "kate@fabrikam.com"), (NOT_AUTHENTICATED, None))

    def test_without_submit_the_session_goes_on(self):
        with self.client("127.0.2.10") as client:
            client.ehlo()
            self.assertReply(client.mail("chris@contoso.com"), NOT_AUTHENTICATED)
            self.assertReply(client.mail("chris@contoso.com"), NOT_AUTHENTICATED)
            self.assertEqual(client.say("NOOP").code, 250)

    # proves: C15 C202 C272 C89 C187
    def test_without_accept_any_recipient(self):
        self.assertEqual(self.ask("127.0.2.11", "chris@contoso.com", "kate@fabrikam.com")[1], UNABLE_TO_RELAY)
        self.assertEqual(self.ask("127.0.2.11", "chris@contoso.com", "bob@contoso.com")[1], "250 2.1.5 Recipient OK")

    # proves: C16 facts-8.4 C90
    def test_without_accept_any_sender(self):
        self.assertEqual(self.ask("127.0.2.12", "ann@elsewhere.example", "kate@fabrikam.com"), (MAY_NOT_SEND_AS, None))
        self.assertEqual(self.ask("127.0.2.12", "chris@contoso.com", "kate@fabrikam.com")[1], "250 2.1.5 Recipient OK")

    # proves: C17 C204 C269 A9 facts-8.4
    def test_without_accept_authoritative_domain_sender(self):
        self.assertEqual(self.ask("127.0.2.13", "chris@contoso.com", "kate@fabrikam.com"), (MAY_NOT_SEND_AS, None))
        self.assertEqual(self.ask("127.0.2.13", "ann@elsewhere.example", "kate@fabrikam.com")[1], "250 2.1.5 Recipient OK")

    # proves: A9 facts-8.4
    def test_without_accept_authoritative_domain_sender_the_header_is_checked_too(self):
        for field in (b"From: chris@contoso.com\r\n", b"From: ann@elsewhere.example\r\nSender: Boss <boss@CONTOSO.com>\r\n",
                      b"From: ann@elsewhere.example\r\nFrom: chris@contoso.com\r\n"):
            with self.client("127.0.2.13") as client:
                client.envelope("ann@elsewhere.example", ["kate@fabrikam.com"])
                self.assertReply(client.data(field + b"Subject: Test\r\n\r\nbody\r\n"), MAY_NOT_SEND_AS)
        with self.client("127.0.2.13") as client:
            client.send_message("ann@elsewhere.example", ["kate@fabrikam.com"], b"From: ann@elsewhere.example\r\n\r\nbody\r\n")
        self.assertEqual(len(self.arrived()), 1)

    # proves: C14 C206
    def test_without_accept_headers_routing(self):
        message = FORGED + b"Subject: Test\r\n\r\nbody\r\n"
        for source in ("127.0.2.1", "127.0.2.14"):
            with self.client(source) as client:
                client.send_message("chris@contoso.com", ["kate@fabrikam.com"], message)
        arrived = {len(m.fields("Received")): m for m in self.arrived(2)}
        self.assertEqual(sorted(arrived), [1, 2])
        self.assertIn("127.0.2.14", arrived[1].fields("Received")[0])
        self.assertEqual("Received: " + arrived[2].fields("Received")[1] + "\r\n", FORGED.decode())

    # proves: C192 facts-9.4
    def test_deny_wins_over_allow(self):
        self.assertEqual(self.ask("127.0.2.4", "chris@contoso.com", "kate@fabrikam.com")[1], UNABLE_TO_RELAY)

    # proves: facts-8.5 contract-3
    def test_anonymous_is_not_everyone(self):
        self.assertEqual(self.ask("127.0.2.5", "chris@contoso.com", "kate@fabrikam.com"), (NOT_AUTHENTICATED, None))

    # proves: C253
    def test_three_rights_let_only_the_null_sender_relay(self):
        self.assertEqual(self.ask("127.0.2.7", "", "kate@fabrikam.com")[1], "250 2.1.5 Recipient OK")
        self.assertEqual(self.ask("127.0.2.7", "ann@elsewhere.example", "kate@fabrikam.com"), (MAY_NOT_SEND_AS, None))
        report = self.daemon.cli("explain", "--client", "127.0.2.7", "--local", "127.0.0.1:%d" % self.port, "--from",
                                 "ann@elsewhere.example", "--to", "kate@fabrikam.com", json=True).json
        rights = {row["right"]: row for row in report["rights"]}
        self.assertFalse(rights[ANY_SENDER]["granted"])
        self.assertTrue(rights[ANY_RCPT]["granted"])


class Inherited(Rights):
    """Containers give and take; permission values nobody can read give nothing."""

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Plain", port, "127.0.2.1", groups="AnonymousUsers")
        org.receive("Explicit", port, "127.0.2.2", groups="AnonymousUsers", aces=ANY_RECIPIENT)
        org.receive("Bad line", port, "127.0.2.3", groups="AnonymousUsers", aces=[ANY_RECIPIENT, "allow ms-Exch-Fly to anonymous"])
        org.receive("Bad group", port, "127.0.2.4", groups="SuperUsers", aces=allow(*FIVE))
        org.receive("Nothing", port, "127.0.2.5")

    # proves: contract-3 facts-9.4
    def test_server_container_gives_and_explicit_wins(self):
        self.assertEqual(self.ask("127.0.2.1", "chris@contoso.com", "kate@fabrikam.com")[1], UNABLE_TO_RELAY)
        dn = self.organization.server_dn
        self.world.modify(change(dn, ("add", "dirrelayAce", allow(ANY_RCPT))))
        self.assertWithin(1, lambda: self.assertEqual(
            self.ask("127.0.2.1", "chris@contoso.com", "kate@fabrikam.com")[1], "250 2.1.5 Recipient OK"))
        rows = self.daemon.cli("permission", "list", "Plain", "--user", "anonymous", json=True).json
        inherited = [row for row in rows if row["inherited"]]
        self.assertEqual([(row["right"], row["from"].lower()) for row in inherited], [(ANY_RCPT, dn.lower())])
        self.world.modify(change(dn, ("replace", "dirrelayAce", "deny %s to anonymous" % ANY_RCPT)))
        self.assertWithin(1, lambda: self.assertEqual(
            self.ask("127.0.2.1", "chris@contoso.com", "kate@fabrikam.com")[1], UNABLE_TO_RELAY))
        self.assertEqual(self.ask("127.0.2.2", "chris@contoso.com", "kate@fabrikam.com")[1], "250 2.1.5 Recipient OK")
        self.world.modify(change(dn, ("delete", "dirrelayAce")))

    # proves: C223 contract-3
    def test_a_permission_value_nobody_can_read_grants_nothing(self):
        for source, name, part in (("127.0.2.3", "Bad line", "ms-Exch-Fly"), ("127.0.2.4", "Bad group", "SuperUsers")):
            self.assertEqual(self.ask(source, "chris@contoso.com", "bob@contoso.com"), (NOT_AUTHENTICATED, None))
            self.assertIn(part, self.refused(self.organization.receive_dn(name))["why"])

    # proves: contract-3 D11
    def test_no_ace_at_all_grants_nothing_and_lint_says_so(self):
        self.assertEqual(self.ask("127.0.2.5", "chris@contoso.com", "bob@contoso.com"), (NOT_AUTHENTICATED, None))
        self.assertIn("grants-nothing", [f["rule"] for f in self.findings(self.organization.receive_dn("Nothing"))])


class ExternallySecured(Rights):
    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Secured", port, "127.0.2.1", auth=EXTERNAL, groups="ExchangeServers")
        org.receive("No submit", port, "127.0.2.2", auth=EXTERNAL, groups="ExchangeServers",
                    aces="deny ms-Exch-SMTP-Submit to externally-secured-servers")
        org.receive("No relay", port, "127.0.2.3", auth=EXTERNAL, groups="ExchangeServers",
                    aces=r"deny ms-Exch-SMTP-Accept-Any-Recipient to MS Exchange\Externally Secured Servers")
        org.receive("No own sender", port, "127.0.2.4", auth=EXTERNAL, groups="ExchangeServers",
                    aces="deny %s to S-1-9-1419165041-1139599005-3936102811-1022490595-23" % OWN_SENDER)

    # proves: C268 contract-5 contract-7 C105 C180 C181
    def test_without_submit_the_identity_counts_as_authenticated(self):
        self.assertEqual(self.ask("127.0.2.2", "chris@contoso.com", "kate@fabrikam.com"), (MAY_NOT_SUBMIT, None))

    # proves: C272
    def test_without_any_recipient(self):
        self.assertEqual(self.ask("127.0.2.3", "chris@contoso.com", "kate@fabrikam.com")[1], UNABLE_TO_RELAY)

    # proves: C269
    def test_own_domain_sender_of_an_authenticated_session(self):
        self.assertEqual(self.ask("127.0.2.4", "chris@contoso.com", "kate@fabrikam.com"), (MAY_NOT_SEND_AS, None))


class Model2007(Rights):
    """The permissions document to the letter: anonymous may not send as one of ours."""

    @classmethod
    def make_organization(cls):
        return Organization(model=2007, roles=EDGE, domains=(("contoso.com", DEFAULT), ("partner.example", INTERNAL_RELAY)))

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, "127.0.2.1")
        org.receive("Opened", port, "127.0.2.2", groups="AnonymousUsers", aces=allow(OWN_SENDER))

    # proves: C270 C269 C21 C224 contract-7
    def test_the_documents_dialogue_meets_table_9(self):
        self.assertEqual(self.ask("127.0.2.1", "chris@contoso.com", "kate@fabrikam.com"), (MAY_NOT_SEND_AS, None))
        self.assertEqual(self.ask("127.0.2.1", "ann@elsewhere.example", "kate@fabrikam.com")[1], "250 2.1.5 Recipient OK")
        access = self.daemon.cli("access", "--connector", "Relay", "--sid", "S-1-5-7", json=True).json
        self.assertEqual(sorted(access["granted"]), sorted((SUBMIT, ANY_RCPT, ANY_SENDER, ROUTING)))

    # proves: contract-7
    def test_own_domain_is_the_authoritative_one_alone(self):
        self.assertEqual(self.ask("127.0.2.1", "ann@partner.example", "kate@fabrikam.com")[1], "250 2.1.5 Recipient OK")

    # proves: C252
    def test_the_right_added_takes_own_domain_mail_from_outside(self):
        self.assertEqual(self.ask("127.0.2.2", "chris@contoso.com", "bob@contoso.com")[1], "250 2.1.5 Recipient OK")


class OtherServer(Rights):
    """Only this server's connectors are served; groups of an edge."""

    @classmethod
    def organize(cls, org, port, sink):
        cls.other_port = free_port()
        org.relay("Mine", port, "127.0.2.1")
        other = Organization(server="Mailbox02")
        org.records += [text for text in other.records if "cn=mailbox02" in text.lower().split("\n")[0]]
        org.records.append(other.receive_ldif("Theirs", cls.other_port, "127.0.2.1", groups="AnonymousUsers", aces=ANY_RECIPIENT))
        org.receive("Hub role", port, "127.0.2.2", groups="AnonymousUsers", role=HUB)

    # proves: C260
    def test_a_connector_of_another_server_is_not_served(self):
        self.assertTrue(can_connect(self.port))
        self.assertFalse(can_connect(self.other_port))
        names = [row["Identity"] for row in self.daemon.cli("connector", "list", json=True).json]
        self.assertNotIn("Theirs", " ".join(names))

    # proves: facts-7
    def test_two_roles_on_one_binding_are_a_conflict(self):
        self.assertEqual(self.ask("127.0.2.1", "chris@contoso.com", "kate@fabrikam.com")[1], "250 2.1.5 Recipient OK")
        self.assertTrue(self.refused(self.organization.receive_dn("Hub role")))
        with self.client("127.0.2.2") as client:
            self.assertEqual(client.greeting.code, 421)




class ReportOnly(Rights):
    """dirrelayReportOnly: a refusal is said, counted, and not made."""

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Reported", port, "127.0.2.1", aces=allow(SUBMIT, ANY_RCPT), dirrelayReportOnly=[ANY_SENDER, ROUTING])
        org.receive("Closed", port, "127.0.2.2", aces=allow(SUBMIT, ANY_SENDER, OWN_SENDER), dirrelayReportOnly=[ANY_RCPT, SUBMIT])

    def reported(self):
        return sum(count for name, count in self.daemon.metrics().items()
                   if name.startswith("dirrelay_report_only_total") and ANY_SENDER in name)

    # proves: contract-3
    def test_the_sender_passes_and_the_log_says_what_was_missing(self):
        before = self.reported()
        self.assertEqual(self.ask("127.0.2.1", "ann@elsewhere.example", "kate@fabrikam.com"),
                         ("250 2.1.0 Sender OK", "250 2.1.5 Recipient OK"))
        event = self.daemon.wait("report.only", right=ANY_SENDER)
        self.assertEqual(event["reply"], "550 5.7.1")
        self.assertIn("ann@elsewhere.example", event["line"])
        self.assertEqual(self.reported(), before + 1)
        self.assertEqual(self.ask("127.0.2.1", "chris@contoso.com", "kate@fabrikam.com")[0], MAY_NOT_SEND_AS)

    # proves: contract-3
    def test_headers_of_anonymous_and_the_relay_right_are_enforced_all_the_same(self):
        self.assertEqual(self.ask("127.0.2.2", "ann@elsewhere.example", "kate@fabrikam.com")[1], UNABLE_TO_RELAY)
        with self.client("127.0.2.1") as client:
            client.ehlo()
            client.mail("ann@elsewhere.example")
            client.rcpt("kate@fabrikam.com")
            client.data(FORGED + b"Subject: Test\r\n\r\nbody\r\n")
        self.assertEqual(len(self.arrived()[0].fields("Received")), 1)

    # proves: contract-3
    def test_lint_counts_it_as_granted(self):
        self.assertIn("report-only", [finding["rule"] for finding in self.findings(self.organization.receive_dn("Reported"))])
