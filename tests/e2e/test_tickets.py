"""AUTH GSSAPI and NTLM against the daemon: a KDC, people of a directory, clients of python3-gssapi."""

import base64
import hashlib
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest

from lib.certificates import Certificates
from lib.dirrelay import SANITIZED
from lib.gss_login import first_token, log_in
from lib.kdc import Kdc
from lib.people import People
from lib.smtp import Client as Smtp
from lib.world import World

TLS, INTEGRATED, REQUIRE_TLS = 1, 2, 8
HOST, CLIENT_ADDRESS, BOUND, LENIENT = "mail.contoso.com", "127.0.0.2", "127.0.0.3", "127.0.0.4"
# gss-ntlmssp loses OpenSSL's context of each exchange (tests/lsan.supp); telling it apart would make every malloc slow.
WITHOUT_LEAKS = {"ASAN_OPTIONS": SANITIZED.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
RIGHTS = ["allow ms-Exch-SMTP-Submit to authenticated", "allow ms-Exch-SMTP-Accept-Any-Sender to authenticated",
          "allow ms-Exch-SMTP-Accept-Any-Recipient to cn=relay,ou=groups,dc=contoso,dc=com"]
CLOCK_SKEW_S = 5
REALMS = """ EVIL.TEST = {
  kdc = 127.0.0.1:%d
 }
[domain_realm]
 .contoso.com = CONTOSO.COM
[libdefaults]
 clockskew = %d
"""


class Integrated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.evil = cls.enterClassContext(Kdc("EVIL.TEST"))
        cls.kdc = cls.enterClassContext(Kdc("CONTOSO.COM", more=REALMS % (cls.evil.port, CLOCK_SKEW_S)))
        for name in ("alice", "dora", "nobody", "retired"):
            cls.kdc.add(name, "secret")
        cls.evil.add("alice", "secret")
        cls.kdc.trust(cls.evil)
        directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="dr-ntlm-"))
        os.chmod(directory, 0o755)
        with open(os.path.join(directory, "users"), "w") as file:
            file.write("CONTOSO:alice:secret\nCONTOSO:ghost:secret\n")
        os.chmod(file.name, 0o644)
        cls.ntlm = {"NTLM_USER_FILE": file.name}
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)
        cls.certificates.make("server", HOST)
        cls.world = cls.enterClassContext(World(
            cls.organize, {"sasl.keytab": cls.kdc.keytab("smtp/" + HOST), "auth.failures_per_source": "100 in 1s",
                           "tls.certificate_dir": cls.certificates.path},
            env={**cls.kdc.server_environment, **cls.ntlm, **WITHOUT_LEAKS}))

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Integrated", port, [CLIENT_ADDRESS], auth=INTEGRATED, aces=RIGHTS, msExchSMTPReceiveConnectorFQDN=HOST)
        for name, source, policy in (("Bound", BOUND, "2"), ("Lenient", LENIENT, "1")):
            org.receive(name, port, [source], auth=TLS + INTEGRATED, aces=RIGHTS, msExchSMTPReceiveConnectorFQDN=HOST,
                        msExchSmtpReceiveProtocolRestrictions=str(REQUIRE_TLS), msExchSMTPExtendedProtectionPolicy=policy)
        org.receive("Local", port, ["127.0.0.1"], auth=INTEGRATED, aces=RIGHTS, msExchSMTPReceiveConnectorFQDN=HOST)
        people = People()
        people.person("alice", "other")
        people.person("dora", "other")
        people.person("retired", "other", objectClass="shadowAccount", shadowExpire="1")
        people.group("relay", [people.dn("alice")])
        org.records.append(people.ldif())

    def log_in(self, mechanism, environment, *arguments, initial=True):
        """(the open session, the last reply)"""
        smtp = Smtp(self.world.port, source=CLIENT_ADDRESS)
        self.addCleanup(smtp.close)
        self.assertIn("AUTH GSSAPI NTLM", smtp.ehlo().lines)
        prompt = "334 " if mechanism == "GSSAPI" else "334 NTLM supported"
        return smtp, log_in(smtp, "AUTH " + mechanism, arguments, environment, None if initial else prompt)

    def kinit(self, kdc, name, *options):
        """An environment with that ticket alone; clients are of the realm that serves."""
        cache = "FILE:" + kdc.path("tickets-" + name)
        environment = {**kdc.environment, "KRB5_CONFIG": self.kdc.environment["KRB5_CONFIG"], "KRB5CCNAME": cache}
        subprocess.run(["kinit", *options, "%s@%s" % (name, kdc.realm)], input="secret\n", text=True, check=True, capture_output=True,
                       env=environment)
        return environment

    # proves: C113 C114 contract-5
    def test_a_ticket_is_its_account(self):
        environment = self.kinit(self.kdc, "alice")
        for kind in ("sasl", "spnego"):
            for initial in (True, False):
                with self.subTest(kind=kind, initial=initial):
                    mark = self.world.daemon.mark()
                    smtp, reply = self.log_in("GSSAPI", environment, kind, HOST, initial=initial)
                    self.assertEqual(reply.text, "235 2.7.0 Authentication successful")
                    self.world.daemon.wait("auth.ok", since=mark, user="alice", mechanism="GSSAPI")
                    self.assertEqual(smtp.mail("a@b.example").code, 250)
                    self.assertEqual(smtp.rcpt("kate@fabrikam.com").code, 250)

    def test_rights_are_the_tokens(self):
        smtp, reply = self.log_in("GSSAPI", self.kinit(self.kdc, "dora"), "sasl", HOST)
        self.assertEqual(reply.code, 235)
        self.assertEqual(smtp.mail("a@b.example").code, 250)
        self.assertEqual(smtp.rcpt("kate@fabrikam.com").code, 550)

    # proves: T4
    def test_who_is_nobody_here_is_refused(self):
        for kdc, name in ((self.kdc, "nobody"), (self.evil, "alice")):
            environment = self.kinit(kdc, name)
            for kind in ("sasl", "spnego"):
                with self.subTest(realm=kdc.realm, kind=kind):
                    mark = self.world.daemon.mark()
                    _, reply = self.log_in("GSSAPI", environment, kind, HOST)
                    self.assertEqual(reply.text, "535 5.7.3 Authentication unsuccessful")
                    why = self.world.daemon.wait("auth.fail", since=mark, mechanism="GSSAPI")["why"]
                    self.assertIn("%s@%s" % (name, kdc.realm), why)

    # proves: T4
    def test_a_ticket_that_comes_too_late_or_twice(self):
        late = {}
        for what, life in (("expired", "1s"), ("skewed", "1h")):
            for kind in ("sasl", "spnego"):
                late[what, kind] = first_token([kind, HOST], self.kinit(self.kdc, "alice", "-l", life))
        until = time.monotonic() + CLOCK_SKEW_S + 2
        twice = first_token(["sasl", HOST], self.kinit(self.kdc, "alice"))
        self.assertEqual([self.say_first(twice).code for _ in range(2)], [334, 535])
        time.sleep(max(0, until - time.monotonic()))  # what is tested is that time goes by
        for case, token in late.items():
            with self.subTest(case=case):
                self.assertEqual(self.say_first(token).text, "535 5.7.3 Authentication unsuccessful")

    def say_first(self, token):
        smtp = Smtp(self.world.port, source=CLIENT_ADDRESS)
        self.addCleanup(smtp.close)
        smtp.ehlo()
        return smtp.say("AUTH GSSAPI " + token)

    # proves: D8
    def test_an_expired_account_with_a_good_ticket(self):
        mark = self.world.daemon.mark()
        _, reply = self.log_in("GSSAPI", self.kinit(self.kdc, "retired"), "sasl", HOST)
        self.assertEqual(reply.text, "535 5.7.3 Authentication unsuccessful")
        self.assertIn("shadowExpire", self.world.daemon.wait("auth.fail", since=mark, mechanism="GSSAPI")["why"])

    # proves: C114 contract-5
    def test_ntlm(self):
        environment = {**os.environ, **self.ntlm}
        for initial in (True, False):
            _, reply = self.log_in("NTLM", environment, "ntlm", HOST, "CONTOSO\\alice", "secret", initial=initial)
            self.assertEqual(reply.code, 235)
        for user, password in (("CONTOSO\\alice", "wrong"), ("CONTOSO\\ghost", "secret"), ("CONTOSO\\nobody", "x")):
            with self.subTest(user=user):
                _, reply = self.log_in("NTLM", environment, "ntlm", HOST, user, password)
                self.assertEqual(reply.text, "535 5.7.3 Authentication unsuccessful")

    def run_client(self, environment, *command, expected):
        """A real client, whose connector is that of 127.0.0.1."""
        if not shutil.which(command[0]):
            self.skipTest("no " + command[0])
        mark = self.world.daemon.mark()
        done = subprocess.run(command, input="QUIT\n", capture_output=True, text=True, timeout=60, env=environment)
        self.assertIn("235 2.7.0", done.stdout + done.stderr)
        self.assertEqual(self.world.daemon.wait("auth.ok", since=mark, user="alice")["mechanism"], expected)

    # proves: C113 C114
    def test_curl_and_gsasl(self):
        """curl's SPN is of the host it connects to, gsasl's of --hostname."""
        ticket = self.kinit(self.kdc, "alice")
        mail = ["--mail-from", "a@b.example", "--mail-rcpt", "kate@fabrikam.com", "-T", "-"]
        url = ["--connect-to", "%s:25:127.0.0.1:%d" % (HOST, self.world.port), "smtp://%s:25" % HOST, *mail]
        self.run_client(ticket, "curl", "-sv", "--login-options", "AUTH=GSSAPI", "--user", "alice@CONTOSO.COM:", *url,
                        expected="GSSAPI")
        self.run_client(dict(os.environ), "curl", "-sv", "--login-options", "AUTH=NTLM", "--user", "CONTOSO\\alice:secret", *url,
                        expected="NTLM")
        self.run_client(ticket, "gsasl", "--smtp", "--connect", "127.0.0.1:%d" % self.world.port, "--no-starttls", "--mechanism",
                        "GSSAPI", "-a", "alice", "-z", "", "--hostname", HOST, "--service", "smtp", "--quiet", expected="GSSAPI")

    def log_in_through(self, source, certificate, kind):
        """The last reply to a client that sees this certificate (DER, None: says nothing of it); the TLS is the server's."""
        ntlm = kind == "ntlm"
        environment = {**os.environ, **self.ntlm} if ntlm else self.kinit(self.kdc, "alice")
        with Smtp(self.world.port, source=source) as smtp:
            self.assertNotIn("AUTH", smtp.ehlo().text)
            smtp.starttls()
            smtp.ehlo()
            said = []
            if certificate:
                channel = b"tls-server-end-point:" + hashlib.sha256(certificate).digest()
                said = ["--channel", base64.b64encode(channel).decode()]
            user = ["CONTOSO\\alice", "secret"] if ntlm else []
            return log_in(smtp, "AUTH NTLM" if ntlm else "AUTH GSSAPI", [*said, kind, HOST, *user], environment).code

    # proves: T5 facts-1.3
    def test_a_login_that_is_handed_on_from_another_channel(self):
        with open(self.certificates.path + "/server.pem") as file:
            ours = ssl.PEM_cert_to_DER_cert(file.read().partition("-----BEGIN PRIVATE")[0])
        with open(self.certificates.make("other", HOST, into=self.certificates.work)) as file:
            others = ssl.PEM_cert_to_DER_cert(file.read().partition("-----BEGIN PRIVATE")[0])
        for kind in ("sasl", "spnego", "ntlm"):
            for source, certificate, code in ((BOUND, ours, 235), (BOUND, others, 535), (BOUND, None, 535),
                                              (LENIENT, ours, 235), (LENIENT, others, 535), (LENIENT, None, 235)):
                with self.subTest(kind=kind, source=source, certificate=certificate and certificate is ours):
                    self.assertEqual(self.log_in_through(source, certificate, kind), code)

    def test_what_works_is_said_at_the_start(self):
        self.world.daemon.wait("auth.mechanism", since=0, message="GSSAPI works")
        self.world.daemon.wait("auth.mechanism", since=0, message="NTLM works")


if __name__ == "__main__":
    unittest.main()
