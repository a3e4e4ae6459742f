"""Logins while the directory fails: nobody is refused for it, nothing hangs, and the server still stops."""

import base64
import os
import time
import unittest

from lib.people import People
from lib.smtp import Closed
from lib.world import World

BASIC = 4
OTHER_TROUBLE = "454 4.7.0 Temporary authentication failure"
RIGHTS = ["allow ms-Exch-SMTP-Submit to authenticated"]
CANARY = b"kanarienvogel-4711"
ALICE, WRONG, BOB = ("AUTH PLAIN " + base64.b64encode(text).decode() for text in (b"\0alice\0secret", b"\0alice\0wrong", b"\0bob\0secret"))


class Faults(unittest.TestCase):
    def world(self, **config):
        def organize(org, port, sink):
            people = People()
            people.person("alice", "secret")
            people.person("bob", "secret")
            people.person("canary", CANARY.decode())
            org.receive("Users", port, ["127.0.0.2", "127.0.0.10-127.0.0.30"], auth=BASIC, aces=RIGHTS)
            org.receive("Anonymous", port, ["127.0.0.3"], groups="AnonymousUsers")
            org.records.append(people.ldif())

        return World(organize, {"auth.failures_per_source": "100 in 1s",
                                **{key.replace("__", "."): value for key, value in config.items()}})

    # proves: D7 contract-3 C122
    def test_a_stopped_directory_is_our_trouble(self):
        with self.world() as world:
            with world.client() as client:
                client.ehlo()
                self.assertEqual(client.say(ALICE).code, 235)
            world.slapd.stop()
            world.daemon.wait("directory.down")
            with world.client() as client:
                client.ehlo()
                self.assertEqual(client.say(ALICE).text, OTHER_TROUBLE)
            mark = world.daemon.mark()
            world.slapd.start()
            world.daemon.wait("directory.up", since=mark, timeout=30)
            with world.client() as client:
                client.ehlo()
                self.assertEqual(client.say(ALICE).code, 235)

    # proves: D7
    def test_a_silent_directory_holds_nobody_else_up(self):
        with self.world() as world:
            world.slapd.freeze()
            with world.client() as waiting, world.client(source="127.0.0.3") as other:
                waiting.ehlo()
                waiting.send(ALICE.encode() + b"\r\n")
                start = time.monotonic()
                other.ehlo()
                self.assertEqual(other.mail("a@b.example").code, 250)
                self.assertLess(time.monotonic() - start, 2)
                self.assertEqual(waiting.reply().text, OTHER_TROUBLE)
            world.slapd.thaw()

    # proves: T2
    def test_guesses_from_many_sources_do_not_reach_the_directory(self):
        """Behind the limit not even the right password is tried, so that the directory has no reason to lock the account."""
        with self.world(auth__failures_per_source="3 in 10m") as world:
            for number in range(3):
                with world.client(source="127.0.0.%d" % (10 + number)) as client:
                    client.ehlo()
                    self.assertEqual(client.say(WRONG).code, 535)
            mark = world.daemon.mark()
            with world.client(source="127.0.0.20") as client:
                client.ehlo()
                self.assertEqual(client.say(ALICE).text, "535 5.7.3 Authentication unsuccessful")
            self.assertIn("too many failed logins of this account", world.daemon.wait("auth.fail", since=mark)["why"])
            with world.client(source="127.0.0.21") as client:
                client.ehlo()
                self.assertEqual(client.say(BOB).code, 235)

    # proves: T2 contract-2
    def test_too_many_at_once_are_told_to_come_back(self):
        with self.world(auth__workers=1, auth__queue=1) as world:
            world.slapd.freeze()
            clients = [world.client() for _ in range(4)]
            for client in clients:
                self.addCleanup(client.close)
                client.ehlo()
                client.send(ALICE.encode() + b"\r\n")
            start = time.monotonic()
            self.assertEqual([client.reply().text for client in clients[2:]], [OTHER_TROUBLE] * 2)
            self.assertLess(time.monotonic() - start, 3)
            world.slapd.thaw()
            self.assertEqual([client.reply().code for client in clients[:2]], [235, 235])

    # proves: T1
    def test_the_server_stops_while_logins_wait(self):
        with self.world(server__drain="1s") as world:
            with world.client() as known:  # so that the next one waits for the bind, not for the name
                known.ehlo()
                self.assertEqual(known.say(ALICE).code, 235)
            world.slapd.freeze()
            with world.client() as gone, world.client() as client:
                for one in (gone, client):
                    one.ehlo()
                    one.send(ALICE.encode() + b"\r\n")
                gone.close()
                start = time.monotonic()
                world.daemon.stop()
                self.assertLess(time.monotonic() - start, 20)
                try:
                    self.assertIn(client.reply().code, (421, 454))
                except (Closed, ConnectionError):
                    pass
            world.slapd.thaw()

    # proves: T11
    @unittest.skipUnless(os.geteuid() == 0, "reads another user's memory")
    def test_no_password_stays_in_memory(self):
        """Right and wrong ones, proven and refused, on a loop and on the threads behind it."""
        with self.world() as world:
            for number, mechanism in enumerate(("PLAIN", "LOGIN") * 4):
                password = CANARY if number < 4 else CANARY + b"-wrong"
                with world.client() as client:
                    client.ehlo()
                    if mechanism == "PLAIN":
                        reply = client.say("AUTH PLAIN " + base64.b64encode(b"\0canary\0" + password).decode())
                    else:
                        client.say("AUTH LOGIN " + base64.b64encode(b"canary").decode())
                        reply = client.say(base64.b64encode(password).decode())
                    self.assertEqual(reply.code, 235 if number < 4 else 535)
            for trace in (CANARY, base64.b64encode(CANARY), base64.b64encode(b"\0canary\0" + CANARY)[:-4]):
                self.assertEqual(found_in_memory(world.daemon.process.pid, trace), [])

    # proves: T11
    @unittest.skipUnless(os.geteuid() == 0, "reads another user's memory")
    def test_no_password_stays_in_memory_that_nobody_asked_for(self):
        """Said ahead of its turn, before the banner, in a line that is none or never ends."""
        secret = base64.b64encode(b"\0canary\0" + CANARY)
        plain, login = b"AUTH PLAIN " + secret, base64.b64encode(b"canary") + b"\r\n" + base64.b64encode(CANARY)
        with self.world() as world:
            for greet, pieces in ((False, [plain + b"\r\n"]), (True, [b"EHLO a\r\n" + plain + b"\r\n"]),
                                  (True, [b"NOOP\r\n" + plain + b"\r\nNOOP\r\n"]),
                                  (True, [b"EHLO a\r\n", plain + b"\r\nMAIL FROM:<a@b.example>\r\n"]),
                                  (True, [b"EHLO a\r\n", b"AUTH LOGIN\r\n" + login + b"\r\n"]),
                                  (True, [b"EHLO a\r\n", plain[:20], plain[20:40], plain[40:]]),
                                  (True, [plain[:20], plain[20:], b"x" * 3000]), (True, [plain + b"\n", secret]),
                                  (True, [b"EHLO a\r\n", plain + b"A" * 70000, secret, b"\r\n"])):
                mark = world.daemon.mark()
                with world.client(greet=greet) as client:
                    address = client.address
                    try:
                        for piece in pieces:
                            client.send(piece)
                            if piece == b"EHLO a\r\n":
                                client.reply()
                    except OSError:
                        pass  # closed meanwhile
                world.daemon.wait("session.close", since=mark, client=address)
            for trace in (CANARY, base64.b64encode(CANARY), secret[12:36]):
                self.assertEqual(found_in_memory(world.daemon.process.pid, trace), [])


def found_in_memory(pid, trace):
    """The regions of the process that hold these bytes. What a sanitizer reserves without using is left out."""
    found = []
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for region in maps:
            start, end = (int(place, 16) for place in region.split()[0].split("-"))
            if "rw" not in region or end - start > 1 << 30:
                continue
            memory.seek(start)
            try:
                if trace in memory.read(end - start):
                    found.append(region.strip())
            except OSError:
                pass  # a guard page
    return found


if __name__ == "__main__":
    unittest.main()
