"""A machine joined to a SambaDc, as far as NTLM needs one: its account in the domain and a winbindd of its own.

    with SambaMember(dc) as member:
        Daemon(…, as_root=True, prefix=member.prefix)      the program finds this winbindd where libwbclient looks for one

Runs in the DC's network namespace; its sockets are files. Needs root, and samba_dc.install_packages() before.
"""

import grp
import os
import subprocess

from lib.child import comes_up, die_with_parent
from lib.samba_dc import SambaError, run_tool, with_winbindd

START_SECONDS = 60
FOLDERS = ("private", "lock", "state", "cache", "run", "ncalrpc", "winbindd")


class SambaMember:
    """group: who may have NTLM answers checked, beside root."""

    def __init__(self, dc, name="RELAY1", group="nogroup"):
        self.dc, self.process = dc, None
        self.folder = os.path.join(dc.directory, "member")
        for folder in ("", *FOLDERS):
            os.mkdir(self._path(folder), 0o755)
        self.config_path = self._path("smb.conf")
        self.prefix = ["unshare", "-m", *with_winbindd(self._path("winbindd"))]
        with open(self.config_path, "w") as file:
            file.write("[global]\nworkgroup = %s\nrealm = %s\nnetbios name = %s\nsecurity = ads\n"
                       "idmap config * : backend = tdb\nidmap config * : range = 10000-20000\n"
                       "private dir = %s\nlock directory = %s\nstate directory = %s\ncache directory = %s\npid directory = %s\n"
                       "ncalrpc dir = %s\nwinbindd socket directory = %s\nlog file = %s\n" %
                       (dc.domain, dc.realm, name, *(self._path(folder) for folder in FOLDERS), self._path("log.%m")))
        dc.run(["net", "ads", "join", "-s", self.config_path, "--no-dns-updates",
                "-U", "Administrator%" + dc.password])
        try:
            self._start()
            # winbindd lets only those who can enter this have answers checked.
            os.chown(self._path("state", "winbindd_privileged"), 0, grp.getgrnam(group).gr_gid)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        """The DC removes the files."""
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def _path(self, *parts):
        return os.path.join(self.folder, *parts)

    def _start(self):
        with open(self._path("winbindd.log"), "ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.dc.namespace, "winbindd", "-s", self.config_path, "-F", "--no-process-group",
                 "--debug-stdout"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent,
                env={**os.environ, "KRB5_CONFIG": self.dc.krb5_config})
        if not comes_up(self.process, self._answers, START_SECONDS, 0.1):
            with open(self._path("winbindd.log"), errors="replace") as log:
                raise SambaError("winbindd did not start: " + log.read()[-3000:])

    def _answers(self):
        return run_tool([*self.prefix, "wbinfo", "-t"], check=False).returncode == 0
