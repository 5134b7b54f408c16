"""Whoever asks Prometheus, asks for labels and values that there are: panels, rules, the pages on KPIs and runbooks.

A query with `outcome="recoverd"` is answered with nothing, which looks like peace.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.dashboards.rule_files import rules
from tests.dashboards.shown import ANNOTATIONS, PANEL_EXPRESSIONS, VALUES, selected
from tests.dashboards.test_kpis_page import PROMQL as OF_THE_KPIS
from tests.dashboards.test_runbooks import PROMQL as OF_THE_RUNBOOKS

RULES: Final = [str(rule["expr"]) for rule in rules()]
ASKED: Final = sorted({*PANEL_EXPRESSIONS, *ANNOTATIONS, *RULES, *OF_THE_KPIS, *OF_THE_RUNBOOKS})


def test_every_value_that_an_expression_asks_for_is_one_that_its_metric_can_have() -> None:
    found = [(one.name, one.unheard, expr) for expr in ASKED for one in selected(expr) if one.unheard]
    assert found == []


def test_every_label_that_a_selector_names_is_one_of_its_metric() -> None:
    named = [(one, {label for label, _ in one.asked}, expr) for expr in ASKED for one in selected(expr)]
    assert [(one.name, labels & one.unknown, expr) for one, labels, expr in named if labels & one.unknown] == []


@pytest.mark.parametrize(
    ("expr", "unheard"),
    [
        ('rtc_outages_ended_total{outcome="recoverd"}', {"outcome=recoverd"}),
        ('sum(rate(rtc_sessions_ended_total{fate!~"dropped|gone"}[5m]))', {"fate=gone"}),
        ('rtc_outage_duration_seconds_bucket{outcome="recovered", cause="medium"}', {"cause=medium"}),
        ('rtc_sessions_ended_total{fate="dropped", region="eu1"}', set()),
    ],
)
def test_a_value_that_there_never_is_is_found(expr: str, unheard: set[str]) -> None:
    (one,) = selected(expr)
    assert one.unheard == unheard


def test_labels_with_a_closed_list_of_values_are_known() -> None:
    assert VALUES["rtc_outages_ended_total"]["outcome"] >= {"recovered", "failed", "abandoned"}
    assert VALUES["rtc_sessions_ended_total"]["fate"] >= {"dropped", "lost"}
