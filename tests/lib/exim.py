"""Exim from Debian as a next hop: TLS by GnuTLS, AUTH, DSN, everything on to a sink. Needs root; tests/packages.sh unpacks it beside
Postfix, which Debian lets nobody install it with.

    with Exim(relay_to=sink.port, certificate="/path/of.pem", logins={"relay": "secret"}) as exim:
        … exim.port, exim.said()
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile

from lib.child import die_with_parent
from lib.slapd import free_port
from lib.smtp import can_connect, eventually

PROGRAM = "/usr/local/lib/dirrelay-tests/exim/usr/sbin/exim4"
ACCOUNT = "Debian-exim"
CONFIG = """primary_hostname = exim.contoso.test
exim_path = %(program)s
spool_directory = %(folder)s/spool
log_file_path = %(folder)s/log/%%s
pid_file_path = %(folder)s/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = %(port)d
disable_ipv6 = true
deliver_drop_privilege = true
keep_environment =
rfc1413_query_timeout = 0s
smtp_enforce_sync = true
dsn_advertise_hosts = *
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
tls_advertise_hosts = %(tls_hosts)s
tls_certificate = %(certificate)s
tls_privatekey = %(certificate)s
auth_advertise_hosts = *

begin acl
rcpt:
  %(permission)s
  deny message = relay not permitted

begin routers
onwards:
  driver = manualroute
  transport = onwards
  route_list = * 127.0.0.1::%(relay_to)d byname
  self = send

begin transports
onwards:
  driver = smtp
  hosts_avoid_tls = *
  hosts_try_chunking =

begin retry
* * F,1h,1m

begin authenticators
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if or {%(pairs)s}}
  server_set_id = $auth1
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if or {%(plain_pairs)s}}
  server_set_id = $auth2
"""


def is_installed():
    return os.geteuid() == 0 and os.access(PROGRAM, os.X_OK)


def _pairs(logins, user, password):
    return "".join("{and {{eq{$auth%d}{%s}}{eq{$auth%d}{%s}}}}" % (user, name, password, secret) for name, secret in logins.items()) or "{false}"


class Exim:
    def __init__(self, relay_to, certificate=None, logins=None):
        self.folder = tempfile.mkdtemp(prefix="dr-exim-")
        self.port = free_port()
        self.account = pwd.getpwnam(ACCOUNT)
        self.process = None
        logins = logins or {}
        config = os.path.join(self.folder, "exim.conf")
        with open(config, "w") as file:
            file.write(CONFIG % {
                "program": PROGRAM, "folder": self.folder, "port": self.port, "relay_to": relay_to,
                "tls_hosts": "*" if certificate else "", "certificate": self._take(certificate) if certificate else "/nonexistent",
                "permission": "accept authenticated = *" if logins else "accept hosts = 127.0.0.1",
                "pairs": _pairs(logins, 1, 2), "plain_pairs": _pairs(logins, 2, 3)})
        for name in ("spool", "log"):
            os.mkdir(os.path.join(self.folder, name))
        for folder, _, files in os.walk(self.folder):
            for path in [folder, *(os.path.join(folder, file) for file in files)]:
                shutil.chown(path, ACCOUNT, ACCOUNT)
        self.start(config)

    def _take(self, certificate):
        copy = os.path.join(self.folder, "certificate.pem")
        shutil.copy(certificate, copy)
        return copy

    def start(self, config):
        self.process = subprocess.Popen(
            [PROGRAM, "-C", config, "-bdf", "-q1s"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent, start_new_session=True, user=self.account.pw_uid, group=self.account.pw_gid, extra_groups=[])
        try:
            eventually(lambda: can_connect(self.port), 30)
        except AssertionError:
            said = self.said()
            self.close()
            raise AssertionError("Exim does not come up: " + said) from None

    def said(self):
        """Its logs."""
        text = ""
        for name in ("main", "reject", "panic"):
            path = os.path.join(self.folder, "log", name)
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    text += file.read()
        return text

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
