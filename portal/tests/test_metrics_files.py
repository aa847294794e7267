"""The dashboard, the alerts and the page on operations name the metrics that exist; promtool tests the alerts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.tests.test_docs import OPERATIONS, codes, table
from realtime.metrics.exposition import exposed
from realtime.metrics.names import METRICS
from realtime.metrics.reports import take_report
from testing.installation import ROOT

DEPLOY = ROOT / "deploy"
DASHBOARD, ALERTS, ALERT_TESTS = (
    DEPLOY / name for name in ("grafana-dashboard.json", "alerts.yaml", "alerts.test.yaml")
)
_NAME = re.compile(r"\bportal_[a-z_]+\b")
_SELECTOR = re.compile(r"\bportal_[a-z_]+\{([^}]*)\}")
_BY = re.compile(r"by \(([^)]*)\)")
SERIES = {
    name + ending: metric
    for name, metric in METRICS.items()
    for ending in (("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",))
}
FROM_PROMETHEUS = {"instance", "job", "le"}


def promtool(*arguments: str, given: bytes | None = None) -> str:
    """Run promtool; it is installed by `testing.setup`."""
    path = shutil.which("promtool")
    assert path is not None
    done = subprocess.run([path, *arguments], input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return (done.stdout + done.stderr).decode()


def queries() -> list[str]:
    """The queries of the dashboard and of the alerts."""
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())] + [r["expr"] for r in rules]


@pytest.mark.parametrize("path", [DASHBOARD, ALERTS, ALERT_TESTS], ids=lambda path: path.name)
def test_every_metric_that_is_named_exists(path: Path) -> None:
    named = set(_NAME.findall(path.read_text()))
    assert len(named) > 10
    assert named <= SERIES.keys()


def test_labels_of_the_queries_exist() -> None:
    for query in queries():
        metrics = [SERIES[name] for name in _NAME.findall(query)]
        assert metrics, query
        known = FROM_PROMETHEUS.union(*(metric.labels for metric in metrics))
        for part in _SELECTOR.findall(query):
            assert {pair.split("=")[0].strip() for pair in part.split(",") if pair} <= known, query
        for part in _BY.findall(query):
            assert {label.strip() for label in part.split(",")} <= known, query


def test_the_dashboard_shows_every_metric() -> None:
    assert {SERIES[name].name for name in _NAME.findall(DASHBOARD.read_text())} == METRICS.keys()


def test_panels_have_places_and_ids_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24


def test_promtool_passes_the_rules_and_their_tests() -> None:
    assert "SUCCESS" in promtool("check", "rules", str(ALERTS))
    assert "SUCCESS" in promtool("test", "rules", str(ALERT_TESTS))


def test_every_alert_has_a_test_that_fires_and_one_that_does_not() -> None:
    rules = {rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]}
    tests = [one for test in yaml.safe_load(ALERT_TESTS.read_text())["tests"] for one in test["alert_rule_test"]]
    assert {one["alertname"] for one in tests if one.get("exp_alerts")} == rules
    assert {one["alertname"] for one in tests if not one.get("exp_alerts")} == rules


def test_promtool_passes_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    """As rules, with a range in the place of Grafana's variable."""
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(queries())
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(path))


def test_promtool_passes_the_page() -> None:
    """It checks names, help texts and the format."""
    promtool("check", "metrics", given=exposed(take_report(gauges=True))[0])


def test_every_metric_is_documented() -> None:
    rows = {codes(row[0])[0]: (row[1], codes(row[2])) for row in table(OPERATIONS, "metrics")}
    assert rows == {name: (metric.kind, list(metric.labels)) for name, metric in METRICS.items()}


def test_no_metric_has_a_label_that_clients_can_fill() -> None:
    assert {label for metric in METRICS.values() for label in metric.labels} == {
        *("code", "kind", "method", "reason", "role", "route", "type")
    }
