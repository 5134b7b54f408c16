"""The rules are valid in Prometheus 2.42 and in the grammar of 3.x; each alert fires when it should and only then."""

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
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

# Parts of the spike alert, what they are exchanged for, and a word of the name of the case that has to fail then.
RECORDING = "recording_rules.yml"
X = "code_phase_region:rtc_terminal_failures:increase10m"
MUTATIONS = [
    ("alerts.yml", "spike_score > 1", "spike_score > 0.98", "at once fire from"),
    ("alerts.yml", "spike_score > 1", "spike_score > 1.02", "at once fire from"),
    ("alerts.yml", "unless on () (max(max_over_time(rtc_collector_lag_seconds[15m])) > 120)", "", "lags"),
    ("alerts.yml", "unless on () (max", "and on () (max", "neither attempts"),
    ("alerts.yml", "keep_firing_for: 10m", "keep_firing_for: 5m", "at once fire from"),
    (RECORDING, "max by (code, phase) (\n", "max by (code, phase, region) (\n", "one page"),
    (RECORDING, '20104"}[10m1s]))\n          or sum', '20104"}[10m1s]))\n          or 0 * sum', "one page"),
    (RECORDING, "(increase(rtc_terminal_failures_total", "(delta(rtc_terminal_failures_total", "restarts"),
    (RECORDING, "|20104", "|20104|53118", "room of 500"),
    (RECORDING, "* on (phase, region) group_left () phase_region:rtc_exposure:avg10m", "", "five times"),
    (RECORDING, "offset 1h) >= 72)", "offset 1h) >= 720)", "calm week"),
    (RECORDING, f"or 0 * {X}\n", "", "neither attempts"),
    (
        RECORDING,
        "sum_over_time(code_phase_region:rtc_terminal_failures:capped10m",
        f"sum_over_time({X}",
        "this morning",
    ),
    (RECORDING, "<= 20 + 1.5 * code_phase_region:rtc_terminal_failures:expected10m", "<= 10", "greater clusters"),
    (RECORDING, "<= 20 + 1.5 * code_phase_region:rtc_terminal_failures:expected10m", "<= 2000", "this morning"),
    (RECORDING, "+ 2.2 * 100)", "+ 2.2 * 1000)", "clusters of 4"),
    (RECORDING, "or vector(2.2)", "or vector(1)", "at once fire from"),
    (RECORDING, "clamp(rtc_terminal_failures:dispersion7d - 1.4, 0, 0.5)", "0", "clusters of 4"),
    (RECORDING, "* sqrt(clamp_min(rtc_terminal_failures:dispersion7d / 3.3, 1))", "", "greater clusters"),
    (RECORDING, "/ on () group_left () sqrt(clamp_min", "/ on () group_left () (0 * clamp_min", "every region"),
    (RECORDING, f"                and {X}\n", "", "hours without a collector"),
    (RECORDING, ") / 3.4\n", ") / 34\n", "calm week"),
    (RECORDING, ") / 3.1\n", ") / 31\n", "at once fire from"),
    (RECORDING, "code_phase_region:rtc_terminal_failures:delta1m + 3", f"{X} / 10 + 3", "every region"),
    (RECORDING, "0.1 * 4 *", "0.1 * 3 *", "at once fire from"),
    (RECORDING, ") / 10\n", ") / 100\n", "every region"),
    (RECORDING, ") / 18.8\n", ") / 188\n", "in one region"),
    (RECORDING, ") / 11.8\n", ") / 12.4\n", "at once fire from"),
    (RECORDING, "            2\n", "            20\n", "an office"),
    (RECORDING, "            1\n", "            10\n", "an office"),
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
@pytest.mark.parametrize(("file_name", "part", "instead", "word"), MUTATIONS)
def test_the_tests_notice_a_spike_rule_without_one_of_its_parts(
    tmp_path: Path, file_name: str, part: str, instead: str, word: str
) -> None:
    copy_for_cases(tmp_path, "alerts_spikes_test.yml")
    faulty = tmp_path / file_name
    assert part in faulty.read_text()
    faulty.write_text(faulty.read_text().replace(part, instead))
    with pytest.raises(AssertionError, match="FAILED"):
        run_promtool("test", "rules", only(word, tmp_path))


def only(word: str, folder: Path) -> Path:
    """The one case of the spike alert whose name holds a word, beside the rules in a folder."""
    for path in (DASHBOARDS / "alerts_spikes_test.yml", DASHBOARDS / "alerts_history_test.yml"):
        whole = yaml.safe_load(path.read_text())
        cases = [test for test in whole["tests"] if word in test["name"]]
        if cases:
            assert len(cases) == 1, f"{word!r} is in the names of {len(cases)} cases"
            (folder / path.name).write_text(yaml.safe_dump({**whole, "tests": cases}))
            return folder / path.name
    raise AssertionError(f"no case is called {word!r}")


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
