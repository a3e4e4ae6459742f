"""Send connectors and the hops that they lead to, each with a certificate of its own."""

from lib.certificates import Certificates
from lib.sink import Sink
from lib.world import Case

SENDER = "chris@contoso.com"
FLAGS, SECURITY = "msExchSmtpSendFlags", "msExchSmtpOutboundSecurityFlag"
REQUIRE_TLS, FORCE_HELO, IGNORE_STARTTLS = 0x4, 0x400000, 0x800000  # of SECURITY
ENCRYPTION, CERTIFICATE, DOMAIN = 0x10, 0x20, 0x40  # TlsAuthLevel, of FLAGS
NEEDS_TLS = "451 5.7.3 STARTTLS is required to send mail"
INVALID = "454 4.7.5 Certificate validation failure: "


class PeerCase(Case):
    """peer(…) makes a send connector NAME for the domain NAME.example and the hop it leads to; cls.peers[NAME]."""

    @classmethod
    def setUpClass(cls):
        cls.certificates, cls.peers = Certificates(), {}
        cls.addClassCleanup(cls.certificates.close)
        cls.addClassCleanup(cls.stop_peers)
        cls.provide(cls.certificates)
        super().setUpClass()

    @classmethod
    def stop_peers(cls):
        for peer in cls.peers.values():
            peer.stop()

    @classmethod
    def peer(cls, org, name, certificate=None, logins=None, hosts="[127.0.0.1]", **attributes):
        peer = cls.peers[name] = Sink()
        peer.certificate, peer.logins = certificate, logins or {}
        org.send(name, peer.port, spaces="SMTP:%s.example;1" % name, hosts=hosts, **attributes)
        return peer

    def submit(self, name):
        """Sends a message to the peer's domain; returns its id and a mark before it."""
        mark = self.daemon.mark()
        with self.client("127.0.0.2") as client:
            client.ehlo()
            client.send_message(SENDER, ["kate@%s.example" % name])
            client.quit()
        return self.daemon.wait("message.accepted", since=mark)["id"], mark

    def delivered(self, name):
        """The message as it arrived, and the session's event."""
        id, mark = self.submit(name)
        self.daemon.wait("message.delivered", since=mark, id=id)
        return self.peers[name].wait(1)[-1], self.daemon.wait("hop.session", since=mark, hop=name)

    def deferred(self, name):
        """Why nothing was sent: the reply, without the address behind it, and the peer's session."""
        id, mark = self.submit(name)
        event = self.daemon.wait("message.deferred", since=mark, id=id)
        peer = self.peers[name]
        self.assertEqual(peer.offered, [])
        self.assertFalse([line for session in peer.sessions for line in session.commands if line.startswith("MAIL")])
        self.assertEqual(self.daemon.cli("queue", "remove", id).code, 0)
        return event["reply"].rpartition(" [")[0], peer.sessions[-1]

    def left(self, name):
        """The same of a hop that was told QUIT."""
        reply, session = self.deferred(name)
        self.assertWithin(10, lambda: self.assertEqual((session.commands[-1], session.ended), ("QUIT", "quit")))
        return reply
