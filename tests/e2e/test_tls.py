"""STARTTLS, RequireTLS and TLS from the first byte: real handshakes by Python's ssl and openssl s_client."""

import hashlib
import signal
import smtplib
import socket
import ssl
import subprocess
import threading
import time
import unittest

from lib.certificates import Certificates, openssl
from lib.organization import EXTERNAL, change
from lib.slapd import free_port
from lib.smtp import Client, Closed, eventually, unverified
from lib.world import Case

TLS, REQUIRE_TLS = 1, 8
RESTRICTIONS = "msExchSmtpReceiveProtocolRestrictions"
FQDN = "msExchSMTPReceiveConnectorFQDN"
NEED_TLS = "530 5.7.0 Must issue a STARTTLS command first"
TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = (
    ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
NAME = "mailbox01.contoso.com"


def fingerprint(client):
    return hashlib.sha256(client.socket.getpeercert(True)).hexdigest()


def fingerprint_of(path):
    return hashlib.sha256(openssl("x509", "-in", path, "-outform", "DER")).hexdigest()


class TlsCase(Case):
    """A world with certificates: cls.certificates.path is tls.certificate_dir."""

    settings = {}

    @classmethod
    def provide(cls, certificates):
        certificates.make("server", NAME)

    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)
        cls.provide(cls.certificates)
        cls.config = {"tls.certificate_dir": cls.certificates.path, **cls.settings}
        super().setUpClass()

    def offers(self, source, port=None):
        with self.client(source, port=port) as client:
            return "STARTTLS" in client.ehlo().lines

    def shown(self, source):
        """The fingerprint of what this client is shown."""
        with self.client(source) as client:
            client.ehlo()
            client.starttls()
            return fingerprint(client)


class Starttls(TlsCase):
    @classmethod
    def provide(cls, certificates):
        cls.self_signed = certificates.make("server", NAME)
        cls.issued = certificates.make("issued", "issued.contoso.com", issuer=certificates.ca())
        cls.named = certificates.make("named", "named.contoso.com")

    @classmethod
    def organize(cls, org, port, sink):
        cls.implicit_port = free_port()
        org.relay("Tls", port, ["127.0.0.1-127.0.0.3"], auth=TLS)
        org.relay("None", port, "127.0.0.4", auth=0)
        org.relay("Issued", port, "127.0.0.5", auth=TLS, **{FQDN: "issued.contoso.com"})
        org.relay("Named", port, "127.0.0.6", auth=TLS,
                  msExchSmtpTLSCertificate="<I>CN=named.contoso.com, O=Contoso<S>CN=named.contoso.com, O=Contoso")
        org.relay("Unknown name", port, "127.0.0.7", auth=TLS, **{FQDN: "unknown.contoso.com"})
        org.receive("Secured", port, "127.0.0.8", auth=TLS + EXTERNAL, groups="ExchangeServers", **{RESTRICTIONS: REQUIRE_TLS})
        org.relay("Required", port, "127.0.0.9", auth=TLS, **{RESTRICTIONS: REQUIRE_TLS})
        org.relay("Impatient", port, "127.0.0.10", auth=TLS, msExchSmtpReceiveConnectionInactivityTimeout=2)
        org.relay("Implicit", cls.implicit_port, "127.0.0.0/8", auth=TLS, dirrelayImplicitTls="TRUE")

    # proves: C117 C118 facts-10.1
    def test_offered_by_mechanism_and_certificate(self):
        self.assertTrue(self.offers("127.0.0.2"))
        self.assertFalse(self.offers("127.0.0.4"))
        self.assertFalse(self.offers("127.0.0.7"))
        with self.client("127.0.0.4") as client:
            lines = client.ehlo().text
            self.assertNotRegex(lines, "STARTTLS|AUTH|X-")
            self.assertEqual(client.say("AUTH LOGIN").code // 100, 5)

    # proves: C144 C147 facts-10.10 contract-6
    def test_a_message_inside_tls(self):
        mark = self.daemon.mark()
        with self.client("127.0.0.2") as client:
            client.ehlo()
            self.assertReply(client.starttls(), "220 2.0.0 SMTP server ready")
            self.assertReply(client.mail("chris@contoso.com"), "503 5.5.2 Send hello first")
            self.assertNotIn("STARTTLS", client.ehlo().text)
            self.assertReply(client.say("STARTTLS"), "503 5.5.2 Only one STARTTLS command can be issued per session")
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
            address = client.socket.getsockname()
            client.quit()
        message = self.arrived()[0]
        self.assertRegex(message.header.decode(), r"with ESMTPS \(TLS\) id ")
        event = self.daemon.wait("session.tls", since=mark)
        self.assertEqual((event["tls"], event["resumed"]), ("TLSv1.3", False))
        self.assertTrue(event["cipher"].startswith("TLS_"))
        closed = self.daemon.wait("session.close", since=mark, client="%s:%d" % address[:2])
        self.assertEqual((closed["tls"], closed["cipher"]), (event["tls"], event["cipher"]))
        opened = self.daemon.wait("session.open", since=mark, client="%s:%d" % address[:2])
        self.assertEqual(opened["identity"], self.daemon.cli(
            "explain", "--client", "127.0.0.2", "--local", "127.0.0.1:%d" % self.port, "--tls", json=True).json["identity"])

    # proves: C143 T8
    def test_versions(self):
        for version in (TLS_1_2, TLS_1_3):
            with self.client("127.0.0.2") as client:
                client.ehlo()
                client.starttls(context=unverified(version))
                self.assertEqual(client.ehlo().code, 250)
        mark = self.daemon.mark()
        for version in (TLS_1_0, TLS_1_1):
            with self.client("127.0.0.2") as client:
                client.ehlo()
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    client.starttls(context=unverified(version))
            self.daemon.wait("tls.failed", since=mark)

    # proves: T8
    def test_scan_of_ciphers(self):
        """Every cipher this OpenSSL knows, one by one, over TLS 1.2."""
        taken = set()
        for name in openssl("ciphers", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").decode().strip().split(":"):
            context = unverified(TLS_1_2)
            try:
                context.set_ciphers(name + ":@SECLEVEL=0")
            except ssl.SSLError:
                continue
            with self.client("127.0.0.2") as client:
                client.ehlo()
                try:
                    client.starttls(context=context)
                    taken.add(client.socket.cipher()[0])
                except (ssl.SSLError, ConnectionError):
                    pass
        self.assertEqual(taken, {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"})

    # proves: C104
    def test_s_client_with_and_without_a_certificate(self):
        own = self.certificates.make("own", "partner.example", into=self.certificates.work)
        for options in ([], ["-cert", own, "-key", own]):
            done = subprocess.run(
                ["openssl", "s_client", "-starttls", "smtp", "-connect", "127.0.0.1:%d" % self.port, "-name", "client.example",
                 "-crlf", "-quiet", "-ign_eof", *options], input=b"QUIT\n", capture_output=True, timeout=60)
            self.assertIn(b"221 2.0.0", done.stdout, done.stderr)

    # proves: C151 C152 facts-10.1
    def test_the_connectors_name_chooses(self):
        """Without SNI; each is a certificate of its own, one self-signed, one issued, one by TlsCertificateName."""
        self.assertEqual(self.shown("127.0.0.2"), fingerprint_of(self.self_signed))
        self.assertEqual(self.shown("127.0.0.5"), fingerprint_of(self.issued))
        self.assertEqual(self.shown("127.0.0.6"), fingerprint_of(self.named))
        context = ssl.create_default_context(cafile=self.certificates.ca()[0])
        with self.client("127.0.0.5") as client:
            client.ehlo()
            client.starttls(context=context, server_hostname="issued.contoso.com")
        with self.client("127.0.0.2") as client:
            client.ehlo()
            with self.assertRaises(ssl.SSLCertVerificationError):
                client.starttls(context=context, server_hostname=NAME)

    # proves: C186 contract-7
    def test_required_and_externally_secured(self):
        with self.client("127.0.0.8") as client:
            client.ehlo()
            self.assertReply(client.mail("ann@elsewhere.example"), NEED_TLS)
            client.starttls()
            client.send_message("ann@elsewhere.example", ["kate@fabrikam.com"])
        self.arrived()

    # proves: contract-7 facts-8.3
    def test_required(self):
        with self.client("127.0.0.9") as client:
            self.assertReply(client.mail("chris@contoso.com"), NEED_TLS)
            client.ehlo()
            for line in ("MAIL FROM:<chris@contoso.com>", "RCPT TO:<kate@fabrikam.com>", "DATA", "VRFY chris", "AUTH LOGIN"):
                self.assertReply(client.say(line), NEED_TLS)
            for line in ("NOOP", "RSET", "HELP", "HELO x"):
                self.assertLess(client.say(line).code, 300)
            client.starttls()
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
        refused = self.daemon.seen("mail.refused", reason="tls-required")
        self.assertTrue(refused)

    # proves: contract-3
    def test_required_by_ldapmodify_in_an_open_session(self):
        dn = self.organization.receive_dn("Tls")
        with self.client("127.0.0.3") as client:
            client.ehlo()
            self.assertEqual(client.mail("chris@contoso.com").code, 250)
            client.say("RSET")
            self.world.modify(change(dn, ("replace", RESTRICTIONS, REQUIRE_TLS)))
            try:
                def is_refused():
                    reply = client.mail("chris@contoso.com")
                    client.say("RSET")
                    self.assertReply(reply, NEED_TLS)
                self.assertWithin(1, is_refused)
            finally:
                self.world.modify(change(dn, ("delete", RESTRICTIONS)))

    # proves: F4
    def test_injection_behind_starttls(self):
        evil = b"EHLO evil\r\nMAIL FROM:<chris@contoso.com>\r\nRCPT TO:<kate@fabrikam.com>\r\n"
        with self.client("127.0.0.2") as client:
            client.ehlo()
            client.send(b"STARTTLS\r\n" + evil)
            self.assertEqual(client.reply().code, 554)
            self.assertTrue(client.at_end())
        for pieces in ((b"STARTTLS\r\n", evil), (b"START", b"TLS\r\n", evil[:1], evil[1:])):
            with self.client("127.0.0.2") as client:
                client.ehlo()
                for piece in pieces[:-1]:
                    client.send(piece)
                    eventually(client.is_read)
                client.send(pieces[-1])
                self.assertEqual(client.reply().code, 220)
                with self.assertRaises((ssl.SSLError, OSError, AssertionError)):
                    client.secure()
                    client.reply()
        with self.client("127.0.0.2") as client:
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"], b"Subject: honest\r\n\r\n")
        eventually(lambda: self.assertEqual(self.daemon.metrics()["dirrelay_queue_messages"], 0))
        self.assertEqual([message.fields("Subject") for message in self.sink.messages], [["honest"]])

    def test_tls_from_the_first_byte(self):
        with smtplib.SMTP_SSL("127.0.0.1", self.implicit_port, context=unverified(), timeout=20) as client:
            client.sendmail("chris@contoso.com", ["kate@fabrikam.com"], "Subject: x\r\n\r\ntext\r\n")
        self.assertRegex(self.arrived()[0].header.decode(), r"with ESMTPS \(TLS\) id ")
        with Client(self.implicit_port, greet=False) as client:
            client.send(b"EHLO x\r\n")
            received = client.socket.recv(1000)
            self.assertNotIn(b"220", received)
            self.assertNotIn(b"250", received)

    def test_every_ticket_resumes_on_every_loop(self):
        for version in (TLS_1_2, TLS_1_3):
            context, session = unverified(version), None
            for i in range(12):
                with self.client("127.0.0.2") as client:
                    client.ehlo()
                    client.starttls(context=context, session=session)
                    client.ehlo()
                    self.assertEqual(client.socket.session_reused, i > 0)
                    session = client.socket.session
                    self.assertTrue(session.has_ticket)
            with self.client("127.0.0.5") as client:  # a ticket of another connector
                client.ehlo()
                client.starttls(context=context, session=session)
                self.assertFalse(client.socket.session_reused)

    # proves: T9
    def test_half_handshakes_end_and_others_are_served(self):
        mark, half = self.daemon.mark(), []
        hello = self.client_hello()
        for i in range(100):
            client = self.client("127.0.0.10")
            client.ehlo()
            self.assertEqual(client.say("STARTTLS").code, 220)
            client.send(hello[:i])
            half.append(client)
        start = time.monotonic()
        with self.client("127.0.0.2") as client:
            client.ehlo()
            client.starttls()
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
        self.assertLess(time.monotonic() - start, 2)
        for client in half:  # trickling does not move the deadline
            try:
                client.send(hello[100:101])
            except OSError:
                pass

        def are_all_closed():
            self.assertGreaterEqual(len(self.daemon.seen("session.close", since=mark, state="closing", reason="idle-timeout")), 100)
        self.assertWithin(10, are_all_closed)
        for client in half:
            client.close()

    @staticmethod
    def client_hello():
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            unverified().wrap_bio(incoming, outgoing).do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    # proves: T9
    def test_records_of_one_byte(self):
        with self.client("127.0.0.2") as client:
            client.ehlo()
            client.starttls()
            for byte in b"EHLO client.example\r\n":
                client.send(bytes([byte]))
            self.assertEqual(client.reply().code, 250)
            line = b"X" * 20000
            for byte in line:
                client.socket.send(bytes([byte]))
            with self.client("127.0.0.3") as other:
                start = time.monotonic()
                self.assertEqual(other.ehlo().code, 250)
                self.assertLess(time.monotonic() - start, 1)
            self.assertEqual(client.reply().code, 500)

    # proves: T9
    def test_a_flood_of_handshakes(self):
        """16 clients that do nothing but shake hands; mail goes on beside them."""
        end, failures = time.monotonic() + 3, []

        def flood():
            while time.monotonic() < end:
                try:
                    with self.client("127.0.0.2") as client:
                        client.ehlo()
                        client.starttls()
                except (OSError, Closed) as error:
                    failures.append(error)
        threads = [threading.Thread(target=flood) for _ in range(16)]
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            with self.client("127.0.0.4") as client:
                start = time.monotonic()
                client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
                self.assertLess(time.monotonic() - start, 3)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    # proves: contract-4
    def test_explain(self):
        def replies(source, *options):
            report = self.daemon.cli("explain", "--client", source, "--local", "127.0.0.1:%d" % self.port,
                                     "--from", "chris@contoso.com", "--to", "kate@fabrikam.com", *options, json=True).json
            return [step["reply"] for step in report["dialogue"]]
        self.assertIn("250-STARTTLS", replies("127.0.0.2")[1])
        self.assertNotIn("STARTTLS", replies("127.0.0.2", "--tls")[1])
        self.assertEqual(replies("127.0.0.9")[2], NEED_TLS)
        self.assertEqual(replies("127.0.0.9", "--tls")[2], "250 2.1.0 Sender OK")


class Reload(TlsCase):
    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Tls", port, "127.0.0.0/8", auth=TLS)

    # proves: C150
    def test_reload_under_load(self):
        stop, failures, shown = threading.Event(), [], set()

        def work(number):
            while not stop.is_set():
                try:
                    with self.client("127.0.0.%d" % (number + 2)) as client:
                        client.ehlo()
                        client.starttls()
                        shown.add(fingerprint(client))
                        client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
                        client.quit()
                except Exception as error:
                    failures.append(error)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        try:
            for round in range(3):
                path = self.certificates.make("server", NAME)
                if round == 1:
                    self.daemon.signal(signal.SIGHUP)
                eventually(lambda: self.assertIn(fingerprint_of(path), shown), 10)
                self.assertEqual(self.shown("127.0.0.9"), fingerprint_of(path))
            # A broken file is named; what it held serves on.
            mark = self.daemon.mark()
            self.certificates.write("server.pem", "-----BEGIN CERTIFICATE-----\nMIIB")
            self.daemon.wait("certificate.refused", since=mark, message=lambda text: "server.pem" in text)
            self.assertTrue(self.offers("127.0.0.9"))
            self.certificates.make("server", NAME)
            self.daemon.wait("certificate.loaded", since=mark)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])

    # proves: C150 facts-10.1
    def test_none_is_said_once(self):
        mark = self.daemon.mark()
        self.certificates.remove("server.pem")
        missing = self.daemon.wait("certificate.missing", since=mark)
        self.assertEqual(missing["connectors"], ["Mailbox01\\Tls"])
        self.assertFalse(self.offers("127.0.0.2"))
        with self.client("127.0.0.2") as client:
            client.ehlo()
            self.assertReply(client.say("STARTTLS"), "502 5.3.3 Command not implemented")
        self.daemon.signal(signal.SIGHUP)
        self.daemon.wait("config.reloaded", since=mark)
        self.certificates.make("server", NAME)
        eventually(lambda: self.offers("127.0.0.2"))
        self.assertEqual(len(self.daemon.seen("certificate.missing", since=mark)), 1)
        # An expired one is offered all the same.
        self.certificates.make("server", NAME, expired=True)
        self.daemon.wait("certificate.expired", since=mark)
        self.assertTrue(self.offers("127.0.0.2"))
        self.certificates.make("server", NAME)


class Legacy(TlsCase):
    settings = {"tls.profile": "legacy"}

    @classmethod
    def provide(cls, certificates):
        certificates.make("server", NAME, rsa=True)

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Tls", port, "127.0.0.0/8", auth=TLS)

    # proves: C143 T8 contract-2
    def test_old_versions_are_taken_and_that_is_said(self):
        self.daemon.wait("tls.legacy")
        for version in (TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3):
            with self.client("127.0.0.2") as client:
                client.ehlo()
                client.starttls(context=unverified(version))
                self.assertEqual(client.ehlo().code, 250)


if __name__ == "__main__":
    unittest.main()
