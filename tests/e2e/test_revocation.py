"""Revocation lists from where a next hop's certificate says that they are."""

import threading
import unittest

from lib.certificates import Certificates
from lib.peers import CERTIFICATE, FLAGS, INVALID, REQUIRE_TLS, SECURITY, PeerCase
from lib.slapd import free_port
from lib.web import Answer, Web

VALIDATED = {SECURITY: REQUIRE_TLS, FLAGS: CERTIFICATE}
NO_LIST = INVALID + "unable to get certificate CRL (%s: "
MEBIBYTE = bytes(1 << 20)


class RevocationCase(PeerCase):
    """cls.points[NAME]: the addresses in the certificate of the peer NAME; all names are one CA's."""

    @classmethod
    def provide(cls, certificates):
        cls.web = Web()
        cls.addClassCleanup(cls.web.close)
        cls.other = Certificates()
        cls.addClassCleanup(cls.other.close)
        cls.other.ca("Other CA")
        cls.ca = certificates.ca()
        cls.away = "http://127.0.0.1:%d/" % free_port()
        cls.points = cls.name_points()
        cls.shown = {name: certificates.make(name, "mail.contoso.com", issuer=cls.ca, points=points)
                     for name, points in cls.points.items()}
        cls.good = certificates.der_crl(revoked=["revoked"], file="good.crl")
        cls.web.pages["/good.crl"] = cls.good
        cls.config = {"tls.ca_file": cls.ca[0]}

    @classmethod
    def organize(cls, org, port, sink):
        org.relay("Relay", port, ["127.0.0.2"])
        for name, certificate in cls.shown.items():
            cls.peer(org, name, certificate, msExchSmtpMaxMessagesPerConnection=1, **VALIDATED)

    def setUp(self):
        super().setUp()
        self.web.asked.clear()


class Lists(RevocationCase):
    @classmethod
    def name_points(cls):
        url = cls.web.url
        return {
            "good": [url("/good.crl")], "revoked": [url("/good.crl")], "none": [], "stale": [url("/stale.crl")],
            "away": [cls.away], "notfound": [url("/notfound.crl")], "moved": [url("/moved.crl")], "huge": [url("/huge.crl")],
            "foreign": [url("/foreign.crl")], "forged": [url("/forged.crl")], "garbage": [url("/garbage.crl")],
            "second": [cls.away, url("/good.crl")], "ldap": ["ldap://127.0.0.1/cn=crl"], "file": ["file:///etc/passwd"],
            "slow": [url("/slow.crl")], "quick": [url("/quick.crl")],
        }

    @classmethod
    def provide(cls, certificates):
        super().provide(certificates)
        cls.web.pages.update({
            "/stale.crl": certificates.der_crl(stale=True, file="stale.crl"), "/garbage.crl": b"no list\r\n",
            "/moved.crl": Answer(302, {"Location": cls.web.url("/good.crl")}), "/quick.crl": cls.good,
            "/foreign.crl": cls.other.der_crl(), "/huge.crl": lambda: Answer(content=(MEBIBYTE for _ in range(100))),
        })
        same_name = Certificates()
        cls.addClassCleanup(same_name.close)
        same_name.ca()
        cls.web.pages["/forged.crl"] = same_name.der_crl()

    @classmethod
    def organize(cls, org, port, sink):
        super().organize(org, port, sink)
        cls.peer(org, "unasked", cls.shown["revoked"])
        cls.peer(org, "selfsigned", cls.certificates.make("own", "mail.contoso.com", points=[cls.web.url("/own.crl")]), **VALIDATED)

    # proves: C138 C162 C170 T6 T7 facts-10.4
    def test_good_and_revoked(self):
        message, event = self.delivered("good")
        self.assertEqual((message.tls, event["certificate"]), ("TLSv1.3", "good"))
        self.assertEqual(self.left("revoked"), INVALID + "certificate revoked")
        self.assertEqual(self.delivered("second")[1]["certificate"], "good")
        self.assertEqual(self.delivered("good")[0].session, 1)
        self.assertEqual(self.web.asked.count("/good.crl"), 1)  # it is kept

    # proves: T7 facts-10.4
    def test_a_certificate_without_a_place_needs_no_list(self):
        self.assertEqual(self.delivered("none")[1]["certificate"], "good")

    # proves: C179 T7 facts-10.4
    def test_without_a_list_the_mail_waits(self):
        why = {"stale": INVALID + "CRL has expired",
               "away": NO_LIST % self.away,  # in libcurl's words
               "notfound": NO_LIST % self.web.url("/notfound.crl") + "the server answers 404)",
               "moved": NO_LIST % self.web.url("/moved.crl") + "the server answers 302)",
               "huge": NO_LIST % self.web.url("/huge.crl") + "too long)",
               "foreign": NO_LIST % self.web.url("/foreign.crl") + "another issuer's revocation list)",
               "forged": NO_LIST % self.web.url("/forged.crl") + "the issuer did not sign it)",
               "garbage": NO_LIST % self.web.url("/garbage.crl") + "no revocation list in DER)",
               "ldap": INVALID + "unable to get certificate CRL", "file": INVALID + "unable to get certificate CRL"}
        for name, reply in why.items():
            with self.subTest(name):
                check = self.assertIn if name == "away" else self.assertEqual
                check(reply, self.left(name))
        self.assertTrue(self.web.cut.is_set())  # a hundred MiB were not taken
        self.assertNotIn("/good.crl", self.web.asked)  # nor was the other place followed

    # proves: T7
    def test_nobody_makes_us_ask(self):
        self.assertEqual(self.left("selfsigned"), INVALID + "self-signed certificate")
        self.assertEqual(self.delivered("unasked")[0].tls, "TLSv1.3")
        self.assertEqual(self.web.asked, [])

    # proves: T7
    def test_a_slow_list_holds_up_nobody_else(self):
        asked, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def answer():
            asked.set()
            go_on.wait(20)
            return self.good

        self.web.pages["/slow.crl"] = answer
        id, mark = self.submit("slow")
        self.assertTrue(asked.wait(10))
        self.assertEqual(self.delivered("quick")[1]["certificate"], "good")
        self.assertEqual(self.peers["slow"].messages, [])
        go_on.set()
        self.daemon.wait("message.delivered", since=mark, id=id)


class BesideAFile(RevocationCase):
    """tls.crl_file names lists too: then every certificate needs one."""

    @classmethod
    def name_points(cls):
        return {"pointed": [cls.web.url("/good.crl")], "revoked": [cls.web.url("/good.crl")], "unpointed": []}

    @classmethod
    def provide(cls, certificates):
        super().provide(certificates)
        cls.config["tls.crl_file"] = cls.other.crl()

    # proves: C138 T7
    def test_every_certificate_needs_a_list(self):
        self.assertEqual(self.delivered("pointed")[1]["certificate"], "good")
        self.assertEqual(self.left("revoked"), INVALID + "certificate revoked")
        self.assertEqual(self.left("unpointed"), INVALID + "unable to get certificate CRL")


class Off(RevocationCase):
    @classmethod
    def name_points(cls):
        return {"revoked": [cls.web.url("/good.crl")]}

    @classmethod
    def provide(cls, certificates):
        super().provide(certificates)
        cls.config["tls.crl_fetch"] = "no"

    def test_nothing_is_asked(self):
        self.assertEqual(self.delivered("revoked")[1]["certificate"], "good")
        self.assertEqual(self.web.asked, [])


class Ending(RevocationCase):
    @classmethod
    def name_points(cls):
        return {"slow": [cls.web.url("/slow.crl")], "revoked": []}

    # proves: T7
    def test_a_list_that_does_not_come_holds_up_no_end(self):
        asked, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)
        self.web.pages["/slow.crl"] = lambda: (asked.set(), go_on.wait(20), self.good)[2]
        self.submit("slow")
        self.assertTrue(asked.wait(10))
        self.daemon.stop()
        self.assertFalse(go_on.is_set())
        self.assertEqual(self.peers["slow"].offered, [])


del RevocationCase

if __name__ == "__main__":
    unittest.main()
