"""MTA-STS: what a domain's policy asks of its exchangers (RFC 8461), and that DANE comes first."""

import unittest

from lib.certificates import Certificates
from lib.nsd import Nsd, private_network, sign
from lib.organization import SEND_ROUTING
from lib.peers import INVALID, NEEDS_TLS, SENDER
from lib.sink import Sink
from lib.slapd import free_port
from lib.web import Answer, Web
from lib.world import Case

WEB, UNKNOWN_WEB, ADDRESS = "203.0.113.11", "203.0.113.12", "203.0.113.%d"
BARRED = "451 4.7.0 The domain's MTA-STS policy allows none of its mail exchangers"
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


def setUpModule():
    private_network([WEB, UNKNOWN_WEB, *(ADDRESS % (100 + number) for number in range(30))])


def policy(mode, *patterns, **fields):
    lines = {"version": "STSv1", "mode": mode, "max_age": "86400", **fields}
    return Answer(head=TEXT, content="".join("%s: %s\r\n" % row for row in [*lines.items(), *(("mx", p) for p in patterns)]).encode())


class MtaSts(Case):
    """domain(NAME, …) makes the domain NAME.example, or NAME.signed.test; its exchanger is mx.DOMAIN, in cls.hosts[NAME]."""

    config = {}
    internet = False

    @classmethod
    def setUpClass(cls):
        cls.certificates, cls.hosts, cls.records, cls.port25, cls.domains = Certificates(), {}, {}, free_port(), {}
        cls.addClassCleanup(cls.certificates.close)
        cls.ca = cls.certificates.ca()
        cls.pages = {}
        cls.provide()
        policy_hosts = ["mta-sts." + domain for domain in cls.domains.values()]
        cls.web = Web(WEB, 443, cls.certificates.make("web", policy_hosts[0], issuer=cls.ca, more=policy_hosts[1:]))
        cls.addClassCleanup(cls.web.close)
        cls.unknown_web = Web(UNKNOWN_WEB, 443, cls.certificates.make("unknown", policy_hosts[0], more=policy_hosts[1:]))
        cls.addClassCleanup(cls.unknown_web.close)
        cls.web.pages = cls.unknown_web.pages = cls.pages
        cls.signed, anchor = sign("signed.test.", cls.zone("signed.test"))
        cls.nsd = Nsd({".": cls.zone("example"), "signed.test.": cls.signed})
        cls.addClassCleanup(cls.nsd.close)
        path = cls.certificates.write("anchor.ds", anchor, into=cls.certificates.work)
        cls.config = {"dns.trust_anchor": path, "tls.ca_file": cls.ca[0]}
        super().setUpClass()

    @classmethod
    def zone(cls, suffix):
        return "".join(text for domain, text in cls.records.items() if domain.endswith(suffix))

    @classmethod
    def domain(cls, name, answer, tls=True, suffix="example", web=WEB, to=None, issuer=True):
        """to: whom the certificate is another's for; issuer: whether anybody vouches for it."""
        domain = cls.domains[name] = "%s.%s" % (name, suffix)
        host = cls.hosts[name] = Sink(ADDRESS % (100 + len(cls.hosts)), cls.port25)
        cls.addClassCleanup(host.stop)
        if tls:
            host.certificate = cls.certificates.make(name, to or "mx." + domain, issuer=cls.ca if issuer else None)
        cls.pages["mta-sts.%s/.well-known/mta-sts.txt" % domain] = answer
        cls.records[domain] = ("%(d)s. IN MX 10 mx.%(d)s.\nmx.%(d)s. IN A %(a)s\nmta-sts.%(d)s. IN A %(w)s\n"
                               '_mta-sts.%(d)s. 0 IN TXT "v=STSv1; id=1;"\n' % {"d": domain, "a": host.host, "w": web})

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        org.send("Internet", cls.port25, hosts=None, aces=SEND_ROUTING, msExchSmtpMaxMessagesPerConnection=1)

    @classmethod
    def provide(cls):
        own = {"issuer": False}
        cls.domain("good", policy("enforce", "mx.good.example"))
        cls.domain("wild", policy("enforce", "other.example", "*.wild.example"))
        cls.domain("selfsigned", policy("enforce", "mx.selfsigned.example"), **own)
        cls.domain("wrongname", policy("enforce", "mx.wrongname.example"), to="mail.fabrikam.com")
        cls.domain("plain", policy("enforce", "mx.plain.example"), tls=False)
        cls.domain("barred", policy("enforce", "mx.fabrikam.com", "*.mx.barred.example"))
        cls.domain("second", policy("enforce", "mx.good.example"))
        cls.records["second.example"] += "second.example. IN MX 20 mx.good.example.\n"
        cls.domain("tested", policy("testing", "mx.tested.example"), **own)
        cls.domain("testedname", policy("testing", "mx.testedname.example"), to="mail.fabrikam.com")
        cls.domain("testedplain", policy("testing", "mx.fabrikam.com"), tls=False)
        cls.domain("testedgood", policy("testing", "mx.testedgood.example"))
        cls.domain("none", policy("none"), **own)
        cls.domain("moved", Answer(302, {"Location": "https://mta-sts.good.example/.well-known/mta-sts.txt"}), tls=False)
        cls.domain("long", policy("enforce", "mx.fabrikam.com", x="y" * 70000), tls=False)
        cls.domain("page", Answer(head={"Content-Type": "text/html"}, content=policy("enforce", "mx.fabrikam.com").content), tls=False)
        cls.domain("broken", policy("enforced", "mx.fabrikam.com"), tls=False)
        cls.domain("missing", Answer(404), tls=False)
        cls.domain("distrusted", policy("enforce", "mx.fabrikam.com"), tls=False, web=UNKNOWN_WEB)
        cls.domain("changing", policy("testing", "mx.changing.example"), **own)
        cls.domain("kept", policy("enforce", "mx.kept.example"), **own)
        cls.domain("dane", policy("enforce", "mx.fabrikam.com"), suffix="signed.test", to="elsewhere.example", **own)
        cls.records["dane.signed.test"] += "_%d._tcp.mx.dane.signed.test. IN TLSA 3 1 1 %s\n" % (
            cls.port25, cls.certificates.tlsa("dane", 1, 1))

    def asked(self, name):
        return [page for page in self.web.asked if page.startswith("mta-sts.%s/" % self.domains[name])]

    def submit(self, name):
        mark = self.daemon.mark()
        with self.client("127.0.0.2") as client:
            client.ehlo()
            client.send_message(SENDER, ["kate@" + self.domains[name]])
            client.quit()
        return self.daemon.wait("message.accepted", since=mark)["id"], mark

    def delivered(self, name):
        id, mark = self.submit(name)
        self.daemon.wait("message.delivered", since=mark, id=id)
        event = self.daemon.wait("hop.session", since=mark, hop=self.domains[name])
        return event.get("tls"), event.get("policy"), mark

    def left(self, name, again=False):
        """Why nothing was sent. again: the hop was tried before, and is not called by itself for a while."""
        id, mark = self.submit(name)
        event = self.daemon.wait("message.deferred", since=mark, id=id)
        if again:
            mark = self.daemon.mark()
            self.assertEqual(self.daemon.cli("queue", "retry", id).code, 0)
            event = self.daemon.wait("message.deferred", since=mark, id=id)
        self.assertEqual(self.daemon.cli("queue", "remove", id).code, 0)
        self.assertEqual(self.hosts[name].offered, [])
        return event["reply"].partition(" [")[0]

    def complaint(self, name, mark):
        return self.daemon.wait("sts.failed", since=mark)["message"].removeprefix(self.domains[name] + ": ")

    # proves: R14
    def test_enforced(self):
        self.assertEqual(self.delivered("good")[:2], ("TLSv1.3", "mta-sts"))
        self.assertEqual(self.hosts["good"].sessions[-1].server_name, "mx.good.example")
        self.assertEqual(self.delivered("good")[:2], ("TLSv1.3", "mta-sts"))
        self.assertEqual(len(self.asked("good")), 1)  # it is kept
        self.assertEqual(self.delivered("wild")[:2], ("TLSv1.3", "mta-sts"))

    # proves: T6
    def test_what_is_not_good_enough_waits(self):
        self.assertEqual(self.left("selfsigned"), INVALID + "self-signed certificate")
        self.assertEqual(self.left("wrongname"), INVALID + "the certificate is another host's: mail.fabrikam.com")
        self.assertEqual(self.left("plain"), NEEDS_TLS)
        self.assertEqual(self.left("barred"), BARRED)
        self.assertEqual(self.hosts["barred"].sessions, [])

    def test_an_exchanger_that_is_allowed_stands_in(self):
        self.assertEqual(self.delivered("second")[:2], ("TLSv1.3", "mta-sts"))
        self.assertEqual(self.hosts["second"].sessions, [])

    def test_tests_are_only_said(self):
        only = "; it only tests"
        for name, tls, why in (("tested", "TLSv1.3", "mx.tested.example: self-signed certificate"),
                               ("testedname", "TLSv1.3", "mx.testedname.example: the certificate is another host's")):
            got, by, mark = self.delivered(name)
            self.assertEqual((got, by), (tls, None))
            self.assertEqual(self.complaint(name, mark), "its policy does not allow this session with " + why + only)
        got, by, mark = self.delivered("testedplain")
        self.assertEqual((got, by), (None, None))
        self.assertEqual(self.complaint("testedplain", mark),
                         "its policy does not allow the exchanger mx.testedplain.example" + only)
        _, _, mark = self.delivered("testedgood")
        self.assertFalse([event for event in self.daemon.seen() if "testedgood" in event.get("message", "")])
        self.assertEqual(self.delivered("none")[:2], ("TLSv1.3", None))

    def test_what_is_no_policy(self):
        for name, why in (("moved", "the server answers 302"), ("long", "too long"), ("page", "the answer is no text/plain"),
                          ("broken", "the policy is malformed"), ("missing", "the server answers 404"),
                          ("distrusted", "SSL peer certificate or SSH remote key was not OK")):
            with self.subTest(name):
                tls, by, mark = self.delivered(name)
                self.assertEqual((tls, by), (None, None))
                self.assertEqual(self.complaint(name, mark), "no policy to be had: " + why)
                self.delivered(name)
                self.assertLessEqual(len(self.asked(name)), 1)  # not again for a while

    def test_a_new_policy(self):
        page = "mta-sts.%s.example/.well-known/mta-sts.txt"
        self.addCleanup(self.nsd.change, {".": self.zone("example"), "signed.test.": self.signed})
        self.assertEqual(self.delivered("changing")[:2], ("TLSv1.3", None))
        self.assertEqual(self.left("kept"), INVALID + "self-signed certificate")
        self.hosts["changing"].reset()
        self.pages[page % "changing"] = policy("enforce", "mx.changing.example")
        self.pages[page % "kept"] = Answer(404)
        self.assertEqual(self.delivered("changing")[:2], ("TLSv1.3", None))  # nobody said that there is a new one
        self.hosts["changing"].reset()
        self.nsd.change({".": self.zone("example").replace("id=1;", "id=2;"), "signed.test.": self.signed})
        self.assertEqual(self.left("changing"), INVALID + "self-signed certificate")
        self.assertEqual(self.left("kept", again=True), INVALID + "self-signed certificate")  # the new one cannot be had
        self.nsd.change({".": self.zone("example").replace("_mta-sts", "_nothing"), "signed.test.": self.signed})
        self.assertEqual(self.left("kept", again=True), INVALID + "self-signed certificate")  # it counts as long as it said
        self.assertEqual(len(self.asked("kept")), 2)

    # proves: R14
    def test_dane_comes_first(self):
        self.assertEqual(self.delivered("dane")[:2], ("TLSv1.3", "dane"))


if __name__ == "__main__":
    unittest.main()
