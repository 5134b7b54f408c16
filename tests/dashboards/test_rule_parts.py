"""Each condition of a rule is there for a case: without it, some case of the rule's tests has to fail.

One run of promtool a rule: the rule stands there as it is and once without each of its conditions, each under a name of
its own, and all are held to the same cases. Only what the rule needs is evaluated, or it would take minutes. The spikes
have tests of this kind of their own in test_rules.py.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.rule_files import TEST_FILES, Rule, alerts, groups
from tests.servers.prometheus import promtool as run_promtool

CONDITION = re.compile(r"^\s*(?:and|unless)\b.*\n?", re.MULTILINE)
CONDITION_WITHIN = re.compile(r" unless [^()]* offset \w+(?=\))")
CONDITIONS = (CONDITION, CONDITION_WITHIN)
RECORDING = [rule for group in groups() if "spikes" not in group["name"] for rule in group["rules"] if "record" in rule]
# Of a pair of windows the long one, which has to have a history.
WINDOW = re.compile(r'^\s*phase:rtc_slo_burn:ratio\{window="(\w+)"', re.MULTILINE)


def without_each(expr: str) -> Iterator[str]:
    """The expression without each of its conditions in turn."""
    for condition in CONDITIONS:
        for match in condition.finditer(expr):
            yield expr[: match.start()] + expr[match.end() :]


def recordings_for(alert: Rule) -> list[Rule]:
    """What an alert is computed from, as far as it is recorded, in the order of recording."""
    asked = alert["expr"]
    kept: list[Rule] = []
    for rule in reversed(RECORDING):
        window = rule.get("labels", {}).get("window")
        if rule["record"] in asked and (window is None or f'window="{window}"' in asked):
            asked += rule["expr"]
            kept.insert(0, rule)
    return kept


def variants(alert: Rule) -> tuple[list[Rule], list[Rule]]:
    """The alert and its mutants, of which some look at mutants of what is recorded."""
    records, expressions = recordings_for(alert), [alert["expr"], *without_each(alert["expr"])]
    windows = set(WINDOW.findall(alert["expr"]))
    mutated = [
        {**rule, "expr": expr, "labels": {"window": f"{rule['labels']['window']}_unguarded"}}
        for rule in records
        if rule.get("labels", {}).get("window") in windows
        for expr in without_each(rule["expr"])
    ]
    for rule in mutated:
        window = rule["labels"]["window"]
        expressions.append(alert["expr"].replace(f'window="{window.removesuffix("_unguarded")}"', f'window="{window}"'))
    named = [{**alert, "alert": f"{alert['alert']}_{n}", "expr": expr} for n, expr in enumerate(expressions)]
    return [*records, *mutated], named


def cases_of(scenario: dict[str, Any], name: str, variant: str) -> dict[str, Any]:
    """A scenario's cases of an alert, asked of a variant of it."""
    kept = {
        kind: [case for case in scenario.get(kind, ()) if re.search(rf'"{name}"', json.dumps(case).replace('\\"', '"'))]
        for kind in ("alert_rule_test", "promql_expr_test")
    }
    renamed: dict[str, Any] = json.loads(re.sub(rf"\b{name}\b", variant, json.dumps(kept)))
    return renamed


def scenarios_of(alert: Rule, names: list[str]) -> Iterator[dict[str, Any]]:
    """The scenarios that have cases of the alert, each asked of all variants."""
    for path in TEST_FILES:
        whole = yaml.safe_load(path.read_text())
        for scenario in whole["tests"]:
            asked = [cases_of(scenario, alert["alert"], name) for name in names]
            if any(asked[0].values()):
                kinds = {kind: [case for cases in asked for case in cases[kind]] for kind in asked[0]}
                yield {"interval": whole["evaluation_interval"], "scenario": {**scenario, **kinds}}


WITH_CONDITIONS = [alert for alert in alerts() if alert["alert"] != "RtcFailureSpike" and len(variants(alert)[1]) > 1]


@pytest.mark.usefixtures("promtool")
@pytest.mark.parametrize("alert", WITH_CONDITIONS, ids=lambda alert: alert["alert"])
def test_without_any_of_its_conditions_some_case_of_an_alert_fails(tmp_path: Path, alert: Rule) -> None:
    records, named = variants(alert)
    rules = {"groups": [{"name": "records", "rules": records}, {"name": "alerts", "rules": named}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules, sort_keys=False))
    names = [rule["alert"] for rule in named]
    by_interval: dict[str, list[dict[str, Any]]] = {}
    for test in scenarios_of(alert, names):
        by_interval.setdefault(test["interval"], []).append(test["scenario"])
    said = ""
    for interval, tests in by_interval.items():
        whole = {
            "rule_files": ["rules.yml"],
            "evaluation_interval": interval,
            "group_eval_order": ["records", "alerts"],
            "tests": tests,
        }
        (tmp_path / "cases_test.yml").write_text(yaml.safe_dump(whole, sort_keys=False))
        with pytest.raises(AssertionError, match="FAILED") as failed:
            run_promtool("test", "rules", tmp_path / "cases_test.yml")
        said += str(failed.value)
    failing = set(re.findall(rf"\b{alert['alert']}_\d+", said))
    assert sorted(failing) == sorted(names[1:])


def test_every_kind_of_condition_is_found() -> None:
    assert list(without_each("a > 1\nand b > 2\nunless on () c\n")) == ["a > 1\nunless on () c\n", "a > 1\nand b > 2\n"]
    assert list(without_each("sum((a > 0 unless a offset 15m) or b)")) == ["sum((a > 0) or b)"]
