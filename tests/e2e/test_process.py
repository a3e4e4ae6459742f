"""The daemon as a process: start, identity, drain, signals, a second one, its log, its pages, --check."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from lib.dirrelay import DIRRELAYD, Daemon, drain, run
from lib.organization import ANY_RECIPIENT, EVERYBODY, Organization
from lib.sink import Sink
from lib.slapd import free_port
from lib.smtp import Client, can_connect, eventually


class Process(unittest.TestCase):
    """An organization in a file is enough here."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dr-process-")
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o755)
        self.sink = Sink()
        self.addCleanup(self.sink.stop)
        self.port = free_port()
        self.uri = self.organization().write(self.folder.name)

    def organization(self, **receive):
        org = Organization()
        org.relay("Relay", self.port, EVERYBODY, **receive)
        return org.send("Internet", self.sink.port)

    def daemon(self, config=None, **options):
        daemon = Daemon(self.uri, config, **options)
        self.addCleanup(daemon.close)
        if options.get("start", True):
            self.listening()
        return daemon

    def listening(self, port=None):
        eventually(lambda: can_connect(port or self.port))

    def relay(self, port=None, **options):
        with Client(port or self.port, **options) as client:
            return client.send_message("chris@contoso.com", ["kate@fabrikam.com"])


class Life(Process):
    # proves: contract-1 R11
    def test_sigterm_drains_the_running_transaction_and_turns_the_idle_away(self):
        daemon = self.daemon()
        with Client(self.port) as busy, Client(self.port) as idle, Client(self.port) as content:
            for client in (busy, content):
                client.envelope("chris@contoso.com", ["kate@fabrikam.com"])
            idle.ehlo()
            self.assertEqual(content.say("DATA").code, 354)
            content.send(b"Subject: half\r\n")
            daemon.signal(signal.SIGTERM)
            self.assertEqual(idle.reply().text[:9], "421 4.3.2")
            self.assertTrue(idle.at_end())
            eventually(lambda: not can_connect(self.port))
            self.assertTrue(daemon.is_running())
            self.assertEqual(daemon.page("/readyz")[0], 503)
            self.assertEqual(daemon.page("/healthz")[0], 200)
            self.assertEqual(content.content(b"\r\nrest\r\n").code, 250)
            self.assertEqual(content.reply().code, 421)
            self.assertEqual(busy.data().code, 250)
            self.assertEqual(busy.reply().code, 421)
        self.assertEqual(daemon.wait_exit(), 0)
        daemon.start()
        self.assertEqual(len(self.sink.wait(2)), 2)

    # proves: contract-2
    def test_the_drain_has_an_end_and_a_second_sigterm_ends_at_once(self):
        daemon = self.daemon({"server.drain": "1s"})
        with Client(self.port) as client:
            client.envelope("chris@contoso.com", ["kate@fabrikam.com"])
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait_exit(), 0)
        daemon.write_config(server__drain="1h")
        daemon.start()
        self.listening()
        with Client(self.port) as client:
            client.envelope("chris@contoso.com", ["kate@fabrikam.com"])
            daemon.signal(signal.SIGTERM)
            eventually(lambda: not can_connect(self.port))
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait_exit(), 1)

    # proves: contract-1
    def test_sighup_reads_the_organization_again_and_refuses_a_wrong_file(self):
        daemon = self.daemon()
        mark = daemon.mark()
        self.organization(msExchSMTPReceiveConnectorFQDN="new.contoso.com").write(self.folder.name)
        daemon.signal(signal.SIGHUP)
        daemon.wait("config.reloaded", since=mark)

        def has_new_name():
            with Client(self.port) as client:
                self.assertIn("new.contoso.com", client.greeting.text)
        eventually(has_new_name)
        daemon.write_config(server__colour="red")
        daemon.signal(signal.SIGHUP)
        self.assertIn("colour", daemon.wait("config.refused", since=mark)["message"])
        self.relay()
        daemon.stop()

    # proves: contract-2 R11
    def test_a_second_daemon_on_the_state_directory_is_refused(self):
        daemon = self.daemon()
        second = Daemon(self.uri, {"server.state_dir": daemon.state_dir}, start=False)
        self.addCleanup(second.close)
        second.start(wait=False)
        self.assertEqual(second.wait_exit(), 1)
        self.assertTrue(second.seen("start.failed"))
        self.relay()
        self.sink.wait()

    # proves: contract-5
    def test_a_copy_of_the_state_delivers_elsewhere(self):
        """The way to another machine, and back from a backup (docs/operations.md section 7): stop, copy, start."""
        self.sink.stop()
        first = self.daemon({"queue.retry": "1h"})
        with Client(self.port) as client:
            for body in (b"Subject: small\r\n\r\nhello\r\n", b"Subject: large\r\n\r\n" + b"one of many lines\r\n" * 4000):
                client.send_message("chris@contoso.com", ["kate@fabrikam.com"], body)
        first.wait("message.deferred")
        first.stop()
        state = os.path.join(self.folder.name, "state")
        subprocess.run(["cp", "-a", first.state_dir, state], check=True)
        shutil.rmtree(first.state_dir)
        second = self.daemon(state_dir=state)
        self.sink.start()
        second.cli("queue", "retry", "*")
        arrived = [message.fields("Subject")[0].strip() for message in self.sink.wait(2)]
        self.assertEqual(sorted(arrived), ["large", "small"])
        eventually(lambda: self.assertEqual(second.cli("queue", "list", json=True).json, []))

    # proves: contract-2
    def test_a_second_daemon_on_the_port_is_refused(self):
        self.daemon()
        second = Daemon(self.uri, start=False)
        self.addCleanup(second.close)
        second.start(wait=False)
        self.assertEqual(second.wait_exit(), 1)
        self.assertTrue(second.seen("start.failed"))
        for _ in range(20):
            self.relay()
        self.sink.wait(20)

    def test_a_port_that_another_program_holds(self):
        with socket.create_server(("127.0.0.1", self.port)):
            daemon = Daemon(self.uri, start=False)
            self.addCleanup(daemon.close)
            daemon.start(wait=False)
            self.assertEqual(daemon.wait_exit(), 1)
            self.assertIn("port", daemon.seen("start.failed")[0]["message"])

    # proves: R23 contract-2
    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_identity_and_the_one_capability(self):
        daemon = self.daemon(as_root=True)
        nobody = pwd.getpwnam("nobody")
        for task in os.listdir("/proc/%d/task" % daemon.process.pid):
            with open("/proc/%d/task/%s/status" % (daemon.process.pid, task)) as file:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            self.assertEqual(fields["Uid"].split("\t"), [str(nobody.pw_uid)] * 4)
            self.assertEqual(fields["Gid"].split("\t"), [str(nobody.pw_gid)] * 4)
            self.assertIn(int(fields["CapPrm"], 16), (0, 1 << 10))
            self.assertEqual(int(fields["CapInh"], 16), 0)
            self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))
        self.assertEqual(os.stat(daemon.state_dir).st_uid, nobody.pw_uid)
        self.relay()
        self.sink.wait()
        daemon.signal(signal.SIGTERM)
        daemon.process.wait(30)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_an_unknown_user_is_an_error_that_names_the_key(self):
        daemon = Daemon(self.uri, {"server.user": "nosuchuser"}, as_root=True, start=False)
        self.addCleanup(daemon.close)
        daemon.start(wait=False)
        self.assertEqual(daemon.process.wait(30), 1)
        self.assertIn("server.user", daemon.errors())


class Log(Process):
    # proves: contract-6
    def test_closed_stdout_does_not_stop_mail(self):
        reader, writer = os.pipe()
        daemon = self.daemon(stdout=writer)
        os.close(writer)
        os.close(reader)
        for _ in range(50):
            self.relay()
        self.sink.wait(50)
        daemon.stop()

    # proves: contract-6
    def test_stalled_stdout_does_not_stop_mail(self):
        reader, writer = os.pipe()
        daemon = self.daemon(stdout=writer)
        os.close(writer)
        for _ in range(400):
            self.relay()
        self.sink.wait(400)
        read = drain(reader)
        self.assertGreater(len(read), 4096)
        daemon.signal(signal.SIGTERM)
        while drain(reader):
            pass
        self.assertEqual(daemon.wait_exit(), 0)
        os.close(reader)

    # proves: R18
    def test_every_line_is_json_whatever_a_client_says(self):
        daemon = self.daemon()
        hostile = [b'EHLO "}\\x', b"EHLO \x1b[31mred", b"MAIL FROM:<a\"\\b@x>", b"\x80\xff\xfe", b"XYZ " + b"A" * 1000,
                   "EHLO \u2028\u202e".encode(), b'RCPT TO:<"},{"event":"forged@x>', b"EHLO a\0b"]
        for line in hostile:
            with Client(self.port) as client:
                client.say(line)
        self.relay()
        daemon.wait("message.accepted")
        self.assertEqual(daemon.seen("NOT-JSON"), [])
        self.assertEqual(daemon.seen("forged"), [])

    # proves: contract-6
    def test_fields_and_times_of_the_events(self):
        daemon = self.daemon()
        self.relay()
        self.sink.wait()
        delivered = daemon.wait("message.delivered")
        accepted = daemon.wait("message.accepted")
        for event in daemon.seen():
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertIn(event["level"], ("debug", "info", "warning", "error"))
        self.assertEqual(accepted["connector"], "Mailbox01\\Relay")
        self.assertRegex(accepted["client"], r"^127\.0\.0\.2:\d+$")
        self.assertTrue(accepted["session"])
        self.assertEqual(accepted["id"], delivered["id"])

    def test_text_format(self):
        reader, writer = os.pipe()
        daemon = self.daemon({"log.format": "text"}, stdout=writer)
        os.close(writer)
        self.relay()
        self.sink.wait()
        daemon.signal(signal.SIGTERM)
        text = b""
        while True:
            more = drain(reader)
            if not more:
                break
            text += more
        os.close(reader)
        self.assertEqual(daemon.wait_exit(), 0)
        self.assertIn(b"message.accepted", text)
        self.assertFalse(text.startswith(b"{"))


class Pages(Process):
    # proves: contract-6
    def test_metrics_health_and_readiness(self):
        daemon = self.daemon()
        self.assertEqual(daemon.page("/healthz"), (200, "ok\n"))
        self.assertEqual(daemon.page("/readyz"), (200, "ok\n"))
        self.assertEqual(daemon.page("/nothing")[0], 404)
        with Client(self.port) as client:
            client.say("EHLO")
            client.mail("chris@contoso.com")
            client.rcpt("[1.2.3.4]")
            client.rcpt("x@[1.2.3.4]")
            self.assertEqual(daemon.metrics()["dirrelay_sessions"], 1)
        self.relay()
        self.sink.wait()
        daemon.wait("message.delivered")
        text = daemon.page("/metrics")[1]
        for name in ("sessions", "sessions_total", "refusals_total", "messages_accepted_total", "messages_delivered_total",
                     "messages_deferred_total", "queue_messages", "queue_oldest_seconds", "directory_up",
                     "organization_age_seconds", "access_checks_total", "accept_seconds", "delivery_seconds"):
            self.assertIn("# TYPE dirrelay_%s " % name, text)
        metrics = daemon.metrics()
        self.assertEqual(metrics["dirrelay_messages_accepted_total"], 1)
        self.assertEqual(metrics["dirrelay_messages_delivered_total"], 1)
        self.assertEqual(metrics["dirrelay_directory_up"], 1)
        self.assertGreater(metrics["dirrelay_access_checks_total"], 0)
        refusals = {name: value for name, value in metrics.items() if name.startswith("dirrelay_refusals_total{")}
        self.assertTrue(any('connector="Mailbox01\\\\Relay"' in name and 'reply="550 5.7.1"' in name for name in refusals), refusals)

    def test_metrics_can_be_off(self):
        daemon = self.daemon({"metrics.listen": ""}, start=False)
        daemon.start(wait=False)
        daemon.wait("org.loaded")
        self.listening()
        self.assertEqual(daemon.page("/healthz")[0], 0)
        daemon.stop()

    def test_many_scrapes_during_traffic(self):
        daemon = self.daemon()
        stop = threading.Event()
        pages = []

        def scrape():
            while not stop.is_set():
                pages.append(daemon.page("/metrics")[0])
        thread = threading.Thread(target=scrape)
        thread.start()
        for _ in range(50):
            self.relay()
        stop.set()
        thread.join()
        self.assertEqual(set(pages), {200})


class Check(Process):
    def check(self, **config):
        daemon = Daemon(self.uri, config.pop("config", None), start=False)
        self.addCleanup(daemon.close)
        return run(DIRRELAYD, "-c", daemon.config_path, "--check")

    # proves: contract-1
    def test_clean(self):
        answer = self.check()
        self.assertEqual(answer.code, 0, answer)
        self.assertIn("1 receive connector", answer.out)

    # proves: contract-1 C6
    def test_something_refused_or_an_error_of_lint(self):
        org = self.organization()
        org.receive("Broken", self.port, "127.0.9.1", msExchSmtpReceiveMaxHopCount=0)
        org.relay("Hub relay", free_port(), "127.0.9.2", role=32)
        org.write(self.folder.name)
        answer = self.check()
        self.assertEqual(answer.code, 1, answer)
        self.assertIn("CN=Broken,", answer.out)
        self.assertIn("relay-on-hub-role", answer.out)

    # proves: C4 contract-1
    def test_relay_on_a_default_connector_is_an_error_of_lint(self):
        org = self.organization()
        org.receive("Default Frontend Mailbox01", free_port(), "127.0.9.2", groups="AnonymousUsers", aces=ANY_RECIPIENT)
        org.write(self.folder.name)
        answer = self.check()
        self.assertEqual(answer.code, 1, answer)
        self.assertIn("CN=Default Frontend Mailbox01,", answer.out)

    # proves: contract-2
    def test_configuration_errors_name_file_line_and_key(self):
        for key, value in (("server.colour", "red"), ("colours.red", "1"), ("queue.retry", "soon"), ("tls.profile", "old")):
            answer = self.check(config={key: value})
            self.assertEqual(answer.code, 2, answer)
            self.assertRegex(answer.err, r"dirrelay\.conf:\d+: ")

    # proves: contract-2
    def test_files_of_trust(self):
        for key in ("tls.ca_file", "tls.crl_file"):
            answer = self.check(config={key: "/nonexistent/file.pem"})
            self.assertEqual(answer.code, 1, answer)
            self.assertIn("error: trust: %s: /nonexistent/file.pem cannot be read" % key, answer.out)

    # proves: contract-1
    def test_directory_away(self):
        for self.uri in ("ldap://127.0.0.1:%d" % free_port(), "ldif:/nonexistent/file.ldif"):
            self.assertEqual(self.check().code, 3)

    # proves: contract-1
    def test_no_organization_in_the_directory(self):
        path = os.path.join(self.folder.name, "empty.ldif")
        with open(path, "w") as file:
            file.write("dn: dc=contoso,dc=com\nobjectClass: domain\ndc: contoso\n")
        os.chmod(path, 0o644)
        self.uri = "ldif:" + path
        self.assertEqual(self.check().code, 4)

    # proves: contract-2
    def test_environment_over_file(self):
        answer = run(DIRRELAYD, "--check", "-c", "/nonexistent/dirrelay.conf",
                     env={"DIRRELAY_DIRECTORY_URI": self.uri, "DIRRELAY_SERVER_NAME": "Mailbox01"})
        self.assertEqual(answer.code, 2, answer)
        daemon = Daemon(None, {"server.name": "Wrong"}, start=False)
        self.addCleanup(daemon.close)
        answer = run(DIRRELAYD, "--check", "-c", daemon.config_path,
                     env={"DIRRELAY_DIRECTORY_URI": self.uri, "DIRRELAY_SERVER_NAME": "Mailbox01"})
        self.assertEqual(answer.code, 0, answer)

    def test_usage(self):
        self.assertEqual(subprocess.run([DIRRELAYD, "--nonsense"], capture_output=True).returncode, 2)
        self.assertEqual(subprocess.run([DIRRELAYD, "--version"], capture_output=True).returncode, 0)


if __name__ == "__main__":
    unittest.main()
