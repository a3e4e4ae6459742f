"""Limits that stand on Transport Settings and hold for every connector, and values there that nothing enforces."""

import unittest

from lib.dirrelay import DIRRELAYD, run
from lib.organization import EXTERNAL, Organization, change
from lib.world import Case

TOO_BIG = "552 5.3.4 Message size exceeds fixed maximum message size"
RECEIVE_KB, RECIPIENTS = "delivContLength", "msExchRecipLimit"


class OrganizationLimits(Case):
    @classmethod
    def make_organization(cls):
        return Organization(settings={RECEIVE_KB: 100, "submissionContLength": 50, RECIPIENTS: 2,
                                      "msExchTransportExternalDSNReportingAuthority": "reports.contoso.com",
                                      "msExchDSNSendCopyToAdmin": ["5.4.6", "5.1.2"]})

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, "127.0.5.1")
        org.receive("Secured", port, "127.0.5.2", auth=EXTERNAL, groups="ExchangeServers")
        org.relay("Small", port, "127.0.5.3", msExchSmtpReceiveMaxMessageSize=65536, msExchSmtpReceiveMaxRecipientsPerMessage=1)

    def set(self, *operations):
        self.world.modify(change(self.organization.settings_dn, *operations))

    # proves: facts-1.6 facts-8.1
    def test_max_receive_size_is_the_size_of_anonymous_sessions(self):
        with self.client("127.0.5.1") as client:
            self.assertIn("SIZE 102400", client.ehlo().lines)
            self.assertReply(client.mail("chris@contoso.com", "SIZE=102401"), TOO_BIG)
            client.envelope("chris@contoso.com", ["kate@fabrikam.com"])
            self.assertReply(client.data(b"Subject: big\r\n\r\n" + b"b" * 900 * 120 + b"\r\n"), TOO_BIG)
            self.assertEqual(client.send_message("chris@contoso.com", ["kate@fabrikam.com"]).code, 250)
        self.arrived()

    # proves: facts-1.6
    def test_the_smaller_limit_binds(self):
        with self.client("127.0.5.3") as client:
            self.assertIn("SIZE 65536", client.ehlo().lines)
            replies = client.envelope("chris@contoso.com", ["a@x.example", "b@x.example"])
            self.assertReply(replies[-1], "452 4.5.3 Too many recipients")
        with self.client("127.0.5.1") as client:
            replies = client.envelope("chris@contoso.com", ["a@x.example", "b@x.example", "c@x.example"])
            self.assertEqual([reply.code for reply in replies[-2:]], [250, 452])

    # proves: C32 C42 contract-7
    def test_bypass_message_size_limit_lifts_the_organizations_too(self):
        with self.client("127.0.5.2") as client:
            self.assertIn("SIZE", client.ehlo().lines)
            replies = client.envelope("chris@contoso.com", ["a@x.example", "b@x.example", "c@x.example"])
            self.assertEqual(replies[-1].code, 250)
            self.assertEqual(client.data(b"Subject: big\r\n\r\n" + b"b" * 900 * 120 + b"\r\n").code, 250)
        self.arrived()

    # proves: facts-1.6
    def test_external_senders_get_reports_by_the_reporting_authority(self):
        self.sink.rcpt_replies["bad@fabrikam.com"] = "550 5.1.1 No such user"
        for sender, name in (("a@outside.example", b"reports.contoso.com"),
                             ("chris@contoso.com", self.organization.options.fqdn.encode())):
            self.sink.rcpt_replies["bad@fabrikam.com"] = "550 5.1.1 No such user"
            with self.client("127.0.5.1") as client:
                self.assertEqual(client.send_message(sender, ["bad@fabrikam.com"]).code, 250)
            report = self.arrived()[0]
            self.assertEqual(report.recipients, [sender])
            self.assertIn(b"Reporting-MTA: dns; " + name, report.content)
            self.sink.reset()

    # proves: facts-1.6
    def test_postmaster_gets_a_copy_of_the_failures_named(self):
        for code, count in (("5.1.2", 2), ("5.1.1", 1)):
            self.sink.reset()
            self.sink.rcpt_replies["bad@fabrikam.com"] = "550 %s No such user" % code
            with self.client("127.0.5.1") as client:
                self.assertEqual(client.send_message("chris@contoso.com", ["bad@fabrikam.com"]).code, 250)
            recipients = sorted(name for message in self.arrived() for name in message.recipients)
            self.assertEqual(recipients, ["chris@contoso.com", "postmaster@contoso.com"][:count])

    def greeting(self, source):
        with self.client(source) as client:
            return client.greeting

    # proves: facts-1.6 contract-1
    def test_a_value_that_cannot_be_enforced_closes_the_connectors(self):
        mark = self.daemon.mark()
        self.set(("replace", "msExchTLSReceiveDomainSecureList", "no domain"))
        try:
            event = self.refused(self.organization.receive_dn("Relay"), since=mark)
            self.assertIn("msExchTLSReceiveDomainSecureList", event["why"])
            self.assertIn("=Transport Settings", event["why"])
            self.assertWithin(1, lambda: self.assertReply(self.greeting("127.0.5.1"), "421 4.3.2 Service not available"))
            answer = run(DIRRELAYD, "-c", self.daemon.config_path, "--check")
            self.assertEqual(answer.code, 1)
            self.assertIn("msExchTLSReceiveDomainSecureList", answer.out)
        finally:
            self.set(("delete", "msExchTLSReceiveDomainSecureList"))
        self.assertWithin(1, lambda: self.assertEqual(self.greeting("127.0.5.1").code, 220))
        self.assertEqual(run(DIRRELAYD, "-c", self.daemon.config_path, "--check").code, 0)

    # proves: facts-1.6 contract-3
    def test_a_change_binds_the_next_mail_of_an_open_session(self):
        with self.client("127.0.5.1") as client:
            client.ehlo()
            self.set(("replace", RECEIVE_KB, 70))

            def is_smaller():
                client.say("RSET")
                self.assertReply(client.mail("chris@contoso.com", "SIZE=80000"), TOO_BIG)
            try:
                self.assertWithin(1, is_smaller)
            finally:
                self.set(("replace", RECEIVE_KB, 100))


if __name__ == "__main__":
    unittest.main()
