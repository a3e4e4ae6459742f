"""A private slapd for one test: own directory, own ports, an unprivileged user, nothing left behind.

    with Slapd() as slapd:
        slapd.add("dn: ou=people,dc=contoso,dc=com\\nobjectClass: organizationalUnit\\nou: people\\n")
        run(["dirrelayd", …, slapd.ldapi_uri])
        slapd.freeze(); …; slapd.thaw()

Only the standard library and the programs of Debian's slapd, ldap-utils and openssl are used.
"""

import base64
import getpass
import os
import random
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.parse

from lib.child import comes_up, die_with_parent

SLAPD = "/usr/sbin/slapd"
SYSTEM_SCHEMAS = "/etc/ldap/schema"
MODULES = "/usr/lib/ldap"
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STANDARD_SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
DIRRELAY_SCHEMAS = (
    os.path.join(REPOSITORY, "ldap-schema", "dirrelay-ad-base.ldif"),
    os.path.join(REPOSITORY, "ldap-schema", "dirrelay.ldif"),
)


class SlapdError(Exception):
    """A program of the fixture failed; the text holds what it said."""


def free_port():
    """A TCP port that nobody uses at this moment, on any IPv4 address. From below the range that the kernel hands to outgoing
    connections: one of those would stand in the way of a listener that comes a moment later."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first_outgoing = int(file.read().split()[0])
    while True:
        port = random.randrange(10000, max(first_outgoing, 20000))
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue


def _unprivileged_user():
    """Whom slapd runs as when the test is root; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("openldap", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise SlapdError("neither openldap nor nobody is a user of this machine")


def parse_ldif(text):
    """Records of ldapsearch -LLL as [(dn, {attribute: [values as str, or bytes when not UTF-8]})]."""
    records = []
    for block in text.replace("\n ", "").split("\n\n"):
        dn, attributes = None, {}
        for line in block.splitlines():
            if not line or line.startswith("#"):
                continue
            name, _, rest = line.partition(":")
            if rest.startswith(":"):
                value = base64.b64decode(rest[1:].strip())
                try:
                    value = value.decode()
                except UnicodeDecodeError:
                    pass
            else:
                value = rest.strip()
            if name == "dn":
                dn = value
            else:
                attributes.setdefault(name, []).append(value)
        if dn is not None:
            records.append((dn, attributes))
    return records


class Slapd:
    """One server with one mdb database.

    suffix          the naming context; its entry is added when it begins with dc= or o=
    schemas         names below the system's schema folder, or paths of cn=config LDIF files, in order
    tls             also listen on ldaps:// and offer StartTLS, with a CA of its own (ca_file)
    modules         further overlays to load, e.g. ("memberof", "dynlist")
    config          further cn=config records (LDIF text), e.g. overlays with their options
    access          olcAccess values of the database; None: everybody reads, passwords are hidden
    size_limit      olcSizeLimit of the database
    session_log     olcSpSessionlog; 0: none, so that a reconnecting watch gets the PRESENT phase
    root_dse        attributes added to the rootDSE, LDIF text
    user            False: run as the caller even when that is root
    port            of ldap://; None: a free one
    """

    def __init__(self, suffix="dc=contoso,dc=com", schemas=STANDARD_SCHEMAS + DIRRELAY_SCHEMAS, tls=False,
                 modules=(), config="", access=None, size_limit="unlimited", session_log=1000, root_dse=None,
                 user=True, port=None):
        self.suffix = suffix
        self.root_dn = "cn=admin," + suffix
        self.root_password = "secret"
        self.schemas = tuple(schemas)
        self.tls = tls
        self.modules = tuple(modules)
        self.config = config
        self.access = access
        self.size_limit = size_limit
        self.session_log = session_log
        self.root_dse = root_dse
        self.port = port or free_port()
        self.process = None
        self.ca_file = None
        self._user = _unprivileged_user() if user else None
        self.directory = tempfile.mkdtemp(prefix="dr-slapd-")
        os.chmod(self.directory, 0o755)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    # -- life ---------------------------------------------------------------------------------------------

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.close()

    def start(self):
        """Starts, or starts again, on the same ports; returns when it answers."""
        if self.process is not None:
            raise SlapdError("slapd is already running")
        urls = [self.uri, self.ldapi_uri] + ([self.ldaps_uri] if self.tls else [])
        log = open(self.log_path, "ab")
        # -d keeps it in the foreground; dying with the test needs the identity to be taken before exec.
        self.process = subprocess.Popen(
            [SLAPD, "-d", "0", "-F", self._path("config"), "-h", " ".join(urls)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent, start_new_session=True,
            **self._identity())
        log.close()
        if not comes_up(self.process, self._answers, 20, 0.02):
            self.kill()
            raise SlapdError("slapd did not start: " + self.log())

    def stop(self):
        """SIGTERM, and wait."""
        self._end(signal.SIGTERM)

    def kill(self):
        """SIGKILL, and wait."""
        self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def freeze(self):
        """Connections stay open and nothing answers, from the return on."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        """Ends the server and removes its directory. May be called twice."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        try:
            with open(self.log_path, errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    # -- data ---------------------------------------------------------------------------------------------

    def add(self, ldif):
        """ldapadd as the administrator. ldif is text, or the path of a file that ends in .ldif."""
        return self._tool(["ldapadd"], ldif)

    def modify(self, ldif):
        return self._tool(["ldapmodify"], ldif)

    def delete(self, *dns, recursive=False):
        return self._tool(["ldapdelete"] + (["-r"] if recursive else []) + list(dns))

    def rename(self, dn, new_rdn, new_superior=None):
        return self._tool(["ldapmodrdn", "-r"] + (["-s", new_superior] if new_superior else []) + [dn, new_rdn])

    def search(self, base=None, filter="(objectClass=*)", attributes=(), scope="sub"):
        """[(dn, {attribute: [values]})]"""
        found = self._tool(["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", self.suffix if base is None else base,
                            "-s", scope, filter, *attributes])
        return parse_ldif(found)

    def load(self, *ldifs):
        """slapadd into the stopped server: for many entries. Texts, or paths that end in .ldif."""
        for ldif in ldifs:
            self._slapadd(1, ldif)

    # -- inside -------------------------------------------------------------------------------------------

    def _path(self, *parts):
        return os.path.join(self.directory, *parts)

    def _identity(self):
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _own(self, *paths):
        if self._user is not None:
            for path in paths:
                os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _prepare(self):
        self.log_path = self._path("slapd.log")
        self.uri = "ldap://127.0.0.1:%d" % self.port
        self.socket_path = self._path("ldapi")
        self.ldapi_uri = "ldapi://" + urllib.parse.quote(self.socket_path, safe="")
        for name in ("config", "data"):
            os.mkdir(self._path(name), 0o700)
            self._own(self._path(name))
        self._own(self.directory)
        if self.tls:
            self._make_certificates()
            self.ldaps_port = free_port()
            self.ldaps_uri = "ldaps://127.0.0.1:%d" % self.ldaps_port
        self._slapadd(0, self._config_ldif())
        suffix_entry = self._suffix_ldif()
        if suffix_entry:
            self._slapadd(1, suffix_entry)

    def _suffix_ldif(self):
        attribute, _, value = self.suffix.split(",")[0].partition("=")
        if attribute.lower() == "dc":
            return "dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: %s\ndc: %s\n" % (
                self.suffix, value, value)
        if attribute.lower() == "o":
            return "dn: %s\nobjectClass: organization\no: %s\n" % (self.suffix, value)
        return None

    def _slapadd(self, database, ldif):
        path = ldif
        if not (ldif.endswith(".ldif") and "\n" not in ldif):
            path = self._path("input.ldif")
            with open(path, "w") as file:
                file.write(ldif)
            os.chmod(path, 0o644)
        with open(path, "rb") as file:
            done = subprocess.run(["/usr/sbin/slapadd", "-q", "-F", self._path("config"), "-n", str(database)],
                                  stdin=file, capture_output=True, text=True, **self._identity())
        if done.returncode != 0:
            raise SlapdError("slapadd: " + done.stderr)

    def _config_ldif(self):
        me = "gidNumber=%d+uidNumber=%d,cn=peercred,cn=external,cn=auth" % (os.getegid(), os.geteuid())
        modules = ["back_mdb", "syncprov", *self.modules]
        access = self.access
        if access is None:
            access = ["to attrs=userPassword by anonymous auth by self write by * none", "to * by * read"]
        lines = ["dn: cn=config", "objectClass: olcGlobal", "cn: config",
                 "olcPidFile: " + self._path("slapd.pid"), "olcIdleTimeout: 0"]
        if self.tls:
            lines += ["olcTLSCACertificateFile: " + self.ca_file,
                      "olcTLSCertificateFile: " + self._path("server.pem"),
                      "olcTLSCertificateKeyFile: " + self._path("server.key")]
        if self.root_dse:
            path = self._path("rootdse.ldif")
            with open(path, "w") as file:
                file.write("dn:\n" + self.root_dse)
            os.chmod(path, 0o644)
            lines += ["olcRootDSE: " + path]
        lines += ["", "dn: cn=module,cn=config", "objectClass: olcModuleList", "cn: module",
                  "olcModulePath: " + MODULES, *("olcModuleLoad: " + name for name in modules),
                  "", "dn: cn=schema,cn=config", "objectClass: olcSchemaConfig", "cn: schema", ""]
        for schema in self.schemas:
            path = schema if os.sep in schema else os.path.join(SYSTEM_SCHEMAS, schema + ".ldif")
            lines += ["include: file://" + self._copy_schema(path), ""]
        lines += ["dn: olcDatabase={-1}frontend,cn=config", "objectClass: olcDatabaseConfig",
                  "objectClass: olcFrontendConfig", "olcDatabase: {-1}frontend",
                  'olcAccess: to dn.base="" by * read', 'olcAccess: to dn.base="cn=Subschema" by * read',
                  "", "dn: olcDatabase={0}config,cn=config", "objectClass: olcDatabaseConfig",
                  "olcDatabase: {0}config", 'olcAccess: to * by dn.exact="%s" manage by * none' % me,
                  "", "dn: olcDatabase={1}mdb,cn=config", "objectClass: olcDatabaseConfig",
                  "objectClass: olcMdbConfig", "olcDatabase: {1}mdb", "olcDbDirectory: " + self._path("data"),
                  "olcSuffix: " + self.suffix, "olcRootDN: " + self.root_dn, "olcRootPW: " + self.root_password,
                  "olcDbMaxSize: 1073741824", "olcDbNoSync: TRUE", "olcSizeLimit: %s" % self.size_limit,
                  "olcDbIndex: objectClass,entryUUID,entryCSN eq", "olcDbIndex: cn,uid,mail,member eq",
                  'olcAccess: to * by dn.exact="%s" manage by * break' % me, *("olcAccess: " + rule for rule in access),
                  "", "dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config", "objectClass: olcOverlayConfig",
                  "objectClass: olcSyncProvConfig", "olcOverlay: syncprov", "olcSpCheckpoint: 100 10"]
        if self.session_log:
            lines += ["olcSpSessionlog: %d" % self.session_log]
        return "\n".join(lines) + "\n\n" + self.config

    def _copy_schema(self, path):
        """The unprivileged user may not be able to read the checkout."""
        copy = self._path("schema-" + os.path.basename(path))
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o644)
        return copy

    def _make_certificates(self):
        self.ca_file = self._path("ca.pem")
        ca_key, key = self._path("ca.key"), self._path("server.key")
        request, extensions = self._path("server.csr"), self._path("server.ext")
        with open(extensions, "w") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n")
        for command in (
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=dirrelay test CA",
             "-keyout", ca_key, "-out", self.ca_file],
            ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", request],
            ["x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", ca_key, "-CAcreateserial",
             "-days", "30", "-extfile", extensions, "-out", self._path("server.pem")],
        ):
            done = subprocess.run(["openssl", *command], capture_output=True, text=True)
            if done.returncode != 0:
                raise SlapdError("openssl: " + done.stderr)
        os.chmod(self.ca_file, 0o644)
        self._own(key, self._path("server.pem"))

    def _answers(self):
        done = subprocess.run(["ldapsearch", "-x", "-LLL", "-H", self.uri, "-o", "nettimeout=2", "-s", "base", "-b",
                               "", "1.1"], capture_output=True)
        return done.returncode == 0

    def _tool(self, command, ldif=None):
        name, *arguments = command
        connect = [name, "-x", "-H", self.uri, "-D", self.root_dn, "-w", self.root_password]
        data = None
        if ldif is not None and ldif.endswith(".ldif") and "\n" not in ldif:
            arguments += ["-f", ldif]
        elif ldif is not None:
            data = ldif
        done = subprocess.run(connect + arguments, input=data, capture_output=True, text=True)
        if done.returncode != 0:
            raise SlapdError("%s: %s%s" % (name, done.stderr, done.stdout))
        return done.stdout

    def _end(self, with_signal):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
            if with_signal != signal.SIGKILL:
                self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


if __name__ == "__main__":
    with Slapd() as server:
        print("%s\n%s\n%s / %s (user %s)" % (server.uri, server.ldapi_uri, server.root_dn, server.root_password,
                                             getpass.getuser()))
        signal.pause()
