"""What must be so in the queries of a dashboard: PromQL that follows the zoom, SQL that quotes what is chosen."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

Json = Mapping[str, Any]

VARIABLE: Final = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)(?::\w+)?\})")
METRIC: Final = re.compile(r"\b(?:[a-z]\w*(?::\w+)+|rtc_\w+)\b(?!=)")
STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
UNWRAPPED_COUNTER: Final = re.compile(r"(?<!rate\()(?<!increase\()\brtc_\w+_total\b")
SERIES_OF_A_HISTOGRAM: Final = ("_bucket", "_sum", "_count")
FIXED_RANGE: Final = re.compile(r"\[(\d+)([smhdw])")
SAYS_RANGE: Final = {"1h": "the last hour"}
"""A range that does not follow the zoom, and the words in a title that say so."""
UNQUOTED: Final = re.compile(r"(?<!\{)\$(?!__)\w+|\$\{(?!__)\w+\}")
MACROS: Final = ("$__timeFilter(", "$__timeFrom(", "$__unixEpochFrom(", "$__unixEpochTo(", "$__timeTo(")


def of_expression(expr: str, title: str, known_metrics: Collection[str]) -> Iterator[str]:
    """The faults of one PromQL expression of a panel."""
    for name in metrics_in(expr):
        if name not in known_metrics:
            yield f"{name} is no metric of ours"
    for found in FIXED_RANGE.finditer(expr):
        said = SAYS_RANGE.get(found[1] + found[2])
        if said is None or said not in title:
            yield f"a fixed range does not follow the zoom, and the title does not say so: {expr}"
    if UNWRAPPED_COUNTER.search(STRING.sub('""', expr)):
        yield f"a counter without rate or increase: {expr}"
    for name in re.findall(r'=~?"\$(\w+)"', expr):
        if f'=~"${name}"' not in expr:
            yield f"${name} may have several values and needs =~"


def of_sql(sql: str, columns: Collection[str], shape: str) -> Iterator[str]:
    """The faults of one SQL statement of a panel."""
    if found := UNQUOTED.search(sql):
        yield f"{found[0]} stands in SQL as it was typed; it needs :sqlstring"
    if re.search(r"SELECT\s+\*|\.\*", sql, re.IGNORECASE):
        yield "columns are named, so that a new one in the store changes no panel"
    if not sql.lstrip().upper().startswith(("SELECT", "WITH")):
        yield "a panel only reads"
    if shape == "time_series" and not {"time", "metric", "value"} <= set(columns):
        yield "a time series needs time, metric and value"


def variables_in(value: Any) -> set[str]:
    """The names of variables in a value and in all that it holds; Grafana's own are left out."""
    if isinstance(value, str):
        names = {found["plain"] or found["braced"] for found in VARIABLE.finditer(value)}
        return {name for name in names if not name.startswith("__")}
    if isinstance(value, Mapping):
        value = list(value.values())
    return set().union(*map(variables_in, value)) if isinstance(value, list) else set()


def metrics_in(expr: str) -> set[str]:
    """The names of metrics and recorded series of an expression, as they are exposed or recorded."""
    names = METRIC.findall(STRING.sub('""', expr))
    return {name if ":" in name else _family(name) for name in names}


def substituted(expr: str, *, range_: str = "1h", interval: str = "1m") -> str:
    """An expression as Grafana would send it, with all values chosen."""
    intervals = {"__rate_interval": interval, "__range": range_, "__interval": "15s"}
    return VARIABLE.sub(lambda found: intervals.get(found["plain"] or found["braced"], ".+"), expr)


def _family(name: str) -> str:
    for ending in SERIES_OF_A_HISTOGRAM:
        name = name.removesuffix(ending)
    return name
