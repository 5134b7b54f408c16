"""What an alert tells a person: how bad, what, with which numbers, what to do, where to look."""

import re
from typing import Any

import pytest
import yaml

from tests.dashboards.rule_files import ROOT, TEST_FILES, Rule, alerts
from tools.dashboards.shipped import DASHBOARDS as SHIPPED

RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()
HEADINGS = re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE)
SECTIONS = ["Meaning", "Impact", "First look", "What to do"]
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
def test_an_alert_leads_to_a_dashboard_with_variables_that_it_has(alert: Rule) -> None:
    path, _, query = alert["annotations"]["dashboard_url"].partition("?")
    start, _, uid = path.rpartition("/")
    assert start == "{{ $externalLabels.grafana_url }}/d"
    set_variables = set(re.findall(r"var-(\w+)=", query))
    assert set_variables <= VARIABLES[uid]
    assert ("code" in set_variables) == ("$labels.code" in str(alert["annotations"]["summary"]))


def test_every_heading_of_the_runbooks_is_an_alert_with_the_four_sections() -> None:
    assert [alert["alert"] for alert in alerts()] == HEADINGS
    for body in re.split(r"^## ", RUNBOOKS, flags=re.MULTILINE)[1:]:
        found = [title for title in re.findall(r"^\*\*([\w ]+)\.\*\*", body, re.MULTILINE) if title in SECTIONS]
        assert found == SECTIONS, body.splitlines()[0]


@EACH
def test_an_alert_is_tested_with_all_it_says_and_with_its_silence(alert: Rule) -> None:
    told = [
        case for test in scenarios() for case in test.get("alert_rule_test", ()) if case["alertname"] == alert["alert"]
    ]
    assert any(case["exp_alerts"] for case in told)
    if alert["alert"] != "RtcWatchdog":
        assert any(not case["exp_alerts"] for case in told)
