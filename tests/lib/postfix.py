"""Postfix from Debian as a next hop: TLS, AUTH by Cyrus SASL, everything on to a sink. Needs root and the packages
postfix and sasl2-bin; its service need not, and does not, run.

    with Postfix(relay_to=sink.port, certificate="/path/of.pem", logins={"relay": "secret"}) as postfix:
        … postfix.port
"""

import os
import shutil
import signal
import subprocess
import tempfile

from lib.child import die_with_parent
from lib.slapd import free_port
from lib.smtp import can_connect, eventually

REALM = "contoso.test"
MASTER_PROGRAM = "/usr/lib/postfix/sbin/master"
MASTER = """127.0.0.1:%d inet n - n - - smtpd
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
proxymap  unix  - - n -     - proxymap
tlsmgr    unix  - - n 1000? 1 tlsmgr
smtp      unix  - - n -     - smtp
error     unix  - - n -     - error
retry     unix  - - n -     - error
anvil     unix  - - n -     1 anvil
scache    unix  - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def is_installed():
    return os.geteuid() == 0 and bool(shutil.which("postfix", path="/usr/sbin") and shutil.which("saslpasswd2", path="/usr/sbin"))


class Postfix:
    """settings: lines of main.cf over those of the test."""

    def __init__(self, relay_to, certificate=None, logins=None, **settings):
        self.folder = tempfile.mkdtemp(prefix="dr-postfix-")
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        self.log = os.path.join("/var/log", os.path.basename(self.folder) + ".log")  # postlogd takes no other place
        self.process = None
        for name in ("config", "config/sasl", "queue", "data"):
            os.mkdir(os.path.join(self.folder, name))
        shutil.chown(os.path.join(self.folder, "data"), "postfix")
        self.settings = {
            "compatibility_level": "3.6", "myhostname": "postfix.contoso.test", "mydestination": "", "local_recipient_maps": "",
            "alias_maps": "", "alias_database": "", "mynetworks": "192.0.2.1/32" if logins else "127.0.0.0/8", "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
            "relayhost": "[127.0.0.1]:%d" % relay_to, "disable_dns_lookups": "yes", "maillog_file": self.log,
            "queue_directory": os.path.join(self.folder, "queue"), "data_directory": os.path.join(self.folder, "data"),
            "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject",
            "smtpd_recipient_restrictions": "", "smtp_tls_security_level": "none",
            "smtpd_tls_received_header": "yes", "smtpd_sasl_authenticated_header": "yes", **settings}
        if certificate:
            self.settings.update(smtpd_tls_security_level="may", smtpd_tls_cert_file=certificate, smtpd_tls_key_file=certificate)
        if logins:
            self._give_logins(logins)
        self.start()

    def _give_logins(self, logins):
        sasl = os.path.join(self.folder, "config", "sasl")  # where Debian's Postfix looks
        database = os.path.join(sasl, "sasldb2")
        with open(os.path.join(sasl, "smtpd.conf"), "w") as file:
            file.write("pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s\nmech_list: PLAIN LOGIN\n" % database)
        for user, password in logins.items():
            subprocess.run(["saslpasswd2", "-p", "-c", "-u", REALM, "-f", database, user], input=password.encode(), check=True,
                           capture_output=True, timeout=60)
        shutil.chown(database, "postfix")
        self.settings.update(smtpd_sasl_auth_enable="yes", smtpd_sasl_local_domain=REALM, smtpd_sasl_security_options="noanonymous")

    def start(self):
        config = os.path.join(self.folder, "config")
        with open(os.path.join(config, "main.cf"), "w") as file:
            file.writelines("%s = %s\n" % row for row in self.settings.items())
        with open(os.path.join(config, "master.cf"), "w") as file:
            file.write(MASTER % self.port)
        # Makes the queue's folders; the master itself is started, so that it ends with us.
        subprocess.run(["postfix", "-c", config, "check"], capture_output=True, timeout=60)
        self.process = subprocess.Popen([MASTER_PROGRAM, "-s", "-c", config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        try:
            eventually(lambda: can_connect(self.port), 30)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        if os.path.exists(self.log):
            os.unlink(self.log)
