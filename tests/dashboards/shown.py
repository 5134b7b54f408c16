"""What the shipped dashboards ask, and of what there is to ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import promql_parser
from prometheus_client import CollectorRegistry

from collector.metrics import Metrics
from tests.dashboards.rule_files import DASHBOARDS, recorded
from tools.dashboards import lint
from tools.dashboards.lint_queries import substituted
from tools.dashboards.shipped import DASHBOARDS as SHIPPED

COMMITTED: Final = {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("roomwatch-*.json"))}
LISTED: Final = {metric.name: metric for metric in Metrics(CollectorRegistry(), version="0").listed}
UIDS: Final = [board.uid for board in SHIPPED]

PANEL_EXPRESSIONS: Final = sorted(
    {
        substituted(target["expr"])
        for dashboard in COMMITTED.values()
        for panel in lint.panels(dashboard)
        for target in panel.get("targets", ())
        if "expr" in target
    }
)
ANNOTATIONS: Final = sorted(
    {
        note["target"]["expr"]
        for dashboard in COMMITTED.values()
        for note in dashboard["annotations"]["list"]
        if "expr" in note.get("target", ())
    }
)


class Selected:
    """A metric's name in an expression with the labels that are asked of it."""

    def __init__(self, name: str, labels: set[str]) -> None:
        self.name = name
        self.labels = labels

    @property
    def unknown(self) -> set[str]:
        """The labels that this metric never has."""
        return self.labels - labels_of(self.name)


def labels_of(name: str) -> set[str]:
    """The labels of a metric as it is exposed, or of a series as it is recorded: its level says them."""
    if ":" in name:
        return set(name.split(":", maxsplit=1)[0].split("_"))
    if name in {"ALERTS", "up"}:
        return {"alertname", "alertstate", "code", "job"}
    metric = LISTED.get(name) or LISTED[name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")]
    return {*metric.labels, *({"le"} if name.endswith("_bucket") else ())}


def selected(expr: str) -> list[Selected]:
    """Every selector of an expression, with the labels that it and what sums it over name."""
    return list(_selected(promql_parser.parse(expr), frozenset()))


def _selected(node: Any, grouped: frozenset[str]) -> Iterator[Selected]:
    match type(node).__name__:
        case "VectorSelector":
            yield Selected(node.name, {matcher.name for matcher in node.matchers.matchers} | grouped)
        case "MatrixSelector":
            yield from _selected(node.vector_selector, grouped)
        case "AggregateExpr":
            by = frozenset(node.modifier.labels if node.modifier else ())
            yield from _selected(node.expr, by or grouped)
        case "BinaryExpr":
            for side in (node.lhs, node.rhs):
                yield from _selected(side, grouped)
        case "Call":
            # What label_replace makes need not be there before.
            for argument in node.args:
                yield from _selected(argument, frozenset() if node.func.name == "label_replace" else grouped)
        case "ParenExpr" | "SubqueryExpr" | "UnaryExpr":
            yield from _selected(node.expr, grouped)


KNOWN: Final = {name: labels_of(name) for name in LISTED.keys() | recorded()}
"""The labels of every metric and recorded series."""
