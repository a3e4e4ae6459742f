"""The directory stops, freezes, dies, comes back, or was never there: known hosts go on relaying and nothing widens."""

import socket
import threading
import unittest

from lib.dirrelay import Daemon
from lib.organization import ANY_RECIPIENT, EVERYBODY, Organization, change
from lib.sink import Sink
from lib.slapd import Slapd, free_port
from lib.smtp import Client, can_connect, eventually

UNABLE_TO_RELAY = "550 5.7.1 Unable to relay"
RECIPIENT_OK = "250 2.1.5 Recipient OK"
HOST, OTHER = "127.0.0.2", "127.0.0.9"


class Gate:
    """A TCP relay before slapd that can let go, hold back, or stop after so many bytes of a reply."""

    def __init__(self, target):
        self.target, self.left, self.open, self.lock = target, None, [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.uri = "ldap://127.0.0.1:%d" % self.port
        threading.Thread(target=self._accept, daemon=True).start()

    def stop_after(self, count):
        """From now on so many bytes more go to the daemon, then none: the connection stays open."""
        with self.lock:
            self.left = count

    def heal(self):
        with self.lock:
            self.left = None
        self.cut()

    def cut(self):
        with self.lock:
            sockets, self.open = self.open, []
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        """May be called twice."""
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def _accept(self):
        listener = self.listener
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self.lock:
                self.open += [client, server]
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source, target, is_reply):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                with self.lock:
                    if is_reply and self.left is not None:
                        data, self.left = data[:self.left], max(0, self.left - len(data))
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if not is_reply:
            return
        for one in (source, target):
            one.close()


class Faults(unittest.TestCase):
    def setUp(self):
        self.sink, self.port = Sink(), free_port()
        self.addCleanup(self.sink.stop)
        self.org = Organization()
        self.org.receive("Default", self.port, EVERYBODY, groups="AnonymousUsers")
        self.org.relay("Relay", self.port, HOST)
        self.org.send("Internet", self.sink.port)
        self.slapd = Slapd()
        self.addCleanup(self.slapd.close)
        self.slapd.start()
        self.slapd.add(self.org.ldif())
        self.relayed = 0

    def daemon(self, uri=None, **options):
        daemon = Daemon(uri or self.slapd.uri, **options)
        self.addCleanup(daemon.close)
        if options.get("start", True):
            self.serves()
        return daemon

    def ask(self, source):
        with Client(self.port, source=source) as client:
            client.ehlo()
            client.mail("chris@contoso.com")
            return client.rcpt("kate@fabrikam.com").text

    def serves(self):
        """The known host relays, message and all; another one does not."""
        eventually(lambda: can_connect(self.port))
        with Client(self.port, source=HOST) as client:
            client.send_message("chris@contoso.com", ["kate@fabrikam.com"])
        self.relayed += 1
        self.sink.wait(self.relayed)
        self.assertEqual(self.ask(OTHER), UNABLE_TO_RELAY)

    def up(self, daemon):
        return eventually(lambda: self.assertEqual(daemon.metrics().get("dirrelay_directory_up"), 1), 30)

    def down(self, daemon, within=30):
        return eventually(lambda: self.assertEqual(daemon.metrics().get("dirrelay_directory_up"), 0), within)

    def changes_arrive(self, daemon):
        """An ldapmodify is in force within a second again."""
        dn = self.org.receive_dn("Relay")
        self.slapd.modify(change(dn, ("delete", "dirrelayAce", ANY_RECIPIENT)))
        eventually(lambda: self.assertEqual(self.ask(HOST), UNABLE_TO_RELAY), 1)
        self.slapd.modify(change(dn, ("add", "dirrelayAce", ANY_RECIPIENT)))
        eventually(lambda: self.assertEqual(self.ask(HOST), RECIPIENT_OK), 1)

    # proves: D7 contract-3
    def test_stopped_and_started_again(self):
        daemon = self.daemon()
        for end in (self.slapd.stop, self.slapd.kill):
            mark = daemon.mark()
            end()
            daemon.wait("directory.down", since=mark)
            self.down(daemon)
            self.serves()
            self.assertNotEqual(daemon.status()["directory"]["state"], "up")
            self.assertGreater(daemon.metrics()["dirrelay_organization_age_seconds"], 0)
            self.slapd.start()
            self.up(daemon)
            self.serves()
            self.changes_arrive(daemon)
        daemon.stop()

    # proves: D7 contract-3
    def test_what_changed_while_it_was_away_is_learned(self):
        daemon = self.daemon()
        gate = Gate(self.slapd.port)
        self.addCleanup(gate.close)
        daemon.stop()
        daemon.write_config(directory__uri=gate.uri)
        daemon.start()
        self.serves()
        gate.target = 1
        gate.cut()
        self.down(daemon)
        self.slapd.modify(change(self.org.receive_dn("Relay"), ("delete", "dirrelayAce", ANY_RECIPIENT)))
        self.slapd.delete(self.org.receive_dn("Default"))
        self.assertEqual(self.ask(HOST), RECIPIENT_OK)
        gate.target = self.slapd.port
        eventually(lambda: self.assertEqual(self.ask(HOST), UNABLE_TO_RELAY), 40)
        with Client(self.port, source=OTHER) as client:
            self.assertEqual(client.greeting.code, 421)

    # proves: D7
    def test_frozen_and_thawed(self):
        daemon = self.daemon()
        self.slapd.freeze()
        self.serves()
        self.slapd.thaw()
        self.up(daemon)
        self.changes_arrive(daemon)
        daemon.stop()

    # proves: D7
    def test_the_daemon_stops_while_the_directory_is_frozen(self):
        daemon = self.daemon()
        self.slapd.freeze()
        self.serves()
        daemon.stop()

    # proves: D7
    def test_stopping_inside_a_pdu(self):
        gate = Gate(self.slapd.port)
        self.addCleanup(gate.close)
        daemon = self.daemon(gate.uri)
        gate.stop_after(7)
        dn = self.org.receive_dn("Relay")
        self.slapd.modify(change(dn, ("delete", "dirrelayAce", ANY_RECIPIENT)))
        for _ in range(3):
            self.serves()
        gate.heal()
        eventually(lambda: self.assertEqual(self.ask(HOST), UNABLE_TO_RELAY), 60)
        daemon.stop()

    # proves: D7
    def test_stopping_inside_a_pdu_at_start(self):
        gate = Gate(self.slapd.port)
        self.addCleanup(gate.close)
        gate.stop_after(300)
        daemon = self.daemon(gate.uri, start=False)
        daemon.start(wait=False)
        daemon.wait("server.started")
        self.assertEqual(daemon.page("/readyz")[0], 503)
        self.assertFalse(can_connect(self.port))
        gate.heal()
        daemon.wait_ready(90)
        self.serves()

    # proves: D7 contract-3
    def test_away_at_start_with_a_saved_organization(self):
        daemon = self.daemon()
        daemon.stop()
        self.slapd.stop()
        daemon.start()
        self.serves()
        self.assertEqual(daemon.wait("org.loaded")["from"], "disk")
        self.assertEqual(daemon.status()["directory"]["state"], "saved")
        self.slapd.start()
        self.up(daemon)
        self.changes_arrive(daemon)

    # proves: D7
    def test_away_at_start_without_a_saved_organization(self):
        self.slapd.stop()
        daemon = self.daemon(start=False)
        daemon.start(wait=False)
        daemon.wait("server.started")
        self.assertEqual(daemon.page("/readyz")[0], 503)
        self.assertEqual(daemon.page("/healthz")[0], 200)
        self.assertFalse(can_connect(self.port))
        self.slapd.start()
        daemon.wait_ready(60)
        self.serves()

    # proves: D7
    def test_several_servers_the_second_stands_in(self):
        gate = Gate(self.slapd.port)
        self.addCleanup(gate.close)
        daemon = self.daemon("ldap://127.0.0.1:%d %s" % (free_port(), gate.uri))
        self.changes_arrive(daemon)
        daemon.stop()
        daemon.write_config(directory__uri="%s %s" % (gate.uri, self.slapd.uri))
        daemon.start()
        self.serves()
        gate.close()
        eventually(lambda: self.changes_arrive(daemon), 60)

    # proves: D7
    def test_a_refused_bind_gives_no_organization_and_no_service(self):
        daemon = self.daemon(config={"directory.bind_dn": self.slapd.root_dn, "directory.bind_password": "wrong"}, start=False)
        daemon.start(wait=False)
        daemon.wait("directory.down", timeout=40)
        self.assertEqual(daemon.page("/readyz")[0], 503)
        self.assertFalse(can_connect(self.port))
        self.assertNotIn("wrong", str(daemon.seen()))
        daemon.stop()

    # proves: contract-3
    def test_the_organization_deleted_from_the_directory_stays_in_force(self):
        daemon = self.daemon()
        mark = daemon.mark()
        self.slapd.delete(self.org.server_dn, recursive=True)
        daemon.wait("org.refused", since=mark)
        self.serves()

    # proves: contract-3
    def test_the_saved_organization_holds_what_was_in_force(self):
        daemon = self.daemon()
        daemon.stop()
        with open(daemon.state_dir + "/organization.ldif") as file:
            text = file.read()
        self.assertIn("Relay", text)
        with open(daemon.state_dir + "/organization.ldif", "w") as file:
            file.write("garbage\n")
        self.slapd.stop()
        daemon.start(wait=False)
        daemon.wait("server.started")
        daemon.wait("org.not_restored")
        self.assertFalse(can_connect(self.port))
        self.slapd.start()
        daemon.wait_ready(60)
        self.serves()


if __name__ == "__main__":
    unittest.main()
