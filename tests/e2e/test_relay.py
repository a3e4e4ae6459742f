"""The relay document, step by step: a dedicated connector, who may use it, and the dialogue of its verification."""

import os
import unittest

from lib.organization import ANY_RECIPIENT, EVERYBODY, EXTERNAL, HUB, change
from lib.slapd import free_port
from lib.smtp import Client, can_connect
from lib.world import Case

UNABLE_TO_RELAY = "550 5.7.1 Unable to relay"
NOT_AUTHENTICATED = "530 5.7.1 Client was not authenticated"
RECIPIENT_OK = "250 2.1.5 Recipient OK"
SENDER_OK = "250 2.1.0 Sender OK"
HOST_A, HOST_B = "127.0.0.2", "127.0.0.9"


class Verification(Case):
    """The verification of the document: telnet from a host of the connector and from another one."""

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Default Frontend Mailbox01", port, EVERYBODY, groups="AnonymousUsers ExchangeServers",
                    msExchSMTPReceiveConnectorFQDN="mailbox01.contoso.com")
        org.relay("Anonymous Relay", port, [HOST_A, "127.0.0.3"], msExchSMTPReceiveConnectorFQDN="relay.contoso.com")

    # proves: C2 C10 C20 C71 C72 C73 C74 C75 C76 C77 C80 C81 C82 C83 contract-5
    def test_dialogue_of_the_document_from_a_host_that_may_relay(self):
        with self.client(HOST_A) as client:
            self.assertRegex(client.greeting.text, r"^220 relay\.contoso\.com Microsoft ESMTP MAIL Service ready at "
                             r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$")
            hello = client.say("EHLO")
            self.assertEqual(hello.code, 250)
            self.assertEqual(hello.lines[0], "relay.contoso.com Hello [%s]" % HOST_A)
            self.assertReply(client.say("MAIL FROM:chris@contoso.com"), SENDER_OK)
            self.assertReply(client.say("RCPT TO:kate@fabrikam.com"), RECIPIENT_OK)
            self.assertReply(client.say("DATA"), "354 Start mail input; end with <CRLF>.<CRLF>")
            client.send(b"Subject: Test\r\n\r\nThis is a test message\r\n.\r\n")
            accepted = client.reply()
            self.assertRegex(accepted.text, r"^250 2\.6\.0 <[^ >]+> \[InternalId=\d+\] Queued mail for delivery$")
            self.assertReply(client.say("QUIT"), "221 2.0.0 Service closing transmission channel")
            self.assertTrue(client.at_end())
        message = self.arrived()[0]
        self.assertEqual((message.sender, message.recipients), ("chris@contoso.com", ["kate@fabrikam.com"]))
        self.assertEqual(message.fields("Subject"), ["Test"])
        self.assertEqual(message.body, b"This is a test message\r\n")
        self.assertEqual(message.fields("Message-ID"), [accepted.text.split(" ")[2]])
        self.assertEqual(len(message.fields("Date")), 1)

    # proves: C3 C78 C272 contract-5
    def test_any_other_host_is_told_unable_to_relay(self):
        with self.client(HOST_B) as client:
            self.assertIn("mailbox01.contoso.com", client.greeting.text)
            client.say("EHLO")
            self.assertReply(client.say("MAIL FROM:chris@contoso.com"), SENDER_OK)
            self.assertReply(client.say("RCPT TO:kate@fabrikam.com"), UNABLE_TO_RELAY)
            self.assertEqual(client.say("DATA").code, 503)

    def test_any_other_host_still_reaches_our_own_recipients(self):
        with self.client(HOST_B) as client:
            client.send_message("kate@fabrikam.com", ["chris@contoso.com"])
        self.assertEqual(self.arrived()[0].recipients, ["chris@contoso.com"])

    # proves: C79 contract-6
    def test_the_log_line_of_a_refusal_says_connector_client_right_and_ace(self):
        mark = self.daemon.mark()
        with self.client(HOST_B) as client:
            client.ehlo("printer.example")
            client.mail("chris@contoso.com")
            client.rcpt("kate@fabrikam.com")
            refused = self.daemon.wait("rcpt.refused", since=mark, client=client.address)
        self.assertEqual(refused["connector"], "Mailbox01\\Default Frontend Mailbox01")
        self.assertEqual(refused["right"], "ms-Exch-SMTP-Accept-Any-Recipient")
        self.assertEqual(refused["reply"], "550 5.7.1")
        self.assertEqual(refused["recipient"], "kate@fabrikam.com")
        self.assertTrue(refused["reason"])
        self.assertIn("ace", refused)

    # proves: C9 C10 C29
    def test_session_open_names_the_most_specific_connector(self):
        for source, connector in ((HOST_A, "Anonymous Relay"), ("127.0.0.3", "Anonymous Relay"),
                                  ("127.0.0.4", "Default Frontend Mailbox01")):
            mark = self.daemon.mark()
            with self.client(source) as client:
                opened = self.daemon.wait("session.open", since=mark, client=client.address)
            self.assertEqual(opened["connector"], "Mailbox01\\" + connector)

    # proves: C69
    def test_test_computer_added_for_a_while(self):
        dn, attribute = self.organization.receive_dn("Anonymous Relay"), "msExchSmtpReceiveRemoteIPRanges"

        def answers(expected):
            with self.client("127.0.0.77") as client:
                client.ehlo()
                client.mail("chris@contoso.com")
                self.assertReply(client.rcpt("kate@fabrikam.com"), expected)

        answers(UNABLE_TO_RELAY)
        self.world.modify(change(dn, ("add", attribute, "127.0.0.77")))
        self.assertWithin(1, lambda: answers(RECIPIENT_OK))
        self.world.modify(change(dn, ("delete", attribute, "127.0.0.77")))
        self.assertWithin(1, lambda: answers(UNABLE_TO_RELAY))

    def test_every_recipient_has_its_own_answer(self):
        with self.client(HOST_B) as client:
            client.ehlo()
            client.mail("kate@fabrikam.com")
            self.assertReply(client.rcpt("chris@contoso.com"), RECIPIENT_OK)
            self.assertReply(client.rcpt("bob@fabrikam.com"), UNABLE_TO_RELAY)
            self.assertReply(client.rcpt("bob@contoso.com"), RECIPIENT_OK)
            self.assertEqual(client.data().code, 250)
        self.assertEqual(sorted(self.arrived()[0].recipients), ["bob@contoso.com", "chris@contoso.com"])


class Connectors(Case):
    """Bindings, ranges and roles of the document's considerations and of step 1."""

    @classmethod
    def organize(cls, org, port, sink):
        cls.hub_port, cls.wide_port = free_port(), free_port()
        org.receive("Default Frontend Mailbox01", "0.0.0.0:%d" % port, EVERYBODY, groups="AnonymousUsers")
        org.relay("Anonymous Relay", "0.0.0.0:%d" % port, ["127.0.0.10-127.0.0.20", "127.0.5.1/24", "127.0.0.30"])
        org.receive("Default Mailbox01", cls.hub_port, EVERYBODY, role=HUB,
                    groups="ExchangeUsers ExchangeServers ExchangeLegacyServers")
        org.relay("Open", cls.wide_port, "0.0.0.0-255.255.255.255")
        org.relay("Six", "[::]:%d" % port, "::1/128")
        org.receive("Default six", "[::]:%d" % port, "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", groups="AnonymousUsers")

    def relays(self, source, host="127.0.0.1"):
        with self.client(source, host=host) as client:
            client.ehlo()
            client.mail("chris@contoso.com")
            return client.rcpt("kate@fabrikam.com").code == 250

    # proves: C51 C56 C57 C58 D14
    def test_ranges_single_from_to_and_cidr_with_host_bits(self):
        for source, expected in (("127.0.0.9", False), ("127.0.0.10", True), ("127.0.0.20", True), ("127.0.0.21", False),
                                 ("127.0.5.0", True), ("127.0.5.255", True), ("127.0.4.255", False), ("127.0.6.0", False),
                                 ("127.0.0.30", True), ("127.0.0.31", False)):
            self.assertEqual(self.relays(source), expected, source)

    # proves: C8 C48 C70
    def test_all_addresses_of_the_machine_answer(self):
        self.assertTrue(self.relays("127.0.0.10", host="127.0.0.1"))
        self.assertTrue(self.relays("127.0.0.10", host="127.8.8.8"))
        self.assertFalse(self.relays("127.0.0.9", host="127.8.8.8"))

    # proves: C8 D14
    @unittest.skipUnless(os.path.exists("/proc/net/if_inet6"), "no IPv6 here")
    def test_ipv6_beside_ipv4_on_one_port(self):
        mark = self.daemon.mark()
        with Client(self.port, host="::1", source=None) as client:
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
            opened = self.daemon.wait("session.open", since=mark, connector="Mailbox01\\Six")
        self.assertTrue(opened["client"].startswith("[::1]:"), opened["client"])
        self.assertIn("(::1)", self.arrived()[0].fields("Received")[0])
        self.assertFalse(self.relays("127.0.0.1"))

    # proves: C49
    def test_a_binding_to_one_address_leaves_the_others_alone(self):
        self.assertTrue(can_connect(self.hub_port, "127.0.0.1"))
        self.assertFalse(can_connect(self.hub_port, "127.8.8.8"))

    # proves: C11 C12 C109
    def test_the_hub_connector_on_its_own_port_takes_nothing_from_anonymous(self):
        mark = self.daemon.mark()
        with self.client("127.0.0.10", port=self.hub_port) as client:
            client.ehlo()
            self.assertReply(client.mail("chris@contoso.com"), NOT_AUTHENTICATED)
            opened = self.daemon.wait("session.open", since=mark, client=client.address)
        self.assertEqual(opened["connector"], "Mailbox01\\Default Mailbox01")

    # proves: C1 C5 C50 contract-3
    def test_an_open_relay_is_not_started_and_keeps_its_place(self):
        with self.client("127.0.0.10", port=self.wide_port) as client:
            self.assertReply(client.greeting, "421 4.3.2 Service not available")
            self.assertTrue(client.at_end())
        dn = self.organization.receive_dn("Open")
        self.assertIn("open relay", self.refused(dn)["why"])
        self.assertIn("open-relay", [finding["rule"] for finding in self.findings(dn) if finding["severity"] == "error"])
        self.assertEqual(self.daemon.cli("lint").code, 1)

    # proves: C66
    def test_connector_show_has_the_four_fields(self):
        shown = self.daemon.cli("connector", "show", "Anonymous Relay", json=True).json
        self.assertEqual(shown["Enabled"], True)
        self.assertEqual(shown["TransportRole"], ["FrontendTransport"])
        self.assertEqual(shown["Bindings"], ["0.0.0.0:%d" % self.port])
        self.assertEqual(shown["RemoteIPRanges"], ["127.0.0.10-127.0.0.20", "127.0.5.0-127.0.5.255", "127.0.0.30"])


class Methods(Case):
    """Step 2: both ways to give the rights, and a connector that has none yet."""

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Fresh", port, "127.0.1.1")
        org.receive("Group alone", port, "127.0.1.2", groups="AnonymousUsers")
        org.relay("Method 1", port, "127.0.1.3")
        org.receive("Method 2", port, "127.0.1.4", auth=EXTERNAL, groups="ExchangeServers", msExchSmtpReceiveMaxMessageSize=65536)
        org.receive("Without group", port, "127.0.1.5", auth=EXTERNAL, groups="AnonymousUsers")
        org.receive("Both", port, "127.0.1.6", auth=EXTERNAL, groups="AnonymousUsers ExchangeServers", aces=ANY_RECIPIENT)
        org.receive("Growing", port, "127.0.1.7")
        org.receive("Spelled", port, "127.0.1.8", groups="anonymoususers",
                    aces="ALLOW Ms-Exch-SMTP-Accept-Any-Recipient  to  nt authority\\anonymous logon")

    def first_refusal(self, source, sender="chris@contoso.com"):
        """The reply that ends the way to DATA, or None."""
        with self.client(source) as client:
            for reply in client.envelope(sender, ["kate@fabrikam.com"]):
                if reply.code != 250:
                    return reply.text
        return None

    # proves: C13
    def test_a_new_connector_relays_for_nobody(self):
        self.assertEqual(self.first_refusal("127.0.1.1"), NOT_AUTHENTICATED)
        self.assertEqual(self.first_refusal("127.0.1.2"), UNABLE_TO_RELAY)

    # proves: C20 C61 C62
    def test_method_1(self):
        self.assertIsNone(self.first_refusal("127.0.1.3"))
        self.assertIsNone(self.first_refusal("127.0.1.8"))

    # proves: C28 C33 C34 C36 C38 C63
    def test_method_2(self):
        self.assertIsNone(self.first_refusal("127.0.1.4"))
        self.assertIsNone(self.first_refusal("127.0.1.4", sender="ann@elsewhere.example"))
        with self.client("127.0.1.4") as client:
            self.assertNotIn("STARTTLS", client.ehlo().text)

    # proves: C29 C126
    def test_method_2_identity_stands_before_any_command(self):
        mark = self.daemon.mark()
        with self.client("127.0.1.4") as client:
            opened = self.daemon.wait("session.open", since=mark, client=client.address)
        report = self.daemon.cli("explain", "--client", "127.0.1.4", "--local", "127.0.0.1:%d" % self.port, json=True).json
        self.assertEqual(report["token"][0]["sid"], "S-1-9-1419165041-1139599005-3936102811-1022490595-23")
        self.assertEqual(opened["identity"], report["identity"])

    # proves: C64
    def test_method_2_without_its_group_is_refused_by_name(self):
        with self.client("127.0.1.5") as client:
            self.assertReply(client.greeting, "421 4.3.2 Service not available")
        self.assertIn("ExchangeServers", self.refused(self.organization.receive_dn("Without group"))["why"])

    # proves: C19 C60
    def test_both_methods_at_once_are_a_finding_and_the_identity_is_the_secured_one(self):
        self.assertIsNone(self.first_refusal("127.0.1.6"))
        mark = self.daemon.mark()
        with self.client("127.0.1.6") as client:
            secured = self.daemon.wait("session.open", since=mark, client=client.address)["identity"]
        with self.client("127.0.1.3") as client:
            anonymous = self.daemon.wait("session.open", since=mark, client=client.address)["identity"]
        self.assertNotEqual(secured, anonymous)
        errors = [finding["rule"] for finding in self.findings(self.organization.receive_dn("Both")) if finding["severity"] == "error"]
        self.assertEqual(errors, ["both-methods"])

    # proves: C26
    def test_method_1_does_not_bypass_the_size_limit(self):
        dn = self.organization.receive_dn("Method 1")
        self.world.modify(change(dn, ("add", "msExchSmtpReceiveMaxMessageSize", 65536)))
        with self.client("127.0.1.3") as client:
            client.envelope("chris@contoso.com", ["kate@fabrikam.com"])
            self.assertReply(client.data(b"Subject: big\r\n\r\n" + b"x" * 78 * 1300 + b"\r\n"),
                             "552 5.3.4 Message size exceeds fixed maximum message size")

    # proves: C32 C42 C44
    def test_method_2_bypasses_the_size_limit(self):
        body = (b"y" * 76 + b"\r\n") * 1300
        with self.client("127.0.1.4") as client:
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"], b"Subject: big\r\n\r\n" + body)
        self.assertEqual(self.arrived()[0].body, body)

    # proves: C40 C65
    def test_method_2_by_one_ldapmodify(self):
        self.assertEqual(self.first_refusal("127.0.1.7"), NOT_AUTHENTICATED)
        self.world.modify(change(self.organization.receive_dn("Growing"), ("replace", "msExchSMTPReceiveInboundSecurityFlag", EXTERNAL),
                                 ("replace", "dirrelayPermissionGroups", "ExchangeServers")))
        self.assertWithin(1, lambda: self.assertIsNone(self.first_refusal("127.0.1.7")))

    def rights(self, connector, trustee):
        rows = self.daemon.cli("permission", "list", connector, "--user", trustee, json=True).json
        return sorted(row["right"] for row in rows if row["allow"] and not row["inherited"])

    # proves: C21 C67
    def test_method_1_gives_anonymous_exactly_five_rights(self):
        five = sorted(["ms-Exch-SMTP-Submit", "ms-Exch-SMTP-Accept-Any-Sender", "ms-Exch-SMTP-Accept-Any-Recipient",
                       "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender", "ms-Exch-Accept-Headers-Routing"])
        self.assertEqual(self.rights("Method 1", "NT AUTHORITY\\ANONYMOUS LOGON"), five)
        access = self.daemon.cli("access", "--connector", "Method 1", "--sid", "S-1-5-7", json=True)
        self.assertEqual(sorted(access.json["granted"]), five)

    # proves: C30 C31 C32 C33 C34 C35 C36 C37 C38 C39 C68
    def test_method_2_gives_secured_servers_exactly_nine_rights(self):
        names = [name.lower() for name in self.rights("Method 2", "MS Exchange\\Externally Secured Servers")]
        self.assertEqual(len(names), 9)
        for part in ("submit", "any-recipient", "any-sender", "authoritative-domain-sender", "authentication-flag",
                     "headers-routing", "exch50", "bypass-message-size-limit", "bypass-anti-spam"):
            self.assertEqual(len([name for name in names if name.endswith(part)]), 1, part)


if __name__ == "__main__":
    unittest.main()
