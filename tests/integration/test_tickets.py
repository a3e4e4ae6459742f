#!/usr/bin/python3
"""AUTH GSSAPI with a real KDC, NTLM with gss-ntlmssp's file of users: the authenticator behind tests/tools/auth_probe.c,
clients of python3-gssapi."""

import base64
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib.auth_probe import HOST, AuthProbe  # noqa: E402
from lib.kdc import Kdc  # noqa: E402

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLIENT = os.path.join(TESTS, "lib", "gss_client.py")


class Client:
    """tests/lib/gss_client.py: a token a line."""

    def __init__(self, environment, *arguments):
        self.process = subprocess.Popen(["/usr/bin/python3", CLIENT, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def token(self, challenge=None):
        if challenge is not None:
            self.process.stdin.write((challenge or "=") + "\n")
            self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")


def log_in(probe, mechanism, environment, *arguments, begins_with=None, change=lambda number, token: token):
    """What the last answer of the authenticator was: (verb, rest)."""
    with Client(environment, *arguments) as client:
        token, number = client.token(), 0
        if begins_with is None:
            verb, rest = probe.say("start", mechanism, change(number, token))
        else:
            verb, rest = probe.say("start", mechanism)
            assert (verb, rest) == ("challenge", begins_with), (verb, rest)
            verb, rest = probe.say("step", change(number, token))
        while verb == "challenge":
            number += 1
            token = client.token(rest)
            verb, rest = probe.say("step", change(number, token))
        return verb, rest


class Tickets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kdc = cls.enterClassContext(Kdc("EXAMPLE.TEST"))
        cls.kdc.add("alice", "secret")
        cls.kdc.keytab("smtp/other.example.test", name="other.keytab")
        cls.keytab = cls.kdc.keytab("smtp/" + HOST)
        cls.kdc.keytab("ldap/" + HOST, name="ldap.keytab")
        cls.kdc.kinit("alice", "secret")

    def probe(self, keytab=None):
        return AuthProbe(self.kdc.environment, "--keytab", keytab or self.keytab)

    # proves: T4
    def test_rfc_4752(self):
        with self.probe() as probe:
            self.assertIn("GSSAPI", probe.offered())
            for begins_with in (None, ""):
                self.assertEqual(log_in(probe, "GSSAPI", self.kdc.environment, "sasl", HOST, begins_with=begins_with),
                                 ("done", "kerberos alice@EXAMPLE.TEST"))

    # proves: T4
    def test_spnego_under_the_same_name(self):
        with self.probe() as probe:
            self.assertEqual(log_in(probe, "GSSAPI", self.kdc.environment, "spnego", HOST),
                             ("done", "kerberos alice@EXAMPLE.TEST"))

    def test_an_authzid_is_ones_own(self):
        with self.probe() as probe:
            for name, verb in (("alice@EXAMPLE.TEST", "done"), ("bob", "refused"), ("bob@EXAMPLE.TEST", "refused")):
                with self.subTest(name=name):
                    self.assertEqual(log_in(probe, "GSSAPI", self.kdc.environment, "sasl", HOST, name)[0], verb)

    # proves: T4
    def test_no_security_layer_is_made(self):
        with self.probe() as probe:
            for layer in ("2", "4", "6"):
                with self.subTest(layer=layer):
                    verb, _ = log_in(probe, "GSSAPI", self.kdc.environment, "sasl", HOST, "", layer)
                    self.assertIn(verb, ("refused", "malformed"))

    # proves: T4
    def test_a_key_of_another_service_or_host_takes_nobody_in(self):
        with self.probe(self.kdc.path("other.keytab")) as probe:
            self.assertEqual(log_in(probe, "GSSAPI", self.kdc.environment, "sasl", HOST)[0], "refused")
        for keytab in ("ldap.keytab", "nonexistent.keytab", "krb5.conf"):
            with self.subTest(keytab=keytab), self.probe(self.kdc.path(keytab)) as probe:
                self.assertNotIn("GSSAPI", probe.offered())

    def test_any_host_where_krb5_conf_says_so(self):
        with open(self.kdc.path("krb5.conf")) as file:
            text = file.read()
        with open(self.kdc.path("any-host.conf"), "w") as file:
            file.write(text.replace("[libdefaults]\n", "[libdefaults]\n ignore_acceptor_hostname = true\n"))
        environment = {**self.kdc.environment, "KRB5_CONFIG": self.kdc.path("any-host.conf")}
        with AuthProbe(environment, "--keytab", self.kdc.path("other.keytab")) as probe:
            self.assertEqual(log_in(probe, "GSSAPI", self.kdc.environment, "sasl", "other.example.test")[0], "done")
        with self.probe(self.kdc.path("other.keytab")) as probe:
            self.assertEqual(log_in(probe, "GSSAPI", self.kdc.environment, "sasl", "other.example.test")[0], "refused")

    # proves: T4
    def test_ntlm_inside_spnego_takes_nobody_in(self):
        with tempfile.NamedTemporaryFile("w") as users:
            users.write("CONTOSO:alice:secret\n")
            users.flush()
            environment = {**self.kdc.environment, "NTLM_USER_FILE": users.name}
            with AuthProbe(environment, "--keytab", self.keytab) as probe:
                self.assertEqual(log_in(probe, "GSSAPI", environment, "spnego-ntlm", HOST, "CONTOSO\\alice", "secret")[0],
                                 "refused")

    def test_a_keytab_that_comes_is_found(self):
        path = self.kdc.path("later.keytab")
        with self.probe(path) as probe:
            self.assertNotIn("GSSAPI", probe.offered())
            self.kdc.keytab("smtp/late.example.test", name="later.keytab")
            self.assertIn("GSSAPI", probe.say("look")[1])

    # proves: T4
    def test_changed_and_cut_tokens_are_refused(self):
        def cut(number, token):
            return base64.b64encode(base64.b64decode(token)[:-7]).decode() if number == 0 else token

        def flip(number, token):
            if number != 0:
                return token
            data = bytearray(base64.b64decode(token))
            data[len(data) // 2] ^= 1
            return base64.b64encode(data).decode()

        with self.probe() as probe:
            for kind in ("sasl", "spnego"):
                for change in (cut, flip):
                    with self.subTest(kind=kind, change=change.__name__):
                        verb, _ = log_in(probe, "GSSAPI", self.kdc.environment, kind, HOST, change=change)
                        self.assertIn(verb, ("refused", "malformed"))
            for token in ("=", "YQ==", base64.b64encode(b"\x60\x84" + b"\xff" * 40).decode()):
                with self.subTest(token=token):
                    self.assertIn(probe.say("start", "GSSAPI", token)[0], ("refused", "malformed", "challenge"))

    # proves: T4
    def test_a_replayed_token_is_refused(self):
        first = []

        def keep(number, token):
            if number == 0:
                first.append(token)
            return token

        with self.probe() as probe:
            self.assertEqual(log_in(probe, "GSSAPI", self.kdc.environment, "sasl", HOST, change=keep)[0], "done")
            self.assertEqual(probe.say("start", "GSSAPI", first[0])[0], "refused")


class Ntlm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="dr-ntlm-"))
        cls.users = os.path.join(cls.directory, "users")
        with open(cls.users, "w") as file:
            file.write("CONTOSO:alice:secret\n")
        cls.environment = {**os.environ, "NTLM_USER_FILE": cls.users}

    def probe(self, **more):
        return AuthProbe({**self.environment, **more})

    # proves: T4
    def test_a_user_of_the_domain(self):
        with self.probe() as probe:
            self.assertIn("NTLM", probe.offered())
            for begins_with in (None, ""):
                self.assertEqual(log_in(probe, "NTLM", self.environment, "ntlm", HOST, "CONTOSO\\alice", "secret",
                                        begins_with=begins_with), ("done", "ntlm CONTOSO\\alice"))

    def test_a_wrong_password(self):
        with self.probe() as probe:
            verb, why = log_in(probe, "NTLM", self.environment, "ntlm", HOST, "CONTOSO\\alice", "canary")
            self.assertEqual(verb, "refused")
            self.assertNotIn("canary", why)

    def test_what_is_no_message(self):
        with self.probe() as probe:
            for token in ("=", "YQ==", base64.b64encode(b"NTLMSSP").decode()):
                self.assertEqual(probe.say("start", "NTLM", token)[0], "malformed")
            for message in (b"NTLMSSP\0\x01\0\0\0", b"NTLMSSP\0\x03\0\0\0" + b"\xff" * 60, b"NTLMSSP\0\x09\0\0\0"):
                self.assertEqual(probe.say("start", "NTLM", base64.b64encode(message).decode())[0], "refused")

    def test_nobody_to_ask_is_not_offered(self):
        with self.probe(NTLM_USER_FILE="/nonexistent") as probe:
            self.assertNotIn("NTLM", probe.offered())


class Channels(unittest.TestCase):
    """ExtendedProtectionPolicy: what a ticket or an answer says of the TLS channel that it comes through."""

    OURS, OTHER = b"tls-server-end-point:0123456789abcdef", b"tls-server-end-point:of-a-man-in-the-middle"

    @classmethod
    def setUpClass(cls):
        cls.kdc = cls.enterClassContext(Kdc("EXAMPLE.TEST"))
        cls.kdc.add("alice", "secret")
        cls.keytab = cls.kdc.keytab("smtp/" + HOST)
        cls.kdc.kinit("alice", "secret")
        with open(cls.kdc.path("users"), "w") as file:
            file.write("CONTOSO:alice:secret\n")
        cls.environment = {**cls.kdc.environment, "NTLM_USER_FILE": file.name}

    def outcome(self, kind, protection, channel, ours=OURS, more=()):
        """done, refused, …"""
        said = ["--channel", base64.b64encode(channel).decode()] if channel else []
        ours = ["--channel", ours.decode()] if ours else []
        user = ["CONTOSO\\alice", "secret"] if "ntlm" in kind else list(more)
        with AuthProbe(self.environment, "--keytab", self.keytab, "--protection", protection, *ours) as probe:
            return log_in(probe, "NTLM" if kind == "ntlm" else "GSSAPI", self.environment, *said, kind, HOST, *user)

    # proves: T5 facts-1.3
    def test_the_channel_decides(self):
        for kind in ("sasl", "spnego", "ntlm"):
            for protection, channel, verb in (("require", self.OURS, "done"), ("require", self.OTHER, "refused"),
                                              ("require", None, "refused"), ("allow", self.OURS, "done"),
                                              ("allow", self.OTHER, "refused"), ("allow", None, "done")):
                with self.subTest(kind=kind, protection=protection, channel=channel):
                    said, rest = self.outcome(kind, protection, channel)
                    self.assertEqual(said, verb, rest)
                    if verb == "done":
                        self.assertIn("alice", rest)

    # proves: T5
    def test_a_channel_without_a_name(self):
        for kind in ("sasl", "spnego", "ntlm"):
            for channel in (self.OURS, None):
                with self.subTest(kind=kind, channel=channel):
                    self.assertEqual(self.outcome(kind, "require", channel, ours=None)[0], "refused")
                    self.assertEqual(self.outcome(kind, "allow", channel, ours=None)[0], "done")

    # proves: T4 T5
    def test_the_rest_is_as_without(self):
        for name, verb in (("alice@EXAMPLE.TEST", "done"), ("bob", "refused"), ("bob@EXAMPLE.TEST", "refused")):
            with self.subTest(name=name):
                self.assertEqual(self.outcome("sasl", "require", self.OURS, more=[name])[0], verb)
        for layer in ("2", "4", "6"):
            with self.subTest(layer=layer):
                self.assertEqual(self.outcome("sasl", "require", self.OURS, more=["", layer])[0], "refused")
        self.assertEqual(self.outcome("spnego-ntlm", "allow", self.OURS)[0], "refused")
        with AuthProbe(self.environment, "--keytab", self.keytab, "--protection", "require", "--channel", "x") as probe:
            for token in ("=", "YQ==", base64.b64encode(b"\x60\x84" + b"\xff" * 40).decode()):
                self.assertIn(probe.say("start", "GSSAPI", token)[0], ("refused", "malformed"))


if __name__ == "__main__":
    unittest.main()
