"""No way to 250 for an outside recipient without Accept-Any-Recipient: address forms, accepted domains, descriptors, ranges."""

import base64
import tempfile
import unittest

from lib.dirrelay import Daemon, cli
from lib.organization import ANY_RECIPIENT, DEFAULT, EXTERNAL, SUBDOMAINS, Organization
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
        import os
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


if __name__ == "__main__":
    unittest.main()
