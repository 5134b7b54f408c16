"""What an alert tells a person: how bad, what, with which numbers, what to do, where to look."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from tests.dashboards.alert_cases import TABLE, Reason
from tests.dashboards.rule_files import ROOT, TEST_FILES, Rule, alerts, rules
from tools.dashboards.shipped import DASHBOARDS as SHIPPED

HEADINGS = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbooks.md").read_text(), re.MULTILINE)
ANNOTATIONS = {"summary", "description", "runbook_url", "dashboard_url"}
VARIABLES = {
    board.uid: {variable["name"] for variable in make()["templating"]["list"]} for board, make in SHIPPED.items()
}
MINUTES = {"m": 1, "h": 60, "d": 1440}
RAW_METRIC = re.compile(r"\b(?:rtc_\w+|up)\b(?!:)")
PART_OF_SERIES = re.compile(r"(?P<first>[\d.]+)(?:(?P<step>[+-][\d.]+))?(?:x(?P<times>\d+))?")
CELLS = [(alert, case, cell) for alert, cases in TABLE.items() for case, cell in cases._asdict().items()]
SHOWN = [(alert, case, words) for alert, case, words in CELLS if not isinstance(words, Reason)]
EACH = pytest.mark.parametrize("alert", alerts(), ids=lambda rule: rule["alert"])


@cache
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


def scenario_of(words: str) -> dict[str, Any]:
    """The one scenario whose name holds these words."""
    (found,) = [test for test in scenarios() if words in test["name"]]
    return found


def expectations(scenario: dict[str, Any], alert: str) -> Iterator[tuple[int, bool]]:
    """When, in minutes, a scenario expects an alert to be there, and when not to be."""
    for case in scenario.get("alert_rule_test", ()):
        if case["alertname"] == alert:
            yield minutes(case["eval_time"]), bool(case["exp_alerts"])
    for case in scenario.get("promql_expr_test", ()):
        named = re.search(r'ALERTS\{alertname=~?"([^"]+)"', case["expr"])
        if named and re.fullmatch(named[1], alert):
            yield minutes(case["eval_time"]), bool(case["exp_samples"])


def minutes(time: str) -> int:
    return sum(int(number) * MINUTES[unit] for number, unit in re.findall(r"(\d+)([mhd])", time))


def asked_by(alert: str) -> set[str]:
    """The scraped metrics from which an alert is computed."""
    expr = next(rule["expr"] for rule in alerts() if rule["alert"] == alert)
    asked, told = "", expr
    while asked != told:
        asked = told
        told = " ".join([expr, *(rule["expr"] for rule in rules() if "record" in rule and rule["record"] in asked)])
    return set(RAW_METRIC.findall(re.sub(r"\b\w*:[\w:]+", "", asked)))


def falls(values: str) -> bool:
    """Whether a series is at some time less than before."""
    before = 0.0
    for told in filter(None, map(PART_OF_SERIES.fullmatch, values.split())):
        first = float(told["first"])
        if first < before:
            return True
        before = first + float(told["step"] or 0) * int(told["times"] or 0)
    return False


def test_every_alert_has_a_line_in_the_table_of_cases() -> None:
    assert list(TABLE) == [alert["alert"] for alert in alerts()]


def test_a_case_that_cannot_apply_has_a_reason_and_firing_always_can() -> None:
    assert [(alert, case) for alert, case, cell in CELLS if not cell] == []
    assert [alert for alert, cases in TABLE.items() if isinstance(cases.fires, Reason)] == []


@pytest.mark.parametrize(("alert", "case", "words"), SHOWN)
def test_a_scenario_shows_of_an_alert_what_the_table_says(alert: str, case: str, words: str) -> None:
    scenario = scenario_of(words)
    told = sorted(expectations(scenario, alert))
    values = {series["series"]: str(series["values"]) for series in scenario["input_series"]}
    match case:
        case "fires":
            assert any(there for _, there in told)
        case "resolves":
            first = min(at for at, there in told if there)
            assert any(at > first and not there for at, there in told)
        case "just_below" | "low_traffic" | "first_day":
            assert any(not there for _, there in told)
        case "counter_reset":
            assert told
            assert any(falls(line) for series, line in values.items() if series.partition("{")[0] in asked_by(alert))
        case "missing_series":
            assert told
            whole = {series.partition("{")[0] for series, line in values.items() if not re.search("_|stale", line)}
            assert asked_by(alert) - whole
        case "new_label":
            assert told
            assert any(
                line.startswith("_") for series, line in values.items() if series.partition("{")[0] in asked_by(alert)
            )


def test_a_series_that_falls_is_told_from_one_that_does_not() -> None:
    assert [falls(line) for line in ("0+1x9 9x3 _x4 0+1x5", "7x40 0", "0+2x5 10x3", "_x9 0+1x3 stale")] == [
        True,
        True,
        False,
        False,
    ]
