"""Back pressure: mail from outside is refused first, then all, and taken again when there is room."""

import unittest

from lib.dirrelay import Daemon
from lib.organization import EXTERNAL, change
from lib.slapd import free_port
from lib.world import Case, World

NO_RESOURCES = "452 4.3.1 Insufficient system resources"


def organize(org, port, sink):
    org.relay("Relay", port, "127.0.6.1")
    org.receive("Secured", port, "127.0.6.2", auth=EXTERNAL, groups="ExchangeServers")


class Queue(Case):
    config = {"pressure.queue": "1-2-4", "queue.retry": "1h"}
    organize = staticmethod(organize)

    def send(self, source, sender):
        with self.client(source) as client:
            client.ehlo()
            reply = client.mail(sender)
            if reply.code == 250:
                client.rcpt("kate@fabrikam.com")
                reply = client.data()
            return reply

    def fill(self, count):
        for _ in range(count):
            self.assertEqual(self.send("127.0.6.2", "chris@contoso.com").code, 250)

    # proves: facts-10.7 R5 contract-2
    def test_three_levels_up_and_down(self):
        dn = self.organization.send_dn("Internet")
        self.world.modify(change(dn, ("replace", "msExchSmtpSendPort", free_port())))  # nobody listens there
        mark = self.daemon.mark()
        self.fill(2)
        event = self.daemon.wait("pressure.changed", since=mark, resource="queue")
        self.assertEqual((event["level"], event["before"], event["value"]), ("medium", "low", 2))
        refused = self.send("127.0.6.1", "a@outside.example")
        self.assertReply(refused, NO_RESOURCES)
        self.assertReply(self.send("127.0.6.1", ""), NO_RESOURCES)
        self.assertEqual(self.daemon.wait("mail.refused", since=mark)["reason"], "back-pressure")
        self.assertEqual(self.send("127.0.6.1", "chris@contoso.com").code, 250)
        mark = self.daemon.mark()
        self.fill(1)
        self.daemon.wait("pressure.changed", since=mark, resource="queue", level="high")
        self.assertReply(self.send("127.0.6.2", "chris@contoso.com"), NO_RESOURCES)
        status = self.daemon.cli("status", json=True).json["pressure"]
        self.assertEqual([(one["resource"], one["level"]) for one in status],
                         [("disk", "low"), ("memory", "low"), ("queue", "high")])
        self.assertEqual((status[2]["value"], status[2]["marks"]), (4, [1, 2, 4]))
        self.assertIn("queue high (4)", self.daemon.cli("status").out)
        self.assertEqual(self.daemon.metrics()['dirrelay_pressure_level{resource="queue"}'], 2)
        mark = self.daemon.mark()
        self.assertEqual(self.daemon.cli("queue", "remove", "*").code, 0)
        self.daemon.wait("pressure.changed", since=mark, resource="queue", level="low")
        self.assertEqual(self.send("127.0.6.1", "a@outside.example").code, 250)


class Machine(unittest.TestCase):
    # proves: facts-10.7 R5
    def test_disk_and_memory_count_from_the_start(self):
        for config, codes in (({"pressure.disk": "0-0-101"}, (452, 250)), ({"pressure.memory": "0-0-0"}, (452, 452))):
            with World(organize, config) as world:
                for source, code in zip(("127.0.6.1", "127.0.6.2"), codes):
                    with world.client(source) as client:
                        client.ehlo()
                        self.assertEqual(client.mail("a@outside.example").code, code, (config, source))

    # proves: contract-2
    def test_bad_marks_are_named(self):
        daemon = Daemon("ldif:/nowhere", {"pressure.disk": "9-8-7"}, start=False)
        try:
            daemon.start(wait=False)
            self.assertEqual(daemon.process.wait(20), 2)
            self.assertIn("pressure.disk: expected three rising numbers", daemon.errors())
        finally:
            daemon.close()


if __name__ == "__main__":
    unittest.main()
