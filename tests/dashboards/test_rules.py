"""The rules are valid in Prometheus 2.42 and in the grammar of 3.x; each alert fires when it should and only then."""

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from prometheus_client import CollectorRegistry

from collector.metrics import Metrics
from tests.dashboards.rule_files import (
    DASHBOARDS,
    RULE_FILES,
    TEST_FILES,
    Rule,
    copy_for_cases,
    groups,
    recorded,
    rules,
)
from tests.servers.alertmanager import amtool as run_amtool
from tests.servers.prometheus import promtool as run_promtool

KNOWN_TO_2_42 = {"name", "interval", "limit", "rules"}
NEWER_FUNCTIONS = re.compile(
    r"\b(histogram_avg|histogram_stddev|mad_over_time|sort_by_label\w*|info|limitk|first_over_time|ts_of_\w+)\s*\("
)
HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")

# Parts of the spike alert, and what they are exchanged for: without any of them some test has to fail.
MUTATIONS = [
    ("alerts.yml", "> 4 + (", "> 3.7 + ("),
    ("alerts.yml", "> 4 + (", "> 4.2 + ("),
    ("alerts.yml", "+ (code_phase:rtc_terminal_failures:expected10m > bool 10 / 6)", ""),
    ("alerts.yml", "> 3 * code_phase:rtc_terminal_failures:expected10m", ""),
    ("alerts.yml", "unless on () (max(max_over_time(rtc_collector_lag_seconds[15m])) > 120)", ""),
    ("alerts.yml", "unless on () (max", "and on () (max"),
    ("recording_rules.yml", "* on (phase) group_left () phase:rtc_exposure:avg10m", ""),
    ("recording_rules.yml", "offset 1h) >= 72)", "offset 1h) >= 720)"),
    ("recording_rules.yml", "or 0 * code_phase:rtc_terminal_failures:increase10m", ""),
    ("recording_rules.yml", "sum by (code, phase) (increase", "sum by (code, phase) (delta"),
]


def identifier(value: Any) -> str:
    return value.name if isinstance(value, Path) else str(value)


@pytest.mark.usefixtures("promtool")
def test_promtool_finds_no_fault_with_the_rules() -> None:
    said = run_promtool("check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)
    assert said.count("SUCCESS") == len(RULE_FILES)


@pytest.mark.usefixtures("promtool")
@pytest.mark.parametrize("path", TEST_FILES, ids=identifier)
def test_every_alert_fires_stays_silent_and_ends_as_its_tests_say(tmp_path: Path, path: Path) -> None:
    copy_for_cases(tmp_path, path.name)
    assert "SUCCESS" in run_promtool("test", "rules", tmp_path / path.name)


@pytest.mark.usefixtures("promtool")
@pytest.mark.parametrize(("file_name", "part", "instead"), MUTATIONS)
def test_the_tests_notice_a_spike_rule_without_one_of_its_parts(
    tmp_path: Path, file_name: str, part: str, instead: str
) -> None:
    copy_for_cases(tmp_path, "alerts_spikes_test.yml")
    faulty = tmp_path / file_name
    assert part in faulty.read_text()
    faulty.write_text(faulty.read_text().replace(part, instead, 1))
    spikes = [tmp_path / name for name in ("alerts_spikes_test.yml", "alerts_history_test.yml")]
    with pytest.raises(AssertionError, match="FAILED"):
        run_promtool("test", "rules", *spikes)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("record") or rule["alert"])
def test_every_expression_is_one_in_the_grammar_of_prometheus_3(rule: Rule) -> None:
    assert promql_parser.parse(rule["expr"]) is not None


def test_nothing_is_used_that_prometheus_2_42_does_not_know() -> None:
    assert {key for group in groups() for key in group} <= KNOWN_TO_2_42
    assert [rule for rule in rules() if NEWER_FUNCTIONS.search(rule["expr"])] == []


def test_rules_use_metrics_of_ours_and_what_they_record() -> None:
    listed = {metric.name for metric in Metrics(CollectorRegistry(), version="0").listed}
    parts = {name + part for name in listed for part in HISTOGRAM_PARTS}
    used = {name for rule in rules() for name in re.findall(r"\b(?:[a-z]\w*(?::\w+)+|rtc_\w+)\b", rule["expr"])}
    assert used - listed - parts - recorded() == set()


@pytest.mark.usefixtures("promtool")
def test_the_example_of_a_configuration_is_one_that_prometheus_takes() -> None:
    said = run_promtool("check", "config", DASHBOARDS / "prometheus.yml")
    assert "SUCCESS: 2 rule files found" in said


@pytest.mark.usefixtures("amtool")
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=RtcFailureSpike", "severity=page", "code=53000"], "roomwatch,pager"),
        (["alertname=RtcReconnectSuccessLow", "severity=ticket"], "roomwatch,team"),
        (["alertname=RtcCollectorDown", "severity=page"], "pager"),
        (["alertname=RtcDeadLetters", "severity=ticket"], "team"),
        (["alertname=RtcWatchdog", "severity=none"], "dead-mans-switch"),
    ],
)
def test_the_example_of_routes_leads_alerts_to_whom_they_concern(labels: list[str], receiver: str) -> None:
    file = f"--config.file={DASHBOARDS / 'alertmanager.yml'}"
    said = run_amtool("config", "routes", "test", file, f"--verify.receivers={receiver}", *labels)
    assert said.splitlines()[0] == receiver
