"""What docs/monitoring gives to Prometheus and Grafana asks for metrics that the daemon has."""

import json
import os
import re
import unittest

from e2e.test_readme import REPOSITORY, read, sources

SUFFIXES = re.compile(r"_(bucket|sum|count)$")


def metrics_of_the_daemon():
    rooms = [name for name in os.listdir(os.path.join(REPOSITORY, "server")) if "." not in name]
    return set(re.findall(r'"(dirrelay_[a-z_]+)"', "".join(sources(*rooms))))


def metrics_in(text):
    return {SUFFIXES.sub("", name) for name in re.findall(r"\bdirrelay_[a-z_]+", text)}


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


if __name__ == "__main__":
    unittest.main()
