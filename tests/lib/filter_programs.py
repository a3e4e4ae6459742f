"""Milters from Debian, each in a folder of its own: rspamd, opendkim, clamav-milter with a clamd and one signature.

    with Rspamd() as filter_: World(…, {"filter.milters": "antispam:" + filter_.name})
"""

import os
import pwd
import shutil
import subprocess
import tempfile

from lib.child import die_with_parent
from lib.slapd import free_port
from lib.smtp import can_connect, eventually

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
VIRUS = b"dirrelay-test-virus-4711"  # what the signature below knows


class Program:
    """Runs as nobody when the tests run as root."""

    start_seconds = 60

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="dr-filter-")
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._own(self.folder)
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        self.name = "inet:127.0.0.1:%d" % self.port
        self.processes = []
        try:
            self.begin()
            self.wait(lambda: can_connect(self.port))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _own(self, path):
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        self._own(path)
        os.chmod(path, 0o600)
        return path

    def mkdir(self, name):
        os.mkdir(self.path(name))
        self._own(self.path(name))
        return self.path(name)

    def run(self, *command):
        identity = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []} if self.account else {}
        with open(self.path("log"), "ab") as log:
            self.processes.append(subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   preexec_fn=die_with_parent, env={**os.environ, "HOME": self.folder,
                                                   "PATH": os.environ["PATH"] + ":/usr/sbin"}, **identity))

    def wait(self, is_there):
        def look():
            for process in self.processes:
                if process.poll() is not None:
                    with open(self.path("log"), errors="replace") as log:
                        raise SystemExit("%s ended:\n%s" % (process.args[0], log.read()[-3000:]))
            return is_there()
        eventually(look, within=self.start_seconds, every=0.1)


class Rspamd(Program):
    """Scans by itself behind its milter; without names, statistics and lists, so that only what a message holds counts, and
    with two top level domains, since it compiles each."""

    def begin(self):
        self.mkdir("db")
        self.write("rspamd.conf", """
options { pidfile = "%(folder)s/pid"; tempdir = "%(folder)s"; rrd = "%(folder)s/db/rrd"; stats_file = "%(folder)s/db/stats";
          history_file = "%(folder)s/db/history"; hs_cache_dir = "%(folder)s/db"; filters = ""; gtube_patterns = "all";
          disable_hyperscan = true; url_tld = "%(tld)s";
          dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; } }
logging { type = "console"; level = "warning"; }
metric { name = "default"; actions { reject = 15; add_header = 6; } }
worker "rspamd_proxy" { milter = yes; count = 1; timeout = 20s; bind_socket = "127.0.0.1:%(port)d";
          upstream "local" { default = yes; self_scan = yes; } }
""" % {"folder": self.folder, "port": self.port, "tld": self.write("tld", "com\nexample\n")})
        self.run("rspamd", "-f", "-i", "-c", self.path("rspamd.conf"))


class Opendkim(Program):
    """Signs what comes from anywhere as contoso.com, with a key of its own; record: the key's text in the DNS."""

    def begin(self):
        subprocess.run(["openssl", "genrsa", "-out", self.path("key"), "2048"], check=True, capture_output=True)
        self._own(self.path("key"))
        public = subprocess.run(["openssl", "rsa", "-in", self.path("key"), "-pubout"], check=True, capture_output=True).stdout.decode()
        self.record = "v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1])
        self.write("opendkim.conf", "Socket inet:%d@127.0.0.1\nDomain contoso.com\nSelector test\nKeyFile %s\nMode s\nSyslog no\n"
                   "InternalHosts %s\nCanonicalization relaxed/relaxed\nOversignHeaders From\nRequireSafeKeys no\n" % (
                       self.port, self.path("key"), self.write("hosts", "0.0.0.0/0\n")))
        self.run("opendkim", "-f", "-x", self.path("opendkim.conf"))


class Clamav(Program):
    """Knows one virus."""

    def begin(self):
        socket = self.path("clamd.sock")
        self.mkdir("db")
        self.write("db/test.ndb", "Dirrelay.Test:0:*:%s\n" % VIRUS.hex())
        self.write("clamd.conf", "LocalSocket %s\nDatabaseDirectory %s\nForeground yes\nTemporaryDirectory %s\nMaxThreads 2\n"
                   "ConcurrentDatabaseReload no\n" % (socket, self.path("db"), self.folder))
        self.run("clamd", "--config-file=" + self.path("clamd.conf"))
        self.wait(lambda: os.path.exists(socket))
        self.write("milter.conf", "MilterSocket inet:%d@127.0.0.1\nClamdSocket unix:%s\nForeground yes\nOnInfected Reject\n"
                   "RejectMsg 550 5.7.1 Infected by %%v\nAddHeader Replace\nTemporaryDirectory %s\n" % (self.port, socket, self.folder))
        self.run("clamav-milter", "--config-file=" + self.path("milter.conf"))
