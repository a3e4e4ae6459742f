"""A private MIT KDC for one test: own directory, own port, nothing left behind.

    with Kdc("EXAMPLE.TEST") as kdc:
        kdc.add("alice", "secret")
        keytab = kdc.keytab("smtp/mail.example.test")
        kdc.kinit("alice", "secret")      # into kdc.environment's ticket cache

Programs of krb5-kdc, krb5-admin-server and krb5-user; run them and clients with kdc.environment.
"""

import os
import shutil
import subprocess
import tempfile

from lib.child import comes_up, die_with_parent
from lib.slapd import free_port
from lib.smtp import can_connect

CONFIG = """[libdefaults]
 default_realm = %(realm)s
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 default_ccache_name = FILE:%(directory)s/tickets
[realms]
 %(realm)s = {
  kdc = 127.0.0.1:%(port)d
 }
%(more)s
"""
KDC_CONFIG = """[kdcdefaults]
 kdc_listen = 127.0.0.1:%(port)d
 kdc_tcp_listen = 127.0.0.1:%(port)d
[realms]
 %(realm)s = {
  database_name = %(directory)s/principal
  key_stash_file = %(directory)s/stash
  acl_file = %(directory)s/acl
  max_life = 1h
 }
"""


class KdcError(Exception):
    """A program of the fixture failed; the text holds what it said."""


class Kdc:
    def __init__(self, realm="EXAMPLE.TEST", more=""):
        self.realm = realm
        self.directory = tempfile.mkdtemp(prefix="dr-kdc-")
        self.port = free_port()
        self.process = None
        values = {"realm": realm, "directory": self.directory, "port": self.port, "more": more}
        for name, text in (("krb5.conf", CONFIG), ("kdc.conf", KDC_CONFIG)):
            with open(self.path(name), "w") as file:
                file.write(text % values)
        os.chmod(self.directory, 0o755)
        os.mkdir(self.path("replays"))
        os.chmod(self.path("replays"), 0o777)
        # What a server of the realm needs to be told, and with it what clients and the programs here do.
        self.server_environment = {"KRB5_CONFIG": self.path("krb5.conf"), "KRB5RCACHEDIR": self.path("replays")}
        self.environment = {**os.environ, **self.server_environment, "KRB5_KDC_PROFILE": self.path("kdc.conf"),
                            "KRB5CCNAME": "FILE:" + self.path("tickets")}

    def path(self, name):
        return os.path.join(self.directory, name)

    def __enter__(self):
        try:
            self._run("kdb5_util", "create", "-r", self.realm, "-s", "-P", "master")
            self.process = subprocess.Popen([shutil.which("krb5kdc") or "/usr/sbin/krb5kdc", "-n"], env=self.environment,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                            preexec_fn=die_with_parent)
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _wait(self):
        if not comes_up(self.process, lambda: can_connect(self.port), 20, 0.02):
            raise KdcError("krb5kdc does not come up")

    def _run(self, program, *arguments, text=None):
        path = shutil.which(program) or os.path.join("/usr/sbin", program)
        done = subprocess.run([path, *arguments], env=self.environment, input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise KdcError("%s: %s%s" % (program, done.stdout, done.stderr))
        return done.stdout

    def _admin(self, query):
        self._run("kadmin.local", "-r", self.realm, "-q", query)

    def add(self, principal, password):
        self._admin("addprinc -pw %s %s" % (password, principal))

    def trust(self, other, password="between"):
        """Principals of the other realm are known here: its KDC gives tickets for this one."""
        for kdc in (self, other):
            kdc.add("krbtgt/%s@%s" % (self.realm, other.realm), password)

    def keytab(self, *principals, name="service.keytab"):
        """A file with keys of these services, made where they are not there; readable for everybody."""
        for principal in principals:
            self._admin("addprinc -randkey %s" % principal)
            self._admin("ktadd -k %s -norandkey %s" % (self.path(name), principal))
        os.chmod(self.path(name), 0o644)
        return self.path(name)

    def kinit(self, principal, password, *options):
        self._run("kinit", *options, principal, text=password + "\n")
