"""docker/compose.existing-directory.yaml: the relay alone, in the machine's network, with a slapd that nobody made for it."""

import os
import random
import shutil
import tempfile
import unittest

from lib.compose import REFUSED, Compose, docker, inspect
from lib.organization import make_sample
from lib.sink import Sink
from lib.slapd import Slapd, free_port
from lib.smtp import Client, can_connect, eventually

SUFFIX = "dc=contoso,dc=com"
ALLOWED, OTHER = "127.0.0.10", "127.0.0.12"


def free_low_port():
    """Below 1024, where only a capability may listen."""
    return next(port for port in random.sample(range(600, 1000), 400) if not can_connect(port))


class ExistingDirectory(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dr-compose-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.slapd, self.sink = Slapd(suffix=SUFFIX, tls=True), Sink()
        self.addCleanup(self.slapd.close)
        self.addCleanup(self.sink.stop)
        self.slapd.start()
        self.port, self.metrics = free_low_port(), free_port()
        ports = [str(free_port()) for unused in range(4)]
        options = make_sample.parse_options([
            "--suffix", SUFFIX, "--server", "mx1", "--address", "127.0.0.1", "--port", str(self.port), "--relay-hosts", ALLOWED,
            "--relay-binding", "127.0.0.1:%d" % self.port, "--smart-host", "[127.0.0.1]", "--smart-host-port", str(self.sink.port),
            "--client-port", ports[0], "--outbound-proxy-port", ports[1], "--hub-port", ports[2], "--client-proxy-port", ports[3]])
        for text in make_sample.make_all(options).values():
            self.slapd.add(text)
        self.slapd.add("dn: cn=relay,%s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: relay\nuserPassword: read-only\n" % SUFFIX)
        os.makedirs(os.path.join(self.folder, "tls"))
        os.chmod(self.folder, 0o755)
        self.write("bind.password", "read-only\n")
        with open(self.slapd.ca_file) as file:
            self.write("ca.pem", file.read())
        self.project = Compose("compose.existing-directory.yaml", {
            "DIRRELAY_DIRECTORY_URI": self.slapd.ldaps_uri, "DIRRELAY_DIRECTORY_BIND_DN": "cn=relay," + SUFFIX,
            "DIRRELAY_BIND_PASSWORD_FILE": self.folder + "/bind.password", "DIRRELAY_DIRECTORY_CA_FILE": self.folder + "/ca.pem",
            "DIRRELAY_TLS_DIR": self.folder + "/tls", "DIRRELAY_METRICS_LISTEN": "127.0.0.1:%d" % self.metrics})
        self.addCleanup(self.project.down)
        self.project.up()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o440)
        os.chown(path, 10025, 10025)

    # proves: D13 R23 contract-2
    def test_it_relays_for_the_addresses_that_clients_have(self):
        eventually(lambda: can_connect(self.port), 20)
        with Client(self.port, source=ALLOWED) as client:
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
        self.assertEqual(self.sink.wait(1)[0].recipients, ["kate@fabrikam.com"])
        with Client(self.port, source=OTHER) as client:
            self.assertEqual(client.envelope("chris@contoso.com", ["kate@fabrikam.com"])[-1].text, REFUSED)
        container = inspect(self.project.container("relay"))
        self.assertNotIn("read-only", str(container["Config"]["Env"]))
        status = docker("exec", container["Id"], "cat", "/proc/1/status").stdout
        self.assertIn("CapEff:\t0000000000000400", status)
        self.assertIn("NoNewPrivs:\t1", status)


if __name__ == "__main__":
    unittest.main()
