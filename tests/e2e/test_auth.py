"""AUTH against a directory with people: real clients, hostile ones, groups that change while a session is open."""

import base64
import os
import shutil
import signal
import smtplib
import ssl
import subprocess
import unittest

from lib.certificates import Certificates
from lib.organization import change
from lib.people import People
from lib.smtp import Closed, eventually
from lib.world import Case, World

TLS, BASIC, BASIC_REQUIRE_TLS = 1, 4, 8
SUBMIT = "allow ms-Exch-SMTP-Submit to authenticated"
SENDER = "allow ms-Exch-SMTP-Accept-Any-Sender,ms-Exch-SMTP-Accept-Authoritative-Domain-Sender to authenticated"
RELAY = "allow ms-Exch-SMTP-Accept-Any-Recipient to cn=relay,ou=groups,dc=contoso,dc=com"
DENY = "deny ms-Exch-SMTP-Accept-Any-Recipient to cn=banned,ou=groups,dc=contoso,dc=com"
SUCCESS, FAILURE = "235 2.7.0 Authentication successful", "535 5.7.3 Authentication unsuccessful"
OPEN, PROTECTED, ANONYMOUS, OWN = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
NOT_AS_THIS = "550 5.7.1 Client does not have permission to send as this sender"
CANARY = "kanarienvogel-4711"


def plain(user, password, authzid=""):
    return base64.b64encode(b"\0".join(part if isinstance(part, bytes) else part.encode()
                                       for part in (authzid, user, password))).decode()


def encode(text):
    return base64.b64encode(text.encode()).decode()


class AuthCase(Case):
    # Each test guesses from an address of its own only where it counts.
    config = {"auth.failures_per_source": "100 in 1s"}

    @classmethod
    def organize(cls, org, port, sink):
        org.receive("Users", port, [OPEN, "127.0.1.0/24"], auth=BASIC, aces=[SUBMIT, SENDER, RELAY, DENY])
        org.receive("Protected", port, [PROTECTED], auth=TLS + BASIC + BASIC_REQUIRE_TLS, aces=[SUBMIT, SENDER, RELAY],
                    msExchSMTPReceiveConnectorFQDN="mailbox01.contoso.com")
        org.receive("Anonymous", port, [ANONYMOUS], auth=BASIC, groups="AnonymousUsers")
        org.receive("Own", port, [OWN], auth=BASIC, aces=[SUBMIT])
        cls.people = people = People()
        people.person("alice", CANARY, mail="alice@contoso.com")
        people.person("bob", "secret", mail=["bob@contoso.com", "shared@contoso.com"])
        people.person("carl", "secret", mail="shared@contoso.com")
        people.person("dora", "secret")
        people.person("ines", "secret", **{"uid:": encode("jos\u00e9")})
        people.person("iris", "secret", **{"uid:": encode("jose\u0301")})
        people.group("staff", [people.dn("alice")])
        people.group("relay", [people.group_dn("staff")])
        people.group("banned", [people.dn("carl")])
        org.records.append(people.ldif())

    def login(self, user, password, source=OPEN, **options):
        client = self.client(source, **options)
        self.addCleanup(client.close)
        client.ehlo()
        reply = client.say("AUTH PLAIN " + plain(user, password))
        return client, reply.text

    def may_relay(self, client):
        """At the next MAIL of the open session."""
        client.say("RSET")
        self.assertEqual(client.mail("a@b.example").code, 250)
        return client.rcpt("kate@fabrikam.com").code == 250


class Senders(AuthCase):
    # proves: C269 F1 D4 facts-8.4 contract-5
    def test_own_addresses_and_no_others(self):
        client, reply = self.login("bob", "secret", source=OWN)
        self.assertEqual(reply, SUCCESS)
        for sender in ("bob@contoso.com", "BOB@Contoso.com"):
            self.assertEqual(client.mail(sender).text, "250 2.1.0 Sender OK")
            client.say("RSET")
        for sender in ("alice@contoso.com", "shared@contoso.com", "nobody@contoso.com", "*@contoso.com", "bob@fabrikam.com"):
            self.assertEqual(client.mail(sender).text, NOT_AS_THIS, sender)

    # proves: F1 facts-8.4
    def test_nobody_sends_on_behalf(self):
        client, _ = self.login("bob", "secret", source=OWN)
        for address in ("alice@contoso.com", "shared@contoso.com"):
            client.mail("bob@contoso.com")
            client.rcpt("bob@contoso.com")
            client.say("DATA")
            reply = client.say(f"Sender: bob@contoso.com\r\nFrom: <{address}>\r\n\r\nx\r\n.")
            self.assertEqual(reply.text, "550 5.7.1 Client does not have permission to send on behalf of the from address")

    # proves: F15 facts-8.4
    def test_the_header_is_the_senders(self):
        client, _ = self.login("bob", "secret", source=OWN)
        for address, code in (("bob@contoso.com", 250), ("Bob@contoso.com", 250), ("alice@contoso.com", 550), ("shared@contoso.com", 550)):
            client.mail("bob@contoso.com")
            self.assertEqual(client.rcpt("bob@contoso.com").code, 250)
            self.assertEqual(client.say("DATA").code, 354)
            self.assertEqual(client.say(f"From: <{address}>\r\nSubject: x\r\n\r\nx\r\n.").code, code, address)


class Logins(AuthCase):
    # proves: C88 C95 C111 C113 C122 C266 C102 C188
    def test_right_and_wrong(self):
        client, reply = self.login("alice", CANARY)
        self.assertEqual(reply, SUCCESS)
        self.assertTrue(self.may_relay(client))
        client, reply = self.login("bob", "secret")
        self.assertEqual(reply, SUCCESS)
        self.assertFalse(self.may_relay(client))
        client, reply = self.login("alice", "wrong")
        self.assertEqual(reply, FAILURE)
        self.assertEqual(client.mail("a@b.example").text, "530 5.7.1 Client was not authenticated")

    # proves: C121 contract-5
    def test_login_prompts(self):
        with self.client(OPEN) as client:
            self.assertIn("AUTH LOGIN PLAIN", client.ehlo().lines)
            self.assertEqual(client.say("AUTH LOGIN").text, "334 VXNlcm5hbWU6")
            self.assertEqual(client.say(encode("alice@contoso.com")).text, "334 UGFzc3dvcmQ6")
            self.assertEqual(client.say(encode(CANARY)).text, SUCCESS)

    # proves: C267
    def test_an_account_without_submit_here(self):
        client, reply = self.login("alice", CANARY, source=ANONYMOUS)
        self.assertEqual(reply, FAILURE)
        self.assertEqual(client.mail("a@b.example").code, 250)  # anonymous as before

    # proves: D1 D2
    def test_empty_passwords_and_other_identities(self):
        for credentials in (("alice", ""), ("alice", b"\0" + CANARY.encode()), ("", ""), ("", CANARY),
                            ("alice", CANARY, "bob"), ("alice", CANARY, "admin")):
            with self.client(OPEN) as client:
                client.ehlo()
                self.assertIn(client.say("AUTH PLAIN " + plain(*credentials)).code, (535, 501), credentials)
        with self.client(OPEN) as client:
            client.ehlo()
            self.assertEqual(client.say("AUTH PLAIN " + plain("alice", CANARY, "alice")).text, SUCCESS)
        for password in (" ", "\t"):
            self.assertEqual(self.login("alice", password)[1], FAILURE)

    # proves: D3 D4
    def test_names_that_mean_nobody_or_too_many(self):
        for name in ("*", "a*", "*)(uid=*", ")(|(a=*", "\\00", "a,dc=x", "cn=a+uid=b", "#alice", "nobody",
                     "shared@contoso.com", self.people.group_dn("staff"), "x" * 1000, "x" * 10240, " alice", b"\xff\xfe",
                     b"al\xc0\xafice", "alice\nbob", "ali\u0441e"):
            self.assertIn(self.login(name, CANARY)[1][:3], ("535", "501"), name)
        for name in ("ALICE", "Alice@Contoso.com"):  # the directory's own comparison
            self.assertEqual(self.login(name, CANARY)[1], SUCCESS, name)

    # proves: D4
    def test_names_that_are_equal_to_the_directory(self):
        """Composed and decomposed, in capitals: one name, and two have it."""
        mark = self.daemon.mark()
        for name in ("jos\u00e9", "jose\u0301", "JOS\u00c9"):
            self.assertEqual(self.login(name, "secret")[1], FAILURE, name)
        self.assertEqual(["ambiguous" in event["why"] for event in self.daemon.seen("auth.fail", since=mark)], [True] * 3)
        for name in ("ines", "iris"):
            self.assertEqual(self.login(name, "secret")[1], SUCCESS, name)

    def test_a_guesser_hears_421(self):
        with self.client(OPEN) as client:
            client.ehlo()
            for _ in range(3):
                self.assertEqual(client.say("AUTH PLAIN " + plain("alice", "wrong")).text, FAILURE)
            self.assertEqual(client.say("AUTH PLAIN " + plain("alice", "wrong")).code, 421)
            self.assertTrue(client.at_end())

    # proves: T2
    def test_a_burst_of_guesses_binds_no_oftener_than_allowed(self):
        """All of them stand before the password first: no failure is known when they give it."""
        with World(self.organize, {"auth.failures_per_source": "5 in 10m"}) as world:
            mark = world.daemon.mark()
            clients = [world.client(OPEN) for _ in range(20)]
            for client in clients:
                self.addCleanup(client.close)
                client.ehlo()
                client.say("AUTH LOGIN " + encode("alice"))
            for client in clients:
                client.send(encode("wrong").encode() + b"\r\n")
            self.assertEqual(sorted(client.reply().code for client in clients), [421] * 15 + [535] * 5)
            binds = [event for event in world.daemon.seen("auth.fail", since=mark) if "bind" in event.get("why", "")]
            self.assertEqual(len(binds), 5)

    # proves: contract-6 C107
    def test_events_and_metrics(self):
        mark = self.daemon.mark()
        client, _ = self.login("alice", CANARY)
        event = self.daemon.wait("auth.ok", since=mark, user="alice", client=client.address)
        self.assertEqual((event["mechanism"], event["sids"]), ("PLAIN", len(["self", "staff", "relay", 3, 4, 5])))
        self.assertIn("ms-Exch-SMTP-Accept-Any-Recipient", event["rights"])
        client, _ = self.login("alice", "wrong")
        self.daemon.wait("auth.fail", since=mark, client=client.address, reply="535 5.7.3")
        self.assertGreater(self.daemon.metrics()['dirrelay_auth_total{mechanism="PLAIN",result="ok"}'], 0)

    # proves: contract-1
    def test_what_does_not_work_here_is_said_once(self):
        def told():
            return [event["message"] for event in self.daemon.seen("auth.mechanism")]

        self.daemon.wait("auth.mechanism", since=0, message=lambda text: text.startswith("NTLM"))
        before = told()
        self.assertEqual([line.split()[0] for line in before if "is not offered" in line], ["GSSAPI", "NTLM"])
        for _ in range(2):  # what works is looked at behind the first, before the second
            mark = self.daemon.mark()
            self.daemon.signal(signal.SIGHUP)
            self.daemon.wait("config.reloaded", since=mark)
        self.assertEqual(told(), before)

    def test_mail_goes_out_and_says_how_it_came(self):
        client, _ = self.login("alice", CANARY)
        client.send_message("alice@contoso.com", ["kate@fabrikam.com"], b"Subject: by AUTH\r\n\r\nx\r\n")
        message = self.arrived()[0]
        self.assertIn(b" with ESMTPA id ", message.content.replace(b"\r\n ", b" "))


class Changes(AuthCase):
    """A group or account that changes is in force at the next MAIL of an open session within 2 s."""

    def add(self, group, uid):
        self.slapd.modify(change(self.people.group_dn(group), ("add", "member", self.people.dn(uid))))

    def remove(self, group, uid):
        self.slapd.modify(change(self.people.group_dn(group), ("delete", "member", self.people.dn(uid))))

    # proves: D8 C95 C200
    def test_into_and_out_of_a_group(self):
        client, _ = self.login("dora", "secret")
        self.assertFalse(self.may_relay(client))
        self.add("staff", "dora")  # staff is in relay
        self.assertWithin(2, lambda: self.may_relay(client))
        self.remove("staff", "dora")
        self.assertWithin(2, lambda: not self.may_relay(client))

    # proves: D8
    def test_into_a_group_that_is_denied(self):
        client, _ = self.login("alice", CANARY)
        self.assertTrue(self.may_relay(client))
        self.add("banned", "alice")
        self.assertWithin(2, lambda: not self.may_relay(client))
        self.remove("banned", "alice")
        self.assertWithin(2, lambda: self.may_relay(client))

    # proves: D8 C268
    def test_an_account_that_is_removed(self):
        people = People()
        self.slapd.add(people.person_ldif("eve", "secret"))
        client, reply = self.login("eve", "secret")
        self.assertEqual(reply, SUCCESS)
        self.slapd.delete(people.dn("eve"))
        refusal = "550 5.7.1 Client does not have permission to submit to this server"
        self.assertWithin(2, lambda: client.say("RSET") and client.mail("a@b.example").text == refusal)
        self.assertEqual(self.login("eve", "secret")[1], FAILURE)

    # proves: D8
    def test_an_account_that_expires(self):
        self.slapd.add(self.people.person_ldif("fay", "secret", objectClass="shadowAccount"))
        client, reply = self.login("fay", "secret")
        self.assertEqual(reply, SUCCESS)
        self.slapd.modify(change(self.people.dn("fay"), ("replace", "shadowExpire", "1")))
        refusal = "550 5.7.1 Client does not have permission to submit to this server"
        self.assertWithin(2, lambda: client.say("RSET") and client.mail("a@b.example").text == refusal)
        self.assertEqual(self.login("fay", "secret")[1], FAILURE)

    # proves: D7
    def test_the_directory_is_away(self):
        client, _ = self.login("alice", CANARY)
        self.slapd.stop()
        try:
            reply = self.login("alice", CANARY)[1]
            self.assertEqual(reply, "454 4.7.0 Temporary authentication failure")
            self.assertTrue(self.may_relay(client))  # nothing is known to have changed
        finally:
            self.slapd.start()
        self.assertWithin(20, lambda: self.login("alice", CANARY)[1] == SUCCESS)


class Secured(AuthCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)
        cls.certificates.make("server", "mailbox01.contoso.com")
        cls.config = {"tls.certificate_dir": cls.certificates.path, **AuthCase.config}
        super().setUpClass()

    # proves: C123 T1
    def test_passwords_inside_tls_only(self):
        with self.client(PROTECTED) as client:
            self.assertNotIn("AUTH", client.ehlo().text)
            self.assertEqual(client.say("AUTH PLAIN " + plain("alice", CANARY)).code, 538)
            client.starttls()
            self.assertIn("AUTH LOGIN PLAIN", client.ehlo().lines)
            self.assertEqual(client.say("AUTH PLAIN " + plain("alice", CANARY)).text, SUCCESS)
            self.assertTrue(self.may_relay(client))

    # proves: F4
    def test_a_login_injected_before_tls(self):
        auth = b"AUTH PLAIN %s\r\n" % plain("alice", CANARY).encode()
        for pieces in ((b"STARTTLS\r\n" + auth,), (b"START", b"TLS\r\n" + auth), (b"STARTTLS\r\n", auth)):
            mark = self.daemon.mark()
            with self.client(PROTECTED) as client:
                address = client.address
                client.ehlo()
                try:
                    for piece in pieces:
                        client.send(piece)
                        if piece == b"STARTTLS\r\n":
                            client.reply()
                        elif piece is not pieces[-1]:
                            eventually(client.is_read)
                    client.secure()
                    client.ehlo()
                except (Closed, OSError, ssl.SSLError, AssertionError):
                    pass
            self.daemon.wait("session.close", since=mark, client=address)
            self.assertEqual(self.daemon.seen("auth.ok", since=mark), [])

    def run_client(self, *command, input=None, env=None):
        if not shutil.which(command[0]):
            self.skipTest("no " + command[0])
        done = subprocess.run(command, input=input, capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    MESSAGE = "From: alice@contoso.com\nTo: kate@fabrikam.com\nSubject: Test\n\nbody\n"

    def test_smtplib(self):
        with smtplib.SMTP("127.0.0.1", self.port, source_address=(PROTECTED, 0)) as client:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            client.starttls(context=context)
            client.login("alice", CANARY)
            client.sendmail("alice@contoso.com", ["kate@fabrikam.com"], self.MESSAGE)
        self.assertIn(b"ESMTPSA", self.arrived()[0].content)

    def test_swaks(self):
        for mechanism in ("PLAIN", "LOGIN"):
            self.run_client("swaks", "--server", "127.0.0.1:%d" % self.port, "--local-interface", OPEN,
                            "--auth", mechanism, "--auth-user", "alice", "--auth-password", CANARY, "--from",
                            "alice@contoso.com", "--to", "kate@fabrikam.com", "--silent", "3")
        self.arrived(2)

    def test_curl(self):
        for mechanism in ("PLAIN", "LOGIN"):
            self.run_client("curl", "-s", "-k", "--ssl-reqd", "--interface", PROTECTED, "smtp://127.0.0.1:%d" % self.port,
                            "--user", "alice:" + CANARY, "--login-options", "AUTH=" + mechanism, "--mail-from",
                            "alice@contoso.com", "--mail-rcpt", "kate@fabrikam.com", "-T", "-", input=self.MESSAGE)
        self.arrived(2)

    def test_msmtp(self):
        self.run_client("msmtp", "--host=127.0.0.1", "--port=%d" % self.port, "--source-ip=" + PROTECTED, "--tls=on",
                        "--tls-certcheck=off", "--auth=login", "--user=alice", "--passwordeval=echo " + CANARY,
                        "--from=alice@contoso.com", "kate@fabrikam.com", input=self.MESSAGE, env={"HOME": "/nonexistent"})
        self.arrived()

    def served(self, source):
        with self.client(source) as client:
            return client.greeting.code == 220

    def test_gsasl(self):
        if not shutil.which("gsasl"):
            self.skipTest("no gsasl")
        # It has no source address: the connector of 127.0.0.1 is another one.
        mark = self.daemon.mark()
        self.world.modify(self.organization.receive_ldif("Local", self.port, ["127.0.0.1"], auth=BASIC, aces=[SUBMIT]))
        self.assertWithin(5, lambda: self.served("127.0.0.1"))
        for mechanism in ("PLAIN", "LOGIN"):
            # Behind QUIT it writes to the closed connection and dies of that: its exit code says nothing.
            done = subprocess.run(["gsasl", "--smtp", "--connect", "127.0.0.1:%d" % self.port, "--no-starttls", "--mechanism",
                                   mechanism, "-a", "alice", "-z", "", "-p", CANARY, "--quiet"], input="QUIT\n",
                                  capture_output=True, text=True, timeout=60)
            self.assertIn(SUCCESS, done.stdout)
        self.assertWithin(5, lambda: len(self.daemon.seen("auth.ok", since=mark)) == 2)


class Secrets(AuthCase):
    config = {**AuthCase.config, "log.level": "debug"}

    # proves: T11
    def test_a_password_is_in_no_log_and_no_file(self):
        client, reply = self.login("alice", CANARY)
        self.assertEqual(reply, SUCCESS)
        client.send_message("alice@contoso.com", ["kate@fabrikam.com"], b"Subject: Test\r\n\r\nx\r\n")
        with self.client(OPEN) as other:
            other.ehlo()
            other.say("AUTH LOGIN")
            other.say(encode("alice"))
            other.say(encode(CANARY) + "!")
            other.say("AUTH PLAIN " + plain("alice", CANARY) + " " + encode(CANARY))
            other.say("AUTH " + encode(CANARY))
        needles = [CANARY.encode(), encode(CANARY).encode(), plain("alice", CANARY).encode()]
        self.arrived()
        log = repr(self.daemon.seen()).encode()
        for folder, _, names in os.walk(self.daemon.folder):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        log += file.read()
        for needle in needles:
            self.assertNotIn(needle, log)


if __name__ == "__main__":
    unittest.main()
