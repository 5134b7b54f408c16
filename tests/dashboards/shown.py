"""What the shipped dashboards ask, and of what there is to ask."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, Final

import promql_parser
from prometheus_client import CollectorRegistry

from collector.metrics import Metrics
from tests.dashboards.rule_files import DASHBOARDS, recorded, rules
from tools.dashboards import lint
from tools.dashboards.lint_queries import substituted
from tools.dashboards.shipped import DASHBOARDS as SHIPPED

COMMITTED: Final = {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("roomwatch-*.json"))}
LISTED: Final = {metric.name: metric for metric in Metrics(CollectorRegistry(), version="0").listed}
UIDS: Final = [board.uid for board in SHIPPED]


def _panels() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for dashboard in COMMITTED.values():
        for panel in lint.panels(dashboard):
            name = f"{dashboard['uid']}: {panel['title']}"
            if panel.get("targets"):
                # A number and the table that it leads to may share a title.
                found[f"{name} ({panel['type']})" if name in found else name] = panel
    return found


PANELS: Final = _panels()
"""Every panel that asks something, by its dashboard and title."""

PANEL_EXPRESSIONS: Final = sorted(
    {substituted(target["expr"]) for panel in PANELS.values() for target in panel["targets"] if "expr" in target}
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
    """A metric in an expression, the labels that are asked of it, and the values that some of these have to have."""

    def __init__(self, name: str, labels: set[str], asked: Collection[tuple[str, str]] = ()) -> None:
        self.name = name
        self.labels = labels
        self.asked = asked

    @property
    def unknown(self) -> set[str]:
        """The labels that this metric never has."""
        return self.labels - labels_of(self.name)

    @property
    def unheard(self) -> set[str]:
        """The values asked for that this metric never has, of labels whose values are known beforehand."""
        known = VALUES.get(metric_of(self.name), {})
        return {
            f"{label}={value}"
            for label, value in self.asked
            if label in known and not any(re.fullmatch(value, one) for one in known[label])
        }


def labels_of(name: str) -> set[str]:
    """The labels of a metric as it is exposed, or of a series as it is recorded: its level says them, and its rule."""
    if ":" in name:
        return {*name.split(":", maxsplit=1)[0].split("_"), *GIVEN.get(name, ())}
    if name in {"ALERTS", "up"}:
        return {"alertname", "alertstate", "code", "job"}
    return {*LISTED[metric_of(name)].labels, *({"le"} if name.endswith("_bucket") else ())}


def metric_of(name: str) -> str:
    """The metric that a series is of."""
    return name if name in LISTED else name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")


def selected(expr: str) -> list[Selected]:
    """Every selector of an expression, with the labels that it and what sums it over name."""
    return list(_selected(promql_parser.parse(expr), frozenset()))


def _selected(node: Any, grouped: frozenset[str]) -> Iterator[Selected]:
    match type(node).__name__:
        case "VectorSelector":
            asked = [(one.name, value) for one in node.matchers.matchers for value in one.value.split("|")]
            yield Selected(node.name, {one.name for one in node.matchers.matchers} | grouped, asked)
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


def _values() -> dict[str, dict[str, set[str]]]:
    """Of each metric what its labels can say, where that is known before anything came: regions and clients are not."""
    found: dict[str, dict[str, set[str]]] = {}
    for family in Metrics(CollectorRegistry(), version="0").registry.collect():
        for sample in family.samples:
            of = found.setdefault(metric_of(sample.name), {})
            for label, value in sample.labels.items():
                of.setdefault(label, set()).add(value)
    return {name: {label: told for label, told in of.items() if label in CLOSED} for name, of in found.items()}


CLOSED: Final = {"phase", "fate", "outcome", "cause", "state", "result", "reason", "where", "kind", "table", "type"}
"""Labels whose values make a closed list."""
VALUES: Final = _values()
GIVEN: Final = {rule["record"]: rule.get("labels", {}) for rule in rules() if "record" in rule}
"""The labels that rules give to what they record."""
KNOWN: Final = {name: labels_of(name) for name in LISTED.keys() | recorded()}
"""The labels of every metric and recorded series."""
