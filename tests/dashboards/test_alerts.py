"""What an alert tells a person: how bad, what, with which numbers, what to do, where to look."""

import re
from typing import Any

import pytest
import yaml

from tests.dashboards.rule_files import ROOT, TEST_FILES, Rule, alerts
from tools.dashboards.shipped import DASHBOARDS as SHIPPED

HEADINGS = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbooks.md").read_text(), re.MULTILINE)
ANNOTATIONS = {"summary", "description", "runbook_url", "dashboard_url"}
VARIABLES = {
    board.uid: {variable["name"] for variable in make()["templating"]["list"]} for board, make in SHIPPED.items()
}
EACH = pytest.mark.parametrize("alert", alerts(), ids=lambda rule: rule["alert"])


def scenarios() -> list[dict[str, Any]]:
    return [test for path in TEST_FILES for test in yaml.safe_load(path.read_text())["tests"]]


@EACH
def test_an_alert_has_a_severity_that_the_routes_know(alert: Rule) -> None:
    assert alert["labels"]["severity"] in {"page", "ticket", "none"}


@EACH
def test_an_alert_says_what_in_one_sentence_and_how_much_in_another(alert: Rule) -> None:
    told = alert["annotations"]
    assert set(told) == ANNOTATIONS
    assert all(told.values())
    assert not told["summary"].endswith(".")
    assert "$value" not in told["summary"]  # a summary that changes makes a new message of the same alert
    if alert["alert"] not in {"RtcWatchdog", "RtcCollectorDown"}:  # they have no number to tell
        assert "{{" in told["description"]


@EACH
def test_an_alert_leads_to_its_heading_in_the_runbooks(alert: Rule) -> None:
    name = alert["alert"]
    assert alert["annotations"]["runbook_url"].endswith(f"/runbooks.md#{name.lower()}")
    assert name in HEADINGS


@EACH
def test_an_alert_leads_to_a_dashboard_with_a_time_and_with_variables_that_it_has(alert: Rule) -> None:
    path, _, query = alert["annotations"]["dashboard_url"].partition("?")
    uid, set_variables = path.rpartition("/")[2], set(re.findall(r"var-(\w+)=", query))
    assert path == f"{{{{ $externalLabels.grafana_url }}}}/d/{uid}"
    assert {"from=now-3h&to=now", "from=now-6h&to=now", "from=now-12h&to=now", "from=now-7d&to=now"} & {
        query[query.index("from=") :]
    }
    assert set_variables <= VARIABLES[uid]
    for variable in VARIABLES[uid]:
        if f"$labels.{variable}" in alert["annotations"]["summary"]:
            assert re.search(rf"var-{variable}={{{{ \$labels\.{variable}( \| urlquery)? }}}}", query)


def test_what_an_alert_is_about_is_what_the_runbooks_have_in_its_order() -> None:
    assert [alert["alert"] for alert in alerts()] == HEADINGS


@EACH
def test_an_alert_says_what_to_do_first(alert: Rule) -> None:
    if alert["labels"]["severity"] != "none":
        assert " First: " in alert["annotations"]["description"]


@EACH
def test_an_alert_is_tested_with_all_it_says_and_with_its_silence(alert: Rule) -> None:
    told = [
        case for test in scenarios() for case in test.get("alert_rule_test", ()) if case["alertname"] == alert["alert"]
    ]
    assert any(case["exp_alerts"] for case in told)
    if alert["alert"] != "RtcWatchdog":
        assert any(not case["exp_alerts"] for case in told)
