"""A private Samba Active Directory domain controller for one test: own forest, own network namespace, nothing left behind.

    install_packages()
    with SambaDc(ldif=SCHEMA) as dc:
        dc.modify("dn: …\\nchangetype: add\\n…")
        dc.create_user("relaysvc", "Passw0rd.456")
        dc.search(dc.suffix, "(sAMAccountName=relaysvc)", ["cn"], user=("relaysvc@" + dc.realm, "Passw0rd.456"))
        run(["dirrelayd", …, dc.ldaps_uri, dc.ca_file])
        dc.stop(); …; dc.start()

A DC listens on fixed ports, so it lives in a network namespace and is reached over a veth pair by its address, which its
certificate names; no name of the caller's machine is touched. Inside the namespace (run) names resolve as in a real
domain, which Kerberos needs. About 15 s until it answers, most of it the making of the forest. Needs root.

Everything unique hangs on a slot, a number held by a lock that dies with the process: what a killed run left in a slot
is removed by the next one that comes along. Only the standard library and Debian's packages of PACKAGES are used.
"""

import base64
import fcntl
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from lib.child import comes_up, die_with_parent
from lib.slapd import parse_ldif

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = tuple(os.path.join(REPOSITORY, "ldap-schema/ad", name + ".ldif")
               for name in ("1-attributes", "2-classes", "3-rights", "4-tree"))
LOCKS = "/run/dirrelay-test-dc"
SLOTS = 64
NETWORK = "198.51.100."  # RFC 5737: nobody's
START_SECONDS = 60
SCHEMA_UPDATE = "dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n-\n"
SD_FLAGS = "1.2.840.113556.1.4.801"
NOTIFICATION = "1.2.840.113556.1.4.528"


class SambaError(Exception):
    """A program of the fixture failed; the text holds what it said."""


def install_packages():
    """Installs what a DC needs; a test that cannot have one is skipped with the reason."""
    if os.geteuid() != 0:
        raise unittest.SkipTest("a Samba DC needs root: its fixed ports take a network namespace")
    done = subprocess.run([os.path.join(REPOSITORY, "tests/packages.sh"), "ad"], capture_output=True, text=True)
    if done.returncode != 0:
        raise unittest.SkipTest("no Samba AD DC on this machine: " + (done.stderr + done.stdout).strip()[-300:])


def encode_flags(flags):
    """The value of the SD-flags control: SEQUENCE { INTEGER flags }."""
    return base64.b64encode(bytes((0x30, 3, 2, 1, flags))).decode()


def flags_control(flags):
    """An LDIF line that stands between dn: and changetype:"""
    return "control: %s true:: %s" % (SD_FLAGS, encode_flags(flags))


def run_tool(command, input=None, check=True, **options):
    done = subprocess.run(command, input=input, capture_output=True, text=True, timeout=120, **options)
    if check and done.returncode != 0:
        raise SambaError("%s: exit %d\n%s%s" % (" ".join(command[:12]), done.returncode, done.stdout, done.stderr))
    return done


class Notifications:
    """What the DC tells a client that asks to be notified of changes below the base: how soon the DC itself is.

    with dc.notifications(dc.suffix) as told:
        mark = told.mark()
        dc.modify(…)
        told.wait(dn, mark)
    """

    def __init__(self, command, env):
        self._dns, self._changed = [], threading.Condition()
        self._process = subprocess.Popen(["stdbuf", "-oL"] + command, stdout=subprocess.PIPE, text=True, env=env,
                                         preexec_fn=die_with_parent)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self):
        for line in self._process.stdout:
            if line.startswith("dn: "):
                with self._changed:
                    self._dns.append(line[4:].strip().lower())
                    self._changed.notify_all()

    def mark(self):
        return len(self._dns)

    def is_told(self, dn, mark, timeout):
        with self._changed:
            return self._changed.wait_for(lambda: dn.lower() in self._dns[mark:], timeout)

    def wait(self, dn, mark, timeout=60):
        if not self.is_told(dn, mark, timeout):
            raise SambaError("the DC did not tell of %s within %d s" % (dn, timeout))


def with_winbindd(folder):
    """Stands before a command that is to find the winbindd whose sockets are in folder; in a mount namespace of its own. The
    path of the sockets is built into libwbclient."""
    return ["sh", "-c", 'mount -t tmpfs tmpfs /run && mkdir -p /run/samba/winbindd && mount --bind "$1" /run/samba/winbindd && '
            'shift && exec "$@"', "sh", folder]


# -- slots ------------------------------------------------------------------------------------------------


def _try_lock(slot):
    """An open file that holds the slot, or None. Its text names the directory of whoever held it last."""
    os.makedirs(LOCKS, mode=0o700, exist_ok=True)
    file = open(os.path.join(LOCKS, "slot-%d" % slot), "a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _namespace(slot):
    return "dirrelay-dc-%d" % slot


def _empty_slot(slot, lock):
    """Removes all that stands under the slot's names: of ours at the end, of a killed run at the start."""
    name = _namespace(slot)
    if os.path.exists("/run/netns/" + name):
        _end_processes(name)
        subprocess.run(["ip", "netns", "delete", name], capture_output=True)
    subprocess.run(["ip", "link", "delete", "drdc%da" % slot], capture_output=True)
    shutil.rmtree("/etc/netns/" + name, ignore_errors=True)
    try:
        os.rmdir("/etc/netns")  # only when nobody else has one
    except OSError:
        pass
    lock.seek(0)
    directory = lock.read()
    if os.path.basename(directory).startswith("dr-samba-"):
        shutil.rmtree(directory, ignore_errors=True)
    lock.truncate(0)


def _end_processes(namespace):
    """Every process of the namespace, by its number. Nobody else has a process in there."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            found = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True).stdout.split()
            if not found:
                return
            for pid in found:
                try:
                    os.kill(int(pid), number)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)


def _sweep():
    """Empties the slots of runs that were killed."""
    for path in glob.glob(LOCKS + "/slot-*"):
        slot = int(path.rpartition("-")[2])
        lock = _try_lock(slot)
        if lock:
            if os.path.getsize(path):
                _empty_slot(slot, lock)
            lock.close()


def _take_slot():
    _sweep()
    for slot in range(SLOTS):
        lock = _try_lock(slot)
        if lock:
            _empty_slot(slot, lock)
            return slot, lock
    raise SambaError("all %d slots are taken" % SLOTS)


# -- the domain controller --------------------------------------------------------------------------------


class SambaDc:
    """One domain controller of a forest of its own.

    realm      the forest's DNS name, in capitals
    ldif       what is loaded before the first start, e.g. SCHEMA
    options    {name: value} for smb.conf, e.g. {"ldap server require strong auth": "allow_sasl_over_tls"}: without it Samba
               takes GSSAPI only on ldap://, signed or sealed
    """

    def __init__(self, realm="AD.CONTOSO.TEST", ldif=(), options=None):
        self.realm = realm
        self.domain = realm.split(".")[1][:15]
        self.host = "dc1." + realm.lower()
        self.suffix = ",".join("DC=" + part for part in realm.lower().split("."))
        self.configuration = "CN=Configuration," + self.suffix
        self.password = "Passw0rd.123"
        self.administrator = ("Administrator@" + realm, self.password)
        self.process = None
        self.slot, self._lock = _take_slot()
        self.namespace = _namespace(self.slot)
        self.gateway, self.address = NETWORK + str(4 * self.slot + 1), NETWORK + str(4 * self.slot + 2)
        self.ldap_uri, self.ldaps_uri = "ldap://" + self.address, "ldaps://" + self.address
        self.directory = tempfile.mkdtemp(prefix="dr-samba-")
        try:
            self._lock.write(self.directory)
            self._lock.flush()
            os.chmod(self.directory, 0o755)
            self.ca_file = self._path("ca.pem")
            self.krb5_config = self._path("krb5.conf")
            self.config_path = self._path("domain", "etc", "smb.conf")
            self.log_path = self._path("samba.log")
            self._make_network()
            self._make_certificates()
            self._write_kerberos_config()
            self._provision(options or {})
            self.load(*ldif)
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # -- life ---------------------------------------------------------------------------------------------

    def start(self):
        """Starts, or starts again; returns when LDAP, LDAPS and Kerberos answer."""
        if self.process is not None:
            raise SambaError("samba is already running")
        with open(self.log_path, "ab") as log:
            # It goes on reading its standard input: the end of that ends it too.
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *with_winbindd(self._path("run", "winbindd")), "samba", "-s", self.config_path, "-i", "-d1", "--debug-stdout",
                 "--option=dns forwarder="],  # provision takes the nameserver of resolv.conf, itself: it would ask itself for ever
                stdin=subprocess.PIPE, stdout=log, stderr=log, preexec_fn=die_with_parent)
        if not comes_up(self.process, self._answers, START_SECONDS, 0.1):
            self.stop()
            raise SambaError("samba did not start: " + self.log()[-3000:])

    def stop(self):
        """Ends every process of the DC and waits; start() serves the same forest again."""
        if self.process is None:
            return
        _end_processes(self.namespace)
        self.process.stdin.close()
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """Ends the DC and removes all that it had. May be called twice."""
        if self._lock is None:
            return
        self.stop()
        _empty_slot(self.slot, self._lock)
        shutil.rmtree(self.directory, ignore_errors=True)
        self._lock.close()
        self._lock = None

    def log(self):
        try:
            with open(self.log_path, errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    # -- data ---------------------------------------------------------------------------------------------

    def modify(self, ldif, user=None, uri=None, check=True):
        """ldapmodify over LDAPS; records without changetype are added. ldif: text, or a path that ends in .ldif."""
        return self._ldap(["ldapmodify", "-a"], ldif, user, uri, check)

    def load(self, *ldifs):
        """Works the changes into the stopped server's files, a transaction for all between two schemaUpdateNow: seconds
        where LDAP takes a minute, since the server reads its schema again after each change. Texts or paths; DC=X is the
        forest's root as in ldap-schema/ad."""
        for ldif in ldifs:
            if ldif.endswith(".ldif") and "\n" not in ldif:
                with open(ldif) as file:
                    ldif = file.read()
            for part in ldif.replace("DC=X", self.suffix).split(SCHEMA_UPDATE):
                if "dn: " in part:
                    self.run(["ldbmodify", "-H", self._path("domain", "private", "sam.ldb"),
                              "--configfile=" + self.config_path], input=part)

    def delete(self, *dns, user=None):
        return self._ldap(["ldapdelete"] + list(dns), "", user, None, True)

    def search(self, base=None, filter="(objectClass=*)", attributes=(), scope="sub", user=None, sd_flags=None,
               uri=None):
        """[(dn, {attribute: [values]})] over LDAPS. sd_flags: ask with the SD-flags control of this value."""
        command = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-E", "pr=500/noprompt",
                   "-b", self.suffix if base is None else base, "-s", scope]
        if sd_flags is not None:
            command += ["-E", "!%s=::%s" % (SD_FLAGS, encode_flags(sd_flags))]
        return parse_ldif(self._ldap(command + [filter, *attributes], "", user, uri, True).stdout)

    def notifications(self, base):
        name, password = self.administrator
        return Notifications(["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", self.ldaps_uri, "-D", name, "-w", password,
                              "-b", base, "-E", "!" + NOTIFICATION, "(objectClass=*)", "1.1"],
                             {**os.environ, "LDAPTLS_CACERT": self.ca_file, "LDAPTLS_REQCERT": "demand"})

    def read_descriptor(self, dn, user=None, sd_flags=7):
        """nTSecurityDescriptor as bytes, or None when the server gives none."""
        (_, attributes), = self.search(dn, attributes=["nTSecurityDescriptor"], scope="base", user=user,
                                       sd_flags=sd_flags)
        value, = attributes.get("nTSecurityDescriptor", [None])
        return value.encode() if isinstance(value, str) else value

    def write_descriptor(self, dn, value, sd_flags=None, user=None, check=True):
        """Replaces nTSecurityDescriptor (bytes); sd_flags says which parts are meant, None: as many as it has."""
        control = [flags_control(sd_flags)] if sd_flags is not None else []
        return self.modify("\n".join(["dn: " + dn] + control + [
            "changetype: modify", "replace: nTSecurityDescriptor",
            "nTSecurityDescriptor:: " + base64.b64encode(value).decode(), ""]), user=user, check=check)

    def samba_tool(self, *arguments, as_administrator=True, check=True):
        """samba-tool inside the namespace; as_administrator: over LDAP as the Administrator instead of on the files."""
        remote = ["-H", "ldap://" + self.host, "-U", "Administrator%" + self.password] if as_administrator else []
        return self.run(["samba-tool", *arguments, "-s", self.config_path, *remote], check=check)

    def add_ace(self, dn, sddl):
        """samba-tool dsacl set: adds the ACEs of "(…)(…)" to the object's DACL."""
        return self.samba_tool("dsacl", "set", "--objectdn=" + dn, "--sddl=" + sddl)

    def create_user(self, name, password, container=None, **attributes):
        """A person that can log on; returns its DN. Attributes as further LDAP values."""
        quoted = base64.b64encode(('"%s"' % password).encode("utf-16-le")).decode()
        return self._create(name, container, "user", ["unicodePwd:: " + quoted, "userAccountControl: 66048",
                                                      "userPrincipalName: %s@%s" % (name, self.realm.lower())],
                            attributes)

    def create_service_account(self, name, password):
        """A plain user without any right of its own; returns what search, modify and bind take as user."""
        self.create_user(name, password, description="reads connectors for dirrelay")
        return ("%s@%s" % (name, self.realm), password)

    def create_group(self, name, members=(), container=None, scope="universal", **attributes):
        """A security group; returns its DN."""
        kinds = {"global": -2147483646, "domain-local": -2147483644, "universal": -2147483640}
        return self._create(name, container, "group", ["groupType: %d" % kinds[scope]] +
                            ["member: " + member for member in members], attributes)

    def sid_of(self, dn):
        """objectSid as text."""
        (_, attributes), = self.search(dn, attributes=["objectSid"], scope="base")
        value = attributes["objectSid"][0]
        value = value.encode() if isinstance(value, str) else value
        numbers = [int.from_bytes(value[at:at + 4], "little") for at in range(8, len(value), 4)]
        return "S-%d-%d-%s" % (value[0], int.from_bytes(value[2:8], "big"), "-".join(map(str, numbers)))

    @property
    def domain_sid(self):
        return self.sid_of(self.suffix)

    # -- Kerberos and other programs ----------------------------------------------------------------------

    def run(self, command, check=True, **options):
        """A program inside the namespace, where names of the domain resolve and krb5.conf is the domain's."""
        environment = {**os.environ, "KRB5_CONFIG": self.krb5_config, "LDAPTLS_CACERT": self.ca_file,
                       **options.pop("env", {})}
        return run_tool(["ip", "netns", "exec", self.namespace] + command, check=check, env=environment, **options)

    def get_ticket(self, user, password, cache):
        """kinit into the cache file."""
        self.run(["kinit", "-c", cache, "%s@%s" % (user, self.realm)], input=password + "\n")

    def export_keytab(self, principal, path):
        """The keytab of an account (the account's name) or of a service principal."""
        self.samba_tool("domain", "exportkeytab", path, "--principal=" + principal, as_administrator=False)
        os.chmod(path, 0o644)

    # -- inside -------------------------------------------------------------------------------------------

    def _path(self, *parts):
        return os.path.join(self.directory, *parts)

    def _ldap(self, command, ldif, user, uri, check):
        name, password = user or self.administrator
        if ldif.endswith(".ldif") and "\n" not in ldif:
            command, ldif = command + ["-f", ldif], ""
        command = command[:1] + ["-x", "-H", uri or self.ldaps_uri, "-D", name, "-w", password] + command[1:]
        return run_tool(command, input=ldif, check=check,
                        env={**os.environ, "LDAPTLS_CACERT": self.ca_file, "LDAPTLS_REQCERT": "demand"})

    def _create(self, name, container, kind, lines, attributes):
        dn = "CN=%s,%s" % (name, container or "CN=Users," + self.suffix)
        lines = ["dn: " + dn, "objectClass: " + kind, "sAMAccountName: " + name] + lines
        for attribute, values in attributes.items():
            lines += ["%s: %s" % (attribute, value) for value in ([values] if isinstance(values, str) else values)]
        self.modify("\n".join(lines) + "\n")
        return dn

    def _answers(self):
        for port in (88, 389, 636):
            try:
                socket.create_connection((self.address, port), 1).close()
            except OSError:
                return False
        return self._ldap(["ldapsearch", "-b", "", "-s", "base", "1.1"], "", None, None, False).returncode == 0

    def _make_network(self):
        ours, theirs = "drdc%da" % self.slot, "drdc%db" % self.slot
        run_tool(["ip", "netns", "add", self.namespace])
        run_tool(["ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.namespace])
        run_tool(["ip", "address", "add", self.gateway + "/30", "dev", ours])
        run_tool(["ip", "link", "set", ours, "up"])
        for arguments in (["address", "add", self.address + "/30", "dev", theirs], ["link", "set", theirs, "up"],
                          ["link", "set", "lo", "up"]):
            run_tool(["ip", "-n", self.namespace] + arguments)
        # ip netns exec lays these over /etc.
        folder = "/etc/netns/" + self.namespace
        os.makedirs(folder)
        with open(folder + "/hosts", "w") as file:
            # Our own name too: libldap and Cyrus SASL each look it up before a GSSAPI bind.
            file.write("127.0.0.1 localhost %s\n%s %s dc1\n" % (socket.gethostname(), self.address, self.host))
        with open(folder + "/resolv.conf", "w") as file:
            file.write("nameserver %s\nsearch %s\n" % (self.address, self.realm.lower()))

    def _make_certificates(self):
        """Samba's own certificate names no address. key.pem is read by root alone, ca.pem by everybody."""
        request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                   "-days", "2"]
        run_tool(request + ["-keyout", self._path("ca.key"), "-out", self.ca_file, "-subj", "/CN=Test CA"])
        run_tool(request + ["-keyout", self._path("key.pem"), "-out", self._path("cert.pem"), "-subj", "/CN=" + self.host,
                            "-CA", self.ca_file, "-CAkey", self._path("ca.key"), "-addext",
                            "subjectAltName=DNS:%s,IP:%s" % (self.host, self.address),
                            "-addext", "basicConstraints=critical,CA:FALSE"])
        os.chmod(self._path("key.pem"), 0o600)
        os.chmod(self.ca_file, 0o644)

    def _write_kerberos_config(self):
        with open(self.krb5_config, "w") as file:
            file.write("[libdefaults]\n default_realm = %s\n rdns = false\n dns_canonicalize_hostname = false\n"
                       " dns_lookup_kdc = false\n[realms]\n %s = {\n  kdc = %s\n }\n[domain_realm]\n .%s = %s\n" %
                       (self.realm, self.realm, self.address, self.realm.lower(), self.realm))

    def _provision(self, more):
        run_folder = self._path("run")
        os.makedirs(run_folder, mode=0o755)
        for name, mode in (("ncalrpc", 0o755), ("winbindd", 0o755), ("ntp", 0o750)):  # samba insists on the modes
            os.mkdir(os.path.join(run_folder, name), mode)
        options = {
            "interfaces": "lo drdc%db" % self.slot, "bind interfaces only": "yes", "pid directory": run_folder,
            "ncalrpc dir": run_folder + "/ncalrpc", "winbindd socket directory": run_folder + "/winbindd",
            "ntp signd socket directory": run_folder + "/ntp", "log file": self._path("log.%m"),
            "dsdb:schema update allowed": "yes", "dns update command": "/bin/true",
            "tls keyfile": self._path("key.pem"), "tls certfile": self._path("cert.pem"), "tls cafile": self.ca_file, **more,
        }
        self.run(["samba-tool", "domain", "provision", "--targetdir=" + self._path("domain"), "--realm=" + self.realm,
                  "--domain=" + self.domain, "--server-role=dc", "--dns-backend=SAMBA_INTERNAL",
                  "--adminpass=" + self.password, "--host-name=dc1", "--host-ip=" + self.address, "--use-rfc2307"] +
                 ["--option=%s=%s" % option for option in options.items()])
