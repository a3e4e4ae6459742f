"""docker/compose.scale.yaml: three relays behind HAProxy, two directories that replicate; any one goes away."""

import datetime
import threading
import time
import unittest

from lib.compose import REFUSED, ComposeCase, docker
from lib.smtp import Client, Closed, eventually

NETWORK = "dirrelay-scale_mail"
PROXY, GATEWAY, ALLOWED, OTHER = "172.30.26.9", "172.30.26.1", "172.30.26.100", "172.30.26.50"
RELAYS = {"relay1": "172.30.26.11", "relay2": "172.30.26.12", "relay3": "172.30.26.13"}
SUFFIX = "dc=contoso,dc=com"
CONNECTOR = ("CN=Anonymous Relay,CN=SMTP Receive Connectors,CN=Protocols,CN=mx1,CN=Servers,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),"
             "CN=Administrative Groups,CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration," + SUFFIX)


class Sender:
    """Sends one message after another through the proxy until it is stopped."""

    def __init__(self, name):
        self.name, self.accepted, self.longest_gap, self.last = name, [], 0.0, time.monotonic()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._ends.set()
        self._thread.join()

    def _run(self):
        number = 0
        while not self._ends.is_set():
            number += 1
            subject = "%s-%d" % (self.name, number)
            try:
                with Client(25, host=PROXY, source=GATEWAY, timeout=5) as client:
                    client.send_message("printer@contoso.com", ["bob@contoso.com"], b"Subject: %s\r\n\r\nhello\r\n" % subject.encode())
                    self.accepted.append(subject)
                    client.quit()
            except (OSError, Closed, AssertionError):
                self._ends.wait(0.05)
                continue
            now = time.monotonic()
            self.longest_gap, self.last = max(self.longest_gap, now - self.last), now


class Scale(ComposeCase):
    FILE = "compose.scale.yaml"
    # The next hop of the try-out, and the machine itself among those who may relay.
    ENVIRONMENT = {"COMPOSE_PROFILES": "try", "DIRRELAY_SCALE_RELAY_HOSTS": "172.30.26.100-172.30.26.199,172.30.26.1"}

    def wait_for_all(self, subjects):
        def have_come():
            found = {line["subject"] for line in self.project.events("next-hop", "message")}
            assert set(subjects) <= found, "%d of %d accepted messages did not arrive" % (len(set(subjects) - found), len(subjects))
        eventually(have_come, 60, every=0.5)

    def change(self, directory, ldif):
        self.project.exec(directory, "ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", "ldapi://%2Frun%2Fslapd%2Fldapi", text=ldif)

    def loaded(self):
        """{relay: (generation, when it was loaded)}"""
        found = {}
        for relay in RELAYS:
            event = self.project.events(relay, "org.loaded")[-1]
            found[relay] = event["generation"], datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
        return found

    def try_change(self, directory, address, relays=RELAYS):
        """Lets the address relay by a change on this directory; seconds until the last relay had loaded it, by the relays' logs."""
        before = self.loaded()
        self.change(directory, "dn: %s\nchangetype: modify\nadd: msExchSmtpReceiveRemoteIPRanges\nmsExchSmtpReceiveRemoteIPRanges: %s\n"
                    % (CONNECTOR, address))
        changed = datetime.datetime.now(datetime.timezone.utc)
        eventually(lambda: all(self.loaded()[relay][0] > before[relay][0] for relay in relays), 20, every=0.1)
        done = self.swaks_to_proxy(address, "change-" + address)
        self.assertEqual(done.returncode, 0, done.stdout)
        return max((when - changed).total_seconds() for unused, when in self.loaded().values())

    def swaks_to_proxy(self, address, subject):
        return self.swaks(address, subject, server="proxy", network=NETWORK)

    # proves: D13
    def test_the_relays_know_the_clients_behind_the_proxy(self):
        done = self.swaks_to_proxy(ALLOWED, "through-the-proxy")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(ALLOWED, self.project.wait_arrived("through-the-proxy")["received"][0])
        self.assertIn(REFUSED, self.swaks_to_proxy(OTHER, "not-through").stdout)

    # proves: D13
    def test_a_proxy_header_of_anybody_else_is_no_command(self):
        with Client(25, host=RELAYS["relay1"], source=GATEWAY) as client:
            self.assertNotEqual(client.say("PROXY TCP4 %s 172.30.26.11 40000 25" % ALLOWED).code, 220)

    # proves: contract-3
    def test_a_change_on_either_directory_is_in_force_on_all_relays(self):
        for number, directory in enumerate(("directory1", "directory2")):
            self.assertLess(self.try_change(directory, "172.30.26.%d" % (51 + number)), 2)

    def interrupt(self, service):
        """Kills it under load, and brings it back; the sender, whose messages have all arrived."""
        with Sender("kill-" + service) as sender:
            eventually(lambda: len(sender.accepted) >= 20, 20)
            docker("kill", "-s", "KILL", self.project.container(service))
            killed = time.monotonic()
            eventually(lambda: sender.last > killed + 6, 30)
            self.project.run("start", service)
            self.project.up()
        self.assertLess(sender.longest_gap, 5)
        self.wait_for_all(sender.accepted)
        return sender

    # proves: contract-5
    def test_a_relay_may_die(self):
        self.interrupt("relay1")

    def test_a_directory_may_die(self):
        self.interrupt("directory1")

    def test_changes_go_on_with_one_directory(self):
        self.project.run("stop", "directory1")
        self.addCleanup(self.project.up)
        # No relay hears of it before it has found the other directory.
        self.try_change("directory2", "172.30.26.60")
        self.project.up()
        self.try_change("directory1", "172.30.26.61")


if __name__ == "__main__":
    unittest.main()
