"""What a client may use besides plain SMTP, from the first octet to the next hop: CHUNKING, BINARYMIME, DSN, SMTPUTF8 and XEXCH50."""

import base64
import email
import email.message
import email.policy
import random
import smtplib
import unittest

from lib.organization import EXTERNAL
from lib.smtp import Closed
from lib.world import Case

SENDER = "ann@elsewhere.example"
HEADER = b"From: ann@elsewhere.example\r\nSubject: Test\r\nMessage-ID: <1@elsewhere.example>\r\nDate: Sun, 22 Nov 2026 02:45:00 +0000\r\n"


def is_bounce(message):
    return message.sender == ""


def chunked(content, *cuts):
    """The BDAT commands of the content, cut at these offsets; the last one ends it."""
    ends = list(cuts) + [len(content)]
    parts, start = [], 0
    for end in ends:
        part = content[start:end]
        parts.append(b"BDAT %d%s\r\n%s" % (len(part), b" LAST" if end == ends[-1] else b"", part))
        start = end
    return parts


class Extensions(Case):
    config = {"queue.retry": "1s 1s 1s", "queue.expire": "1h"}

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, "127.0.0.2")
        org.relay("International", port, "127.0.0.3", msExchSmtpReceiveProtocolOptions=445 + 0x10000)
        org.receive("Inbound", port, "127.0.0.4", groups="AnonymousUsers", msExchSmtpReceiveProtocolOptions=445 + 0x10000)
        org.receive("Secured", port, "127.0.0.5", auth=EXTERNAL, groups="ExchangeServers")
        org.domain("xn--bcher-kva.example")

    def tearDown(self):
        """No report of this test may reach the next one."""
        self.daemon.cli("queue", "remove", "*")
        self.assertWithin(10, lambda: self.assertEqual(self.daemon.queue(), []))
        self.sink.cut()  # nor may the next one find a session with what this one offered

    def begin(self, client, recipients=("kate@fabrikam.com",), mail=""):
        client.ehlo()
        self.assertEqual(client.mail(SENDER, mail).code, 250)
        for recipient in recipients:
            self.assertEqual(client.rcpt(recipient).code, 250)

    def submit_chunks(self, content, *cuts, mail=""):
        """All commands at once; the queue's id."""
        with self.client() as client:
            self.begin(client, mail=mail)
            parts = chunked(content, *cuts)
            client.send(b"".join(parts))
            replies = [client.reply() for _ in parts]
            for part, reply in zip(parts[:-1], replies):
                octets = int(part.split()[1])
                self.assertReply(reply, "250 2.6.0 CHUNK received OK, %d octets" % octets)
            self.assertRegex(replies[-1].text, r"^250 2\.6\.0 <\S+> \[InternalId=\d+\] Queued mail for delivery$")
            return int(replies[-1].text.partition("InternalId=")[2].partition("]")[0])

    def bounced(self, id, since):
        """The event, and the report as a parsed message."""
        event = self.daemon.wait("message.bounced", since=since, id=id)
        report = self.arrived(matching=is_bounce)[-1]
        return event, email.message_from_bytes(report.content, policy=email.policy.SMTP)

    # proves: F8 F10
    def test_chunks_arrive_byte_for_byte(self):
        chance = random.Random(1)
        for size in (0, 1, 5000, 40000, 300000):
            lines = b"".join(b"." * (i % 3) + b"%x" % chance.getrandbits(8 * (i % 120)) + b"\r\n" for i in range(size // 80 + 1))
            content = HEADER + b"\r\n" + lines[:size]
            cuts = sorted(chance.randrange(len(content)) for _ in range(chance.randrange(9)))
            self.sink.reset()
            self.submit_chunks(content, *cuts)
            message = self.arrived()[0]
            ended = content if content.endswith(b"\r\n") else content + b"\r\n"
            self.assertTrue(message.content.endswith(ended), (size, cuts))
            self.assertRegex(message.content[:-len(ended)], rb"\AReceived: from [^:]*:[^;]*; [^\r]*\r\n\Z|\AReceived:(.*\r\n )*.*\r\n\Z")

    # proves: F8
    def test_one_octet_at_a_time(self):
        content = HEADER + b"\r\n.\r\nQUIT\r\n"
        with self.client() as client:
            self.begin(client)
            for byte in b"".join(chunked(content, 10, 11, len(HEADER) + 1)):
                client.send(bytes([byte]))
            self.assertEqual([client.reply().code for _ in range(4)], [250, 250, 250, 250])
        self.assertTrue(self.arrived()[0].content.endswith(content))

    # proves: F2 F8
    def test_what_data_would_change_goes_back(self):
        for body in (b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"x" * 999 + b"\r\n", b"\n.\n"):
            self.sink.reset()
            mark = self.daemon.mark()
            id = self.submit_chunks(HEADER + b"\r\n" + body, len(HEADER))
            event, report = self.bounced(id, mark)
            self.assertRegex(event["reply"], r"^554 5\.6\.3 .*line ends")
            self.assertIn("5.6.3", report.as_string())
            self.assertEqual(self.sink.to("kate@fabrikam.com"), [])

    # proves: F8
    def test_binary_content_goes_back_from_a_hop_that_takes_none(self):
        mark = self.daemon.mark()
        id = self.submit_chunks(HEADER + b"\r\n\x00\xff\n\r", 7, mail="BODY=BINARYMIME")  # no part says that it is binary
        event, _ = self.bounced(id, mark)
        self.assertRegex(event["reply"], r"^554 5\.6\.3 .*binary")
        self.assertEqual(self.sink.to("kate@fabrikam.com"), [])

    def pass_chunk(self, body, cuts, mail=""):
        """What arrives, with this server's own fields taken off."""
        self.sink.keywords += ["CHUNKING", "BINARYMIME"]
        self.sink.cut()
        content = HEADER + b"\r\n" + body
        self.submit_chunks(content, *cuts, mail=mail)
        message = self.arrived()[0]
        self.assertEqual(message.chunks, [len(message.content)])
        self.assertRegex(message.content[:-len(content)], rb"\AReceived:(.*\r\n )*.*\r\n\Z")
        self.assertEqual(message.content[-len(content):], content)
        return message

    # proves: F2 F8
    def test_what_data_would_change_passes_to_a_hop_that_takes_chunks(self):
        chance = random.Random(2)
        for body in (b"a\nb\r\n", b".\r\n..\n.\r\n", b"a\rb\r\n", b"a\0b\r\n", b"x" * 999 + b"\r\n", b"\n.\n", chance.randbytes(3000000) + b"\n\r\n"):
            self.sink.reset()
            self.assertNotIn("BODY", self.pass_chunk(body, [len(HEADER)]).parameters)

    # proves: F8
    def test_binary_content_passes_to_a_hop_that_takes_it(self):
        for body in (b"\x00\xff\n\r\n", b"plain\r\n", random.Random(3).randbytes(300000) + b"\r\n"):
            self.sink.reset()
            message = self.pass_chunk(body, [7, len(HEADER)], mail="BODY=BINARYMIME")
            self.assertIn(" BODY=BINARYMIME", message.parameters)

    # proves: F8
    def test_chunks_alone_do_not_carry_what_is_declared_binary(self):
        self.sink.keywords += ["CHUNKING"]
        self.sink.cut()
        mark = self.daemon.mark()
        id = self.submit_chunks(HEADER + b"\r\n\xff\r\n", mail="BODY=BINARYMIME")
        self.assertRegex(self.bounced(id, mark)[0]["reply"], r"^554 5\.6\.3 .*binary")

    # proves: R10
    def test_a_chunk_that_is_refused_is_tried_again(self):
        self.sink.once["."] = "451 4.3.0 later"
        message = self.pass_chunk(b"a\nb\r\n", [])
        self.assertEqual(len(self.sink.offered), 2)
        self.assertEqual(self.sink.offered[0].content, message.content)

    def test_8bit_content_by_bdat(self):
        content = HEADER + b"\r\ngr\xfc\xdfe\r\n"
        self.submit_chunks(content, 100, mail="BODY=8BITMIME")
        message = self.arrived()[0]
        self.assertIn("BODY=8BITMIME", message.parameters)
        self.assertTrue(message.content.endswith(content))

    # proves: F2 F8
    def test_parts_are_encoded_for_a_hop_that_takes_seven_bits(self):
        """Python's email package, which had no part in it, reads at the hop what was sent here."""
        octets = random.Random(4).randbytes(100000)
        message = email.message.EmailMessage(policy=email.policy.SMTP)
        message["From"], message["To"], message["Subject"] = SENDER, "kate@fabrikam.com", "Parts"
        message.set_content("Gr\u00fc\u00dfe = \n.\n\u00e4" * 3 + "\n", cte="8bit")
        message.add_attachment(octets, "application", "octet-stream")
        inner = email.message.EmailMessage(policy=email.policy.SMTP)
        inner["Subject"] = "Inner"
        inner.set_content("\u00e4" * 200 + "\n", cte="8bit")
        message.add_attachment(inner, cte="8bit")
        encoded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
        whole = message.as_bytes()
        self.assertIn(b"Content-Transfer-Encoding: 8bit", whole)
        binary = whole.replace(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: binary").replace(encoded, octets)
        self.assertNotEqual(binary, whole)
        for content, keywords, mail in ((whole, [], "BODY=8BITMIME"), (binary, ["8BITMIME", "CHUNKING"], "BODY=BINARYMIME")):
            with self.subTest(mail=mail):
                self.sink.reset()
                self.sink.keywords = keywords + ["SIZE"]
                self.sink.cut()
                self.submit_chunks(content, 50, mail=mail)
                arrived = self.arrived()[0]
                self.assertNotIn("BODY", arrived.parameters)
                self.assertEqual(arrived.parameters.strip(), "SIZE=%d" % len(arrived.content))
                self.assertTrue(arrived.wire.isascii() and max(map(len, arrived.wire.split(b"\r\n"))) <= 998)
                self.assertNotIn(b"\n.\r\n", arrived.wire)
                read = email.message_from_bytes(arrived.content, policy=email.policy.SMTP)
                sent = email.message_from_bytes(whole, policy=email.policy.SMTP)
                for ours, theirs in zip(sent.walk(), read.walk(), strict=True):
                    self.assertEqual(ours.get_content_type(), theirs.get_content_type())
                    if not ours.is_multipart():
                        self.assertEqual(ours.get_payload(decode=True), theirs.get_payload(decode=True))

    # proves: F8
    def test_nothing_is_queued_without_the_last_chunk(self):
        count = len(self.daemon.queue())
        for end in (b"", b"BDAT 100 LAST\r\nshort"):
            with self.client() as client:
                self.begin(client)
                client.send(b"BDAT 40\r\n" + HEADER[:40])
                self.assertEqual(client.reply().code, 250)
                client.send(end)
                client.reset() if end else client.quit()
        with self.client() as client:
            self.begin(client)
            client.send(b"BDAT 3\r\na: BDAT 3 LAST\r\nx\r\nRSET\r\n")
            self.assertEqual([client.reply().code for _ in range(3)], [250, 250, 250])
        self.assertEqual(len(self.arrived()), 1)
        self.assertEqual(len(self.daemon.queue()), count)

    # proves: F8
    def test_sizes_that_are_none_end_the_session(self):
        for size in (b"-1", b"+5", b"0x10", b"1e20", b"100000000000000000000", b"", b"5 FIRST", b"five"):
            with self.client() as client:
                self.begin(client)
                client.send(b"BDAT %s\r\nRSET\r\n" % size)
                self.assertReply(client.reply(), "501 5.5.4 Invalid arguments")
                self.assertTrue(client.at_end(), size)

    # proves: F8 F9
    def test_size_is_counted_across_chunks(self):
        with self.client() as client:
            self.begin(client)
            client.send(b"BDAT 37748737 LAST\r\n")
            block = b"x" * 65536
            try:
                for _ in range(37748737 // 65536):
                    client.send(block)
                client.send(block[:37748737 % 65536])
            except (BrokenPipeError, ConnectionResetError, Closed):
                self.fail("the octets of a refused chunk are to be taken")
            self.assertReply(client.reply(), "552 5.3.4 Message size exceeds fixed maximum message size")
            self.assertEqual(client.say("NOOP").code, 250)

    # -- DSN -----------------------------------------------------------------------------------------------------------

    def submit(self, recipients, mail="", text=HEADER + b"\r\nThis is a test message\r\n"):
        """recipients: {address: parameters}. The queue's id."""
        with self.client() as client:
            client.ehlo()
            self.assertEqual(client.mail(SENDER, mail).code, 250)
            for recipient, parameters in recipients.items():
                self.assertEqual(client.say("RCPT TO:<%s> %s" % (recipient, parameters)).code, 250)
            reply = client.data(text)
            self.assertEqual(reply.code, 250)
        return int(reply.text.partition("InternalId=")[2].partition("]")[0])

    def report(self, count=1):
        """(text, {final recipient: fields}, type of the last part) of the report that came last."""
        message = self.arrived(count, matching=is_bounce)[-1]
        parsed = email.message_from_bytes(message.content, policy=email.policy.SMTP)
        blocks = next(part for part in parsed.walk() if part.get_content_type() == "message/delivery-status").get_payload()
        fields = {block["Final-Recipient"].partition(";")[2].strip(): block for block in blocks[1:] if block["Final-Recipient"]}
        return message.content.decode(), fields, parsed.get_payload()[-1].get_content_type()

    def gone(self, id):
        """The message has left, and any report about it, which is queued before the message goes."""
        self.assertWithin(10, lambda: self.assertNotIn(str(id), [row["id"] for row in self.daemon.queue()]))
        self.assertWithin(10, lambda: self.assertEqual(self.daemon.queue(), []))

    # proves: R17
    def test_failures_are_told_as_asked(self):
        for address in ("never", "unasked", "failure", "success"):
            self.sink.rcpt_replies[address + "@fabrikam.com"] = "550 5.1.1 No such user"
        self.submit({"never@fabrikam.com": "NOTIFY=NEVER", "unasked@fabrikam.com": "",
                     "failure@fabrikam.com": "NOTIFY=FAILURE ORCPT=rfc822;old+2Bname@contoso.com",
                     "success@fabrikam.com": "NOTIFY=SUCCESS"}, mail="RET=HDRS ENVID=QQ+2B42")
        text, fields, last = self.report()
        self.assertEqual(set(fields), {"unasked@fabrikam.com", "failure@fabrikam.com"})
        self.assertEqual(fields["failure@fabrikam.com"]["Original-Recipient"], "rfc822; old+name@contoso.com")
        self.assertIn("\r\nOriginal-Envelope-Id: QQ+42\r\n", text)
        self.assertEqual(last, "text/rfc822-headers")
        self.assertNotIn("This is a test message", text)

    def test_nobody_is_told_who_asked_for_silence(self):
        self.sink.rcpt_replies["never@fabrikam.com"] = "550 5.1.1 No such user"
        self.gone(self.submit({"never@fabrikam.com": "NOTIFY=NEVER"}))
        self.gone(self.submit({"kate@fabrikam.com": ""}))
        self.assertEqual([m.sender for m in self.arrived()], [SENDER])

    # proves: R17
    def test_the_whole_message_goes_back_where_it_is_asked_for(self):
        self.sink.rcpt_replies["gone@fabrikam.com"] = "550 5.1.1 No such user"
        self.submit({"gone@fabrikam.com": ""}, mail="RET=FULL")
        text, _, last = self.report()
        self.assertEqual(last, "message/rfc822")
        self.assertIn("\r\n\r\nThis is a test message\r\n", text)
        for body in (b"caf\xc3\xa9\r\n", b"line of text\r\n" * 100000):  # 8 bits; over 1 MiB
            self.sink.reset()
            self.sink.rcpt_replies["gone@fabrikam.com"] = "550 5.1.1 No such user"
            self.submit({"gone@fabrikam.com": ""}, mail="RET=FULL", text=HEADER + b"\r\n" + body)
            self.assertEqual(self.report()[2], "text/rfc822-headers")

    def test_a_message_that_was_passed_on_is_reported_to_who_asked(self):
        self.submit({"kate@fabrikam.com": "NOTIFY=SUCCESS,FAILURE", "bob@fabrikam.com": "NOTIFY=FAILURE"}, mail="ENVID=E1 RET=FULL")
        text, fields, last = self.report()
        self.assertEqual(set(fields), {"kate@fabrikam.com"})
        self.assertEqual(fields["kate@fabrikam.com"]["Action"], "relayed")
        self.assertRegex(fields["kate@fabrikam.com"]["Status"], r"^2\.")
        self.assertEqual(last, "text/rfc822-headers")
        self.assertEqual(len(self.sink.to("kate@fabrikam.com")), 1)

    def offer_dsn(self):
        self.sink.keywords.append("DSN")
        self.sink.cut()

    # proves: R17
    def test_what_the_sender_asks_goes_on_to_a_hop_that_takes_it(self):
        self.offer_dsn()
        asked = {"success@fabrikam.com": "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;old+2Bname@contoso.com", "never@fabrikam.com": "NOTIFY=NEVER",
                 "all@fabrikam.com": "NOTIFY=SUCCESS,FAILURE,DELAY", "unasked@fabrikam.com": ""}
        for recipients, mail in ((asked, "RET=HDRS ENVID=QQ+2B42"), ({"kate@fabrikam.com": "NOTIFY=FAILURE"}, "RET=FULL"), ({"kate@fabrikam.com": ""}, "")):
            self.sink.reset()
            self.sink.keywords.append("DSN")
            self.gone(self.submit(recipients, mail=mail))
            message, = self.arrived()  # and no report: the hop makes them
            self.assertEqual(message.recipient_parameters, recipients)
            self.assertEqual([word for word in message.parameters.split() if word.startswith(("RET", "ENVID"))], mail.split())

    # proves: R17
    def test_a_refusal_is_reported_here_whatever_the_hop_takes(self):
        self.offer_dsn()
        self.sink.rcpt_replies["gone@fabrikam.com"] = "550 5.1.1 No such user"
        self.gone(self.submit({"kate@fabrikam.com": "NOTIFY=SUCCESS", "gone@fabrikam.com": "NOTIFY=SUCCESS,FAILURE",
                               "never@fabrikam.com": "NOTIFY=NEVER"}))
        _, fields, _ = self.report()
        self.assertEqual({address: block["Action"] for address, block in fields.items()}, {"gone@fabrikam.com": "failed"})
        self.assertEqual(len(self.arrived(2)), 2)

    def test_without_the_hops_word_nothing_is_passed_on(self):
        self.gone(self.submit({"kate@fabrikam.com": "NOTIFY=FAILURE ORCPT=rfc822;kate@fabrikam.com"}, mail="RET=HDRS ENVID=E1"))
        message, = self.arrived()
        self.assertEqual(message.recipient_parameters, {"kate@fabrikam.com": ""})
        self.assertNotIn("ENVID", message.parameters)
        self.assertNotIn("RET", message.parameters)

    def test_failure_and_success_are_two_reports(self):
        self.sink.rcpt_replies["gone@fabrikam.com"] = "550 5.1.1 No such user"
        self.submit({"kate@fabrikam.com": "NOTIFY=SUCCESS", "gone@fabrikam.com": ""})
        reports = self.arrived(2, matching=is_bounce)
        self.assertEqual(sorted(("Action: failed" in r.content.decode(), "Action: relayed" in r.content.decode()) for r in reports),
                         [(False, True), (True, False)])

    # proves: R17 F12
    def test_parameters_with_lines_of_their_own_are_refused(self):
        with self.client() as client:
            client.ehlo()
            for parameter in ("ENVID=a+0D+0AX:+20b", "ENVID=" + "a" * 101, "RET=ALL", "ENVID=+ZZ"):
                self.assertReply(client.mail(SENDER, parameter), "501 5.5.4 Invalid arguments")
            self.assertEqual(client.mail(SENDER).code, 250)
            for parameter in ("ORCPT=rfc822;a+0D+0AX:+20b", "NOTIFY=NEVER,SUCCESS", "NOTIFY=SOMETIMES"):
                self.assertReply(client.say("RCPT TO:<kate@fabrikam.com> " + parameter), "501 5.5.4 Invalid arguments")

    # -- SMTPUTF8 ------------------------------------------------------------------------------------------------------

    def submit_utf8(self, sender, recipients, text=HEADER + "Comments: grüße\r\n\r\nbody\r\n".encode()):
        with self.client("127.0.0.3") as client:
            self.assertIn("SMTPUTF8", client.ehlo().lines)
            self.assertReply(client.mail(sender, "SMTPUTF8"), "250 2.1.0 Sender OK")
            for recipient in recipients:
                self.assertReply(client.rcpt(recipient), "250 2.1.5 Recipient OK")
            reply = client.data(text)
            self.assertEqual(reply.code, 250)
        return int(reply.text.partition("InternalId=")[2].partition("]")[0])

    # proves: A7
    def test_utf8_passes_to_a_hop_that_takes_it(self):
        self.sink.keywords.append("SMTPUTF8")
        self.sink.cut()
        self.submit_utf8("ann@elsewhere.example", ["grüße@fabrikam.com"])
        message = self.arrived()[0]
        self.assertEqual(message.recipients, ["grüße@fabrikam.com"])
        self.assertIn(" SMTPUTF8", message.parameters)
        self.assertIn("Comments: grüße\r\n".encode(), message.content)
        self.assertRegex(message.fields("Received")[0], r" with UTF8SMTP id ")

    # proves: A7
    def test_utf8_goes_back_from_a_hop_that_does_not_take_it(self):
        self.sink.cut()
        mark = self.daemon.mark()
        id = self.submit_utf8("ann@elsewhere.example", ["grüße@fabrikam.com", "kate@fabrikam.com"],
                              text=HEADER + b"\r\nbody\r\n")
        event, report = self.bounced(id, mark)
        self.assertRegex(event["reply"], r"^553 5\.6\.7 ")
        self.assertIn("utf-8; gr\\x{FC}\\x{DF}e@fabrikam.com", report.as_string())
        self.assertEqual(len(self.sink.to("kate@fabrikam.com")), 1)
        mark = self.daemon.mark()
        id = self.submit_utf8("ann@elsewhere.example", ["kate@fabrikam.com"])  # the header needs it
        self.assertRegex(self.daemon.wait("message.bounced", since=mark, id=id)["reply"], r"^553 5\.6\.7 ")

    # proves: A6 A7
    def test_a_domain_alone_needs_no_extension(self):
        self.sink.cut()
        self.submit_utf8("ann@bücher.example", ["kate@bücher.example"], text=HEADER + b"\r\nbody\r\n")
        message = self.arrived()[0]
        self.assertEqual((message.sender, message.recipients), ("ann@xn--bcher-kva.example", ["kate@xn--bcher-kva.example"]))
        self.assertNotIn("SMTPUTF8", message.parameters)

    # proves: A6
    def test_an_accepted_domain_is_one_in_every_spelling(self):
        with self.client("127.0.0.4") as client:
            client.ehlo()
            self.assertEqual(client.mail("ann@elsewhere.example", "SMTPUTF8").code, 250)
            for domain in ("bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE.", "bücher。example"):
                self.assertReply(client.rcpt("kate@" + domain), "250 2.1.5 Recipient OK")
            for domain in ("bucher.example", "bűcher.example", "bücher.example.org"):
                self.assertReply(client.rcpt("kate@" + domain), "550 5.7.1 Unable to relay")

    # proves: A7
    def test_utf8_without_word(self):
        with self.client("127.0.0.3") as client:
            client.ehlo()
            self.assertReply(client.mail("grüße@elsewhere.example"), "501 5.1.6 SMTPUTF8 argument required.")
        with self.client() as client:
            client.ehlo()
            self.assertReply(client.mail("grüße@elsewhere.example"), "501 5.1.8 UTF-8 addresses not supported")

    # -- XEXCH50 -------------------------------------------------------------------------------------------------------

    # proves: C22 C37 C209 C212
    def test_exch50_data_is_for_those_with_the_right(self):
        with self.client() as client:
            self.begin(client)
            self.assertReply(client.say("XEXCH50 10 1"), "504 5.7.1 Not authorized")
        with self.client("127.0.0.5") as client:
            self.begin(client)
            self.assertReply(client.say("XEXCH50 100000 1"), "354 Send binary data")
            client.send(b"SCL\0QUIT\r\n" * 10000)
            self.assertReply(client.reply(), "250 2.0.0 XEXCH50 OK")
            self.assertEqual(client.data(HEADER + b"\r\nbody\r\n").code, 250)
        self.assertTrue(self.arrived()[0].content.endswith(b"\r\n\r\nbody\r\n"))

    # -- a client that others wrote ------------------------------------------------------------------------------------

    # proves: A7
    def test_smtplib_uses_them(self):
        self.sink.keywords.append("SMTPUTF8")
        self.sink.cut()
        message = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
        message["From"], message["To"], message["Subject"] = SENDER, "grüße@bücher.example", "Grüße"
        message.set_content("schöne Grüße\n", cte="8bit")
        with smtplib.SMTP("127.0.0.1", self.port, source_address=("127.0.0.3", 0)) as client:
            self.assertEqual(client.send_message(message, rcpt_options=["NOTIFY=SUCCESS"]), {})
            self.assertTrue(client.does_esmtp and client.has_extn("chunking") and client.has_extn("dsn"))
        arrived = self.arrived(matching=lambda m: not is_bounce(m))[0]
        self.assertEqual(arrived.recipients, ["grüße@xn--bcher-kva.example"])
        self.assertTrue(arrived.content.endswith("\r\n\r\nschöne Grüße\r\n".encode()))
        self.assertIn("Subject: Grüße\r\n".encode(), arrived.content)
        self.assertEqual(self.report()[1]["gr\\x{FC}\\x{DF}e@xn--bcher-kva.example"]["Action"], "relayed")


if __name__ == "__main__":
    unittest.main()
