"""Certificates whose names lie, and chains that are long, of next hops and of partners (matrix T6)."""

import unittest

from lib.organization import Organization
from lib.peers import DOMAIN, FLAGS, INVALID, REQUIRE_TLS, SECURITY, PeerCase
from lib.smtp import unverified

TLS, DOMAIN_SECURE = 1, 445 | 0x200
NAME = "mail.contoso.com"
LEVELS = 9  # of issuers; the certificate itself is the tenth


def dns_with_nul(name):
    """A subjectAltName of one DNS name, which C would end early (CVE-2009-2408)."""
    octets = name.encode() + b"\0.evil.example"
    return "DER:" + bytes([0x30, len(octets) + 2, 0x82, len(octets)]).hex(":") + ":" + octets.hex(":")


class Zoo(PeerCase):
    @classmethod
    def provide(cls, certificates):
        ca = issuer = certificates.ca()
        for level in range(1, LEVELS):
            issuer = certificates.authority("Level %d" % level, issuer)

        def make(kind, name=NAME, issuer=ca, **options):
            return certificates.make(kind, name, issuer=issuer, into=certificates.work, **options)

        cls.bad = {"nul": make("nul", alternatives=dns_with_nul(NAME)), "subject": make("subject", alternatives="DNS:other.example"),
                   "nameless": make("nameless", alternatives="email:kate@contoso.com"), "clients": make("clients", usage="clientAuth")}
        cls.good = {"long": make("long", issuer=issuer, chain=True), "idna": make("idna", "xn--mnchen-3ya.example"),
                    "servers": make("servers", usage="serverAuth")}
        cls.partners = {"nul": make("pnul", "x", alternatives=dns_with_nul("fabrikam.com")),
                        "subject": make("psubject", "mail.fabrikam.com", alternatives="DNS:other.example"),
                        "long": make("plong", "mail.fabrikam.com", issuer=issuer, chain=True)}
        certificates.make("ours", "mailbox01.contoso.com", issuer=ca)
        cls.config = {"tls.certificate_dir": certificates.path, "tls.ca_file": ca[0]}

    @classmethod
    def make_organization(cls):
        return Organization(settings={"msExchTLSReceiveDomainSecureList": "fabrikam.com"})

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        org.receive("Partners", port, "127.0.0.3", auth=TLS, groups="AnonymousUsers Partners", msExchSmtpReceiveProtocolOptions=DOMAIN_SECURE)
        for kind, certificate in {**cls.bad, **cls.good}.items():
            cls.peer(org, kind, certificate, msExchSmtpSendTlsDomain="münchen.example" if kind == "idna" else NAME,
                     **{SECURITY: REQUIRE_TLS, FLAGS: DOMAIN})

    # proves: T6 C139 facts-10.5
    def test_next_hops(self):
        for kind in self.good:
            with self.subTest(kind):
                self.assertEqual(self.delivered(kind)[1]["certificate"], "good")
        another = INVALID + "the certificate is another host's"
        for kind, why in (("nul", another), ("subject", another), ("nameless", another), ("clients", INVALID + "unsuitable certificate purpose")):
            with self.subTest(kind):
                self.assertIn(why, self.left(kind))

    # proves: T6 facts-10.4
    def test_partners(self):
        for kind, code in (("nul", 454), ("subject", 454), ("long", 250)):
            with self.subTest(kind), self.client("127.0.0.3") as client:
                client.ehlo()
                context = unverified()
                context.load_cert_chain(self.partners[kind])
                self.assertEqual(client.starttls(context=context).code, 220)
                client.ehlo()
                self.assertEqual(client.mail("bob@fabrikam.com").code, code)


if __name__ == "__main__":
    unittest.main()
