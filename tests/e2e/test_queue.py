"""dirrelay queue and status against a running daemon, and what the queue remembers over a restart and a kill."""

import datetime
import unittest

from lib.sink import Sink
from lib.world import Case

SENDER = "ann@elsewhere.example"


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Queue(Case):
    """The next hop is away: everything waits."""

    config = {"queue.retry": "1h", "queue.expire": "2d"}
    internet = False

    @classmethod
    def organize(cls, org, port, sink):
        cls.other = Sink()
        cls.addClassCleanup(cls.other.stop)
        org.relay("Relay", port, "127.0.0.2")
        org.send("Internet", sink.port)
        org.send("Other", cls.other.port, spaces="SMTP:other.example;1")

    def setUp(self):
        super().setUp()
        self.sink.stop()

    def tearDown(self):
        self.daemon.cli("queue", "remove", "*")

    def submit(self, recipient, sender=SENDER, size=100):
        """The queue's id, once the first attempt has failed."""
        mark = self.daemon.mark()
        with self.client() as client:
            reply = client.send_message(sender, [recipient], b"Subject: Test\r\n\r\n" + b"q" * size + b"\r\n")
        id = reply.text.partition("InternalId=")[2].partition("]")[0]
        self.daemon.wait("message.deferred", since=mark, id=int(id))
        self.assertWithin(5, lambda: self.assertEqual(self.row(id)["state"], "retry"))
        return id

    def row(self, id):
        return next((row for row in self.daemon.queue() if row["id"] == id), None)

    def ids(self, *arguments):
        return sorted(row["id"] for row in self.daemon.queue(*arguments))

    def back(self):
        """The next hop is there again, and every smart host's time of grace is over."""
        self.sink.start()

    # proves: contract-4
    def test_list_has_the_fields_of_the_contract(self):
        id = self.submit("kate@fabrikam.com", size=500)
        row = self.row(id)
        self.assertEqual((row["sender"], row["state"], row["attempts"]), (SENDER, "retry", 1))
        self.assertGreater(row["size"], 500)
        self.assertAlmostEqual((instant(row["next"]) - instant(row["arrived"])).total_seconds(), 3600, delta=60)
        self.assertEqual([(r["address"], r["state"]) for r in row["recipients"]], [("kate@fabrikam.com", "pending")])
        shown = self.daemon.cli("queue", "show", id, json=True).json
        self.assertEqual(shown[0]["id"], id)
        text = self.daemon.cli("queue", "list")
        self.assertEqual(text.code, 0)
        self.assertIn("kate@fabrikam.com", text.out)

    # proves: contract-4
    def test_filters(self):
        one = self.submit("kate@fabrikam.com")
        two = self.submit("bob@sub.fabrikam.com", sender="joe@elsewhere.example", size=5000)
        both = sorted((one, two))
        for expression, expected in (("sender=joe@*", [two]), ("recipient=*@fabrikam.com", [one]), ("domain=sub.fabrikam.com", [two]),
                                     ("hop=Internet", both), ("hop=Other", []), ("state=retry", both), ("age=<1h", both),
                                     ("age=>1h", []), ("size=>2k", [two]), ("state=retry,size=<2k", [one])):
            self.assertEqual(self.ids("--filter", expression), expected, expression)
        self.assertEqual(self.daemon.cli("queue", "list", "--filter", "colour=red").code, 2)
        self.assertEqual(self.daemon.cli("queue", "remove").code, 2)
        self.assertEqual(self.daemon.cli("queue", "show", "999999").code, 1)

    # proves: contract-4
    def test_every_action_takes_every_filter(self):
        one = self.submit("kate@fabrikam.com")
        two = self.submit("bob@sub.fabrikam.com", sender="joe@elsewhere.example", size=5000)
        for expression in ("sender=joe@*", "recipient=bob@*", "domain=sub.*", "size=>2k,hop=Internet", "state=retry,age=<1h,size=>2k"):
            with self.subTest(filter=expression):
                self.assertEqual(self.daemon.cli("queue", "hold", "--filter", expression).code, 0)
                self.assertEqual([self.row(id)["state"] for id in (one, two)], ["retry", "held"])
                mark = self.daemon.mark()
                held = expression.replace("state=retry", "state=held")
                self.assertEqual(self.daemon.cli("queue", "release", "--filter", held).code, 0)
                self.daemon.wait("message.deferred", since=mark, id=int(two))
                self.assertWithin(5, lambda: self.assertEqual(self.row(two)["state"], "retry"))
                mark = self.daemon.mark()
                self.assertEqual(self.daemon.cli("queue", "retry", "--filter", expression).code, 0)
                self.daemon.wait("message.deferred", since=mark, id=int(two))
                self.assertWithin(5, lambda: self.assertEqual(self.row(two)["state"], "retry"))
                self.assertEqual(self.row(one)["attempts"], 1)
        for verb in ("bounce", "remove"):
            self.assertEqual(self.daemon.cli("queue", verb, "--filter", "sender=nobody@*").code, 1)
        self.assertEqual(self.daemon.cli("queue", "remove", "--filter", "size=>2k,age=<1h").code, 0)
        self.assertEqual(self.ids(), [one])

    # proves: contract-4
    def test_retry_sends_at_once(self):
        id = self.submit("kate@fabrikam.com")
        self.daemon.cli("queue", "hold", id)
        self.restart_with_sink(id)
        self.assertEqual(self.daemon.cli("queue", "release", id).code, 0)
        self.assertEqual(self.arrived()[0].recipients, ["kate@fabrikam.com"])
        self.assertWithin(5, lambda: self.assertEqual(self.ids(), []))

    def restart_with_sink(self, *ids):
        self.back()
        self.daemon.restart()
        self.world.listening()
        self.assertEqual(self.ids(), sorted(ids))

    # proves: contract-4
    def test_hold_survives_a_restart_and_release_sends(self):
        held, waiting = self.submit("held@fabrikam.com"), self.submit("waiting@fabrikam.com")
        self.assertEqual(self.daemon.cli("queue", "hold", held).code, 0)
        self.assertEqual(self.row(held)["state"], "held")
        self.restart_with_sink(held, waiting)
        self.assertEqual(self.row(held)["state"], "held")
        self.assertEqual(self.daemon.cli("queue", "retry", "*").code, 0)
        self.arrived(matching=lambda m: m.recipients == ["waiting@fabrikam.com"])
        self.assertEqual(self.sink.to("held@fabrikam.com"), [])
        self.daemon.cli("queue", "release", held)
        self.arrived(matching=lambda m: m.recipients == ["held@fabrikam.com"])

    # proves: contract-4
    def test_bounce_returns_the_mail(self):
        self.submit("a@x.example")
        kept = self.submit("b@y.example")
        self.back()
        self.sink.rcpt_replies["b@y.example"] = "450 4.2.0 busy"
        self.assertEqual(self.daemon.cli("queue", "bounce", "--filter", "recipient=a@*").code, 0)
        self.daemon.cli("queue", "retry", "*")
        report = self.arrived(matching=lambda m: m.sender == "")[0]
        self.assertEqual(report.recipients, [SENDER])
        self.assertIn(b"550 5.0.0 Returned by the administrator; last reply: 421 4.2.1", report.content)
        self.assertWithin(10, lambda: self.assertEqual(self.ids(), [kept]))
        self.assertEqual(self.daemon.cli("queue", "bounce").code, 2)

    # proves: contract-4
    def test_remove_by_id_by_filter_and_everything(self):
        one, two, three = (self.submit(a) for a in ("a@x.example", "b@y.example", "c@z.example"))
        self.assertEqual(self.daemon.cli("queue", "remove", one).code, 0)
        self.assertEqual(self.ids(), sorted((two, three)))
        self.assertEqual(self.daemon.cli("queue", "remove", "--filter", "domain=y.example").code, 0)
        self.assertEqual(self.ids(), [three])
        self.assertEqual(self.daemon.cli("queue", "remove", "*").code, 0)
        self.assertEqual(self.ids(), [])
        self.assertEqual(self.daemon.cli("queue", "list").code, 0)
        self.assertEqual(self.daemon.cli("queue", "remove", one).code, 1)

    # proves: contract-4
    def test_status(self):
        self.submit("kate@fabrikam.com")
        status = self.daemon.status()
        self.assertEqual(status["directory"]["state"], "up")
        self.assertEqual(status["queue"]["messages"], 1)
        self.assertTrue(status["queue"]["oldest"])
        self.assertEqual([(row["name"], row["state"]) for row in status["connectors"]], [("Mailbox01\\Relay", "serving")])
        with self.client() as client:
            client.ehlo()
            self.assertEqual(self.daemon.status()["connectors"][0]["sessions"], 1)
        self.assertIn("Mailbox01\\Relay", self.daemon.cli("status").out)

    # proves: contract-2 R11
    def test_a_restart_and_a_kill_keep_the_queue_and_its_due_times(self):
        for end in (self.daemon.stop, self.daemon.kill):
            id = self.submit("kate@fabrikam.com")
            before = self.row(id)
            end()
            self.daemon.start()
            self.world.listening()
            after = self.row(id)
            for key in ("sender", "size", "arrived", "next", "attempts", "state", "hop", "recipients"):
                self.assertEqual(after[key], before[key], key)
            self.assertEqual(self.sink.offered, [])
            self.daemon.cli("queue", "remove", "*")

    def test_due_while_the_daemon_was_down_goes_out_at_start(self):
        mark = self.daemon.mark()
        self.daemon.stop()
        self.daemon.write_config(queue__retry="1s")
        self.daemon.start()
        self.world.listening()
        id = self.submit("kate@fabrikam.com")
        self.daemon.stop()
        self.back()
        self.daemon.start()
        self.daemon.wait("message.delivered", since=mark, id=int(id))
        self.daemon.stop()
        self.daemon.write_config(queue__retry="1h")
        self.daemon.start()
        self.world.listening()

    def test_without_a_daemon_the_tool_says_so(self):
        self.daemon.stop()
        try:
            self.assertEqual(self.daemon.cli("queue", "list").code, 3)
            self.assertEqual(self.daemon.cli("status").code, 3)
        finally:
            self.daemon.start()
            self.world.listening()

    # proves: contract-4
    def test_a_thousand_messages(self):
        held = 1000
        with self.client() as client:
            for number in range(held):
                client.send_message(SENDER, ["u%d@many.example" % number], b"Subject: many\r\n\r\n")
        self.assertWithin(20, lambda: self.assertEqual(len(self.ids()), held))
        self.assertEqual(self.daemon.metrics()["dirrelay_queue_messages"], held)
        self.assertEqual(self.daemon.cli("queue", "hold", "*").code, 0)
        self.assertEqual({row["state"] for row in self.daemon.queue()}, {"held"})
        self.restart_with_sink(*self.ids())
        self.daemon.cli("queue", "release", "*")
        arrived = self.arrived(held, timeout=60)
        self.assertEqual(len({m.recipients[0] for m in arrived}), held)
        self.assertEqual(len(arrived), held)


if __name__ == "__main__":
    unittest.main()
