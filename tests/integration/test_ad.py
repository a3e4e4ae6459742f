#!/usr/bin/python3
"""Active Directory as the directory, on a real Samba DC: the daemon reads connectors and descriptors as a plain service
account, sees changes, outlives the DC; both methods of the relay document; permission add and remove; GSSAPI.

The directory threads under ThreadSanitizer against the DC (a race is a line on stderr, and that is a failure):

    cmake --preset tsan && cmake --build build-tsan
    DIRRELAY_BUILD=$PWD/build-tsan PYTHONPATH=tests /usr/bin/python3 -m unittest -v tests/integration/test_ad.py
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests"))
from lib import gss_login, samba_dc  # noqa: E402
from lib.dirrelay import DIRRELAY, SANITIZED, Daemon  # noqa: E402
from lib.samba_member import SambaMember  # noqa: E402
from lib.sink import Sink  # noqa: E402
from lib.slapd import free_port  # noqa: E402
from lib.smtp import Client, can_connect, eventually  # noqa: E402

PASSWORD = "Passw0rd.456"
FAILURE = "535 5.7.3 Authentication unsuccessful"
# gss-ntlmssp loses OpenSSL's context of each exchange (tests/lsan.supp).
WITHOUT_LEAKS = {"ASAN_OPTIONS": SANITIZED["ASAN_OPTIONS"] + ":detect_leaks=0"}
NOTICED = 7  # seconds: Samba looks at its notifications every 5 s
USERS_4 = ("ms-Exch-SMTP-Submit", "ms-Exch-SMTP-Accept-Any-Sender", "ms-Exch-Accept-Headers-Routing",
           "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender")
ANY_RECIPIENT = "ms-Exch-SMTP-Accept-Any-Recipient"
NINE = USERS_4 + (ANY_RECIPIENT, "ms-Exch-SMTP-Accept-Authentication-Flag", "ms-Exch-Bypass-Anti-Spam",
                  "ms-Exch-Bypass-Message-Size-Limit", "ms-Exch-SMTP-Accept-Exch50")
ELEVEN = NINE + ("ms-Exch-Accept-Headers-Forest", "ms-Exch-Accept-Headers-Organization")
FORWARD = """
import socket, sys, threading
def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for end in (a, b):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listening", flush=True)
while True:
    near, _ = listener.accept()
    far = socket.create_connection((sys.argv[1], 636))
    for pair in ((near, far), (far, near)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


def read_rights():
    with open(os.path.join(REPOSITORY, "ldif/rights.tsv")) as file:
        return {name: guid for name, guid, _ in (line.rstrip("\n").split("\t") for line in file)}


RIGHTS = read_rights()
DC = None
# What Exchange's setup adds to people; Samba's schema lacks it.
PUBLIC_DELEGATES = """dn: CN=ms-Exch-Public-Delegates,CN=Schema,CN=Configuration,DC=X
changetype: add
objectClass: attributeSchema
cn: ms-Exch-Public-Delegates
lDAPDisplayName: publicDelegates
attributeID: 1.2.840.113556.1.2.238
attributeSyntax: 2.5.5.1
oMSyntax: 127
oMObjectClass:: KwwCh3McAIVK
isSingleValued: FALSE

dn:
changetype: modify
add: schemaUpdateNow
schemaUpdateNow: 1
-

dn: CN=Organizational-Person,CN=Schema,CN=Configuration,DC=X
changetype: modify
add: mayContain
mayContain: publicDelegates

"""


def setUpModule():
    """One DC for all tests: its schema can be loaded only once."""
    global DC, SERVICE, SERVICE_SID, SERVER, RECEIVE, SINK
    samba_dc.install_packages()
    DC = samba_dc.SambaDc(ldif=samba_dc.SCHEMA + (PUBLIC_DELEGATES,))
    unittest.addModuleCleanup(DC.close)
    SINK = Sink()
    unittest.addModuleCleanup(SINK.stop)
    SERVICE = DC.create_service_account("relaysvc", PASSWORD)
    SERVICE_SID = DC.sid_of("CN=relaysvc,CN=Users," + DC.suffix)
    organization = "CN=First Organization,CN=Microsoft Exchange,CN=Services," + DC.configuration
    groups = "CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups," + organization
    SERVER = "CN=Mailbox01,CN=Servers," + groups
    RECEIVE = "CN=SMTP Receive Connectors,CN=Protocols," + SERVER
    add(SERVER, "msExchExchangeServer", "msExchCurrentServerRoles: 16416", "networkAddress: ncacn_ip_tcp:mailbox01.contoso.com")
    add("CN=Protocols," + SERVER, "protocolCfgSharedServer")
    add(RECEIVE, "msExchSmtpReceiveConnectorContainer")
    add("CN=contoso.com,CN=Accepted Domains,CN=Transport Settings," + organization, "msExchAcceptedDomain",
        "msExchAcceptedDomainName: contoso.com", "msExchAcceptedDomainFlags: 4")
    send = "CN=Internet,CN=Connections,CN=Routing Group (DWBGZMFD01QNBJR),CN=Routing Groups," + groups
    add(send, "msExchRoutingSMTPConnector", "routingList: SMTP:*;1", "msExchSmtpSmartHost: [127.0.0.1]",
        "msExchSmtpSendPort: %d" % SINK.port)


def add(dn, kind, *lines):
    DC.modify("\n".join(["dn: " + dn, "changetype: add", "objectClass: " + kind, *lines, ""]))


def replace(dn, attribute, value):
    DC.modify("dn: %s\nchangetype: modify\nreplace: %s\n%s: %s\n" % (dn, attribute, attribute, value))


def aces(rights, trustee="AN", kind="OA"):
    return "".join("(%s;CI;CR;%s;;%s)" % (kind, RIGHTS[right], trustee) for right in rights)


class Case(unittest.TestCase):
    """A connector of its own, for the host 127.0.0.2 on its own port, and a daemon."""

    flag, rights = 1, USERS_4

    def setUp(self):
        self.port = free_port()
        self.name = "Relay %d" % self.port
        self.dn = "CN=%s,%s" % (self.name, RECEIVE)
        add(self.dn, "msExchSmtpReceiveConnector", "msExchSmtpReceiveBindings: 127.0.0.1:%d" % self.port,
            "msExchSmtpReceiveRemoteIPRanges: 127.0.0.2", "msExchSmtpReceiveRole: 16384",
            "msExchSMTPReceiveInboundSecurityFlag: %d" % self.flag, "msExchSmtpReceiveTarpitInterval: 0")
        self.addCleanup(DC.delete, self.dn)
        if self.rights:
            DC.add_ace(self.dn, aces(self.rights))

    def daemon(self, **config):
        how = {name: config.pop(name) for name in ("start", "as_root", "prefix", "env") if name in config}
        daemon = Daemon(DC.ldaps_uri, {"directory.bind_dn": SERVICE[0], "directory.bind_password": SERVICE[1],
                                       "directory.ca_file": DC.ca_file, **config}, **how)
        self.addCleanup(self.end, daemon)
        return daemon

    @staticmethod
    def end(daemon):
        """What a sanitizer has to say comes out when the daemon stops."""
        with daemon:
            pass

    def administrator(self):
        """dirrelay for whom the directory lets write."""
        return self.daemon(start=False, **{"directory.bind_dn": DC.administrator[0],
                                           "directory.bind_password": DC.administrator[1]})

    def rcpt(self):
        """What an outside recipient is answered; "" where it does not come so far."""
        try:
            with Client(self.port, source="127.0.0.2") as client:
                client.say("EHLO printer.example")
                sender = client.say("MAIL FROM:<chris@contoso.com>")
                return str(client.say("RCPT TO:<kate@fabrikam.com>")) if sender.code == 250 else str(sender)
        except Exception:  # not listening, or not any more
            return ""

    def assert_relays(self, does=True, within=NOTICED):
        eventually(lambda: self.rcpt().startswith("250" if does else "550"), within)


class People(Case):
    """A user of the domain whose rights come by nested groups."""

    rights = ()  # nothing for anonymous

    def setUp(self):
        super().setUp()
        self.user = DC.create_user("clerk%d" % self.port, PASSWORD)
        self.inner = DC.create_group("inner%d" % self.port, members=[self.user])
        self.outer = DC.create_group("outer%d" % self.port, members=[self.inner])
        DC.add_ace(self.dn, aces(USERS_4 + (ANY_RECIPIENT,), DC.sid_of(self.outer)))

    def noticed(self, told, dn, lines, check):
        """After the change check holds within NOTICED of the DC's telling another client, on a machine that has a core for
        everybody who wants one; the DC may take its time, and a busy machine too."""
        mark = told.mark()
        DC.modify("dn: %s\nchangetype: modify\n%s\n" % (dn, lines))
        told.wait(dn, mark)
        eventually(check, NOTICED * max(1, os.getloadavg()[0] / os.cpu_count()))

    def mail(self, client):
        client.say("RSET")
        return client.say("MAIL FROM:<chris@contoso.com>")


class Logins(People):
    flag = 5  # Tls and BasicAuth

    def log_in(self, client, name=None):
        credentials = "\0%s\0%s" % (name or "clerk%d" % self.port, PASSWORD)
        client.say("EHLO desk.example")
        return client.say("AUTH PLAIN " + base64.b64encode(credentials.encode()).decode())

    def logged_in(self):
        with Client(self.port, source="127.0.0.2") as client:
            return self.log_in(client).code == 235

    # proves: C204 contract-3 facts-9.6
    def test_a_nested_group_gives_and_takes_rights_in_an_open_session(self):
        daemon = self.daemon()
        eventually(lambda: self.reached(), 20)
        told = self.enterContext(DC.notifications(DC.suffix))
        self.settle(told)
        with Client(self.port, source="127.0.0.2") as client:
            self.assertEqual(self.log_in(client).code, 235)
            self.assertGreaterEqual(daemon.wait("auth.ok")["sids"], 5)
            self.assertEqual(self.mail(client).code, 250)
            self.assertEqual(client.say("RCPT TO:<kate@fabrikam.com>").text, "250 2.1.5 Recipient OK")
            member = "member\nmember: " + self.inner
            self.noticed(told, self.outer, "delete: " + member, lambda: self.mail(client).code == 550)
            self.noticed(told, self.outer, "add: " + member, lambda: self.mail(client).code == 250)
            disabled = "replace: userAccountControl\nuserAccountControl: 66050"
            self.noticed(told, self.user, disabled, lambda: self.mail(client).code == 550)
        with Client(self.port, source="127.0.0.2") as client:
            self.assertEqual(self.log_in(client).text, "535 5.7.3 Authentication unsuccessful")

    def settle(self, told):
        """Returns when the DC tells: it takes the request when it comes to it."""
        for number in range(60):
            mark = told.mark()
            replace(self.user, "description", "change %d" % number)
            if told.is_told(self.user, mark, 6):
                return
        self.fail("the DC tells of nothing")

    # proves: C201
    def test_a_user_outside_the_group_may_not_submit(self):
        self.daemon()
        eventually(lambda: self.reached(), 20)
        DC.create_user("guest%d" % self.port, PASSWORD)
        with Client(self.port, source="127.0.0.2") as client:
            self.assertEqual(self.log_in(client, "guest%d" % self.port).text, "535 5.7.3 Authentication unsuccessful")
            self.assertEqual(self.mail(client).text, "530 5.7.1 Client was not authenticated")

    def reached(self):
        """AUTH is offered as soon as the daemon can ask the DC."""
        try:
            return self.logged_in()
        except Exception:  # not listening yet
            return False


class Changes(Case):
    # proves: contract-3 facts-5.1
    def test_descriptors_written_by_samba_tool_and_by_ldapmodify(self):
        self.daemon()
        self.assert_relays(False, 20)
        DC.add_ace(self.dn, aces([ANY_RECIPIENT]))
        self.assert_relays(True)
        DC.add_ace(self.dn, aces([ANY_RECIPIENT], kind="OD"))
        self.assert_relays(False)
        with_relay = DC.samba_tool("dsacl", "get", "--objectdn=" + self.dn).stdout
        self.assertIn("OD;CI;CR;" + RIGHTS[ANY_RECIPIENT], with_relay)
        sddl = "D:" + aces(USERS_4 + (ANY_RECIPIENT,)) + "(A;;RPLCLORC;;;AU)"
        encoded = subprocess.run([DIRRELAY, "sd", "encode", sddl], capture_output=True, text=True, check=True).stdout
        DC.write_descriptor(self.dn, base64.b64decode(encoded), 4)
        self.assert_relays(True)

    # proves: contract-3
    def test_connectors_come_move_and_go(self):
        daemon = self.daemon()
        self.assert_relays(False, 20)
        mark = daemon.mark()
        replace(self.dn, "msExchSmtpReceiveEnabled", "FALSE")
        daemon.wait("org.loaded", since=mark, timeout=NOTICED)
        eventually(lambda: self.rcpt() == "")
        second = self.dn.replace("CN=Relay", "CN=Second")
        port, mark = free_port(), daemon.mark()
        add(second, "msExchSmtpReceiveConnector", "msExchSmtpReceiveBindings: 127.0.0.1:%d" % port,
            "msExchSmtpReceiveRemoteIPRanges: 127.0.0.2")
        daemon.wait("org.loaded", since=mark, timeout=NOTICED)
        mark = daemon.mark()
        DC.delete(second)
        daemon.wait("org.loaded", since=mark, timeout=NOTICED)
        names = [row["name"] for row in daemon.status()["connectors"]]
        self.assertNotIn("Mailbox01\\Second %d" % self.port, names)

    # proves: contract-3
    def test_an_ace_on_a_container_reaches_the_connectors_below(self):
        self.daemon()
        self.assert_relays(False, 20)
        before = DC.read_descriptor(RECEIVE)
        DC.add_ace(RECEIVE, aces([ANY_RECIPIENT]))
        try:
            self.assert_relays(True)
        finally:
            DC.write_descriptor(RECEIVE, before, 4)
        self.assert_relays(False)


class Hidden(Case):
    rights = USERS_4 + (ANY_RECIPIENT,)

    # proves: contract-3 D11
    def test_a_descriptor_taken_from_the_account_takes_the_rights(self):
        daemon = self.daemon()
        self.assert_relays(True, 20)
        mark = daemon.mark()
        DC.add_ace(self.dn, "(D;;RC;;;%s)" % SERVICE_SID)
        refused = daemon.wait("org.refused", since=mark, timeout=NOTICED)
        self.assertIn("may not read it", json.dumps(refused))
        eventually(lambda: self.rcpt() == "530 5.7.1 Client was not authenticated")


class Loss(Case):
    rights = USERS_4 + (ANY_RECIPIENT,)

    def forward(self):
        """A second way to the DC, inside its namespace since the certificate names its address; the process."""
        port = 6360
        process = subprocess.Popen(["ip", "netns", "exec", DC.namespace, sys.executable, "-c", FORWARD, DC.address, str(port)],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "listening\n")
        return process, "%s:%d" % (DC.ldaps_uri, port)

    # proves: contract-2
    def test_the_second_uri_is_taken(self):
        process, uri = self.forward()
        daemon = self.daemon(**{"directory.uri": "%s %s" % (uri, DC.ldaps_uri)})
        self.assert_relays(True, 20)
        mark = daemon.mark()
        process.kill()
        daemon.wait("directory.down", since=mark)
        daemon.wait("directory.up", since=mark)
        self.assert_relays(True)
        DC.add_ace(self.dn, aces([ANY_RECIPIENT], kind="OD"))
        self.assert_relays(False)

    # proves: contract-3
    def test_the_dc_is_away_and_comes_back_changed(self):
        daemon = self.daemon()
        self.assert_relays(True, 20)
        mark = daemon.mark()
        DC.stop()
        try:
            daemon.wait("directory.down", since=mark)
            self.assert_relays(True)
            daemon.restart()
            self.assert_relays(True, 20)
        finally:
            DC.start()
        DC.add_ace(self.dn, aces([ANY_RECIPIENT], kind="OD"))
        self.assert_relays(False, 20)


class Method1(Case):
    # proves: C2 C10 C76 C77 contract-3 contract-4
    def test_an_anonymous_relay(self):
        self.daemon()
        self.assert_relays(False, 20)
        tool = self.administrator()
        answer = tool.cli("permission", "add", self.name, "--user", "NT AUTHORITY\\ANONYMOUS LOGON", "--rights", ANY_RECIPIENT)
        self.assertEqual(answer.code, 0, answer)
        self.assert_relays(True)
        listed = {row["right"]: row for row in tool.cli("permission", "list", self.name, "--user", "anonymous", json=True).json
                  if not row["inherited"]}
        self.assertEqual(set(listed), set(USERS_4 + (ANY_RECIPIENT,)))
        self.assertEqual({right for right, row in listed.items() if row["from"] == "AnonymousUsers"}, set(USERS_4))
        self.assertEqual(listed[ANY_RECIPIENT]["from"], "explicit")
        with Client(self.port, source="127.0.0.2") as client:
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
        self.assertEqual(SINK.wait(1)[-1].recipients, ["kate@fabrikam.com"])
        with Client(self.port, source="127.0.0.9", greet=False) as other:
            self.assertEqual(other.reply().code, 421)


class Method2(Case):
    flag, rights = 32, ()

    # proves: C29 C33 contract-7
    def test_externally_secured(self):
        tool = self.administrator()
        for trustee, rights in (("externally-secured-servers", NINE), ("hub-servers", ELEVEN), ("edge-servers", ELEVEN),
                                ("CN=Exchange Servers,OU=Microsoft Exchange Security Groups," + DC.suffix, ELEVEN)):
            answer = tool.cli("permission", "add", self.name, "--user", trustee, "--rights", ",".join(rights))
            self.assertEqual(answer.code, 0, answer)
        shown = tool.cli("connector", "show", self.name, json=True).json
        shown = shown[0] if isinstance(shown, list) else shown
        self.assertEqual(shown["PermissionGroups"], ["ExchangeServers"])
        self.daemon()
        self.assert_relays(True, 20)


class Permission(Case):
    rights = USERS_4

    def setUp(self):
        super().setUp()
        self.tool = self.administrator()

    def sddl(self):
        descriptor = DC.read_descriptor(self.dn)
        return subprocess.run([DIRRELAY, "sd", "decode", base64.b64encode(descriptor).decode()], capture_output=True,
                              text=True, check=True).stdout.strip()

    def permission(self, verb, user, rights, *options, code=0):
        answer = self.tool.cli("permission", verb, self.name, "--user", user, "--rights", rights, *options)
        self.assertEqual(answer.code, code, answer)
        return answer

    # proves: contract-4
    def test_every_other_ace_stays_as_it_was(self):
        before = self.sddl()
        group = DC.create_group("Printers %d" % self.port)
        self.addCleanup(DC.delete, group)
        self.permission("add", group, ANY_RECIPIENT)
        self.permission("add", "anonymous", ANY_RECIPIENT, "--deny")
        allow, deny = (aces([ANY_RECIPIENT], DC.sid_of(group)), aces([ANY_RECIPIENT], kind="OD"))
        after = self.sddl()
        self.assertIn(allow, after)
        self.assertIn(deny, after)
        self.assertLess(after.index(deny), after.index(allow))
        self.assertEqual(after.replace(allow, "").replace(deny, ""), before)
        self.permission("add", group, ANY_RECIPIENT)
        self.assertEqual(self.sddl(), after)
        self.permission("remove", group, ANY_RECIPIENT)
        self.permission("remove", "anonymous", ANY_RECIPIENT, "--deny")
        self.assertEqual(self.sddl(), before)
        self.assertIn("nothing to remove", self.permission("remove", "anonymous", ANY_RECIPIENT, code=1).out)

    # proves: contract-4
    def test_a_dry_run_prints_what_ldapmodify_takes(self):
        before = self.sddl()
        ldif = self.permission("add", "anonymous", ANY_RECIPIENT, "--dry-run").out
        self.assertIn("control: 1.2.840.113556.1.4.801 true:: MAMCAQQ=\n", ldif)
        self.assertEqual(self.sddl(), before)
        DC.modify(ldif)
        self.assertIn(aces([ANY_RECIPIENT]), self.sddl())

    # proves: contract-4
    def test_a_plain_account_may_not(self):
        before = self.sddl()
        with Daemon(DC.ldaps_uri, {"directory.bind_dn": SERVICE[0], "directory.bind_password": SERVICE[1],
                                   "directory.ca_file": DC.ca_file}, start=False) as plain:
            answer = plain.cli("permission", "add", self.name, "--user", "anonymous", "--rights", ANY_RECIPIENT)
        self.assertEqual(answer.code, 1, answer)
        self.assertEqual(self.sddl(), before)


class Integrated(People):
    """AUTH NTLM, which a winbindd of a domain member asks the DC about, and AUTH GSSAPI with a ticket of the domain."""

    flag = 3  # Tls and Integrated
    HOST = "relay.ad.contoso.test"

    @classmethod
    def setUpClass(cls):
        member = cls.enterClassContext(SambaMember(DC))
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="dr-keytab-"))
        os.chmod(folder, 0o755)
        cls.keytab, cls.tickets = os.path.join(folder, "keytab"), os.path.join(folder, "tickets")
        DC.create_user("smtpsvc", PASSWORD, servicePrincipalName="smtp/" + cls.HOST)
        DC.export_keytab("smtp/" + cls.HOST, cls.keytab)
        cls.how = {"as_root": True, "prefix": member.prefix, "env": {"KRB5_CONFIG": DC.krb5_config, **WITHOUT_LEAKS},
                   "sasl.keytab": cls.keytab}

    def setUp(self):
        super().setUp()
        replace(self.dn, "msExchSMTPReceiveConnectorFQDN", self.HOST)
        self.log = self.daemon(**self.how)
        eventually(lambda: "AUTH GSSAPI NTLM" in self.connect().ehlo().lines, 20)

    def connect(self):
        client = Client(self.port, source="127.0.0.2")
        self.addCleanup(client.close)
        return client

    def by_ntlm(self, name, password=PASSWORD):
        client = self.connect()
        client.ehlo()
        user = DC.domain + "\\" + name
        return client, gss_login.log_in(client, "AUTH NTLM", ["ntlm", self.HOST, user, password], dict(os.environ)).text

    def by_ticket(self, name, kind):
        client, environment = self.connect(), {**os.environ, "KRB5_CONFIG": DC.krb5_config, "KRB5CCNAME": self.tickets}
        client.ehlo()
        DC.get_ticket(name, PASSWORD, self.tickets)
        return client, gss_login.log_in(client, "AUTH GSSAPI", [kind, self.HOST], environment).text

    # proves: C114 D8 facts-9.6
    def test_ntlm(self):
        client, reply = self.by_ntlm("clerk%d" % self.port)
        self.assertEqual(reply, "235 2.7.0 Authentication successful")
        self.assertEqual(self.log.wait("auth.ok")["mechanism"], "NTLM")
        self.assertEqual(self.mail(client).code, 250)
        self.assertEqual(client.rcpt("kate@fabrikam.com").code, 250)
        DC.create_user("guest%d" % self.port, PASSWORD)
        for name, password in (("clerk%d" % self.port, "wrong"), ("nobody%d" % self.port, PASSWORD), ("guest%d" % self.port, PASSWORD)):
            self.assertEqual(self.by_ntlm(name, password)[1], FAILURE, name)
        replace(self.user, "userAccountControl", 66050)
        self.assertEqual(self.by_ntlm("clerk%d" % self.port)[1], FAILURE)
        eventually(lambda: self.mail(client).code == 550, 20)

    # proves: C114 facts-9.6
    def test_tickets_of_the_domain(self):
        for kind in ("sasl", "spnego"):
            client, reply = self.by_ticket("clerk%d" % self.port, kind)
            self.assertEqual(reply, "235 2.7.0 Authentication successful")
            self.assertEqual(self.mail(client).code, 250)
            self.assertEqual(client.rcpt("kate@fabrikam.com").code, 250)
        DC.create_user("guest%d" % self.port, PASSWORD)
        self.assertEqual(self.by_ticket("guest%d" % self.port, "sasl")[1], FAILURE)


class Kerberos(Case):
    # proves: contract-2
    def test_gssapi_with_a_keytab(self):
        """Signed and sealed over plain LDAP; the ticket comes from the keytab and stays in memory."""
        folder = tempfile.mkdtemp(prefix="dr-keytab-")
        keytab = os.path.join(folder, "service.keytab")
        DC.export_keytab("relaysvc", keytab)
        tool = self.daemon(start=False, **{"directory.uri": "ldap://" + DC.host, "directory.start_tls": "never",
                                           "directory.sasl_mech": "GSSAPI", "directory.bind_dn": None,
                                           "directory.bind_password": None, "directory.ca_file": None,
                                           "sasl.keytab": keytab})
        command = [DIRRELAY, "--json", "-c", tool.config_path, "permission", "list", self.name, "--user", "anonymous"]
        listed = json.loads(DC.run(command).stdout)
        self.assertEqual({row["right"] for row in listed if not row["inherited"]}, set(USERS_4))
        os.unlink(keytab)
        self.assertEqual(DC.run(command, check=False).returncode, 3)
        os.rmdir(folder)


class Senders(Case):
    """Send-As by the descriptor of the sender's entry."""

    flag, rights = 4, ()

    def ace(self, kind, trustee):
        return "(%s;;CR;%s;;%s)" % (kind, RIGHTS["Send-As"], trustee)

    # proves: C269 facts-8.4 contract-5
    def test_send_as(self):
        DC.add_ace(self.dn, aces(("ms-Exch-SMTP-Submit",), "AU"))
        sara = DC.create_user("sara", PASSWORD, mail="sara@contoso.com", proxyAddresses=["smtp:s@contoso.com"])
        desk = DC.create_user("desk", PASSWORD, mail="desk@contoso.com")
        outer = DC.create_group("deskoutside", members=[DC.create_group("deskinside", members=[sara])])
        client = self.login("sara")

        def mail(sender):
            client.say("RSET")
            return client.mail(sender).text

        taken, refused = "250 2.1.0 Sender OK", "550 5.7.1 Client does not have permission to send as this sender"
        for sender in ("sara@contoso.com", "S@contoso.com"):  # SELF, as the schema gives it to every user
            self.assertEqual(mail(sender), taken)
        for sender in ("desk@contoso.com", "nobody@contoso.com"):
            self.assertEqual(mail(sender), refused)
        DC.add_ace(desk, self.ace("OA", DC.sid_of(outer)))
        self.assertEqual(mail("desk@contoso.com"), taken)
        DC.add_ace(desk, self.ace("OD", DC.sid_of(sara)))
        self.assertEqual(mail("desk@contoso.com"), refused)
        DC.add_ace(sara, self.ace("OD", "PS"))
        self.assertEqual(mail("sara@contoso.com"), refused)

    # proves: C271 facts-8.4 contract-5
    def test_on_behalf(self):
        DC.add_ace(self.dn, aces(("ms-Exch-SMTP-Submit",), "AU"))
        tess = DC.create_user("tess", PASSWORD, mail="tess@contoso.com")
        assistants = DC.create_group("assistants", members=[DC.create_group("trainees", members=[tess])])
        gone = DC.create_user("gone", PASSWORD)
        DC.create_user("chief", PASSWORD, mail="chief@contoso.com", publicDelegates=[gone, assistants])
        DC.create_user("other", PASSWORD, mail="other@contoso.com", publicDelegates=[gone])
        DC.delete(gone)
        client = self.login("tess")
        for sender, reply in (("chief", "250"), ("other", "550 5.7.1 Client does not have permission to send on behalf of the from address")):
            client.mail("tess@contoso.com")
            self.assertEqual(client.rcpt("chief@contoso.com").code, 250)
            self.assertEqual(client.say("DATA").code, 354)
            text = client.say("Sender: tess@contoso.com\r\nFrom: %s@contoso.com\r\n\r\nx\r\n." % sender).text
            self.assertTrue(text.startswith(reply), text)

    def login(self, user):
        self.daemon()
        eventually(lambda: can_connect(self.port), NOTICED)
        client = Client(self.port, source="127.0.0.2")
        self.addCleanup(client.close)
        client.ehlo()
        secret = base64.b64encode(("\0%s\0%s" % (user, PASSWORD)).encode()).decode()
        self.assertEqual(client.say("AUTH PLAIN " + secret).code, 235)
        return client


if __name__ == "__main__":
    unittest.main()
