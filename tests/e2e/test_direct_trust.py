"""X-ANONYMOUSTLS: servers known by the certificate that the directory holds of them; X-EXPS behind it."""

import base64
import hashlib
import os
import ssl
import unittest

from lib.certificates import Certificates, openssl
from lib.organization import EDGE, HUB, change, record
from lib.smtp import Closed, eventually, unverified
from lib.world import Case

EXCHANGE_SERVER = 16
ATTRIBUTE = "msExchServerInternalTLSCert"


class DirectTrust(Case):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)
        cls.own = cls.certificates.make("internal", "mailbox01.contoso.com")
        # The others' keys are not ours: beside tls.certificate_dir.
        cls.hub = cls.certificates.make("hub", "hub1.contoso.com", into=cls.certificates.work)
        cls.edge = cls.certificates.make("edge", "edge1.contoso.com", into=cls.certificates.work, expired=True)
        cls.stranger = cls.certificates.make("stranger", "hub1.contoso.com", into=cls.certificates.work)
        cls.config = {"tls.certificate_dir": cls.certificates.path}
        super().setUpClass()

    @classmethod
    def der(cls, pem):
        return openssl("x509", "-in", pem, "-outform", "DER")

    @classmethod
    def server_dn(cls, org, name):
        return "CN=%s,%s" % (name, org.server_dn.partition(",")[2])

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Servers", port, ["127.0.0.0/24"], auth=EXCHANGE_SERVER, groups="ExchangeServers",
                    msExchSMTPReceiveConnectorFQDN=None)
        for name, role, value in (("HUB1", HUB, cls.der(cls.hub)), ("EDGE1", EDGE, hashlib.sha1(cls.der(cls.edge)).digest())):
            org.records.append(record(cls.server_dn(org, name), "msExchExchangeServer", msExchCurrentServerRoles=role,
                                      **{ATTRIBUTE + ":": base64.b64encode(value).decode()}))
        org.records.append("dn: %s\nchangetype: modify\nadd: %s\n%s:: %s\n" % (
            org.server_dn, ATTRIBUTE, ATTRIBUTE, base64.b64encode(cls.der(cls.own)).decode()))

    def connect(self, pem=None):
        """(client, identity in the log or None) behind X-ANONYMOUSTLS and another EHLO."""
        mark = self.daemon.mark()
        client = self.client()
        self.addCleanup(client.close)
        self.assertIn("X-ANONYMOUSTLS", client.ehlo().lines)
        context = unverified()
        if pem:
            context.load_cert_chain(pem)
        self.assertEqual(client.say("X-ANONYMOUSTLS").code, 220)
        client.secure(context=context)
        self.assertNotIn("X-ANONYMOUSTLS", client.ehlo().text)
        if not pem:
            return client, None
        event = self.daemon.wait(None, since=mark, mechanism="X-ANONYMOUSTLS", client=client.address)
        return client, event.get("identity")

    # proves: C125 C148 C156 C157 C158 facts-10.2 facts-10.3
    def test_whom_the_directory_knows(self):
        for pem, identity in ((self.hub, "MS Exchange\\Hub Transport Servers"), (self.edge, "MS Exchange\\Edge Transport Servers"),
                              (self.stranger, None), (None, None)):
            client, found = self.connect(pem)
            self.assertEqual(found, identity)
            reply = client.mail("a@contoso.com").text
            self.assertEqual(reply, "250 2.1.0 Sender OK" if identity else "530 5.7.1 Client was not authenticated")

    # proves: F4
    def test_injection_behind_x_anonymoustls(self):
        evil = b"EHLO evil\r\nMAIL FROM:<a@contoso.com>\r\n"
        for first, second in ((b"X-ANONYMOUSTLS\r\n" + evil, b""), (b"X-ANON", b"YMOUSTLS\r\n" + evil), (b"X-ANONYMOUSTLS\r\n", evil)):
            with self.subTest(first=first), self.client() as client:
                client.ehlo()
                client.send(first)
                if second == evil:
                    self.assertEqual(client.reply().code, 220)
                    client.send(evil)
                    with self.assertRaises((ssl.SSLError, OSError, AssertionError, Closed)):
                        client.secure()
                        client.reply()
                else:
                    eventually(client.is_read)
                    client.send(second)
                    self.assertEqual(client.reply().code, 554)
                    self.assertTrue(client.at_end())

    # proves: facts-10.2
    def test_it_shows_the_internal_certificate(self):
        client, _ = self.connect()
        shown = client.socket.getpeercert(binary_form=True)
        self.assertEqual(shown, self.der(self.own))

    # proves: C157 facts-10.3
    def test_a_certificate_leaves_the_directory(self):
        dn = self.server_dn(self.organization, "HUB1")
        client, _ = self.connect(self.hub)
        self.world.modify(change(dn, ("delete", ATTRIBUTE)))
        try:
            self.assertWithin(2, lambda: client.mail("a@contoso.com").code == 530 or client.say("RSET").code != 250)
            self.assertIsNone(self.connect(self.hub)[1])
        finally:
            self.world.modify("dn: %s\nchangetype: modify\nadd: %s\n%s:: %s\n" % (
                dn, ATTRIBUTE, ATTRIBUTE, base64.b64encode(self.der(self.hub)).decode()))

    # proves: facts-10.2
    def test_without_its_certificate_it_is_not_offered(self):
        mark = self.daemon.mark()
        away = self.own + ".away"
        os.rename(self.own, away)
        try:
            self.daemon.wait("certificate.internal", since=mark)
            with self.client() as client:
                self.assertNotIn("X-ANONYMOUSTLS", client.ehlo().text)
                self.assertEqual(client.say("X-ANONYMOUSTLS").code, 502)
        finally:
            os.rename(away, self.own)
        self.assertWithin(10, lambda: self.connect(self.hub)[1] is not None)


if __name__ == "__main__":
    unittest.main()
