"""A world of names of our own: a network of this process alone, and nsd as its only name server.

    def setUpModule():
        private_network(["203.0.113.11", "2001:db8:77::11"])      # as root; for good, for this process and its children
    with Nsd({".": ZONE}) as nsd: …                               # on NAME_SERVER, port 53

In the private network every address is local, and /etc/resolv.conf names NAME_SERVER. sign() makes a zone that DNSSEC
protects, and the trust anchor for it.
"""

import ctypes
import glob
import os
import shutil
import socket
import subprocess
import tempfile

from lib.child import comes_up, die_with_parent

NAME_SERVER = "203.0.113.53"
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
CONFIG = """server:
  ip-address: %(address)s
  username: ""
  chroot: ""
  zonesdir: "%(folder)s"
  pidfile: "%(folder)s/nsd.pid"
  xfrdfile: "%(folder)s/xfrd.state"
  zonelistfile: "%(folder)s/zone.list"
  database: ""
  server-count: 1
remote-control:
  control-enable: no
"""
HEAD = "$TTL 300\n@ IN SOA ns.%(dot)s admin.%(dot)s 1 3600 600 86400 30\n@ IN NS ns.%(dot)s\nns.%(dot)s IN A %(address)s\n"


def _run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError("%s: %s%s" % (" ".join(command), done.stdout, done.stderr))
    return done.stdout


def private_network(addresses):
    """Moves this process into a network and a mount table of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _run("mount", "--make-rprivate", "/")
    _run("ip", "link", "set", "lo", "up")
    for address in [NAME_SERVER, *addresses]:
        _run("ip", "address", "add", address + ("/128" if ":" in address else "/32"), "dev", "lo", *(["nodad"] if ":" in address else []))
    folder = tempfile.mkdtemp(prefix="dr-names-")
    for path, text in (("/etc/resolv.conf", "nameserver %s\n" % NAME_SERVER), ("/etc/hosts", "127.0.0.1 localhost\n")):
        copy = os.path.join(folder, os.path.basename(path))
        with open(copy, "w") as file:
            file.write(text)
        os.chmod(copy, 0o644)
        _run("mount", "--bind", copy, os.path.realpath(path))
    shutil.rmtree(folder)  # the mounts keep what they need


def zone(origin, records):
    """The text of a zone with SOA and NS."""
    return HEAD % {"dot": origin if origin != "." else "", "address": NAME_SERVER} + records


class Nsd:
    def __init__(self, zones, address=NAME_SERVER):
        """zones: {origin with its final dot: records}"""
        self.folder = tempfile.mkdtemp(prefix="dr-nsd-")
        self.address, self.process = address, None
        try:
            self._write_zones(zones)
            config = CONFIG % {"address": address, "folder": self.folder}
            for number, origin in enumerate(zones):
                config += 'zone:\n  name: "%s"\n  zonefile: "%d.zone"\n' % (origin, number)
            self._write("nsd.conf", config)
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def _write_zones(self, zones):
        for number, (origin, records) in enumerate(zones.items()):
            self._write("%d.zone" % number, records if "SOA" in records else zone(origin, records))

    def change(self, zones):
        """The same zones with other records."""
        self.process.kill()
        self.process.wait()
        self._write_zones(zones)
        self._start()

    def _start(self):
        path = os.path.join(self.folder, "nsd.conf")
        _run("nsd-checkconf", path)
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(["nsd", "-d", "-c", path], stdout=log, stderr=log, preexec_fn=die_with_parent)
        if not comes_up(self.process, self._answers, 10, 0.02):
            with open(os.path.join(self.folder, "log")) as log:
                raise AssertionError("nsd does not answer: " + log.read())

    def _answers(self):
        question = b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + b"\0" + b"\0\6\0\1"  # . SOA
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            try:
                probe.sendto(question, (self.address, 53))
                return probe.recv(512)[:2] == b"\x12\x34"
            except OSError:
                return False

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)


def sign(origin, records):
    """(signed zone, trust anchor) as texts."""
    folder = tempfile.mkdtemp(prefix="dr-sign-")
    try:
        with open(os.path.join(folder, "zone"), "w") as file:
            file.write("$ORIGIN %s\n" % origin + zone(origin, records))
        zsk = _run("ldns-keygen", "-a", "ECDSAP256SHA256", origin, cwd=folder).strip()
        ksk = _run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", origin, cwd=folder).strip()
        _run("ldns-signzone", "-f", "signed", "-o", origin, "zone", zsk, ksk, cwd=folder)
        with open(os.path.join(folder, "signed")) as signed, open(glob.glob(os.path.join(folder, ksk + ".ds"))[0]) as anchor:
            return signed.read(), anchor.read()
    finally:
        shutil.rmtree(folder)
