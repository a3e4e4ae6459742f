"""Every right of table 4, with and without it, for every kind of session, model and message shape: replies and what is
at the sink must be what the tables in tests/specification/rights say. See the README there."""

import base64
import copy
import itertools
import os
import unittest

from lib.certificates import Certificates, openssl
from lib.milter import CONTINUE, Milter, add_header
from lib.organization import EDGE, EXTERNAL, HUB, Organization, record
from lib.people import People
from lib.smtp import unverified
from lib.world import World

TABLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "specification", "rights")
RIGHTS = ("SMTP-Submit SMTP-Accept-Any-Recipient SMTP-Accept-Any-Sender SMTP-Accept-Authoritative-Domain-Sender "
          "SMTP-Accept-Authentication-Flag Accept-Headers-Routing Accept-Headers-Organization Accept-Headers-Forest SMTP-Accept-Exch50 "
          "Bypass-Message-Size-Limit Bypass-Anti-Spam").split()
MODELS = {"2007 hub": (2007, HUB), "2007 edge": (2007, EDGE), "2010": (None, HUB)}
TLS, BASIC, EXCHANGE_SERVER = 1, 4, 16
AUTH = {"anonymous": BASIC, "user": BASIC, "member": BASIC, "secured": EXTERNAL, "hub": EXCHANGE_SERVER, "edge": EXCHANGE_SERVER,
        "partner": TLS}
KINDS = tuple(AUTH)
VERBS = {"hub": "X-ANONYMOUSTLS", "edge": "X-ANONYMOUSTLS", "partner": "STARTTLS"}  # with a certificate of its own
OPTIONS, DOMAIN_SECURE = 445, 0x200
RECEIVE_LIST, PARTNER_DOMAIN = "msExchTLSReceiveDomainSecureList", "partner.example"
MAX_SIZE, TOO_LARGE = 65536, 70000
ADDRESSES = {"ours": "chris@contoso.com", "theirs": "ann@elsewhere.example", "own": "alice@contoso.com", "null": ""}
DOMAINS = {"ours": "contoso.com", "theirs": "fabrikam.com"}
FORGED_STAMP = b"X-MS-Exchange-Organization-AuthSource: forged.example\r\nX-MS-Exchange-Organization-AuthAs: Internal\r\n"
VERDICT = "X-Verdict"
PASSWORD = "secret"


def table(name):
    """The rows as dictionaries."""
    with open(os.path.join(TABLES, name)) as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    keys = lines[0].split("\t")
    rows = [line.split("\t") for line in lines[1:]]
    for row in rows:
        assert len(row) == len(keys), (name, row)
    return [dict(zip(keys, row)) for row in rows]


SESSIONS = {(row["model"], row["kind"]): row for row in table("sessions.tsv")}
SHAPES, REPLIES, STAMPS, HEADERS = table("shapes.tsv"), table("replies.tsv"), table("stamps.tsv"), table("headers.tsv")


class Session:
    """One connector and who stands before it: the kind's group, and one right added or taken away."""

    def __init__(self, number, model, kind, right, is_held):
        row = SESSIONS[model, kind]
        self.number, self.model, self.kind, self.right, self.is_held = number, model, kind, right, is_held
        base = set(RIGHTS) if row["rights"] == "*" else set(row["rights"].split()) - {"-"}
        self.held = base | {right} if is_held else base - {right}
        self.group, self.trustee, self.code = row["group"].strip("-"), row["trustee"], row["code"]
        self.address = "127.1.%d.%d" % (number // 200, number % 200 + 1)

    def __repr__(self):
        return "%s, %s, %s %s" % (self.model, self.kind, "with" if self.is_held else "without", self.right)

    def sender(self, name):
        """The address of a shape's "ours", "theirs", …"""
        return "ann@" + PARTNER_DOMAIN if (self.kind, name) == ("partner", "theirs") else ADDRESSES[name]

    def ace(self):
        return "%s ms-Exch-%s to %s" % ("allow" if self.is_held else "deny", self.right, self.trustee)

    def on(self, shape):
        """Who it is for this message: a partner is one for the domain it proved, "theirs", and else nobody (facts 8.5)."""
        if self.kind != "partner" or shape["sender"] == "theirs":
            return self
        nobody = copy.copy(self)
        nobody.kind, nobody.held = "anonymous", set()
        return nobody

    # -- what the tables say --------------------------------------------------------------------------------

    def fits(self, row, shape):
        facts = {**shape, "kind": self.kind, "model": self.model}
        return (all(row[key] in ("-", facts[key]) for key in ("kind", "model", "sender", "from", "to", "extra") if key in row)
                and all(right in ("-", "") or right not in self.held for right in row.get("lacks", "").split(" "))
                and all(right in ("-", "") or right in self.held for right in row.get("holds", "").split(" ")))

    def reply(self, verb, shape):
        return next(row["reply"] for row in REPLIES if row["verb"] == verb and self.on(shape).fits(row, shape))

    def stamp(self, shape):
        """(AuthAs, AuthSource, AuthMechanism) at the sink; "" where there is none."""
        stamp = next(row["stamp"] for row in STAMPS if self.fits(row, shape))
        if stamp != "Anonymous" and "Accept-Headers-Organization" in self.held:
            return "Internal", "forged.example", ""  # an earlier server's, and it is trusted
        return stamp, "mailbox01.contoso.com", "" if stamp == "Anonymous" else self.code

    def keeps(self, row):
        return row["kept"] == "always" or row["kept"] in self.held


def sessions_of(model):
    cases = itertools.product(KINDS, RIGHTS, (True, False))
    return [Session(number, model, *case) for number, case in enumerate(cases)]


class Matrix:
    """The tests of one model."""

    model = None

    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)
        cls.own = cls.certificates.make("internal", "mailbox01.contoso.com")
        cls.pem = {kind: cls.certificates.make(kind, kind + "1.contoso.com", into=cls.certificates.work) for kind in ("hub", "edge")}
        ca = cls.certificates.ca()
        cls.certificates.make("ours", "mailbox01.contoso.com", issuer=ca)
        cls.pem["partner"] = cls.certificates.make("partner", "mail." + PARTNER_DOMAIN, issuer=ca, into=cls.certificates.work)
        cls.milter = Milter({b"E": add_header(VERDICT, "ham") + CONTINUE})
        cls.addClassCleanup(cls.milter.close)
        cls.sessions = sessions_of(cls.model)
        number, roles = MODELS[cls.model]
        cls.world = World(cls.organize, {"tls.certificate_dir": cls.certificates.path, "tls.ca_file": ca[0],
                                         "tls.crl_file": cls.certificates.crl(), "filter.milters": "antispam:" + cls.milter.name,
                                         "auth.failures_per_source": "100 in 1s"},
                          organization=Organization(model=number, roles=roles, settings={RECEIVE_LIST: [PARTNER_DOMAIN]}), internet=False)
        cls.addClassCleanup(cls.world.__exit__, None)

    @classmethod
    def der(cls, pem):
        return base64.b64encode(openssl("x509", "-in", pem, "-outform", "DER")).decode()

    @classmethod
    def organize(cls, org, port, sink):
        people = People()
        people.person("alice", PASSWORD, mail=ADDRESSES["own"])
        people.group("inner", [people.dn("alice")])
        people.group("outer", [people.group_dn("inner")])
        org.records.append(people.ldif())
        attribute = "msExchServerInternalTLSCert"
        for kind, role in (("hub", HUB), ("edge", EDGE)):
            dn = "CN=%s1,%s" % (kind.upper(), org.server_dn.partition(",")[2])
            org.records.append(record(dn, "msExchExchangeServer", msExchCurrentServerRoles=role, **{attribute + ":": cls.der(cls.pem[kind])}))
        org.records.append("dn: %s\nchangetype: modify\nadd: %s\n%s:: %s\n" % (org.server_dn, attribute, attribute, cls.der(cls.own)))
        for session in cls.sessions:
            org.receive("Connector %d" % session.number, port, session.address, auth=AUTH[session.kind], groups=session.group,
                        aces=session.ace(), role=None, msExchSmtpReceiveMaxMessageSize=MAX_SIZE,
                        msExchSmtpReceiveProtocolOptions=OPTIONS | (DOMAIN_SECURE if session.kind == "partner" else 0))
        org.send("All", sink.port, aces="allow * to anonymous")

    # -- one session ----------------------------------------------------------------------------------------

    def enter(self, session):
        """The client, greeted and proved; None where the tables say that it cannot be."""
        client = self.world.client(session.address)
        self.addCleanup(client.close)
        client.ehlo()
        if session.kind in VERBS:
            context = unverified()
            context.load_cert_chain(self.pem[session.kind])
            self.assertEqual(client.say(VERBS[session.kind]).code, 220, session)
            client.secure(context=context)
            client.ehlo()
        elif session.kind in ("user", "member"):
            expected = session.reply("AUTH", SHAPES[0])
            credentials = base64.b64encode(b"\0alice\0" + PASSWORD.encode()).decode()
            self.assertEqual(client.say("AUTH PLAIN " + credentials).text, expected, session)
            if not expected.startswith("235"):
                return None
        return client

    def matches(self, text, expected, *about):
        before, star, behind = expected.partition("*")
        self.assertTrue(text.startswith(before) and text.endswith(behind) if star else text == expected, (text, expected) + about)

    def send(self, client, session, number, shape):
        """Says one shape; True when it is accepted."""
        def ask(verb, line):
            expected = session.reply(verb, shape)
            self.matches(client.say(line).text, expected, session, shape["shape"])
            return expected[0] in "23"
        extra = {"AUTH": " AUTH=<>", "SIZE": " SIZE=%d" % TOO_LARGE}.get(shape["extra"], "")
        if not (ask("MAIL", "MAIL FROM:<%s>%s" % (session.sender(shape["sender"]), extra)) and
                ask("RCPT", "RCPT TO:<%s@%s>" % (self.recipient(session, number), DOMAINS[shape["to"]]))):
            return False
        if shape["extra"] == "XEXCH50" and ask("XEXCH50", "XEXCH50 4 1"):
            client.send(b"blob")
            self.assertEqual(client.reply().text, "250 2.0.0 XEXCH50 OK")
        forged = "".join(row["field"] + "\r\n" for row in HEADERS).encode() + FORGED_STAMP
        self.assertEqual(client.say("DATA").code, 354)
        expected = session.reply("FROM", shape)
        reply = client.content(forged + b"From: <%s>\r\n\r\nbody\r\n" % session.sender(shape["from"]).encode())
        self.matches(reply.text, expected, session, shape["shape"])
        return expected.startswith("250")

    @staticmethod
    def recipient(session, number):
        return "r%d.%d" % (session.number, number)

    def compare(self, message, session, shape):
        about = (session, shape["shape"], message.header)
        lines = message.header.decode().split("\r\n")
        for row in HEADERS:
            self.assertEqual(row["field"] in lines, session.keeps(row), about + (row,))
        def value(name):
            return " ".join(message.fields("X-MS-Exchange-Organization-" + name))
        self.assertEqual((value("AuthAs"), value("AuthSource"), value("AuthMechanism")), session.stamp(shape), about)
        self.assertEqual(message.fields(VERDICT), [] if "Bypass-Anti-Spam" in session.held else ["ham"], about)

    def run_kind(self, kind):
        sent = {}
        for session in self.sessions:
            if session.kind != kind:
                continue
            client = self.enter(session)
            if client is None:
                continue
            for number, shape in enumerate(SHAPES):
                if self.send(client, session, number, shape):
                    sent[self.recipient(session, number)] = (session, shape)
                else:
                    client.say("RSET")
            client.quit()
        found = {message.recipients[0].partition("@")[0]: message for message in self.world.sink.wait(len(sent), timeout=60)}
        self.assertEqual(sorted(found), sorted(sent))
        for name, (session, shape) in sent.items():
            self.compare(found[name], session, shape)
        self.world.sink.reset()

    # proves: C201 C202 C203 C204 C205 C206 C207 C208 C209 C210 C211 facts-5.1 facts-6.1 facts-6.3 facts-8.4
    def test_anonymous(self):
        self.run_kind("anonymous")

    # proves: C201 C202 C203 C204 C205 C206 C207 C208 C209 C210 C211 C266 C267 facts-6.3
    def test_user(self):
        self.run_kind("user")

    # proves: C111 C201 C202 C203 C204 C205 C206 C207 C208 C209 C210 C211
    def test_member_of_a_nested_group(self):
        self.run_kind("member")

    # proves: C201 C202 C203 C204 C205 C206 C207 C208 C209 C210 C211 C268 facts-6.3
    def test_externally_secured(self):
        self.run_kind("secured")

    # proves: C201 C202 C203 C204 C205 C206 C207 C208 C209 C210 C211
    def test_hub(self):
        self.run_kind("hub")

    # proves: C201 C202 C203 C204 C205 C206 C207 C208 C209 C210 C211
    def test_edge(self):
        self.run_kind("edge")

    # proves: C195 C201 C202 C203 C204 C205 C206 C207 C208 C209 C210 C211 C233 facts-6.3 facts-8.4
    def test_partner(self):
        self.run_kind("partner")


class Hub2007(Matrix, unittest.TestCase):
    model = "2007 hub"


class Edge2007(Matrix, unittest.TestCase):
    model = "2007 edge"


class Model2010(Matrix, unittest.TestCase):
    model = "2010"


class Tables(unittest.TestCase):
    """That the matrix is whole."""

    def test_every_right_makes_a_difference(self):
        """To a reply, a stamp, a header or the filter, for some kind of session."""
        for right in RIGHTS:
            def outcome(is_held):
                cases = [Session(0, model, kind, right, is_held) for model, kind in SESSIONS]
                return [([s.reply(verb, shape) for verb in ("MAIL", "RCPT", "XEXCH50", "FROM")], s.stamp(shape),
                         [s.keeps(row) for row in HEADERS], "Bypass-Anti-Spam" in s.held) for s in cases for shape in SHAPES]
            self.assertNotEqual(outcome(True), outcome(False), right)

    def test_every_session_has_its_row(self):
        self.assertEqual(set(SESSIONS), set(itertools.product(MODELS, KINDS)))


if __name__ == "__main__":
    unittest.main()
