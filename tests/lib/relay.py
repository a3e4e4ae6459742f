"""One relay of several: a dirrelayd with an organization of its own in a file.

    with Relay(Organization(server="Edge01", roles=EDGE).receive(…).send(…)) as edge:
        edge.change(lambda org: org.server("Hub01", HUB, der))      the file is written anew, and in force
"""

import os
import shutil
import tempfile

from lib.dirrelay import Daemon


class Relay:
    def __init__(self, organization, config=None, **daemon):
        self.organization = organization
        self.folder = tempfile.mkdtemp(prefix="dr-relay-")
        os.chmod(self.folder, 0o755)
        try:
            self.daemon = Daemon(self._write(), {"server.name": organization.options.server, "directory.poll": 1, **(config or {})}, **daemon)
            self.generation = self.daemon.wait("org.loaded")["generation"]
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _write(self):
        """At once: the daemon may look at any moment."""
        self.organization.write(self.folder, "fresh.ldif")
        path = os.path.join(self.folder, "organization.ldif")
        os.rename(os.path.join(self.folder, "fresh.ldif"), path)
        return "ldif:" + path

    def change(self, edit):
        """edit is called with the organization; returns once the daemon has loaded what it became."""
        edit(self.organization)
        self._write()
        self.generation = self.daemon.wait("org.loaded", generation=lambda number: number and number > self.generation)["generation"]

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        try:
            if kind is None and self.daemon.is_running():
                self.daemon.stop()
        finally:
            self.close()

    def close(self):
        self.daemon.close()
        shutil.rmtree(self.folder, ignore_errors=True)
