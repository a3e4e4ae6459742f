"""The daemon under ThreadSanitizer: sessions on several loops, delivery, new organizations, the administrator's commands
and signals all at once. A race is a line on stderr, and that is a failure.

Needs the programs of the preset tsan: $DIRRELAY_TSAN_BUILD (default build-tsan of the checkout).
"""

import os
import shutil
import signal
import tempfile
import threading
import unittest

from lib import dirrelay
from lib.certificates import Certificates
from lib.dirrelay import REPOSITORY, Daemon
from lib.organization import Organization
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client, Closed, can_connect, eventually, unverified

BUILD = os.environ.get("DIRRELAY_TSAN_BUILD") or os.path.join(REPOSITORY, "build-tsan")
PROGRAMS = {"DIRRELAYD": os.path.join(BUILD, "dirrelayd"), "DIRRELAY": os.path.join(BUILD, "dirrelay")}
SENDERS, MESSAGES, HANDSHAKES = 6, 50, 64


class Load:
    """Threads that send until they are told to stop; accepted holds the subjects that got 250."""

    def __init__(self, port):
        self.port, self.accepted, self.failures = port, set(), []
        self.stopping, self.done = threading.Event(), 0
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        try:
            for count in range(MESSAGES):
                if self.stopping.is_set():
                    break
                self._session("%d-%d" % (number, count), count)
        except Exception as failure:  # noqa: B902: shown by the test
            self.failures.append(failure)
        self.done += 1

    def _session(self, name, count):
        """Two messages a session, small and large ones; the server may end it with 421, or refuse it, at any time."""
        try:
            with Client(self.port, source="127.0.0.%d" % (2 + count % 3)) as client:
                if client.greeting.code != 220 or client.ehlo().code != 250:
                    return
                for part in ("a", "b"):
                    subject, size = name + part, 40000 if count % 10 == 0 else 500
                    replies = [client.mail("chris@contoso.com"), client.rcpt("kate@fabrikam.com")]
                    if count % 4 == 1:
                        client.rcpt("nobody@")
                    if any(reply.code != 250 for reply in replies):
                        return
                    reply = client.data(b"Subject: " + subject.encode() + b"\r\n\r\n" + b"x" * 70 * (size // 70) + b"\r\n")
                    if reply.code == 250:
                        self.accepted.add(subject)
                if count % 3:
                    client.quit()
        except (Closed, OSError):
            pass

    def finish(self):
        for thread in self.threads:
            thread.join(120)


@unittest.skipUnless(os.path.exists(PROGRAMS["DIRRELAYD"]), "no ThreadSanitizer build in %s: cmake --preset tsan" % BUILD)
class Threads(unittest.TestCase):
    def setUp(self):
        for name, program in PROGRAMS.items():
            self.addCleanup(setattr, dirrelay, name, getattr(dirrelay, name))
            setattr(dirrelay, name, program)
        self.folder = tempfile.mkdtemp(prefix="dr-threads-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        os.chmod(self.folder, 0o755)
        self.certificates = Certificates()
        self.addCleanup(self.certificates.close)
        self.certificates.make("server", "mailbox01.contoso.com")
        self.sinks = [Sink(), Sink()]
        for sink in self.sinks:
            self.addCleanup(sink.stop)
        self.port, self.other_port = free_port(), free_port()
        self.uri = self.organize(0)
        self.daemon = Daemon(self.uri, {"server.loops": 3, "server.drain": "20s", "tls.certificate_dir": self.certificates.path})
        self.addCleanup(self.daemon.close)
        eventually(lambda: can_connect(self.port))

    def organize(self, version):
        """One organization after the other: a connector comes and goes, another loses its right, the smart host moves."""
        org = Organization()
        org.relay("Relay", self.port, ["127.0.0.2", "127.0.0.3"] + (["127.0.0.4"] if version % 2 else []))
        org.relay("Tls", self.port, "127.0.0.5", auth=1)
        if version % 3 == 1:
            org.receive("Other", self.other_port, groups="AnonymousUsers")
        hosts = {"hosts": "localhost"} if version % 5 == 4 else {}
        org.send("Internet", self.sinks[version // 2 % 2].port, **hosts)
        draft = org.write(self.folder, "draft.ldif")
        os.rename(draft.partition(":")[2], os.path.join(self.folder, "organization.ldif"))
        return "ldif:" + os.path.join(self.folder, "organization.ldif")

    def disturb(self, version):
        mark = self.daemon.mark()
        self.organize(version)
        self.daemon.signal(signal.SIGHUP)
        if version % 4 == 0:
            self.daemon.status()
        if version % 4 == 1:
            self.daemon.cli("queue", "list", json=True)
        if version % 4 == 2:
            self.daemon.cli("queue", "retry", "*")
        self.daemon.page("/metrics")
        self.daemon.wait("org.loaded", since=mark)

    # proves: R11
    def test_everything_at_once(self):
        load = Load(self.port)
        version = 0
        while load.done < SENDERS or version < 12:
            version += 1
            self.disturb(version)
        load.finish()
        self.assertEqual(load.failures, [])
        self.assertGreater(len(load.accepted), 100)
        self.arrive(load)
        self.daemon.stop(60)

    # proves: R11 R9
    def test_the_end_under_load_loses_nothing(self):
        load = Load(self.port)
        eventually(lambda: len(load.accepted) > 60, 60)
        for _ in range(20):
            self.daemon.signal(signal.SIGHUP)
        self.daemon.stop(60)
        load.stopping.set()
        load.finish()
        self.assertEqual(load.failures, [])
        self.daemon.start()
        self.arrive(load)
        self.daemon.stop(60)

    # proves: T9
    def test_64_handshakes_at_once_while_certificates_are_read_anew(self):
        """All loops make and use contexts of the same certificates and ticket keys: every ticket resumes."""
        with open(os.path.join(self.certificates.path, "server.pem")) as file:
            same = file.read()
        rounds = self.shake_hands_while(lambda: self.certificates.write("server.pem", same))
        self.assertEqual([[is_resumed for is_resumed, _ in one] for one in rounds], [[False] + [True] * 4] * HANDSHAKES)

    # proves: T9
    def test_64_handshakes_at_once_while_certificates_change(self):
        """A ticket ends with its certificate and not before: who does not resume is shown another one than with his ticket."""
        rounds = self.shake_hands_while(lambda: self.certificates.make("server", "mailbox01.contoso.com"))
        pairs = [pair for one in rounds for pair in zip(one, one[1:])]
        self.assertEqual([is_resumed for _, (is_resumed, _) in pairs], [before == after for (_, before), (_, after) in pairs])
        self.assertGreater(len({certificate for one in rounds for _, certificate in one}), 1)

    def shake_hands_while(self, renew):
        """64 clients 5 times at once, each with its last ticket; every message arrives. For each client and time: did it
        resume, and with which certificate (of a ticket: the one that it was given with)."""
        together, failures, rounds = threading.Barrier(HANDSHAKES), [], [[] for _ in range(HANDSHAKES)]

        def shake_hands(number):
            context, session = unverified(), None
            try:
                for count in range(5):
                    together.wait(120)
                    with Client(self.port, source="127.0.0.5", timeout=120) as client:
                        client.ehlo()
                        client.starttls(context=context, session=session)
                        client.send_message("chris@contoso.com", ["kate@fabrikam.com"], b"Subject: %d-%d\r\n\r\n" % (number, count))
                        session = client.socket.session
                        rounds[number].append((client.socket.session_reused, client.socket.getpeercert(True)))
            except Exception as failure:  # noqa: B902: shown by the test
                failures.append(failure)
                together.abort()
        threads = [threading.Thread(target=shake_hands, args=(number,)) for number in range(HANDSHAKES)]
        for thread in threads:
            thread.start()
        version = 0
        while any(thread.is_alive() for thread in threads):
            version += 1
            renew()
            self.disturb(version)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        eventually(lambda: self.assertEqual(sum(len(sink.messages) for sink in self.sinks), 5 * HANDSHAKES), 60)
        self.daemon.stop(60)
        return rounds

    def arrive(self, load):
        """Every message that got 250 is at one of the sinks, and none that did not."""
        def missing():
            arrived = {message.fields("Subject")[0] for sink in self.sinks for message in list(sink.messages)}
            return load.accepted - arrived
        eventually(lambda: self.assertEqual(missing(), set()), 60)


if __name__ == "__main__":
    unittest.main()
