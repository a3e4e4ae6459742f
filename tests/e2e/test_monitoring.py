"""What docs/monitoring gives to Prometheus and Grafana asks for metrics that the daemon has, and Prometheus understands all of it."""

import json
import math
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse
import urllib.request

from e2e.test_readme import REPOSITORY, read, sources
from lib.slapd import free_port
from lib.smtp import eventually
from lib.world import World

SUFFIXES = re.compile(r"_(bucket|sum|count)$")


def metrics_of_the_daemon():
    rooms = [name for name in os.listdir(os.path.join(REPOSITORY, "server")) if "." not in name]
    return set(re.findall(r'"(dirrelay_[a-z_]+)"', "".join(sources(*rooms))))


def metrics_in(text):
    return {SUFFIXES.sub("", name) for name in re.findall(r"\bdirrelay_[a-z_]+", text)}


def expressions_of_the_dashboard():
    """For every instance."""
    dashboard = json.loads(read("docs", "monitoring", "grafana.json"))
    return [target["expr"].replace("$instance", ".*") for panel in dashboard["panels"] for target in panel["targets"]]


class Prometheus:
    """Debian's, which scrapes the daemon every second and has the rules of docs/monitoring."""

    def __init__(self, target):
        self.port, self.folder = free_port(), tempfile.mkdtemp(prefix="dr-prometheus-")
        with open(os.path.join(self.folder, "prometheus.yml"), "w") as file:
            json.dump({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                       "rule_files": [os.path.join(REPOSITORY, "docs", "monitoring", "dirrelay.rules.yaml")],
                       "scrape_configs": [{"job_name": "dirrelay", "static_configs": [{"targets": [target]}]}]}, file)
        self.process = subprocess.Popen(["prometheus", "--config.file", file.name, "--storage.tsdb.path", os.path.join(self.folder, "data"),
                                         "--web.listen-address", "127.0.0.1:%d" % self.port, "--log.level", "error"])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)

    def ask(self, path, **parameters):
        with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/%s?%s" % (self.port, path, urllib.parse.urlencode(parameters)), timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, expression):
        """NaN until there is one."""
        result = self.ask("query", query=expression)["result"]
        return float(result[0]["value"][1]) if result else math.nan

    def rules(self):
        """{alert: how its evaluation went}"""
        return {rule["name"]: rule["health"] for group in self.ask("rules")["groups"] for rule in group["rules"]}


class Monitoring(unittest.TestCase):
    # proves: contract-6
    def test_the_dashboard_and_the_alerts_ask_for_metrics_that_exist(self):
        known = metrics_of_the_daemon()
        dashboard = json.loads(read("docs", "monitoring", "grafana.json"))
        asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
        alerts = " ".join(re.findall(r"^ +expr: (.*)$", read("docs", "monitoring", "dirrelay.rules.yaml"), re.M))
        for name, expressions in (("dashboard", asked), ("alerts", alerts)):
            with self.subTest(name=name):
                self.assertGreater(len(metrics_in(expressions)), 4)
                self.assertEqual(metrics_in(expressions) - known, set())

    # proves: contract-6
    @unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed here")
    def test_prometheus_understands_metrics_alerts_and_dashboard(self):
        with World(lambda org, port, unused: org.relay("Relay", port, ["127.0.0.2"])) as world:
            with world.client() as client:
                client.send_message("chris@contoso.com", ["kate@fabrikam.com"], b"Subject: x\r\n\r\nhello\r\n")
            done = subprocess.run(["promtool", "check", "metrics"], input=world.daemon.page("/metrics")[1], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            with Prometheus("127.0.0.1:%d" % world.daemon.metrics_port) as prometheus:
                eventually(lambda: self.assertEqual(prometheus.value('up{job="dirrelay"}'), 1), 60, every=0.5)
                eventually(lambda: self.assertEqual(prometheus.value("dirrelay_messages_accepted_total"), 1), 60, every=0.5)
                for expression in expressions_of_the_dashboard():
                    prometheus.ask("query", query=expression)  # one that it cannot read is an error 400
                self.assertGreater(len(prometheus.rules()), 6)
                eventually(lambda: self.assertEqual(set(prometheus.rules().values()), {"ok"}), 60, every=0.5)


if __name__ == "__main__":
    unittest.main()
