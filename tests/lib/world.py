"""A slapd, a sink and a dirrelayd between them: what most end-to-end tests stand on.

    class Relay(Case):
        @classmethod
        def organize(cls, org, port, sink):         # once for the class
            org.relay("Anonymous Relay", port, ["127.0.0.2"])

        def test_…(self):
            with self.client("127.0.0.2") as client: …

port is a free port for connectors, sink the smart host of the send connector "Internet".
"""

import unittest

from lib.dirrelay import Daemon
from lib.organization import Organization, same_dn
from lib.sink import Sink
from lib.slapd import Slapd, free_port
from lib.smtp import Client, can_connect, eventually


class World:
    """organize(organization, port, sink) adds what the organization holds beside the send connector "Internet"."""

    def __init__(self, organize, config=None, port=None, organization=None, internet=True, **daemon):
        self.port = port or free_port()
        self.organization = organization or Organization()
        self.slapd = self.daemon = None
        self.sink = Sink()
        try:
            self.slapd = Slapd()
            self.slapd.start()
            if internet:
                self.organization.send("Internet", self.sink.port)
            organize(self.organization, self.port, self.sink)
            self.slapd.add(self.organization.ldif())
            self.daemon = Daemon(self.slapd.uri, config, **daemon)
            if daemon.get("start", True):
                self.listening()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        try:
            if kind is None and self.daemon.is_running():
                self.daemon.stop()
        finally:
            self.close()

    def close(self):
        for part in (self.daemon, self.slapd):
            if part:
                part.close()
        self.sink.stop()

    def listening(self, port=None):
        """Waits until somebody listens there: an organization reaches the SMTP loops a moment after it is in force."""
        eventually(lambda: can_connect(port or self.port))

    def client(self, source="127.0.0.2", port=None, **options):
        return Client(port or self.port, source=source, **options)

    def modify(self, ldif):
        """ldapmodify or, for records without changetype, ldapadd; returns once the daemon has loaded the change."""
        mark = self.daemon.mark()
        if "\nchangetype:" in ldif:
            self.slapd.modify(ldif)
        else:
            self.slapd.add(ldif)
        self.daemon.wait("org.loaded", since=mark)

    def delete(self, dn):
        mark = self.daemon.mark()
        self.slapd.delete(dn)
        self.daemon.wait("org.loaded", since=mark)


class Case(unittest.TestCase):
    """One world for all tests of the class; organize, config and organization are the class's to say."""

    config = None
    internet = True

    @classmethod
    def organize(cls, org, port, sink):
        raise NotImplementedError

    @classmethod
    def make_organization(cls):
        return Organization()

    @classmethod
    def setUpClass(cls):
        cls.world = World(cls.organize, cls.config, organization=cls.make_organization(), internet=cls.internet)
        cls.addClassCleanup(cls.end)
        cls.organization, cls.sink, cls.daemon, cls.slapd = (
            cls.world.organization, cls.world.sink, cls.world.daemon, cls.world.slapd)
        cls.port, cls.client = cls.world.port, cls.world.client

    @classmethod
    def end(cls):
        cls.world.__exit__(None)

    def setUp(self):
        self.sink.reset()

    def arrived(self, count=1, **options):
        return self.sink.wait(count, **options)

    def refused(self, dn, since=None, **fields):
        """The org.refused event of the object."""
        return self.daemon.wait("org.refused", since=since, dn=same_dn(dn), **fields)

    def findings(self, dn):
        """lint's findings on the object."""
        is_it = same_dn(dn)
        return [finding for finding in self.daemon.cli("lint", json=True).json["findings"] if is_it(finding["dn"])]

    def assertReply(self, reply, expected):
        """The whole text of a reply of one line."""
        self.assertEqual(reply.text, expected)

    def assertWithin(self, seconds, check):
        """check must hold within so many seconds from now."""
        return eventually(check, seconds)
