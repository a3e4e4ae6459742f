"""TLS and authentication towards next hops: by the send connector's words, against a zoo of certificates."""

import http.server
import json
import socket
import ssl
import threading
import unittest
import urllib.parse

from lib.peers import (CERTIFICATE, DOMAIN, ENCRYPTION, FLAGS, FORCE_HELO, IGNORE_STARTTLS, INVALID, NEEDS_TLS, REQUIRE_TLS, SECURITY,
                       PeerCase)
from lib.sink import Sink

TLS_DOMAIN = "msExchSmtpSendTlsDomain"
USER, PASSWORD = "msExchSmtpOutboundSecurityUserName", "msExchSmtpOutboundSecurityPassword"
BASIC, BASIC_TLS, EXTERNAL = 2 << 20, 4 << 20, 16 << 20
NEEDS_AUTH = "451 5.7.3 Require basic authentication"
SECRET = "canary-4711"


class Tls(PeerCase):
    @classmethod
    def provide(cls, certificates):
        ca = certificates.ca()
        cls.good = certificates.make("good", "mail.contoso.com", issuer=ca)
        cls.zoo = {
            "expired": certificates.make("expired", "mail.contoso.com", issuer=ca, expired=True),
            "selfsigned": certificates.make("selfsigned", "mail.contoso.com"),
            "revoked": certificates.make("revoked", "mail.contoso.com", issuer=ca),
            "wildcard": certificates.make("wildcard", "*.contoso.com", issuer=ca),
            "deepwild": certificates.make("deepwild", "*.example.com", issuer=ca),
            "wrongname": certificates.make("wrongname", "mail.fabrikam.com", issuer=ca),
        }
        cls.config = {"tls.ca_file": ca[0], "tls.crl_file": certificates.crl(["revoked"])}

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        cls.peer(org, "plain")
        cls.peer(org, "opportunistic", cls.zoo["selfsigned"])
        cls.peer(org, "ignored", cls.good, **{SECURITY: IGNORE_STARTTLS})
        cls.peer(org, "helo", cls.good, **{SECURITY: FORCE_HELO})
        cls.peer(org, "required", cls.zoo["selfsigned"], **{SECURITY: REQUIRE_TLS})
        cls.peer(org, "requiredplain", **{SECURITY: REQUIRE_TLS})
        cls.peer(org, "requiredrefused", cls.good, **{SECURITY: REQUIRE_TLS}).replies["STARTTLS"] = "454 4.7.0 not now"
        cls.peer(org, "refused", cls.good).replies["STARTTLS"] = "454 4.7.0 not now"
        cls.peer(org, "encrypted", cls.zoo["expired"], **{SECURITY: REQUIRE_TLS, FLAGS: ENCRYPTION})
        cls.peer(org, "injected", cls.good).injected = b"250-AUTH PLAIN\r\n250 ok\r\n"
        cls.peer(org, "old", cls.good).highest = ssl.TLSVersion.TLSv1_1
        cls.peer(org, "oldrequired", cls.good, **{SECURITY: REQUIRE_TLS}).highest = ssl.TLSVersion.TLSv1_1
        cls.peer(org, "named", cls.good, hosts="localhost", **{SECURITY: REQUIRE_TLS})
        validated = {SECURITY: REQUIRE_TLS, FLAGS: CERTIFICATE}
        cls.peer(org, "good", cls.good, **validated)
        for kind, certificate in cls.zoo.items():
            cls.peer(org, kind, certificate, **validated)
            cls.peer(org, "domain" + kind, certificate, **{SECURITY: REQUIRE_TLS, FLAGS: DOMAIN, TLS_DOMAIN: "mail.contoso.com"})
        cls.peer(org, "domaingood", cls.good, **{SECURITY: REQUIRE_TLS, FLAGS: DOMAIN, TLS_DOMAIN: "mail.contoso.com"})
        cls.peer(org, "domainbelow", cls.good, **{SECURITY: REQUIRE_TLS, FLAGS: DOMAIN, TLS_DOMAIN: "*.contoso.com"})
        cls.peer(org, "crlaway", cls.good, **validated)

    # proves: C144 C153 C149 facts-10.5
    def test_tls_is_used_where_it_is_offered(self):
        message, event = self.delivered("opportunistic")
        self.assertEqual((message.tls, event["tls"], event["certificate"]), ("TLSv1.3", "TLSv1.3", "self-signed certificate"))
        self.assertTrue(event["cipher"].startswith("TLS_"))
        message, event = self.delivered("plain")
        self.assertEqual((message.tls, event.get("tls"), event.get("certificate")), (None, None, None))
        self.assertEqual(self.delivered("ignored")[0].tls, None)
        self.assertNotIn("STARTTLS", self.peers["ignored"].sessions[0].commands)
        self.assertEqual(self.delivered("helo")[0].tls, None)
        self.assertTrue(self.peers["helo"].sessions[0].commands[0].startswith("HELO "))

    def test_a_lost_handshake_is_tried_again_in_clear(self):
        mark = self.daemon.mark()
        message, event = self.delivered("old")
        self.assertEqual((message.tls, event.get("tls"), message.session), (None, None, 1))
        self.assertIn("handshake", self.daemon.wait("hop.tls_failed", since=mark)["message"])
        self.assertEqual(self.delivered("refused")[0].session, 0)  # no handshake: the session goes on

    # proves: C135 C169 facts-8.2 facts-10.5
    def test_tls_is_required(self):
        self.assertEqual(self.delivered("required")[0].tls, "TLSv1.3")
        self.assertEqual(self.left("requiredplain"), NEEDS_TLS)
        self.assertEqual(self.left("requiredrefused"), NEEDS_TLS + " (454 4.7.0 not now)")
        reply, session = self.deferred("oldrequired")
        self.assertIn(NEEDS_TLS + " (handshake:", reply)
        self.assertEqual(session.commands[1:], ["STARTTLS"])
        self.assertEqual(self.delivered("named")[0].tls, "TLSv1.3")
        self.assertEqual(self.peers["named"].sessions[0].server_name, "localhost")

    # proves: F5
    def test_response_injection_ends_the_session(self):
        reply, session = self.deferred("injected")
        self.assertEqual(reply, "421 4.4.0 Remote server response was not RFC conformant")
        self.assertEqual(session.commands[1:], ["STARTTLS"])

    # proves: C145 C162 C170 T6 T7 facts-10.5 C106
    def test_what_a_certificate_must_be(self):
        self.assertEqual(self.delivered("encrypted")[1]["certificate"], "certificate has expired")
        self.assertEqual(self.delivered("good")[1]["certificate"], "good")
        self.assertEqual(self.delivered("wildcard")[1]["certificate"], "good")
        self.assertEqual(self.delivered("wrongname")[1]["certificate"], "good")  # its name is not asked for
        self.assertEqual(self.left("expired"), INVALID + "certificate has expired")
        self.assertEqual(self.left("selfsigned"), INVALID + "self-signed certificate")
        self.assertEqual(self.left("revoked"), INVALID + "certificate revoked")

    # proves: C172 T6 facts-10.5
    def test_the_domain_of_a_certificate(self):
        another = INVALID + "the certificate is another host's: "
        self.assertEqual(self.delivered("domaingood")[1]["certificate"], "good")
        self.assertEqual(self.delivered("domainwildcard")[1]["certificate"], "good")
        self.assertEqual(self.delivered("domainbelow")[1]["certificate"], "good")
        self.assertEqual(self.left("domainwrongname"), another + "mail.fabrikam.com")
        self.assertEqual(self.left("domaindeepwild"), another + "*.example.com")
        self.assertEqual(self.left("domainrevoked"), INVALID + "certificate revoked")
        self.assertEqual(self.left("domainselfsigned"), INVALID + "self-signed certificate")

    # proves: C138 C179 T7
    def test_a_list_that_has_ended_and_a_new_one(self):
        mark = self.daemon.mark()
        self.certificates.crl(["revoked"], stale=True)
        self.daemon.wait("trust.loaded", since=mark)
        try:
            self.assertEqual(self.left("crlaway"), INVALID + "CRL has expired")
            mark = self.daemon.mark()
            with open(self.config["tls.crl_file"], "w") as file:
                file.write("no list\n")
            self.assertIn("tls.crl_file", self.daemon.wait("trust.refused", since=mark)["message"])
        finally:
            mark = self.daemon.mark()
            self.certificates.crl(["revoked"])
            self.daemon.wait("trust.loaded", since=mark)
        id, mark = self.submit("crlaway")
        self.daemon.cli("queue", "retry", "*")
        self.daemon.wait("message.delivered", since=mark, id=id)


class Login(PeerCase):
    @classmethod
    def provide(cls, certificates):
        ca = certificates.ca()
        cls.localhost = certificates.make("localhost", "localhost", issuer=ca)
        cls.elsewhere = certificates.make("elsewhere", "host1.contoso.com", issuer=ca)
        cls.selfsigned = certificates.make("selfsigned", "localhost")
        cls.revoked = certificates.make("revoked", "localhost", issuer=ca)
        cls.password_file = certificates.write("password", SECRET + "\n", into=certificates.work)
        cls.config = {"tls.ca_file": ca[0], "tls.crl_file": certificates.crl(["revoked"]), "log.level": "debug"}

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        logins = {"relay": SECRET}
        basic = {FLAGS: BASIC, USER: "relay", PASSWORD: SECRET, "msExchSmtpSendProtocolLoggingLevel": 1}
        cls.peer(org, "basic", logins=logins, **basic)
        cls.peer(org, "onlyplain", logins=logins, **basic).mechanisms = ["GSSAPI", "PLAIN"]
        cls.peer(org, "file", logins=logins, dirrelaySmartHostPasswordFile=cls.password_file, **{FLAGS: BASIC, USER: "relay"})
        cls.peer(org, "nofile", logins=logins, dirrelaySmartHostPasswordFile="/nonexistent/password",
                 **{FLAGS: BASIC, USER: "relay"})
        cls.peer(org, "none", logins=logins)
        cls.peer(org, "external", logins=logins, **{FLAGS: EXTERNAL})
        cls.peer(org, "notoffered", **basic)
        cls.peer(org, "foreign", logins=logins, **basic).mechanisms = ["NTLM", "CRAM-MD5"]
        cls.peer(org, "wrong", logins={"relay": "another"}, **basic)
        cls.peer(org, "repeating", logins=logins, **basic).replies["AUTH"] = "535 5.7.3 Wrong: " + SECRET
        cls.peer(org, "intls", cls.selfsigned, logins, **{**basic, SECURITY: REQUIRE_TLS})
        cls.peer(org, "notls", None, logins, **{**basic, SECURITY: REQUIRE_TLS})
        strict = {**basic, FLAGS: BASIC_TLS, "hosts": "localhost"}
        cls.peer(org, "strict", cls.localhost, logins, **strict)
        cls.peer(org, "strictplain", None, logins, **strict)
        cls.peer(org, "strictunknown", cls.selfsigned, logins, **strict)
        cls.peer(org, "strictrevoked", cls.revoked, logins, **strict)
        cls.peer(org, "strictelsewhere", cls.elsewhere, logins, **strict)
        cls.peer(org, "strictlisted", cls.elsewhere, logins, **{**strict, "hosts": "localhost,host1.contoso.com"})

    def tearDown(self):
        log = json.dumps(self.daemon.seen())
        self.assertNotIn(SECRET, log)
        self.assertNotIn("Y2FuYXJ5LTQ3MTE=", log)

    def left(self, name):
        reply = super().left(name)
        return reply, [line for line in self.peers[name].sessions[-1].commands if line.startswith("AUTH")]

    # proves: C128 C132 C133 C134 C142 facts-10.5 C131
    def test_the_connector_logs_in(self):
        message, event = self.delivered("basic")
        self.assertEqual((message.user, message.tls, event["auth"]), ("relay", None, "LOGIN"))
        self.assertIn("AUTH LOGIN", self.peers["basic"].sessions[0].commands)
        message, event = self.delivered("onlyplain")
        self.assertEqual((message.user, event["auth"]), ("relay", "PLAIN"))
        self.assertEqual(self.delivered("file")[0].user, "relay")
        for name in ("none", "external"):
            message, event = self.delivered(name)
            self.assertEqual((message.user, event.get("auth")), (None, None))
            self.assertFalse([line for line in self.peers[name].sessions[0].commands if line.startswith("AUTH")])

    # proves: C129 C130 facts-8.2 facts-10.5
    def test_without_login_nothing_is_sent(self):
        self.assertEqual(self.left("notoffered"), (NEEDS_AUTH, []))
        self.assertEqual(self.left("foreign"), (NEEDS_AUTH, []))
        self.assertEqual(self.left("wrong"), (NEEDS_AUTH + " (535 5.7.3)", ["AUTH LOGIN"]))
        self.assertEqual(self.left("repeating"), (NEEDS_AUTH + " (535 5.7.3)", ["AUTH LOGIN"]))
        self.assertEqual(self.left("nofile"), (NEEDS_AUTH + " (dirrelaySmartHostPasswordFile cannot be read)", []))

    # proves: C135 facts-10.5
    def test_basic_with_require_tls_validates_nothing(self):
        message, event = self.delivered("intls")
        self.assertEqual((message.user, message.tls, event["certificate"]), ("relay", "TLSv1.3", "self-signed certificate"))
        self.assertEqual(self.left("notls"), ("451 5.7.3 Require STARTTLS to do basic authentication", []))

    # proves: C106 C136 C137 C138 C139 C140 facts-10.5
    def test_basic_require_tls_validates_first(self):
        message, event = self.delivered("strict")
        self.assertEqual((message.user, message.tls, event["certificate"]), ("relay", "TLSv1.3", "good"))
        self.assertEqual(self.left("strictplain"), ("451 5.7.3 Require STARTTLS to do basic authentication", []))
        self.assertEqual(self.left("strictunknown"), (INVALID + "self-signed certificate", []))
        self.assertEqual(self.left("strictrevoked"), (INVALID + "certificate revoked", []))
        self.assertEqual(self.left("strictelsewhere"), (INVALID + "the certificate is another host's: host1.contoso.com", []))
        self.assertEqual(self.delivered("strictlisted")[0].user, "relay")

    # proves: T11
    def test_the_password_is_in_no_answer(self):
        for arguments in (("connector", "list"), ("connector", "show", "basic"), ("lint",), ("status",)):
            answer = self.daemon.cli(*arguments)
            self.assertTrue(answer.out, answer)
            self.assertNotIn(SECRET, answer.out + answer.err)


class TokenEndpoint:
    """An HTTPS server that gives access tokens: forms (what it was asked), answer (status, object)."""

    def __init__(self, certificate):
        endpoint, self.forms, self.answer = self, [], (200, {})

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                endpoint.forms.append(dict(urllib.parse.parse_qsl(body)))
                status, answer = endpoint.answer
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = "https://localhost:%d/token" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def give(self, token, **more):
        self.answer = (200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600, **more})

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Tokens(PeerCase):
    @classmethod
    def provide(cls, certificates):
        certificate = certificates.make("localhost", "localhost", issuer=certificates.ca())
        cls.endpoint, cls.unknown = TokenEndpoint(certificate), TokenEndpoint(certificates.make("unknown", "localhost"))
        cls.addClassCleanup(cls.endpoint.close)
        cls.addClassCleanup(cls.unknown.close)
        cls.secret_file = certificates.write("client-secret", "a secret&more=%\n", into=certificates.work)
        cls.certificate = certificate
        cls.config = {"tls.ca_file": certificates.ca()[0], "log.level": "debug"}

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        cls.silent = socket.create_server(("127.0.0.1", 0))
        cls.addClassCleanup(cls.silent.close)
        cls.silent.settimeout(20)
        cls.peer(org, "other")
        silent = "https://localhost:%d/" % cls.silent.getsockname()[1]
        for name, url, secret in (("token", cls.endpoint.url, cls.secret_file), ("renewed", cls.endpoint.url, cls.secret_file),
                                  ("ending", cls.endpoint.url, cls.secret_file),
                                  ("refused", cls.endpoint.url, cls.secret_file), ("distrusted", cls.unknown.url, cls.secret_file),
                                  ("secretless", cls.endpoint.url, "/nonexistent/secret"), ("silent", silent, cls.secret_file)):
            peer = cls.peer(org, name, cls.certificate, {"relay": "token-1"}, "localhost", **{
                FLAGS: BASIC_TLS, USER: "relay", "dirrelaySmartHostOAuthTokenEndpoint": url,
                "dirrelaySmartHostOAuthClientId": "relay client", "dirrelaySmartHostOAuthClientSecretFile": secret,
                "dirrelaySmartHostOAuthScope": "https://outlook.example/.default", "msExchSmtpSendProtocolLoggingLevel": 1})
            peer.mechanisms = ["LOGIN", "XOAUTH2"]

    def setUp(self):
        super().setUp()
        self.endpoint.forms.clear()
        self.endpoint.give("token-1")

    def tearDown(self):
        log = json.dumps(self.daemon.seen())
        for secret in ("a secret", "token-1", "dXNlcj1yZWxheQFhdXRo"):
            self.assertNotIn(secret, log)

    # proves: contract-6
    def test_one_token_for_many_sessions(self):
        for count in (1, 2):
            id, mark = self.submit("token")
            self.daemon.wait("message.delivered", since=mark, id=id)
            self.assertEqual(self.peers["token"].messages[-1].user, "relay")
            self.peers["token"].cut()
        self.assertEqual(self.endpoint.forms, [{
            "grant_type": "client_credentials", "client_id": "relay client", "client_secret": "a secret&more=%",
            "scope": "https://outlook.example/.default"}])
        self.assertEqual(len([line for line in self.peers["token"].sessions[0].commands if line.startswith("AUTH XOAUTH2 ")]), 1)

    def test_a_token_is_renewed_before_it_ends(self):
        self.endpoint.give("token-1", expires_in=2)

        def asked_again():
            id, mark = self.submit("ending")
            self.daemon.wait("message.delivered", since=mark, id=id)
            self.peers["ending"].cut()
            self.assertGreaterEqual(len(self.endpoint.forms), 2)
        mark = self.daemon.mark()
        self.assertWithin(20, asked_again)
        self.assertEqual([event for event in self.daemon.seen(mark) if event["event"] == "message.deferred"], [])

    def test_a_token_that_is_not_taken_is_asked_for_anew(self):
        peer = self.peers["renewed"]
        peer.logins = {"relay": "token-2"}
        id, mark = self.submit("renewed")
        self.assertIn(NEEDS_AUTH + " (535 5.7.3)", self.daemon.wait("message.deferred", since=mark, id=id)["reply"])
        self.endpoint.give("token-2")
        self.daemon.wait("message.delivered", since=mark, id=id)
        self.assertGreaterEqual(len(self.endpoint.forms), 2)

    def test_an_endpoint_that_is_silent_holds_nobody_up(self):
        """Neither others nor the end of the daemon, which the end of this class waits for."""
        self.submit("silent")
        self.silent.accept()[0].close()
        self.submit("silent")
        type(self).held = self.silent.accept()[0]  # until the end
        self.submit("other")
        self.peers["other"].wait(1)

    def test_without_token_nothing_is_said(self):
        self.endpoint.answer = (401, {"error": "invalid_client", "error_description": "not shown"})
        for name, why in (("refused", "the token endpoint answered 401 invalid_client"),
                          ("distrusted", "SSL peer certificate or SSH remote key was not OK"),
                          ("secretless", "dirrelaySmartHostOAuthClientSecretFile cannot be read")):
            id, mark = self.submit(name)
            event = self.daemon.wait("message.deferred", since=mark, id=id)
            self.assertEqual(event["reply"], "451 5.7.3 No access token: " + why)
            self.assertEqual(self.peers[name].sessions, [])
        self.assertEqual(self.unknown.forms, [])


if __name__ == "__main__":
    unittest.main()
