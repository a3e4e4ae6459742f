"""Other implementations at the other end, Postfix (OpenSSL, Cyrus) and Exim (GnuTLS): what they note of the session in their Received
field, and what comes out behind them."""

import unittest

from lib.exim import Exim
from lib.exim import is_installed as has_exim
from lib.peers import CERTIFICATE, FLAGS, REQUIRE_TLS, SECURITY, SENDER, PeerCase
from lib.postfix import Postfix
from lib.postfix import is_installed as has_postfix
from lib.sink import KEYWORDS, Sink

BASIC, BASIC_TLS = 2 << 20, 4 << 20
USER, PASSWORD = "msExchSmtpOutboundSecurityUserName", "msExchSmtpOutboundSecurityPassword"
NEEDS_AUTH = "451 5.7.3 Require basic authentication"
SECRET = "canary-4711"
BODY = b".\r\n..two\r\n" + b"x" * 990 + b"\r\n\r\n.\r\n" + "gr\u00fcn".encode() + b"\r\nFrom here\r\n\r\n\r\n"


class RealHops:
    """hop(port of the next one, certificate, logins) starts the implementation."""

    @classmethod
    def provide(cls, certificates):
        cls.next = Sink()
        cls.addClassCleanup(cls.next.stop)
        certificate = certificates.make("hop", "localhost", issuer=certificates.ca())
        cls.plain, cls.tls, cls.login = cls.hop(), cls.hop(certificate), cls.hop(certificate, {"relay": SECRET})
        for hop in (cls.plain, cls.tls, cls.login):
            cls.addClassCleanup(hop.close)
        cls.config = {"tls.ca_file": certificates.ca()[0], "tls.crl_file": certificates.crl()}

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        login = {FLAGS: BASIC_TLS, USER: "relay", PASSWORD: SECRET}
        for name, to, attributes in (("plain", cls.plain, {}),
                                     ("opportunistic", cls.tls, {}),
                                     ("validated", cls.tls, {SECURITY: REQUIRE_TLS, FLAGS: CERTIFICATE}),
                                     ("required", cls.plain, {SECURITY: REQUIRE_TLS}),
                                     ("login", cls.login, login),
                                     ("basic", cls.login, {**login, FLAGS: BASIC}),
                                     ("wrong", cls.login, {**login, PASSWORD: "wrong"}),
                                     ("without", cls.login, {})):
            org.send(name, to.port, spaces="SMTP:%s.example;1" % name, hosts="localhost", **attributes)

    def setUp(self):
        super().setUp()
        self.next.reset()

    def passed(self, name):
        """The message behind the hop."""
        id, mark = self.submit(name)
        self.daemon.wait("message.delivered", since=mark, id=id)
        return self.next.wait(1, matching=lambda m: m.recipients == ["kate@%s.example" % name])[-1]

    # proves: C132 C144 C145 C149 C153
    def test_in_clear_and_in_tls(self):
        self.assertNotRegex(self.passed("plain").fields("Received")[0], self.noted_tls)
        for name in ("opportunistic", "validated"):
            self.assertRegex(self.passed(name).fields("Received")[0], self.noted_tls)

    # proves: C133 C136 C137
    def test_login(self):
        for name in ("login", "basic"):
            received = self.passed(name).fields("Received")[0]
            self.assertRegex(received, self.noted_tls)
            self.assertRegex(received, self.noted_login)

    # proves: C130 C135
    def test_what_sends_nothing(self):
        for name, reply in (("wrong", NEEDS_AUTH + " (535 "), ("required", "451 5.7.3 STARTTLS is required to send mail")):
            id, mark = self.submit(name)
            self.assertIn(reply, self.daemon.wait("message.deferred", since=mark, id=id)["reply"])
            self.assertEqual(self.daemon.cli("queue", "remove", id).code, 0)
        self.assertEqual(self.next.messages, [])

    def test_a_hop_that_wants_a_login_refuses_who_has_none(self):
        id, mark = self.submit("without")
        self.assertRegex(self.daemon.wait("message.bounced", since=mark, id=id)["reply"], r"^55\d ")

    # proves: F2
    def test_the_content_arrives_as_it_is(self):
        mark = self.daemon.mark()
        with self.client() as client:
            client.ehlo()
            self.assertEqual(client.mail(SENDER, "BODY=8BITMIME").code, 250)
            self.assertEqual(client.rcpt("kate@plain.example").code, 250)
            self.assertEqual(client.data(b"Subject: Test\r\n\r\n" + BODY).code, 250)
        self.daemon.wait("message.delivered", since=mark)
        self.assertEqual(self.next.wait(1)[0].body, BODY)

    # proves: facts-8.1
    def test_what_is_asked_about_reports_is_passed_on(self):
        self.next.keywords = [*KEYWORDS, "DSN"]
        mark = self.daemon.mark()
        with self.client() as client:
            client.ehlo()
            self.assertEqual(client.mail(SENDER, "RET=HDRS ENVID=QQ314159").code, 250)
            for recipient, parameters in (("kate@plain.example", "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;old+2Bname@contoso.com"),
                                          ("never@plain.example", "NOTIFY=NEVER")):
                self.assertEqual(client.say("RCPT TO:<%s> %s" % (recipient, parameters)).code, 250)
            self.assertEqual(client.data().code, 250)
        self.daemon.wait("message.delivered", since=mark, recipient="never@plain.example")
        asked = {}
        for message in self.next.wait(1, matching=lambda m: self.next.to("kate@plain.example") and self.next.to("never@plain.example")):
            self.assertIn("RET=HDRS", message.parameters)
            self.assertIn("ENVID=QQ314159", message.parameters)
            asked.update(message.recipient_parameters)
        self.assertRegex(asked["kate@plain.example"], "NOTIFY=(SUCCESS,FAILURE|FAILURE,SUCCESS)")
        self.assertIn("ORCPT=rfc822;old+2Bname@contoso.com", asked["kate@plain.example"])
        self.assertIn("NOTIFY=NEVER", asked["never@plain.example"])
        # The hop reports; we do not.
        self.assertFalse(self.next.to(SENDER))


@unittest.skipUnless(has_postfix(), "needs root and Postfix")
class TowardsPostfix(RealHops, PeerCase):
    noted_tls = r"\(using TLSv1\.3 with cipher TLS_"
    noted_login = r"\(Authenticated sender: relay"

    @classmethod
    def hop(cls, certificate=None, logins=None):
        return Postfix(cls.next.port, certificate, logins)


@unittest.skipUnless(has_postfix(), "needs root and Postfix")
class TowardsAnOlderPostfix(PeerCase):
    """One that knows TLS 1.2 alone."""

    @classmethod
    def provide(cls, certificates):
        cls.next = Sink()
        cls.addClassCleanup(cls.next.stop)
        cls.postfix = Postfix(cls.next.port, certificates.make("hop", "localhost", issuer=certificates.ca()),
                              smtpd_tls_mandatory_protocols="TLSv1.2", smtpd_tls_protocols="TLSv1.2")
        cls.addClassCleanup(cls.postfix.close)

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        org.send("older", cls.postfix.port, spaces="SMTP:older.example;1", hosts="localhost")

    # proves: C143 C144
    def test_tls(self):
        self.submit("older")
        self.assertRegex(self.next.wait(1)[0].fields("Received")[0], r"\(using TLSv1\.2 with cipher ECDHE")


@unittest.skipUnless(has_exim(), "needs root and Exim, as tests/packages.sh unpacks it")
class TowardsExim(RealHops, PeerCase):
    noted_tls = r"with esmtpsa? +\(TLS1\.3\)"
    noted_login = "with esmtpsa"

    @classmethod
    def hop(cls, certificate=None, logins=None):
        return Exim(cls.next.port, certificate, logins)


if __name__ == "__main__":
    unittest.main()
