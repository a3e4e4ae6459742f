"""From the queue to the next hop: each recipient's outcome, retry, fail-over, bounces."""

import email
import email.policy
import unittest

from lib.organization import SEND_ROUTING, change
from lib.sink import Drop, Sink
from lib.smtp import eventually
from lib.world import Case

SENDER = "ann@elsewhere.example"
TEXT = b"From: ann@elsewhere.example\r\nSubject: Test\r\n\r\nThis is a test message\r\n"


def is_bounce(message):
    return message.sender == ""


class Delivery(Case):
    config = {"queue.retry": "1s 1s 1s", "queue.expire": "1h"}

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, "127.0.0.2")

    def tearDown(self):
        self.daemon.cli("queue", "remove", "*")

    def submit(self, recipients, sender=SENDER, text=TEXT, mail=""):
        """The queue's id."""
        with self.client() as client:
            client.ehlo()
            self.assertEqual(client.mail(sender, mail).code, 250)
            for recipient in recipients:
                self.assertEqual(client.rcpt(recipient).code, 250)
            reply = client.data(text)
            self.assertEqual(reply.code, 250)
        return int(reply.text.partition("InternalId=")[2].partition("]")[0])

    def bounce(self, count=1):
        """The bounce that arrived, as (sink's message, parsed message)."""
        message = self.arrived(count, matching=is_bounce)[-1]
        return message, email.message_from_bytes(message.content, policy=email.policy.SMTP)

    def status_of(self, parsed):
        """{recipient: fields of its part of the report}"""
        report = next(part for part in parsed.walk() if part.get_content_type() == "message/delivery-status")
        blocks = report.get_payload()[1:]
        return {block["Final-Recipient"].partition(";")[2].strip(): block for block in blocks if block["Final-Recipient"]}

    def gone(self, id):
        def check():
            self.assertNotIn(str(id), [row["id"] for row in self.daemon.queue()])
        self.assertWithin(10, check)

    # proves: contract-4 contract-6
    def test_the_hop_away_and_back(self):
        self.sink.stop()
        mark = self.daemon.mark()
        try:
            id = self.submit(["kate@fabrikam.com"])
            self.daemon.wait("message.deferred", since=mark, id=id)
            row = next(row for row in self.daemon.queue() if row["id"] == str(id))
            self.assertEqual((row["sender"], row["state"], row["hop"]), (SENDER, "retry", "Internet"))
            self.assertGreaterEqual(row["attempts"], 1)
            self.assertEqual(row["recipients"][0]["address"], "kate@fabrikam.com")
            self.assertEqual(row["recipients"][0]["state"], "pending")
            self.assertTrue(row["recipients"][0]["reply"])
            metrics = self.daemon.metrics()
            self.assertGreaterEqual(metrics["dirrelay_messages_deferred_total"], 1)
            self.assertEqual(metrics["dirrelay_queue_messages"], 1)
        finally:
            self.sink.start()
        self.daemon.wait("message.delivered", since=mark, id=id)
        self.assertEqual(self.arrived()[0].body, b"This is a test message\r\n")
        self.gone(id)
        self.assertEqual(self.daemon.metrics()["dirrelay_queue_messages"], 0)

    # proves: contract-6
    def test_every_recipient_has_its_own_outcome(self):
        self.sink.rcpt_replies.update({"bad@fabrikam.com": "550 5.1.1 No such user", "later@fabrikam.com": "450 4.2.1 Busy"})
        mark = self.daemon.mark()
        id = self.submit(["good@fabrikam.com", "bad@fabrikam.com", "later@fabrikam.com"])
        self.daemon.wait("message.delivered", since=mark, id=id, recipient="good@fabrikam.com")
        self.daemon.wait("message.bounced", since=mark, id=id, recipient="bad@fabrikam.com")
        self.daemon.wait("message.deferred", since=mark, id=id, recipient="later@fabrikam.com")
        self.assertEqual(self.sink.to("good@fabrikam.com")[0].recipients, ["good@fabrikam.com"])
        eventually(lambda: self.assertEqual(  # stored soon after it is said
            {r["address"]: r["state"] for row in self.daemon.queue() if row["id"] == str(id) for r in row["recipients"]},
            {"good@fabrikam.com": "delivered", "bad@fabrikam.com": "failed", "later@fabrikam.com": "pending"}))
        del self.sink.rcpt_replies["later@fabrikam.com"]
        self.daemon.wait("message.delivered", since=mark, id=id, recipient="later@fabrikam.com")
        self.gone(id)
        self.assertEqual([len(self.sink.to(a)) for a in ("good@fabrikam.com", "later@fabrikam.com", "bad@fabrikam.com")], [1, 1, 0])

    def test_a_bounce_says_who_what_and_why_and_returns_the_header_alone(self):
        self.sink.rcpt_replies["bad@fabrikam.com"] = "550 5.1.1 No such user here"
        self.submit(["bad@fabrikam.com"])
        message, parsed = self.bounce()
        self.assertEqual(message.recipients, [SENDER])
        self.assertEqual(parsed.get_content_type(), "multipart/report")
        self.assertEqual(parsed.get_param("report-type"), "delivery-status")
        self.assertEqual(parsed["Auto-Submitted"], "auto-replied")
        self.assertIn(SENDER, parsed["To"])
        status = self.status_of(parsed)["bad@fabrikam.com"]
        self.assertEqual((status["Action"], status["Status"]), ("failed", "5.1.1"))
        self.assertIn("550 5.1.1 No such user here", status["Diagnostic-Code"])
        kinds = [part.get_content_type() for part in parsed.walk()]
        self.assertIn("text/rfc822-headers", kinds)
        self.assertIn(b"Subject: Test", message.content)
        self.assertNotIn(b"This is a test message", message.content)

    # proves: R16
    def test_the_null_sender_is_never_bounced_to(self):
        self.sink.rcpt_replies["bad@fabrikam.com"] = "550 5.1.1 No such user"
        mark = self.daemon.mark()
        id = self.submit(["bad@fabrikam.com"], sender="")
        self.daemon.wait("message.bounced", since=mark, id=id)
        self.assertIn("message %d has no sender" % id, self.daemon.wait("bounce.suppressed", since=mark)["message"])
        self.gone(id)
        self.submit(["good@fabrikam.com"])
        self.assertEqual(self.arrived()[0].recipients, ["good@fabrikam.com"])
        eventually(lambda: self.assertEqual(self.daemon.queue(), []))

    # proves: R16
    def test_a_bounce_that_is_refused_ends_there(self):
        self.sink.rcpt_replies.update({"bad@fabrikam.com": "550 5.1.1 No", SENDER: "550 5.1.1 No"})
        mark = self.daemon.mark()
        id = self.submit(["bad@fabrikam.com"])
        self.daemon.wait("message.bounced", since=mark, id=id)
        self.daemon.wait("message.bounced", since=mark, recipient=SENDER)
        self.daemon.wait("bounce.suppressed", since=mark)
        self.assertWithin(10, lambda: self.assertEqual(self.daemon.queue(), []))
        self.assertEqual(self.sink.messages, [])

    # proves: R16
    def test_a_storm_of_bad_recipients_makes_a_report_a_message_and_no_more(self):
        self.sink.replies["RCPT"] = "550 5.1.1 No such user"  # also for who is told
        said, mark = [], self.daemon.mark()
        self.sink.hooks["MAIL"] = self.sink.hooks["RCPT"] = lambda session: said.append(session.commands[-1])
        with self.client() as client:
            client.ehlo()
            for number in range(100):
                client.send_message(SENDER, ["bad%d@fabrikam.com" % (100 * number + i) for i in range(100)], TEXT)
        self.assertWithin(60, lambda: self.assertEqual(self.daemon.queue(), []))
        self.assertEqual(len([line for line in said if line.startswith("MAIL FROM:<>")]), 100)
        self.assertEqual(len([line for line in said if line.startswith("RCPT TO:<bad")]), 10000)
        self.assertEqual(len(self.daemon.seen("bounce.suppressed", since=mark)), 100)

    def test_refused_at_mail_at_data_and_at_the_final_dot(self):
        for verb, reply, event in (("MAIL", "451 4.3.0 later", "message.deferred"), ("DATA", "451 4.3.0 later", "message.deferred"),
                                   (".", "452 4.3.1 full", "message.deferred"), ("MAIL", "554 5.7.1 no", "message.bounced"),
                                   ("DATA", "554 5.7.1 no", "message.bounced"), (".", "554 5.6.0 no", "message.bounced")):
            self.sink.reset()
            self.sink.once[verb] = reply
            mark = self.daemon.mark()
            id = self.submit(["kate@fabrikam.com"])
            outcome = self.daemon.wait(event, since=mark, id=id)
            self.assertIn(reply, outcome["reply"])
            if event == "message.deferred":
                self.daemon.wait("message.delivered", since=mark, id=id)
            else:
                self.bounce()
            self.gone(id)

    # proves: R10
    def test_the_reply_of_the_final_dot_is_lost(self):
        drops = []

        def drop(session):
            if not drops:
                drops.append(session)
                raise Drop()
        self.sink.hooks["."] = drop
        mark = self.daemon.mark()
        id = self.submit(["kate@fabrikam.com"])
        self.daemon.wait("message.deferred", since=mark, id=id)
        self.daemon.wait("message.delivered", since=mark, id=id)
        self.assertEqual(len(self.sink.offered), 2)
        self.gone(id)

    def test_a_hop_that_greets_with_refusal_is_asked_again(self):
        self.sink.banner = "554 5.3.2 go away"
        self.sink.cut()
        mark = self.daemon.mark()
        try:
            id = self.submit(["kate@fabrikam.com"])
            self.assertIn("go away", self.daemon.wait("message.deferred", since=mark, id=id)["reply"])
        finally:
            self.sink.banner = "220 sink ESMTP"
        self.daemon.wait("message.delivered", since=mark, id=id)

    def test_size_and_8bitmime_of_the_hop_are_respected(self):
        self.sink.keywords = ["SIZE 1000", "8BITMIME"]
        self.sink.cut()
        mark = self.daemon.mark()
        id = self.submit(["kate@fabrikam.com"], text=TEXT + b"z" * 900 + b"\r\n" + b"z" * 900 + b"\r\n")
        self.daemon.wait("message.bounced", since=mark, id=id)
        self.sink.reset()
        self.submit(["kate@fabrikam.com"], mail="BODY=8BITMIME")
        message = self.arrived(matching=lambda m: not is_bounce(m))[0]
        self.assertIn("BODY=8BITMIME", message.parameters)
        self.assertRegex(message.parameters, r"SIZE=\d+")

    def test_a_hop_without_extensions_gets_plain_smtp(self):
        self.sink.keywords = []
        self.sink.cut()
        self.submit(["a@fabrikam.com", "b@fabrikam.com"])
        message = self.arrived()[0]
        self.assertEqual(message.parameters.strip(), "")
        self.assertEqual(message.recipients, ["a@fabrikam.com", "b@fabrikam.com"])


class Routing(Case):
    """Which connector, which host, how many messages a connection."""

    config = {"queue.retry": "1s"}

    @classmethod
    def organize(cls, org, port, sink):
        cls.second = Sink(host="127.0.0.8", port=sink.port)
        cls.addClassCleanup(cls.second.stop)
        cls.away = Sink()
        cls.away.stop()
        org.relay("Relay", port, "127.0.0.2", msExchSmtpReceiveMaxMessageSize=2000000)
        org.send("Near", sink.port, hosts="[127.0.0.8]", spaces=["SMTP:near.example;5", "SMTP:*.deep.near.example;5"])
        org.send("Nearer", sink.port, hosts="[127.0.0.8]", spaces="SMTP:cheap.example;1")
        org.send("Dear", cls.away.port, spaces="SMTP:cheap.example;9")
        org.send("Two hosts", sink.port, hosts="[127.0.0.9],[127.0.0.8]", spaces="SMTP:failover.example;1")
        org.send("Few", sink.port, spaces="SMTP:few.example;1", msExchSmtpMaxMessagesPerConnection=2)
        org.send("Small", sink.port, spaces="SMTP:small.example;1", delivContLength=64)
        org.send("Off", cls.away.port, spaces="SMTP:off.example;1", msExchSmtpSendEnabled="FALSE")

    def setUp(self):
        super().setUp()
        self.second.reset()

    def submit(self, *recipients, text=TEXT, count=1, sender=SENDER):
        with self.client() as client:
            for _ in range(count):
                client.send_message(sender, recipients, text)

    # proves: facts-1.4
    def test_the_most_specific_address_space_wins_then_the_cost(self):
        self.submit("a@near.example", "b@sub.near.example", "c@x.deep.near.example", "d@cheap.example")
        self.assertWithin(10, lambda: self.assertEqual(
            sorted(r for m in self.second.messages for r in m.recipients), ["a@near.example", "c@x.deep.near.example", "d@cheap.example"]))
        self.assertEqual(self.arrived()[0].recipients, ["b@sub.near.example"])

    def test_one_message_for_all_recipients_of_a_hop(self):
        self.submit("a@fabrikam.com", "b@fabrikam.com", "c@other.example")
        self.assertEqual(sorted(self.arrived()[0].recipients), ["a@fabrikam.com", "b@fabrikam.com", "c@other.example"])

    def test_the_next_smart_host_stands_in(self):
        self.submit("a@failover.example")
        self.assertEqual(self.second.wait()[0].recipients, ["a@failover.example"])

    def test_a_disabled_connector_routes_nothing(self):
        self.submit("a@off.example")
        self.assertEqual(self.arrived()[0].recipients, ["a@off.example"])

    def test_connections_are_used_again_up_to_the_limit(self):
        self.submit("a@few.example", count=5)
        sessions = [m.session for m in self.arrived(5)]
        self.assertTrue(all(sessions.count(number) <= 2 for number in sessions), sessions)
        self.sink.reset()
        self.submit("a@fabrikam.com", count=5)
        self.assertLess(len({m.session for m in self.arrived(5)}), 5)

    def test_the_connectors_size_limit(self):
        self.submit("a@small.example", text=TEXT + (b"s" * 76 + b"\r\n") * 1000)
        bounced = self.arrived(matching=is_bounce)[0]
        self.assertIn(b"a@small.example", bounced.content)

    # proves: contract-5
    def test_no_route_is_a_temporary_refusal(self):
        dn = self.organization.send_dn("Internet")
        self.world.modify(change(dn, ("replace", "msExchSmtpSendEnabled", "FALSE")))
        try:
            def refused():
                with self.client() as client:
                    self.assertRegex(client.envelope(SENDER, ["a@nowhere.example"])[-1].text, r"^451 4\.4\.4 ")
            self.assertWithin(1, refused)
        finally:
            self.world.modify(change(dn, ("replace", "msExchSmtpSendEnabled", "TRUE")))

    # proves: A8 contract-5
    def test_postmaster_goes_to_the_default_domain_and_to_the_external_address(self):
        self.submit("postmaster")
        self.assertEqual(self.arrived()[0].recipients, ["postmaster@contoso.com"])
        self.sink.reset()
        dn = self.organization.settings_dn
        self.world.modify(change(dn, ("add", "msExchTransportExternalPostmasterAddress", "hostmaster@fabrikam.com")))

        def routed():
            self.submit("Postmaster@CONTOSO.com")
            self.assertIn(["hostmaster@fabrikam.com"], [m.recipients for m in self.arrived()])
        self.assertWithin(5, routed)
        self.world.modify(change(dn, ("delete", "msExchTransportExternalPostmasterAddress")))

    def test_a_send_connector_with_our_own_binding_is_refused(self):
        dn = self.organization.send_dn("Loop")
        self.world.modify(self.organization.send_ldif("Loop", self.port, spaces="SMTP:loop.example;1"))
        self.assertIn("own bindings", self.refused(dn)["why"])
        self.world.delete(dn)

    # proves: contract-1
    def test_a_send_connector_that_needs_what_is_not_built_is_refused(self):
        dn = self.organization.send_dn("Cloud")
        self.world.modify(self.organization.send_ldif("Cloud", self.sink.port, spaces="SMTP:cloud.example;1", msExchSmtpSendFlags=0x20000))
        self.assertIn("CloudServicesMailEnabled", self.refused(dn)["why"])
        self.world.delete(dn)

    def test_a_connector_pointed_elsewhere_takes_waiting_messages_along(self):
        dn = self.organization.send_dn("Moved")
        self.world.modify(self.organization.send_ldif("Moved", self.away.port, spaces="SMTP:moved.example;1"))
        mark = self.daemon.mark()
        try:
            self.submit("a@moved.example")
            self.daemon.wait("message.deferred", since=mark)
            self.world.modify(change(dn, ("replace", "msExchSmtpSendPort", self.sink.port)))
            self.assertEqual(self.arrived()[0].recipients, ["a@moved.example"])
        finally:
            self.world.delete(dn)


class Expiry(Case):
    config = {"queue.retry": "1s", "queue.expire": "2s"}

    @classmethod
    def organize(cls, org, port, sink):
        cls.never = Sink()
        cls.never.replies["MAIL"] = "451 4.3.0 never"
        cls.addClassCleanup(cls.never.stop)
        org.relay("Relay", port, "127.0.0.2")
        org.send("Never", cls.never.port, spaces="SMTP:never.example;1", aces=SEND_ROUTING)

    # proves: contract-2
    def test_what_expires_bounces_with_the_last_reply(self):
        with self.client() as client:
            client.send_message(SENDER, ["a@never.example"], TEXT)
        bounce = self.arrived(matching=is_bounce)[0]
        self.assertEqual(bounce.recipients, [SENDER])
        self.assertIn(b"4.3.0 never", bounce.content)
        self.assertIn(b"Status: 4.4.7", bounce.content)
        self.assertWithin(10, lambda: self.assertEqual(self.daemon.queue(), []))


class Delay(Case):
    config = {"queue.retry": "1s", "queue.expire": "1h", "queue.delay_warning": "1s"}

    @classmethod
    def organize(cls, org, port, sink):
        cls.later = Sink()
        cls.later.replies["RCPT"] = "451 4.2.1 busy"
        cls.addClassCleanup(cls.later.stop)
        org.relay("Relay", port, "127.0.0.2")
        org.send("Later", cls.later.port, spaces="SMTP:later.example;1")

    # proves: contract-2 R17
    def test_who_wants_to_know_is_told_once_that_it_is_late(self):
        asked = {"unasked@later.example": "", "delay@later.example": "NOTIFY=DELAY", "failure@later.example": "NOTIFY=FAILURE",
                 "never@later.example": "NOTIFY=NEVER"}
        mark = self.daemon.mark()
        with self.client() as client:
            client.ehlo()
            self.assertEqual(client.mail(SENDER).code, 250)
            for address, notify in asked.items():
                self.assertEqual(client.say(("RCPT TO:<%s> %s" % (address, notify)).strip()).code, 250)
            self.assertEqual(client.data(TEXT).code, 250)
        warning = self.arrived(matching=is_bounce)[0]
        self.assertEqual(warning.recipients, [SENDER])
        text = warning.content.decode()
        self.assertEqual((text.count("Action: delayed"), text.count("Action: failed")), (2, 0))
        for address in asked:
            self.assertEqual("; %s\r\n" % address in text, address[:5] in ("unask", "delay"), address)
        self.assertIn("\r\nWill-Retry-Until: ", text)
        self.daemon.wait("message.deferred", since=mark, attempts=5)
        self.assertEqual(len([message for message in self.sink.messages if is_bounce(message)]), 1)
        self.daemon.cli("queue", "remove", "*")


if __name__ == "__main__":
    unittest.main()
