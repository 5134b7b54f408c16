"""Whether a dashboard has the variables that its queries can honour, and whether each query honours them.

The same variables stand on every dashboard as far as its data can tell them apart: docs/decisions says why the set
differs. A metric can be chosen by a variable whose label it has; the store knows all four of each session.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from tools.dashboards.frame import CARRIED
from tools.dashboards.lint_queries import METRIC, metrics_in
from tools.dashboards.sql import SUMS, SUMS_IN_TIME

Json = Mapping[str, Any]
Labels = Mapping[str, Collection[str]]
"""The labels of each metric and recorded series, by its name."""

SELECTOR: Final = re.compile(rf"(?P<name>{METRIC.pattern})(?P<matchers>\{{[^}}]*\}})?")
NOT_OURS: Final = frozenset({("rtc_collector_build_info", "version")})
"""Labels that are called as a variable is and mean something else: this is the version of the collector."""
OF_ONE_THING: Final = "${room:sqlstring}"
"""A statement about one room is about whoever was in it."""
READS_FAILURES: Final = re.compile(r"'dropped'|\b(?:terminal_)?code\b")
IN_ALL_REGIONS: Final = "all regions"
"""What a description says where a region is chosen and the numbers are not of it."""


class _Selector(NamedTuple):
    """A metric in an expression: by which variables it can be chosen, and by which it is."""

    can: frozenset[str]
    chosen: frozenset[str]


def of_variables(dashboard: Json, panels: Collection[Json], labels: Labels) -> Iterator[str]:
    """The faults of a dashboard's variables and of the queries that should honour them."""
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    if "postgresql" in declared:
        yield from (
            f"the store can be chosen by ${name}, which is not declared" for name in CARRIED if name not in declared
        )
    for panel in panels:
        for target in panel.get("targets", ()):
            if "expr" in target:
                found = _of_expression(target["expr"], declared, labels, str(panel.get("description")))
            else:
                found = _of_statement(target["rawSql"])
            yield from (f"{panel.get('title')}: {fault}" for fault in found)


def _of_expression(expr: str, declared: set[str], labels: Labels, description: str) -> Iterator[str]:
    selectors = list(_selectors(expr, labels))
    for name in CARRIED if selectors else ():
        able = [one for one in selectors if name in one.can]
        chosen = [one for one in able if name in one.chosen]
        if chosen and len(chosen) < len(able):
            yield f"one part is chosen by ${name} and another is not: {expr}"
        elif len(able) == len(selectors) and name not in declared:
            yield f"it can be chosen by ${name}, which is not declared"
        elif len(able) == len(selectors) and not chosen:
            yield f"it does not honour ${name}: {expr}"
        elif name == "region" and name in declared and not chosen and IN_ALL_REGIONS not in description:
            yield f"it is not of the chosen regions, and does not say that it is of {IN_ALL_REGIONS}"


def _selectors(expr: str, labels: Labels) -> Iterator[_Selector]:
    for found in SELECTOR.finditer(expr):
        (family,) = metrics_in(found["name"])
        can = {name for name in labels.get(family, ()) if (family, name) not in NOT_OURS}
        matchers = found["matchers"] or ""
        yield _Selector(frozenset(can), frozenset(name for name in CARRIED if f'{name}=~"${name}"' in matchers))


def _of_statement(sql: str) -> Iterator[str]:
    if OF_ONE_THING in sql:
        return
    for source in (SUMS, SUMS_IN_TIME):  # which name all columns, whatever is made of them
        sql = sql.replace(source, "sums")
    for name in CARRIED:
        if f"${{{name}:sqlstring}}" not in sql and (name != "code" or READS_FAILURES.search(sql)):
            yield f"it does not honour ${name}"
