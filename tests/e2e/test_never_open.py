"""No way to 250 for an outside recipient without Accept-Any-Recipient: address forms, accepted domains, descriptors, ranges."""

import base64
import os
import tempfile
import unittest

from lib.dirrelay import Daemon, cli
from lib.organization import ANY_RECIPIENT, DEFAULT, EXTERNAL, SUBDOMAINS, Organization, record
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client, can_connect, eventually

ACCEPTED = "250 2.1.5 Recipient OK"
UNABLE_TO_RELAY = "550 5.7.1 Unable to relay"
OUTBOUND_ONLY, PENDING_REMOVAL, X400 = 256, 64, 16
LONG = "a" * 63


def domains(org):
    """Accepted domains at every edge; what stands in REFUSED must accept nothing."""
    org.domain("wide.example", SUBDOMAINS).domain("*.below.example").domain("*.both.example", SUBDOMAINS)
    org.domain("xn--mnchen-3ya.example").domain("Trailing.Example.")
    org.domain("*")
    for name, flags in (("outbound.example", OUTBOUND_ONLY), ("pending.example", PENDING_REMOVAL), ("x400.example", X400),
                        ("type3.example", 3), ("unknown-bit.example", 1024)):
        org.domain(name, flags)
    for number, name in enumerate(("[127.0.0.1]", "*.*", "a b.example", "*.", ".", "bad..example", "%00.example", "*x.example",
                                   "wide.example,fabrikam.com", "@fabrikam.com")):
        org.records.append(org.domain_ldif("bad %d" % number).replace(
            "msExchAcceptedDomainName: bad %d" % number, "msExchAcceptedDomainName: " + name))


OURS = ("kate@contoso.com", "kate@CONTOSO.COM", "kate@contoso.com.", "kate@wide.example", "kate@a.b.wide.example",
        "kate@a.below.example", "kate@both.example", "kate@x.both.example", "kate@xn--mnchen-3ya.example", "kate@trailing.example",
        "@fabrikam.com,@b.example:kate@contoso.com", '"kate@fabrikam.com"@contoso.com', "kate%fabrikam.com@contoso.com",
        "fabrikam.com!kate@contoso.com", "postmaster", "PostMaster", '"postmaster"', "postmaster@contoso.com")
OUTSIDE = ("kate@fabrikam.com", "postmaster@fabrikam.com", '"postmaster"@fabrikam.com', "kate@below.example",
           "kate@xwide.example", "kate@acontoso.com", "kate@contoso.com.fabrikam.com", "kate@com", "kate@localhost",
           "kate@outbound.example", "kate@pending.example", "kate@x400.example", "kate@type3.example", "kate@unknown-bit.example",
           "kate@[127.0.0.1]", "kate@[IPv6:::1]", "kate@[::ffff:10.0.0.1]", "postmaster@[127.0.0.1]", "kate@127.0.0.1",
           "@contoso.com:kate@fabrikam.com", "@[127.0.0.1]:kate@fabrikam.com", '"kate@contoso.com"@fabrikam.com',
           "contoso.com!kate@fabrikam.com", "kate%contoso.com@fabrikam.com", "kate@m%C3%BCnchen.example", "kate@sub.contoso.com",
           "kate@x.xn--mnchen-3ya.example", "kate@%00.example", "kate@a b.example", "kate@bad..example", "kate@.", "kate@*", "kate@*.",
           "kate@x.*", "kate@", "kate", "@", "kate@contoso.com@fabrikam.com", "kate@fabrikam.com@contoso.com", "kate@contoso.com,x@fabrikam.com",
           "kate@fabrikam.com\\@contoso.com", "kate@fabrikam.com(@contoso.com)", "kate@fabrikam.com>@contoso.com", "kate@contoso.com..", "kate@.contoso.com",
           "kate@-contoso.com", "postmaster@", "@contoso.com:", "@contoso.com", "kate@#2130706433", "kate@2130706433", '""@fabrikam.com',
           "=?utf-8?q?kate=40contoso.com?=@fabrikam.com", "%s.%s.%s.%s.contoso.com" % (LONG, LONG, LONG, LONG),
           "kate@contoso_com", "kate@contoso.com\u3002", "kate@contoso\uff0ecom", "kate@CONTOS\u039f.com", "kate@xn--contoso.com")


class NeverOpen(unittest.TestCase):
    """One daemon over an LDIF file; tests that change it write it again and send SIGHUP."""

    @classmethod
    def setUpClass(cls):
        cls.sink, cls.port = Sink(), free_port()
        cls.addClassCleanup(cls.sink.stop)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        org = Organization()
        org.send("Internet", cls.sink.port)
        domains(org)
        org.receive("Default", cls.port, groups="AnonymousUsers")
        cls.organize(org)
        os.chmod(cls.folder, 0o755)
        cls.uri = org.write(cls.folder)
        cls.daemon = Daemon(cls.uri)
        cls.addClassCleanup(cls.daemon.close)
        eventually(lambda: can_connect(cls.port))

    @classmethod
    def organize(cls, org):
        """More objects."""

    def client(self, source="127.0.0.3"):
        return Client(self.port, source=source)


class Addresses(NeverOpen):
    def ask(self, recipient, form="RCPT TO:<%s>", source="127.0.0.3"):
        with self.client(source) as client:
            client.ehlo()
            self.assertEqual(client.mail("").code, 250)
            return client.say((form % recipient).encode())

    # proves: A1 A2 A4 A6 A8 C3
    def test_our_own_recipients_in_every_form(self):
        for recipient in OURS:
            self.assertEqual(self.ask(recipient).text, ACCEPTED, recipient)
        self.assertEqual(self.ask("kate@contoso.com", "RCPT TO:%s").text, ACCEPTED)

    # proves: A1 A2 A3 A4 A5 A6 A7 A8 A10 C3
    def test_no_form_of_an_outside_recipient_is_taken(self):
        for recipient in OUTSIDE:
            for form in ("RCPT TO:<%s>", "RCPT TO:%s", "rcpt to: <%s>", "RCPT TO:<%s> ORCPT=rfc822;kate@contoso.com"):
                reply = self.ask(recipient, form)
                self.assertIn(reply.code, (501, 550), "%s: %s" % (form % recipient, reply))

    # proves: A1 A2 A6
    def test_well_formed_outside_recipients_are_refused_by_the_right(self):
        for recipient in OUTSIDE[:5] + ("@contoso.com:kate@fabrikam.com", "kate@[127.0.0.1]", "kate@sub.contoso.com"):
            self.assertEqual(self.ask(recipient).text, UNABLE_TO_RELAY, recipient)


ANY_RCPT = "ms-Exch-SMTP-Accept-Any-Recipient"
SUBMIT_AND_SENDER = "allow ms-Exch-SMTP-Submit,ms-Exch-SMTP-Accept-Any-Sender to anonymous"
PUBLIC = ("8.8.8.8", "0.0.0.0-255.255.255.255", "10.0.0.0-11.0.0.0", "9.255.255.255-10.0.0.0", "172.16.0.0/11", "192.168.0.0/15",
          "100.64.0.0/9", "126.255.255.255-127.0.0.0", "127.0.0.0-128.0.0.0", "169.254.0.0/15", "2001:db8::/32", "::/0", "::1-::2", "::",
          "fc00::/6", "fe80::/9", "::ffff:8.8.8.8", "::ffff:0.0.0.0/96", "8.8.8.8(255.255.255.255)", "8.8.8.8/32")
PRIVATE = ("10.0.0.0/8", "172.16.0.0-172.31.255.255", "192.168.0.0/16", "100.64.0.0/10", "127.128.0.0/9", "169.254.0.0/16", "::1", "fc00::/7",
           "fe80::/10", "::ffff:10.0.0.1", "fd00::1-fdff::2")
OPENING = ("allow %s to anonymous" % ANY_RCPT, "allow * to anonymous", "allow * to everyone", "ALLOW *  TO  Everyone",
           "allow %s to S-1-5-7" % ANY_RCPT, "allow %s to s-1-1-0" % ANY_RCPT, "allow 5C82F031-4E4C-4326-88E1-8C4F0CAD9DE5 to everyone",
           r"allow ms-Exch-Accept-Exch50,%s to nt authority\anonymous logon" % ANY_RCPT.upper())


class OpenRelays(NeverOpen):
    """Each connector has one client below 127.1 or 127.2, and something that would open it to the world."""

    @classmethod
    def organize(cls, org):
        cls.opened, cls.harmless, cls.names = {}, {}, 0

        def add(into, what, ranges=(), **attributes):
            cls.names += 1
            source = "127.1.%d.%d" % divmod(cls.names, 200)
            into[source] = what
            org.receive("C%d" % cls.names, cls.port, [source, *ranges], **{"groups": "AnonymousUsers", **attributes})

        cls.acknowledged, cls.unreadable = {}, {}
        for text in PUBLIC:
            add(cls.opened, "range " + text, [text], aces=ANY_RECIPIENT)
        for text in OPENING:
            add(cls.opened, text, ["8.8.4.4", "10.0.0.1"], aces=text)
            add(cls.harmless, "private " + text, ["10.77.0.0/16"] if text == OPENING[0] else [], aces=text)
        add(cls.opened, "allow beside a deny of other rights", ["8.8.4.5"], aces=["deny Send-As to anonymous", "allow * to everyone"])
        add(cls.opened, "deny to everyone, whom anonymous is not", ["8.8.4.6"], aces=["deny * to everyone", ANY_RECIPIENT])
        add(cls.opened, "externally secured", ["8.8.4.7"], groups="ExchangeServers", auth=EXTERNAL)
        add(cls.opened, "externally secured, with a deny", ["8.8.4.8"], groups="ExchangeServers", auth=EXTERNAL,
            aces="deny %s to externally-secured-servers" % ANY_RCPT)
        for value in ("FALSE", "false"):
            add(cls.opened, "acknowledged " + value, ["8.8.5.%d" % len(cls.opened)], aces=ANY_RECIPIENT, dirrelayAllowOpenRelay=value)
        for value in ("yes", "1", "TRUE,", "TRUE FALSE", ["TRUE", "FALSE"]):
            add(cls.unreadable, "acknowledged %s" % value, ["8.8.6.%d" % len(cls.unreadable)], aces=ANY_RECIPIENT, dirrelayAllowOpenRelay=value)
        for value in ("TRUE", "true"):
            add(cls.acknowledged, "acknowledged " + value, ["8.8.7.%d" % len(cls.acknowledged)], aces=ANY_RECIPIENT, dirrelayAllowOpenRelay=value)
        for number, text in enumerate(PRIVATE):
            source = "127.4.0.%d" % (number + 1)
            cls.acknowledged[source] = "range " + text
            org.relay("P%d" % number, cls.port, [source, text])
        cls.container = "CN=Nested," + org.receive_container
        org.records.append(record(cls.container, "container", "dirrelaySecured", dirrelayAce="allow %s to everyone" % ANY_RCPT))
        org.records.append(org.receive_ldif("Inherited", cls.port, ["127.2.0.1", "8.9.0.1"], groups="AnonymousUsers")
                           .replace("," + org.receive_container, "," + cls.container, 1))
        cls.opened["127.2.0.1"] = "inherited"

    def answers(self, source):
        """The greeting, or the reply to an outside recipient."""
        with self.client(source) as client:
            if client.greeting.code != 220:
                return client.greeting.text
            client.ehlo()
            mail = client.mail("chris@elsewhere.example")
            return client.rcpt("kate@fabrikam.com").text if mail.code == 250 else mail.text

    # proves: C1 C4 contract-3
    def test_what_would_be_an_open_relay_is_not_started(self):
        for source, what in self.opened.items():
            self.assertEqual(self.answers(source), "421 4.3.2 Service not available", what)
        findings = self.daemon.cli("lint", json=True).json["findings"]
        said = {finding["dn"].partition(",")[0].lower() for finding in findings if finding["rule"] == "open-relay"}
        self.assertEqual(len(said), len(self.opened) + len(self.unreadable))

    # proves: contract-3
    def test_only_true_is_an_acknowledgement(self):
        for source, what in self.unreadable.items():
            self.assertEqual(self.answers(source), "421 4.3.2 Service not available", what)
        for source, what in self.acknowledged.items():
            self.assertEqual(self.answers(source), ACCEPTED, what)

    # proves: contract-3 facts-8.5
    def test_the_same_over_private_ranges_is_no_open_relay(self):
        for source, what in self.harmless.items():
            is_everyone = "veryone" in what or "s-1-1-0" in what  # anonymous is not everyone
            self.assertEqual(self.answers(source), UNABLE_TO_RELAY if is_everyone else ACCEPTED, what)


ANY = "5c82f031-4e4c-4326-88e1-8c4f0cad9de5"
SUBMITS = "(OA;;CR;a18293f1-0685-4540-aa63-e32df421b3a2;;AN)(OA;;CR;b857b50b-94a2-4b53-93f6-41cebd2fced0;;AN)"
GRANTING = ("(OA;CI;CR;%s;;AN)" % ANY, "(A;;CR;;;AN)", "(A;;GA;;;AN)", "(OA;;GA;%s;;AN)" % ANY, "(OA;CIID;CR;%s;;AN)(OD;;CR;%s;;AN)" % (ANY, ANY),
            "(OD;;CR;%s;;WD)(OA;;CR;%s;;AN)" % (ANY, ANY), "(OD;IOCI;CR;%s;;AN)(OA;;CR;%s;;AN)" % (ANY, ANY))
WITHHOLDING = ("", "(OA;IOCI;CR;%s;;AN)" % ANY, "(OA;;RPWP;%s;;AN)" % ANY, "(OA;;CR;00000000-0000-0000-0000-000000000000;;AN)",
               "(OD;;CR;%s;;AN)(OA;;CR;%s;;AN)" % (ANY, ANY), "(D;;CR;;;AN)(A;;GA;;;AN)", "(OD;;GA;%s;;AN)(A;;GA;;;AN)" % ANY,
               "(A;;GRGWGX;;;AN)", "(OA;;CR;%s;;WD)" % ANY, "(OA;;CR;%s;;AU)" % ANY, "(OA;;CR;%s;;NU)" % ANY,
               "(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;AN)", "(OA;;CR;%s;;S-1-5-7-0)" % ANY, "(OA;;CR;%s;;S-1-5)" % ANY)


class Descriptors(NeverOpen):
    """nTSecurityDescriptor of every kind; the text attributes beside it would open the connector and must not be asked."""

    @classmethod
    def organize(cls, org):
        cls.expected = {}

        def add(source, expected, *values):
            cls.expected[source] = expected
            text = org.receive_ldif("D" + source, cls.port, source, groups="AnonymousUsers", aces=["allow * to anonymous"])
            lines = "".join("nTSecurityDescriptor:: %s\n" % value for value in values)
            org.records.append(text.rstrip("\n") + "\n" + lines)

        def encoded(sddl):
            return cli("sd", "encode", sddl).out.strip()

        for number, text in enumerate(GRANTING):
            add("127.3.0.%d" % (number + 1), ACCEPTED, encoded("D:" + SUBMITS + text))
        for number, text in enumerate(WITHHOLDING):
            value = encoded("D:" + SUBMITS + text)
            if value:  # what SDDL cannot say is in the next test
                add("127.3.1.%d" % (number + 1), UNABLE_TO_RELAY, value)
        nothing = "530 5.7.1 Client was not authenticated"
        good = base64.b64decode(encoded("D:" + SUBMITS + GRANTING[0]))
        null_dacl = bytes((1, 0, 4, 0x80)) + bytes(16)
        absent_dacl = bytes((1, 0, 0, 0x80)) + bytes(16)
        empty_dacl = bytes((1, 0, 4, 0x80)) + bytes(12) + bytes((20, 0, 0, 0)) + bytes((2, 0, 8, 0, 0, 0, 0, 0))
        bad = [null_dacl, absent_dacl, empty_dacl, b"", b"\0", good[:19], good[:-1], good[:40], b"\2" + good[1:], good[:2] + b"\4\0" + good[4:],
               b"D:(A;;GA;;;AN)", bytes(200)]
        for number, value in enumerate(bad):
            add("127.3.2.%d" % (number + 1), nothing, base64.b64encode(value).decode())
        add("127.3.3.1", nothing, base64.b64encode(good).decode(), base64.b64encode(good + b"").decode()[:-4] + "AAA=")

    # proves: D10 D11 D12 facts-9.4 contract-3
    def test_a_descriptor_alone_decides_and_a_bad_one_grants_nothing(self):
        for source, expected in self.expected.items():
            with self.client(source) as client:
                client.ehlo()
                mail = client.mail("chris@elsewhere.example")
                got = client.rcpt("kate@fabrikam.com").text if mail.code == 250 else mail.text
                self.assertEqual(got, expected, source)


if __name__ == "__main__":
    unittest.main()
