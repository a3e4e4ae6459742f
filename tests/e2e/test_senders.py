"""Whom an account sends as and on whose behalf: Send-As by dirrelayAce on the sender's entry and above it, publicDelegates,
what stands in the header, changes, and a directory that is away."""

import base64
import email.header
import email.utils
import unittest

from lib.organization import change
from lib.people import People
from lib.world import Case

BASIC, EXTERNAL = 4, 32
SUBMIT = "allow ms-Exch-SMTP-Submit to authenticated"
ANY_SENDER = "allow ms-Exch-SMTP-Accept-Any-Sender to authenticated"
USERS, ANYBODY = "127.0.0.2", "127.0.0.3"
TAKEN = "250 2.1.0 Sender OK"
NOT_AS_THIS = "550 5.7.1 Client does not have permission to send as this sender"
NOT_ON_BEHALF = "550 5.7.1 Client does not have permission to send on behalf of the from address"
LATER = "454 4.7.0 Temporary authentication failure"
SUFFIX = "dc=contoso,dc=com"
GROUPS = "ou=groups," + SUFFIX


class SenderCase(Case):
    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Users", port, [USERS], auth=BASIC, aces=[SUBMIT])
        org.receive("Anybody", port, [ANYBODY], auth=BASIC, aces=[SUBMIT, ANY_SENDER])
        cls.people = people = People()
        for uid in ("alice", "bob"):
            people.person(uid, "secret", mail=uid + "@contoso.com")
        people.person("boss", "secret", mail="boss@contoso.com", proxyAddresses=["SMTP:boss@contoso.com", "smtp:chief@contoso.com"],
                      publicDelegates=[people.group_dn("assistants"), people.dn("gone")])
        people.person("desk", "secret", mail="desk@contoso.com", dirrelayAce="allow Send-As to " + people.group_dn("assistants"))
        people.person("press", "secret", mail="press@contoso.com",
                      dirrelayAce=["allow Send-As to " + people.group_dn("assistants"), "deny Send-As to " + people.dn("alice")])
        people.person("mute", "secret", mail="mute@contoso.com", dirrelayAce="deny Send-As to S-1-5-10")
        people.person("broken", "secret", mail="broken@contoso.com",
                      dirrelayAce=["allow Send-As to authenticated", "deny Send-As to cn=gone," + SUFFIX])
        people.person("hall", "secret", mail="hall@contoso.com", publicDelegates=[people.dn("desk")])
        people.person("late", "secret", mail="late@contoso.com", dirrelayAce="allow ms-Exch-SMTP-Submit to everyone")
        people.group("staff", [people.dn("alice")])
        people.group("assistants", [people.group_dn("staff")])
        org.records.append(people.ldif())

    def login(self, user="alice", source=USERS):
        client = self.client(source)
        self.addCleanup(client.close)
        client.ehlo()
        reply = client.say("AUTH PLAIN " + base64.b64encode(b"\0%s\0secret" % user.encode()).decode())
        self.assertEqual(reply.code, 235)
        return client

    def mail(self, client, sender):
        client.say("RSET")
        return client.mail(sender).text

    def message(self, client, header, sender="alice@contoso.com"):
        """What the message with this header is answered."""
        client.say("RSET")
        self.assertEqual(client.mail(sender).text, TAKEN, sender)
        self.assertEqual(client.rcpt("bob@contoso.com").code, 250)
        self.assertEqual(client.say("DATA").code, 354)
        return client.say(header + "\r\n\r\nx\r\n.").text


class SendAs(SenderCase):
    # proves: C269 facts-8.4 contract-5
    def test_by_the_entry(self):
        client = self.login()
        for sender, reply in (("alice", TAKEN), ("desk", TAKEN), ("DESK", TAKEN), ("press", NOT_AS_THIS), ("bob", NOT_AS_THIS),
                              ("boss", NOT_AS_THIS), ("broken", NOT_AS_THIS), ("mute", NOT_AS_THIS), ("nobody", NOT_AS_THIS)):
            self.assertEqual(self.mail(client, sender + "@contoso.com"), reply, sender)
        client = self.login("bob")
        for sender, reply in (("bob", TAKEN), ("desk", NOT_AS_THIS), ("press", NOT_AS_THIS), ("broken", NOT_AS_THIS)):
            self.assertEqual(self.mail(client, sender + "@contoso.com"), reply, sender)

    # proves: F1 facts-8.4
    def test_self_is_denied(self):
        self.assertEqual(self.mail(self.login("mute"), "mute@contoso.com"), NOT_AS_THIS)

    # proves: A6 A9
    def test_domains_that_look_like_ours(self):
        client = self.login()
        for domain in ("contoso.com.example", "xcontoso.com", "www.contoso.com", "contoso.co", "xn--contso-zqf.com", "c0ntoso.com",
                       "contoso-com.example", "[127.0.0.1]"):
            self.assertEqual(self.mail(client, "alice@" + domain), NOT_AS_THIS, domain)
        for domain in ("CONTOSO.com", "contoso.com."):
            self.assertEqual(self.mail(client, "alice@" + domain), TAKEN, domain)

    # proves: D8 facts-8.4
    def test_changes_in_an_open_session(self):
        client = self.login("bob")
        people = "ou=people," + SUFFIX
        allow, deny = "allow Send-As to " + self.people.dn("bob"), "deny Send-As to " + self.people.dn("bob")
        self.assertEqual(self.mail(client, "late@contoso.com"), NOT_AS_THIS)
        self.slapd.modify(change(people, ("add", "objectClass", "dirrelaySecured"), ("add", "dirrelayAce", allow)))
        self.assertWithin(2, lambda: self.mail(client, "late@contoso.com") == TAKEN)
        self.slapd.modify(change(self.people.dn("late"), ("add", "dirrelayAce", deny)))
        self.assertWithin(2, lambda: self.mail(client, "late@contoso.com") == NOT_AS_THIS)
        self.slapd.modify(change(self.people.dn("late"), ("delete", "dirrelayAce", deny)))
        self.assertWithin(2, lambda: self.mail(client, "late@contoso.com") == TAKEN)
        self.slapd.modify(change(people, ("delete", "dirrelayAce", allow)))
        self.assertWithin(2, lambda: self.mail(client, "late@contoso.com") == NOT_AS_THIS)

    # proves: contract-4
    def test_explain_names_the_ace(self):
        for sender, reply, why in (("desk", TAKEN, "yes: allow Send-As to cn=assistants"), ("alice", TAKEN, "yes: allow Send-As to SELF"),
                                   ("press", NOT_AS_THIS, "no: deny Send-As to uid=alice"), ("boss", NOT_AS_THIS, "no: no ACE of uid=boss"),
                                   ("nobody", NOT_AS_THIS, "no: no such account"), ("broken", NOT_AS_THIS, "no: uid=broken")):
            report = self.daemon.cli("explain", "--client", USERS, "--local", "127.0.0.1:%d" % self.port, "--user", "alice",
                                     "--from", sender + "@contoso.com", "--to", "bob@contoso.com", json=True).json
            step = next(step for step in report["dialogue"] if step["sent"].startswith("MAIL"))
            self.assertEqual(step["reply"], reply, sender)
            self.assertTrue(step["send_as"].startswith(why), step)


class Header(SenderCase):
    # proves: A9 F15 facts-8.4
    def test_from(self):
        client = self.login()
        for header, reply in (
                ("From: Desk <desk@contoso.com>", "250"), ("From: press@contoso.com", NOT_AS_THIS),
                ("From: desk@contoso.com, alice@contoso.com", "250"), ("From: desk@contoso.com,\r\n bob@contoso.com", NOT_AS_THIS),
                ("From: alice@contoso.com\r\nFrom: bob@contoso.com", NOT_AS_THIS), ("From: us: alice@contoso.com, bob@contoso.com;", NOT_AS_THIS),
                ("From: undisclosed:;", "250"), ("fRoM : bob@contoso.com", NOT_AS_THIS),
                ("From: =?utf-8?q?bob=40contoso.com?= <alice@contoso.com>", "250"),
                ("From: =?utf-8?b?Ym9iQGNvbnRvc28uY29t?=", NOT_AS_THIS),
                ("From: \"bob@contoso.com\" <alice@contoso.com>", "250"), ("From: (alice@contoso.com) bob@contoso.com", NOT_AS_THIS),
                ("From: alice@contoso.com <bob@contoso.com>", NOT_AS_THIS), ("From: alice@contoso.com.example", NOT_AS_THIS),
                ("From: alice@xn--cntoso-0jf.com", NOT_AS_THIS), ("From: <alice@contoso.com> <bob@contoso.com>", NOT_AS_THIS)):
            self.assertTrue(self.message(client, header).startswith(reply), header)

    # proves: A8 facts-8.4
    def test_from_behind_a_null_path(self):
        client = self.login()
        self.assertEqual(self.message(client, "From: boss@contoso.com", sender=""), NOT_AS_THIS)
        self.assertEqual(self.message(client, "From: desk@contoso.com", sender="")[:3], "250")

    # proves: C271 facts-8.4 contract-5
    def test_on_behalf(self):
        client = self.login()
        mine = "Sender: alice@contoso.com\r\nFrom: "
        for header, reply in ((mine + "The Boss <boss@contoso.com>", "250"), (mine + "chief@contoso.com", "250"),
                              (mine + "bob@contoso.com", NOT_ON_BEHALF), (mine + "boss@contoso.com, bob@contoso.com", NOT_ON_BEHALF),
                              (mine + "hall@contoso.com", NOT_ON_BEHALF), (mine + "kate@fabrikam.com", "250"),
                              ("Sender: desk@contoso.com\r\nFrom: hall@contoso.com", "250"),
                              ("Sender: desk@contoso.com\r\nFrom: boss@contoso.com", NOT_ON_BEHALF),
                              ("Sender: boss@contoso.com\r\nFrom: alice@contoso.com", NOT_AS_THIS)):
            self.assertTrue(self.message(client, header).startswith(reply), header)
        client = self.login("bob")
        self.assertEqual(self.message(client, "Sender: bob@contoso.com\r\nFrom: boss@contoso.com", "bob@contoso.com"), NOT_ON_BEHALF)

    # proves: C271 contract-7
    def test_with_accept_any_sender_nobody_asks(self):
        client = self.login("bob", ANYBODY)
        header = "Sender: bob@contoso.com\r\nFrom: boss@contoso.com"
        self.assertEqual(self.message(client, header, "bob@contoso.com")[:3], "250")


class Names(SenderCase):
    """The directory's name of the sender, at the next hop."""

    SECURED, ANONYMOUS = "127.0.0.4", "127.0.0.6"

    @classmethod
    def organize(cls, org, port, sink):
        super().organize(org, port, sink)
        org.receive("Secured", port, [cls.SECURED], groups="ExchangeServers", auth=EXTERNAL)
        org.receive("Anonymous", port, [cls.ANONYMOUS], groups="AnonymousUsers")
        cls.people.records.clear()
        for uid, name in (("chris", "Chris \"C.\" Green"), ("zoe", "Zo\u00eb \u6771\u4eac " + "\u00e4" * 40), ("ulla", "Ulla")):
            encoded = base64.b64encode(name.encode()).decode()
            cls.people.person(uid, "secret", mail=uid + "@contoso.com", **{"displayName:": encoded})
        org.records.append(cls.people.ldif())

    def arrives(self, client, header, sender="chris@contoso.com"):
        """The message that the next hop gets."""
        self.sink.reset()
        self.assertEqual(self.message(client, header, sender)[:3], "250")
        return self.arrived()[0]

    def says(self, message):
        """(name, address) of From, decoded."""
        pairs = email.utils.getaddresses(message.fields("From"))
        return [(str(email.header.make_header(email.header.decode_header(name))), address) for name, address in pairs]

    # proves: C43
    def test_authenticated_messages(self):
        for client in (self.client(self.SECURED), self.login("chris")):
            self.addCleanup(client.close)
            client.ehlo()
            for written in ("chris@contoso.com", "<chris@contoso.com>"):
                message = self.arrives(client, "X-One:  1\r\nFrom: %s\r\nX-Two:\t2" % written)
                self.assertEqual(self.says(message), [("Chris \"C.\" Green", "chris@contoso.com")])
                self.assertIn(b"\r\nX-One:  1\r\nFrom: \"Chris \\\"C.\\\" Green\"\r\n <chris@contoso.com>\r\nX-Two:\t2\r\n", message.content)
                self.assertEqual(len(message.fields("From")), 1)

    # proves: C43
    def test_a_name_in_encoded_words(self):
        client = self.client(self.SECURED)
        self.addCleanup(client.close)
        client.ehlo()
        message = self.arrives(client, "From: zoe@contoso.com", "zoe@contoso.com")
        self.assertEqual(self.says(message), [("Zo\u00eb \u6771\u4eac " + "\u00e4" * 40, "zoe@contoso.com")])
        self.assertTrue(all(len(line) <= 76 for line in message.content.split(b"\r\n") if b"=?" in line))
        self.assertTrue(message.content.isascii())

    # proves: C27 C43
    def test_what_stays_as_it_came(self):
        secured, anonymous = self.client(self.SECURED), self.client(self.ANONYMOUS)
        for client in (secured, anonymous):
            self.addCleanup(client.close)
            client.ehlo()
        for client, written in ((secured, "Me <chris@contoso.com>"), (secured, "nobody@contoso.com"), (secured, "kate@fabrikam.com"),
                                (secured, "chris@contoso.com, zoe@contoso.com"), (secured, "chris@contoso.com (me)"),
                                (anonymous, "chris@contoso.com")):
            message = self.arrives(client, "From: " + written)
            self.assertIn(b"\r\nFrom: %s\r\n" % written.encode(), message.content)

    # proves: A8 contract-5
    def test_null_path_and_postmaster_on_every_connector(self):
        relays, refuses = "250 2.1.5 Recipient OK", "550 5.7.1 Unable to relay"
        for client, outside in ((self.client(self.SECURED), relays), (self.client(self.ANONYMOUS), refuses), (self.login("chris"), refuses)):
            self.addCleanup(client.close)
            client.ehlo()
            self.assertEqual(self.mail(client, ""), TAKEN)
            for recipient in ("Postmaster", "postmaster@contoso.com", "chris@contoso.com"):
                self.assertEqual(client.rcpt(recipient).text, relays)
            for recipient in ("kate@fabrikam.com", "postmaster@fabrikam.com"):
                self.assertEqual(client.rcpt(recipient).text, outside)
        for client, reply in ((self.client(self.SECURED), TAKEN), (self.client(self.ANONYMOUS), TAKEN), (self.login("chris"), NOT_AS_THIS)):
            self.addCleanup(client.close)
            client.ehlo()
            for sender in ("postmaster", "postmaster@contoso.com"):  # model 2010: anonymous may use our domains
                self.assertEqual(self.mail(client, sender), reply)

    # proves: C43 D7
    def test_a_directory_that_is_away_keeps_no_message(self):
        client = self.client(self.SECURED)
        self.addCleanup(client.close)
        client.ehlo()
        self.slapd.stop()
        try:
            message = self.arrives(client, "From: ulla@contoso.com", "ulla@contoso.com")
            self.assertEqual(message.fields("From"), ["ulla@contoso.com"])
        finally:
            self.slapd.start()
        self.assertWithin(20, lambda: self.says(self.arrives(client, "From: ulla@contoso.com", "ulla@contoso.com"))[0][0] == "Ulla")


class Away(SenderCase):
    # proves: D7 facts-8.4
    def test_no_directory_no_pass(self):
        client = self.login()
        self.assertEqual(self.mail(client, "alice@contoso.com"), TAKEN)
        self.slapd.stop()
        try:
            for sender in ("desk", "press", "nobody"):
                self.assertEqual(self.mail(client, sender + "@contoso.com"), LATER, sender)
            self.assertEqual(self.message(client, "From: desk@contoso.com"), LATER)
            self.assertEqual(self.message(client, "Sender: alice@contoso.com\r\nFrom: boss@contoso.com"), LATER)
            self.assertEqual(self.mail(client, "alice@fabrikam.com"), NOT_AS_THIS)  # the rights alone decide
        finally:
            self.slapd.start()
        self.assertWithin(20, lambda: self.mail(client, "desk@contoso.com") == TAKEN)
        self.assertEqual(self.mail(client, "press@contoso.com"), NOT_AS_THIS)


if __name__ == "__main__":
    unittest.main()
