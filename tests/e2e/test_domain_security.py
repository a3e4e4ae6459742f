"""Domain security: mail from and to listed domains by mutual TLS or not at all, and never refused for good."""

import ssl
import threading
import unittest

from lib.certificates import Certificates
from lib.nsd import Nsd, private_network
from lib.organization import DEFAULT, Organization
from lib.relay import Relay
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client, unverified
from lib.web import Web
from lib.world import Case

TLS, DEFAULT_OPTIONS, DOMAIN_SECURE = 1, 445, 0x200
SEND_DOMAIN_SECURE, REQUIRE_TLS = 0x4, 0x4
FLAGS, OPTIONS = "msExchSmtpSendFlags", "msExchSmtpReceiveProtocolOptions"
RECEIVE_LIST, SEND_LIST = "msExchTLSReceiveDomainSecureList", "msExchTLSSendDomainSecureList"
PARTNERS, MARK = "MS Exchange\\Partner Servers", "030e9e2f-134b-4020-861c-5bfc616f113d"
INVALID, UNPROVEN = "454 4.7.5 Certificate validation failure", "454 4.7.0 Temporary authentication failure"
US, FABRIKAM = "203.0.113.20", "203.0.113.30"
HOSTS = {name: "203.0.113.%d" % (40 + i) for i, name in enumerate(
    ("good", "below", "plain", "silent", "unknown", "revoked", "another", "relaxed", "flagless"))}


def setUpModule():
    private_network([US, FABRIKAM, *HOSTS.values()])


def text(sender):
    return b"From: %s\r\nSubject: Test\r\n\r\nThis is a test message\r\n" % sender.encode()


class Receiving(Case):
    @classmethod
    def setUpClass(cls):
        certificates = cls.certificates = Certificates()
        cls.addClassCleanup(certificates.close)
        ca = certificates.ca()
        certificates.make("ours", "mailbox01.contoso.com", issuer=ca)
        away = {"into": certificates.work}
        cls.good = certificates.make("good", "mail.fabrikam.com", issuer=ca, **away)
        cls.zoo = {
            "expired": certificates.make("expired", "mail.fabrikam.com", issuer=ca, expired=True, **away),
            "self-signed": certificates.make("selfsigned", "mail.fabrikam.com", **away),
            "revoked": certificates.make("revoked", "mail.fabrikam.com", issuer=ca, **away),
            "another's": certificates.make("another", "mail.contoso.com", issuer=ca, **away),
            "longer": certificates.make("longer", "mail.evilfabrikam.com", issuer=ca, **away),
            "subject alone": certificates.make("subject", "fabrikam.com", issuer=ca, alternatives="DNS:other.example", **away),
            "mail address": certificates.make("address", "x", issuer=ca, alternatives="email:kate@fabrikam.com", **away),
            "server's": certificates.make("server", "mail.fabrikam.com", issuer=ca, usage="serverAuth", **away),
            "wide wildcard": certificates.make("wide", "x", issuer=ca, alternatives="DNS:*.com", **away),
        }
        cls.fits = {
            "domain": certificates.make("domain", "fabrikam.com", issuer=ca, **away),
            "wildcard": certificates.make("wildcard", "*.fabrikam.com", issuer=ca, **away),
            "second name": certificates.make("second", "x", issuer=ca, alternatives="DNS:a.example,DNS:mx2.fabrikam.com", **away),
            "client's": certificates.make("client", "mail.fabrikam.com", issuer=ca, usage="clientAuth", **away),
        }
        cls.config = {"tls.certificate_dir": certificates.path, "tls.ca_file": ca[0], "tls.crl_file": certificates.crl(["revoked"])}
        cls.other_port = free_port()
        super().setUpClass()

    @classmethod
    def make_organization(cls):
        return Organization(settings={RECEIVE_LIST: ["fabrikam.com", "*.partner.example"]})

    @classmethod
    def organize(cls, org, port, sink):
        groups = "AnonymousUsers Partners"
        org.receive("Partners", port, "127.0.0.2", auth=TLS, groups=groups, **{OPTIONS: DEFAULT_OPTIONS | DOMAIN_SECURE})
        org.receive("Others", cls.other_port, "127.0.0.2", auth=TLS, groups=groups)
        org.send("Inside", sink.port, spaces="SMTP:contoso.com;1", aces="allow * to anonymous")

    def connect(self, pem=None, port=None, version=None):
        client = self.client(port=port)
        self.addCleanup(client.close)
        client.ehlo()
        context = unverified(version)
        if pem:
            context.load_cert_chain(pem)
        self.assertEqual(client.starttls(context=context).code, 220)
        client.ehlo()
        return client

    def stamp(self, client, sender):
        """What later servers are told of the message."""
        self.sink.reset()
        client.send_message(sender, ["kate@contoso.com"], text(sender))
        message = self.sink.wait(1)[0]
        return [message.fields("X-MS-Exchange-Organization-" + name) for name in ("AuthAs", "AuthMechanism", "AuthDomain", "Classification")]

    # proves: C104 C146 C164 C174 C175 C195 C233 C234 C241 T10 facts-6.2 facts-6.3 facts-8.4 facts-8.5 facts-10.4
    def test_a_partner_is_one_for_its_message_alone(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            mark = self.daemon.mark()
            client = self.connect(self.good, version=version)
            self.assertEqual(self.stamp(client, "bob@fabrikam.com"), [["Partner"], ["02"], ["fabrikam.com"], [MARK]])
            event = self.daemon.wait("auth.ok", since=mark)
            self.assertEqual((event["mechanism"], event["identity"], event["domain"]), ("MutualTLS", PARTNERS, "fabrikam.com"))
            self.assertEqual(self.stamp(client, "eve@elsewhere.example"), [["Anonymous"], [], [], []])
            self.assertEqual(client.mail("bob@fabrikam.com").code, 250)
            self.assertEqual(client.rcpt("someone@outside.example").text, "550 5.7.1 Unable to relay")
            self.assertEqual(client.say("RSET").code, 250)
            self.assertEqual(client.mail("").code, 250)

    # proves: C175 T6 facts-10.4
    def test_certificates_that_do(self):
        for kind, pem in self.fits.items():
            with self.subTest(kind):
                self.assertEqual(self.connect(pem).mail("bob@fabrikam.com").text, "250 2.1.0 Sender OK")

    # proves: C177 C178 T6 T7 T10 facts-8.2 facts-10.4 contract-7
    def test_certificates_that_do_not(self):
        for kind, pem in self.zoo.items():
            with self.subTest(kind):
                mark = self.daemon.mark()
                client = self.connect(pem)
                self.assertEqual(client.mail("bob@fabrikam.com").text, INVALID)
                self.assertEqual(self.daemon.wait("auth.fail", since=mark)["mechanism"], "MutualTLS")
                self.assertEqual(self.daemon.wait("mail.refused", since=mark)["reason"], "partner-certificate")
                # Others are not concerned, in the same session either.
                self.assertEqual(client.mail("eve@elsewhere.example").text, "250 2.1.0 Sender OK")

    # proves: C173 C176 T10 facts-8.2 facts-10.4 contract-7
    def test_without_certificate_without_tls_without_the_flag(self):
        self.assertEqual(self.connect().mail("bob@fabrikam.com").text, UNPROVEN)
        with self.client() as client:
            client.ehlo()
            self.assertEqual(client.mail("bob@fabrikam.com").text, UNPROVEN)
            self.assertEqual(client.mail("bob@sub.fabrikam.com").text, "250 2.1.0 Sender OK")
        closed = "451 4.7.3 The admin has temporarily disallowed this secure domain"
        self.assertEqual(self.connect(self.good, self.other_port).mail("bob@fabrikam.com").text, closed)
        for domain in ("partner.example", "deep.in.partner.example"):
            self.assertEqual(self.connect(self.good).mail("bob@" + domain).text, INVALID)

    # proves: C179 T7 facts-10.4
    def test_a_list_that_has_ended_is_mended(self):
        client, path = self.connect(self.good), self.config["tls.crl_file"]
        mark = self.daemon.mark()
        self.certificates.crl(["revoked"], stale=True)
        self.daemon.wait("trust.loaded", since=mark)
        try:
            self.assertEqual(client.mail("bob@fabrikam.com").text, INVALID)
            self.assertEqual(self.daemon.wait("auth.fail", since=mark)["why"], "CRL has expired")
        finally:
            mark = self.daemon.mark()
            self.assertEqual(self.certificates.crl(["revoked"]), path)
            self.daemon.wait("trust.loaded", since=mark)
        self.assertWithin(5, lambda: client.mail("bob@fabrikam.com").code == 250)

    def test_a_session_is_not_resumed_without_its_certificate(self):
        client = self.connect(self.good, version=ssl.TLSVersion.TLSv1_2)
        self.assertEqual(client.mail("bob@fabrikam.com").code, 250)
        session = client.socket.session
        again = self.client()
        self.addCleanup(again.close)
        again.ehlo()
        context = unverified(ssl.TLSVersion.TLSv1_2)
        context.load_cert_chain(self.good)
        self.assertEqual(again.say("STARTTLS").code, 220)
        again.secure(context=client.socket.context, session=session)
        self.assertFalse(again.socket.session_reused)
        again.ehlo()
        self.assertEqual(again.mail("bob@fabrikam.com").code, 250)


class ReceivingByLists(Case):
    """Certificates that name where their lists are, and no file of lists here."""

    @classmethod
    def setUpClass(cls):
        certificates = cls.certificates = Certificates()
        cls.addClassCleanup(certificates.close)
        cls.web = cls.enterClassContext(Web())
        ca = certificates.ca()
        certificates.make("ours", "mailbox01.contoso.com", issuer=ca)
        cls.shown = {name: certificates.make(name, "mail.fabrikam.com", issuer=ca, points=[cls.web.url("/%s.crl" % name)],
                                             into=certificates.work) for name in ("good", "revoked", "gone", "held", "left")}
        cls.stranger = certificates.make("stranger", "mail.fabrikam.com", points=[cls.web.url("/stranger.crl")], into=certificates.work)
        listed = certificates.der_crl(revoked=["revoked"])
        cls.web.pages.update({"/%s.crl" % name: listed for name in ("good", "revoked")})
        cls.released = threading.Event()
        for name in ("held", "left"):
            cls.web.pages["/%s.crl" % name] = lambda: cls.released.wait(60) and listed
        cls.addClassCleanup(cls.released.set)
        cls.config = {"tls.certificate_dir": certificates.path, "tls.ca_file": ca[0]}
        super().setUpClass()

    @classmethod
    def make_organization(cls):
        return Organization(settings={RECEIVE_LIST: "fabrikam.com"})

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Partners", port, "127.0.0.2", auth=TLS, groups="AnonymousUsers Partners", **{OPTIONS: DEFAULT_OPTIONS | DOMAIN_SECURE})

    def connect(self, pem):
        client = self.client()
        self.addCleanup(client.close)
        client.ehlo()
        context = unverified()
        context.load_cert_chain(pem)
        self.assertEqual(client.starttls(context=context).code, 220)
        client.ehlo()
        return client

    # proves: C177 C179 T7 facts-10.4
    def test_the_lists_are_fetched(self):
        mark = self.daemon.mark()
        client, asked = self.connect(self.shown["good"]), self.web.asked.count("/good.crl")
        for _ in range(2):
            self.assertEqual(client.mail("bob@fabrikam.com").text, "250 2.1.0 Sender OK")
            self.assertEqual(client.say("RSET").code, 250)
        self.assertLessEqual(self.web.asked.count("/good.crl") - asked, 1)  # each loop keeps its own
        self.assertEqual(self.connect(self.shown["revoked"]).mail("bob@fabrikam.com").text, INVALID)
        self.assertEqual(self.daemon.wait("auth.fail", since=mark)["why"], "certificate revoked")
        mark = self.daemon.mark()
        self.assertEqual(self.connect(self.shown["gone"]).mail("bob@fabrikam.com").text, INVALID)
        self.assertIn("unable to get certificate CRL (http://127.0.0.1:", self.daemon.wait("auth.fail", since=mark)["why"])
        # Nobody makes us ask who leads to no anchor.
        self.assertEqual(self.connect(self.stranger).mail("bob@fabrikam.com").text, INVALID)
        self.assertNotIn("/stranger.crl", self.web.asked)

    def test_a_list_that_is_long_in_coming_holds_nobody_else_up(self):
        left, held = self.connect(self.shown["left"]), self.connect(self.shown["held"])
        for client in (left, held):
            client.send(b"MAIL FROM:<bob@fabrikam.com>\r\nRCPT TO:<kate@contoso.com>\r\n")
        self.assertWithin(10, lambda: {"/left.crl", "/held.crl"} <= set(self.web.asked))
        left.close()
        self.assertEqual(self.connect(self.shown["good"]).mail("bob@fabrikam.com").code, 250)
        self.released.set()
        self.assertEqual(held.reply().text, "250 2.1.0 Sender OK")
        self.assertEqual(held.reply().text, "250 2.1.5 Recipient OK")


class Sending(Case):
    """Each host takes the mail of the domain of its name."""

    internet = False

    @classmethod
    def setUpClass(cls):
        certificates = cls.certificates = Certificates()
        cls.addClassCleanup(certificates.close)
        ca = certificates.ca()
        cls.ours = certificates.make("ours", "mailbox01.contoso.com", issuer=ca)
        cls.config = {"tls.certificate_dir": certificates.path, "tls.ca_file": ca[0]}
        records = ""
        cls.hop_port, cls.hosts = free_port(), {}
        for name, address in HOSTS.items():
            records += "%s.example. IN MX 10 mail.%s.example.\nmail.%s.example. IN A %s\n" % (name, name, name, address)
            host = cls.hosts[name] = cls.enterClassContext(Sink(address, cls.hop_port))
            host.client_ca = ca[0]
            host.certificate = certificates.make(name, "mail.%s.example" % name, issuer=None if name == "unknown" else ca, into=certificates.work)
        cls.hosts["plain"].certificate = cls.hosts["silent"].client_ca = None
        cls.hosts["below"].certificate = certificates.make("below", "*.below.example", issuer=ca, into=certificates.work)
        cls.hosts["another"].certificate = cls.hosts["good"].certificate
        cls.hosts["relaxed"].certificate = cls.hosts["unknown"].certificate
        cls.config["tls.crl_file"] = certificates.crl(["revoked"])
        cls.enterClassContext(Nsd({".": records}))
        super().setUpClass()

    @classmethod
    def make_organization(cls):
        listed = [name + ".example" for name in HOSTS if name != "relaxed"]
        return Organization(settings={SEND_LIST: [*listed, "*.wide.example"]})

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Trusting", port, "127.0.0.2", aces="allow * to anonymous")
        aces = ["allow ms-Exch-Send-Headers-Routing to partner-servers"]
        org.send("Internet", cls.hop_port, hosts=None, aces=aces, **{FLAGS: SEND_DOMAIN_SECURE})
        org.send("Flagless", cls.hop_port, spaces="SMTP:flagless.example;1", hosts=None, aces=aces)
        # Would deliver to anybody, were it let.
        org.send("Zecond", cls.hop_port, spaces="SMTP:*;2", hosts=None, aces=aces)

    def submit(self, name):
        mark = self.daemon.mark()
        with self.client() as client:
            client.ehlo()
            client.send_message("chris@contoso.com", ["kate@%s.example" % name], text("chris@contoso.com"))
            client.quit()
        return self.daemon.wait("message.accepted", since=mark)["id"], mark

    def delivered(self, name):
        id, mark = self.submit(name)
        self.daemon.wait("message.delivered", since=mark, id=id)
        return self.hosts[name].messages[-1], self.hosts[name].sessions[-1], self.daemon.wait("hop.session", since=mark)

    # proves: C104 C146 C163 C164 C167 C168 C195 C245 T10 facts-5.2 facts-10.4
    def test_mutual_tls(self):
        for name in ("good", "below"):
            message, session, event = self.delivered(name)
            self.assertEqual((message.tls, event["identity"], event["certificate"]), ("TLSv1.3", PARTNERS, "good"))
            self.assertEqual(ssl.DER_cert_to_PEM_cert(session.peer).split(), self.our_certificate())
            # What the connector lets go to partners alone.
            self.assertEqual(len(message.fields("Received")), 1)

    def our_certificate(self):
        with open(self.ours) as file:
            return (file.read().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----").split()

    # proves: C168 C169 C170 C171 C172 T6 T7 T10 facts-10.4
    def test_or_the_message_stays(self):
        reasons = {
            "plain": "451 5.7.3 STARTTLS is required to send mail",
            "silent": INVALID + ": the hop asks for none of ours",
            "unknown": INVALID + ": self-signed certificate",
            "revoked": INVALID + ": certificate revoked",
            "another": INVALID + ": the certificate is another host's: mail.good.example",
        }
        for name, reason in reasons.items():
            with self.subTest(name):
                id, mark = self.submit(name)
                event = self.daemon.wait("message.deferred", since=mark, id=id)
                self.assertEqual(event["reply"].rpartition(" [")[0], reason)
                session = self.hosts[name].sessions[-1]
                self.assertEqual((session.commands[-1], self.hosts[name].offered), ("QUIT", []))
                # Once more, and the connector beside it does not stand in.
                self.daemon.wait("message.deferred", since=mark, id=id, attempts=2)
                self.assertFalse([line for session in self.hosts[name].sessions for line in session.commands if line.startswith("MAIL")])
                listed = [entry for entry in self.daemon.queue() if str(entry["id"]) == str(id)]
                self.assertIn(reason, listed[0]["recipients"][0]["reply"])
                self.assertEqual(self.daemon.cli("queue", "remove", id).code, 0)

    # proves: contract-4
    def test_explain_says_so(self):
        routes = self.daemon.cli("explain", "--client", "127.0.0.2", "--local", "127.0.0.1:%d" % self.port, "--from", "chris@contoso.com",
                                 "--to", "kate@good.example", "--to", "kate@relaxed.example", "--to", "kate@flagless.example", json=True).json["route"]
        self.assertEqual([hop.endswith(", by mutual TLS") for route in routes for hop in route["next_hops"]], [True, False, False])

    # proves: C165 C166 C167 facts-10.4
    def test_what_is_not_listed_or_not_flagged(self):
        for name in ("relaxed", "flagless"):
            message, session, event = self.delivered(name)
            self.assertEqual((message.tls, session.peer, event["identity"]), ("TLSv1.3", None, "NT AUTHORITY\\ANONYMOUS LOGON"))
            self.assertEqual(message.fields("Received"), [])


class TwoOrganizations(unittest.TestCase):
    """Contoso and Fabrikam, each with a relay that is the other's partner."""

    @classmethod
    def setUpClass(cls):
        certificates = Certificates()
        cls.addClassCleanup(certificates.close)
        cls.port, cls.inside_port = free_port(), free_port()
        cls.enterClassContext(Nsd({".": "".join("%s.com. IN MX 10 mail.%s.com.\nmail.%s.com. IN A %s\n" % (name, name, name, address)
                                                for name, address in (("contoso", US), ("fabrikam", FABRIKAM)))}))
        cls.relays, cls.sinks = {}, {}
        for name, address, other in (("contoso", US, "fabrikam.com"), ("fabrikam", FABRIKAM, "contoso.com")):
            folder = Certificates()
            cls.addClassCleanup(folder.close)
            with open(certificates.make(name, "mail.%s.com" % name, issuer=certificates.ca(), into=certificates.work)) as file:
                folder.write("mail.pem", file.read())
            sink = cls.sinks[name] = cls.enterClassContext(Sink())
            cls.relays[name] = cls.enterClassContext(Relay(
                cls.organization(name, address, other, sink), {"tls.certificate_dir": folder.path, "tls.ca_file": certificates.ca()[0]}))

    @classmethod
    def organization(cls, name, address, other, sink):
        org = Organization(domains=((name + ".com", DEFAULT),), settings={RECEIVE_LIST: other, SEND_LIST: other})
        org.receive("From outside", "%s:%d" % (address, cls.port), "0.0.0.0-255.255.255.255", auth=TLS, groups="AnonymousUsers Partners",
                    msExchSMTPReceiveConnectorFQDN="mail.%s.com" % name, **{OPTIONS: DEFAULT_OPTIONS | DOMAIN_SECURE})
        org.relay("From inside", "%s:%d" % (address, cls.inside_port), "127.0.0.2")
        org.send("Outside", cls.port, hosts=None, msExchSMTPSendConnectorFQDN="mail.%s.com" % name, **{FLAGS: SEND_DOMAIN_SECURE})
        return org.send("Inside", sink.port, spaces="SMTP:%s.com;1" % name, aces="allow * to anonymous")

    # proves: C163 C164 T10 facts-10.4
    def test_one_message_each_way(self):
        for sender, to, address in (("contoso", "fabrikam", US), ("fabrikam", "contoso", FABRIKAM)):
            with Client(self.inside_port, host=address, source="127.0.0.2") as client:
                client.ehlo()
                client.send_message("chris@%s.com" % sender, ["kate@%s.com" % to], text("chris@%s.com" % sender))
                client.quit()
            message = self.sinks[to].wait(1)[0]
            self.assertEqual(message.fields("X-MS-Exchange-Organization-AuthAs"), ["Partner"])
            self.assertEqual(message.fields("X-MS-Exchange-Organization-AuthDomain"), [sender + ".com"])
            self.assertEqual(message.fields("X-MS-Exchange-Organization-Classification"), [MARK])


if __name__ == "__main__":
    unittest.main()
