"""64 logins at once against a directory that is 200 ms away (issue 4), under ThreadSanitizer: nothing else waits, and the end comes.

Needs the programs of the preset tsan: $DIRRELAY_TSAN_BUILD (default build-tsan of the checkout).
"""

import base64
import os
import select
import threading
import unittest

from lib import dirrelay
from lib.dirrelay import REPOSITORY, Daemon
from lib.organization import Organization, change
from lib.people import People
from lib.scripted_ldap import Forwarder
from lib.sink import Sink
from lib.slapd import Slapd, free_port
from lib.smtp import Client, Closed, can_connect, eventually

BUILD = os.environ.get("DIRRELAY_TSAN_BUILD") or os.path.join(REPOSITORY, "build-tsan")
PROGRAMS = {"DIRRELAYD": os.path.join(BUILD, "dirrelayd"), "DIRRELAY": os.path.join(BUILD, "dirrelay")}
LOGINS, AWAY = 64, 0.2
BASIC = 4


@unittest.skipUnless(os.path.exists(PROGRAMS["DIRRELAYD"]), "no ThreadSanitizer build in %s: cmake --preset tsan" % BUILD)
class LoginThreads(unittest.TestCase):
    def setUp(self):
        for name, program in PROGRAMS.items():
            self.addCleanup(setattr, dirrelay, name, getattr(dirrelay, name))
            setattr(dirrelay, name, program)
        self.slapd = Slapd()
        self.addCleanup(self.slapd.close)
        self.slapd.start()
        self.sink, self.port = Sink(), free_port()
        self.addCleanup(self.sink.stop)
        org, self.people = Organization(), People()
        org.relay("Relay", self.port, ["127.0.0.2"])
        org.receive("Users", self.port, ["127.0.0.3"], auth=BASIC, aces=["allow * to cn=relay,ou=groups,dc=contoso,dc=com"])
        org.send("Internet", self.sink.port)
        for number in range(LOGINS):
            self.people.person("user%d" % number, "secret")
        self.people.group("inner", [self.people.dn("user%d" % number) for number in range(LOGINS)])
        self.people.group("relay", [self.people.group_dn("inner")])
        self.slapd.add(org.ldif() + "\n" + self.people.ldif())
        self.link = self.enterContext(Forwarder(self.slapd.port, AWAY))
        self.daemon = Daemon("ldap://127.0.0.1:%d" % self.link.port, {"server.loops": 3, "auth.failures_per_source": "100 in 1s"})
        self.addCleanup(self.daemon.close)
        eventually(lambda: can_connect(self.port))
        self.failures = []

    def log_in(self, number, together, stay):
        """Two logins, one wrong; then messages while groups change."""
        try:
            with Client(self.port, source="127.0.0.3", timeout=120) as client:
                client.ehlo()
                together.wait(120)
                for password, code in (("wrong", 535), ("secret", 235)):
                    credentials = base64.b64encode(b"\0user%d\0%s" % (number, password.encode())).decode()
                    reply = client.say("AUTH PLAIN " + credentials)
                    if reply.code != code:
                        raise AssertionError(str(reply))
                for count in range(3):
                    client.send_message("a@b.example", ["kate@fabrikam.com"], b"Subject: %d-%d\r\n\r\n" % (number, count))
                if stay:
                    client.say("AUTH PLAIN AAAA")
        except (Closed, OSError):
            if not stay:
                self.failures.append("closed")
        except Exception as failure:  # noqa: B902: shown by the test
            self.failures.append(failure)
            together.abort()

    def start_logins(self, stay=False):
        together = threading.Barrier(LOGINS)
        threads = [threading.Thread(target=self.log_in, args=(number, together, stay)) for number in range(LOGINS)]
        for thread in threads:
            thread.start()
        return threads

    # proves: R11 D7
    def test_64_logins_while_mail_flows_and_groups_change(self):
        threads, count = self.start_logins(), 0
        with Client(self.port, source="127.0.0.2") as client:
            client.ehlo()
            while any(thread.is_alive() for thread in threads):
                client.send_message("a@b.example", ["kate@fabrikam.com"], b"Subject: flows\r\n\r\n")
                count += 1
                if count % 20 == 0:
                    operation = ("add" if count % 40 else "delete", "member", self.people.dn("nobody"))
                    self.slapd.modify(change(self.people.group_dn("inner"), operation))
        for thread in threads:
            thread.join()
        self.assertEqual(self.failures, [])
        eventually(lambda: self.assertEqual(len(self.sink.messages), 3 * LOGINS + count), 60)
        self.daemon.stop(60)

    # proves: T2 D7
    def test_mail_overtakes_logins_that_wait(self):
        """Not one login has its answer before mail that came later is at the next hop. In turns right, wrong and broken off."""
        clients = []
        for number in range(LOGINS):
            clients.append(self.enterContext(Client(self.port, source="127.0.0.3", timeout=120)))
            clients[-1].ehlo()
        self.link.hold()
        for number, client in enumerate(clients):
            client.send(b"AUTH PLAIN " + base64.b64encode(b"\0user%d\0%s" % (number, (b"secret", b"wrong")[number % 2])) + b"\r\n")
        self.assertTrue(self.link.holds.wait(60))
        with Client(self.port, source="127.0.0.2") as client:
            client.send_message("a@b.example", ["kate@fabrikam.com"], b"Subject: overtakes\r\n\r\n")
        self.sink.wait(1, timeout=60)
        answered = select.select([client.socket for client in clients], [], [], 0)[0]
        self.link.flow()
        self.assertEqual(len(answered), 0)
        for number, client in enumerate(clients):
            if number % 4 == 3:
                client.close()
            else:
                self.assertEqual(client.reply().code, (235, 535)[number % 2])
        self.daemon.stop(60)

    # proves: R11
    def test_the_end_in_the_middle_of_logins(self):
        threads = self.start_logins(stay=True)
        self.daemon.wait("auth.fail", timeout=60)
        self.daemon.stop(60)
        for thread in threads:
            thread.join(120)
        self.assertFalse(any(thread.is_alive() for thread in threads))


if __name__ == "__main__":
    unittest.main()
