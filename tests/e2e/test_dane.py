"""DANE towards exchangers in signed zones: what TLSA records say of their certificates (RFC 7672)."""

import os
import ssl
import unittest

from lib.certificates import Certificates
from lib.nsd import Nsd, private_network, sign
from lib.organization import SEND_ROUTING
from lib.peers import CERTIFICATE, FLAGS, INVALID, NEEDS_TLS, REQUIRE_TLS, SECURITY, SENDER
from lib.sink import Sink
from lib.slapd import free_port
from lib.world import Case

ADDRESS = "203.0.113.%d"
HOSTS_MAX = 40
FORGED = "ab" * 32
MISMATCH = INVALID + "no matching DANE TLSA records"
UNKNOWN = "451 4.4.3 The domain's mail exchangers cannot be looked up now"


def setUpModule():
    private_network([ADDRESS % (100 + number) for number in range(HOSTS_MAX)])


class DaneCase(Case):
    """host(NAME, …) makes the domain NAME.signed.test and its exchanger mx.NAME.signed.test; cls.hosts[NAME]."""

    config = {}
    internet = False

    @classmethod
    def setUpClass(cls):
        cls.certificates, cls.hosts, cls.records, cls.port25 = Certificates(), {}, "", free_port()
        cls.addClassCleanup(cls.certificates.close)
        cls.ca = cls.certificates.ca()
        cls.provide(cls.certificates)
        signed, anchor = sign("signed.test.", cls.records)
        cls.nsd = Nsd({".": cls.unsigned(), "signed.test.": signed.replace(FORGED, "ba" * 32)})
        cls.addClassCleanup(cls.nsd.close)
        path = cls.certificates.write("anchor.ds", anchor, into=cls.certificates.work)
        cls.config = {**cls.config, "dns.trust_anchor": path, "tls.ca_file": cls.ca[0]}
        super().setUpClass()

    @classmethod
    def unsigned(cls):
        return ""

    @classmethod
    def host(cls, name, *tlsa, tls=True, **certificate):
        """tlsa: the texts of records; the certificate is the host's own, self-signed and another's unless told."""
        address = ADDRESS % (100 + len(cls.hosts))
        host = cls.hosts[name] = Sink(address, cls.port25)
        cls.addClassCleanup(host.stop)
        if tls:
            if name + ".crt" not in os.listdir(cls.certificates.work):
                cls.certify(name, **certificate)
            host.certificate = os.path.join(cls.certificates.path, name + ".pem")
        cls.records += "%s.signed.test. IN MX 10 mx.%s.signed.test.\nmx.%s.signed.test. IN A %s\n" % (name, name, name, address)
        for record in tlsa:
            cls.records += "_%d._tcp.mx.%s.signed.test. IN TLSA %s\n" % (cls.port25, name, record)
        return host

    @classmethod
    def certify(cls, name, to="elsewhere.example", **certificate):
        cls.certificates.make(name, to, **certificate)

    @classmethod
    def known(cls, name, usage, selector, matching, of=None):
        """The record that fits."""
        return "%d %d %d %s" % (usage, selector, matching, cls.certificates.tlsa(of or name, selector, matching))

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        org.send("Internet", cls.port25, hosts=None, aces=SEND_ROUTING, msExchSmtpMaxMessagesPerConnection=1)

    def submit(self, domain):
        mark = self.daemon.mark()
        with self.client("127.0.0.2") as client:
            client.ehlo()
            client.send_message(SENDER, ["kate@" + domain])
            client.quit()
        return self.daemon.wait("message.accepted", since=mark)["id"], mark

    def delivered(self, name, domain=None):
        """The message as it arrived, and the session's event."""
        domain = domain or name + ".signed.test"
        before = len(self.hosts[name].messages)
        id, mark = self.submit(domain)
        self.daemon.wait("message.delivered", since=mark, id=id)
        return self.hosts[name].wait(before + 1)[-1], self.daemon.wait("hop.session", since=mark, hop=domain)

    def deferred(self, domain):
        """Why nothing was sent, without the address behind it."""
        id, mark = self.submit(domain)
        event = self.daemon.wait("message.deferred", since=mark, id=id)
        self.assertEqual(self.daemon.cli("queue", "remove", id).code, 0)
        return event["reply"].partition(" [")[0]

    def left(self, name):
        reply = self.deferred(name + ".signed.test")
        self.assertEqual(self.hosts[name].offered, [])
        return reply

    def is_known(self, name, domain=None):
        message, event = self.delivered(name, domain)
        self.assertEqual((message.tls, event["policy"]), ("TLSv1.3", "dane"))
        return event


class Dane(DaneCase):
    @classmethod
    def provide(cls, certificates):
        for name, selector, matching in (("ee11", 1, 1), ("ee01", 0, 1), ("ee12", 1, 2), ("ee10", 1, 0), ("ee00", 0, 0)):
            cls.certify(name, expired=name == "ee11")
            cls.host(name, cls.known(name, 3, selector, matching))
        for name, selector, matching in (("ta01", 0, 1), ("ta11", 1, 1), ("ta02", 0, 2)):
            cls.certify(name, "mx.%s.signed.test" % name, issuer=cls.ca, chain=True)
            cls.host(name, cls.known(name, 2, selector, matching, of="ca"))
        cls.certify("tadomain", "tadomain.signed.test", issuer=cls.ca, chain=True)
        cls.host("tadomain", cls.known("tadomain", 2, 0, 1, of="ca"))
        cls.certify("taname", "mx.fabrikam.com", issuer=cls.ca, chain=True)
        cls.host("taname", cls.known("taname", 2, 0, 1, of="ca"))
        cls.certify("taexpired", "mx.taexpired.signed.test", issuer=cls.ca, chain=True, expired=True)
        cls.host("taexpired", cls.known("taexpired", 2, 0, 1, of="ca"))
        cls.host("wrong", "3 1 1 " + "cd" * 32)
        cls.certify("two")
        cls.host("two", "3 1 1 " + "cd" * 32, "3 7 1 " + "cd" * 32, cls.known("two", 3, 1, 1))
        cls.certify("plain")
        cls.host("plain", cls.known("plain", 3, 1, 1), tls=False)
        cls.host("unusable", "1 1 1 " + "cd" * 32, "3 1 1 cdcd", "3 9 1 " + "cd" * 32, "2 0 0 cdcdcd")
        cls.host("unusableplain", "0 1 1 " + "cd" * 32, tls=False)
        cls.host("forged", "3 1 1 " + FORGED)
        cls.host("none", tls=False)
        cls.host("selfsigned")
        cls.host("outside")
        cls.host("old", "3 1 1 " + "cd" * 32).highest = ssl.TLSVersion.TLSv1_1
        cls.certify("strict", "mx.strict.signed.test", issuer=cls.ca)
        cls.host("strict", "3 1 1 " + "cd" * 32)
        cls.certify("aliased")
        cls.host("aliased", cls.known("aliased", 3, 1, 1))
        cls.records += ("alias.signed.test. IN CNAME mx.aliased.signed.test.\nbyalias.signed.test. IN MX 10 alias.signed.test.\n"
                        "expanded.signed.test. IN CNAME tadomain.signed.test.\n"
                        "second.signed.test. IN MX 10 mx.forged.signed.test.\nsecond.signed.test. IN MX 20 mx.wrong.signed.test.\n"
                        "second.signed.test. IN MX 30 mx.ee11.signed.test.\nleaving.signed.test. IN MX 10 mx.outside.example.\n")

    @classmethod
    def unsigned(cls):
        return ("insecure.example. IN MX 10 mx.wrong.signed.test.\nmx.outside.example. IN A %s\n"
                "_%d._tcp.mx.outside.example. IN TLSA 3 1 1 %s\n" % (cls.hosts["outside"].host, cls.port25, "cd" * 32))

    @classmethod
    def organize(cls, org, port, sink):
        super().organize(org, port, sink)
        org.send("Strict", cls.port25, hosts=None, spaces="SMTP:strict.signed.test;1", **{SECURITY: REQUIRE_TLS, FLAGS: CERTIFICATE})

    # proves: R14
    def test_the_servers_own_key_or_certificate(self):
        for name in ("ee11", "ee01", "ee12", "ee10", "ee00"):
            with self.subTest(name):
                self.assertEqual(self.is_known(name)["certificate"], "good")  # whatever else is wrong with it
        self.assertEqual(self.hosts["ee11"].sessions[-1].server_name, "mx.ee11.signed.test")

    # proves: R14
    def test_an_issuer_and_the_name(self):
        for name in ("ta01", "ta11", "ta02", "tadomain"):
            with self.subTest(name):
                self.assertEqual(self.is_known(name)["certificate"], "good")
        self.assertEqual(self.left("taname"), INVALID + "hostname mismatch")
        self.assertEqual(self.left("taexpired"), INVALID + "certificate has expired")

    # proves: R14
    def test_one_of_several_is_enough(self):
        self.is_known("two")
        self.assertEqual(self.left("wrong"), MISMATCH)

    # proves: R14
    def test_tls_is_mandatory(self):
        self.assertEqual(self.left("plain"), NEEDS_TLS)
        self.assertEqual(self.left("unusableplain"), NEEDS_TLS)
        self.assertIn(NEEDS_TLS + " (handshake:", self.left("old"))

    # proves: R14
    def test_records_that_cannot_be_used_ask_for_tls_alone(self):
        self.assertEqual(self.is_known("unusable")["address"], self.hosts["unusable"].host)

    # proves: R14
    def test_what_is_forged_is_not_tried(self):
        self.assertEqual(self.left("forged"), UNKNOWN)
        self.is_known("ee11", "second.signed.test")
        self.assertEqual(self.hosts["wrong"].offered + self.hosts["forged"].offered, [])

    # proves: R14
    def test_aliases(self):
        self.is_known("aliased", "byalias.signed.test")
        self.assertEqual(self.hosts["aliased"].sessions[-1].server_name, "mx.aliased.signed.test")
        self.is_known("tadomain", "expanded.signed.test")  # by the name behind the mail's domain

    # proves: R14
    def test_without_proof_nothing_is_asked(self):
        message, event = self.delivered("none")
        self.assertEqual((message.tls, event.get("policy")), (None, None))
        message, event = self.delivered("selfsigned")
        self.assertEqual((message.tls, event.get("policy")), ("TLSv1.3", None))
        # Anybody may have made this list of exchangers, or these records.
        for name, domain in (("wrong", "insecure.example"), ("outside", "leaving.signed.test")):
            message, event = self.delivered(name, domain)
            self.assertEqual((message.tls, event.get("policy")), ("TLSv1.3", None))
        self.hosts["wrong"].reset()

    def test_a_connector_that_asks_for_more_itself(self):
        message, event = self.delivered("strict")
        self.assertEqual((message.tls, event.get("policy"), event["certificate"]), ("TLSv1.3", None, "good"))


class Off(DaneCase):
    config = {"tls.dane": "no"}

    @classmethod
    def provide(cls, certificates):
        cls.host("wrong", "3 1 1 " + "cd" * 32)

    def test_nothing_is_asked(self):
        message, event = self.delivered("wrong")
        self.assertEqual((message.tls, event.get("policy")), ("TLSv1.3", None))


del DaneCase

if __name__ == "__main__":
    unittest.main()
