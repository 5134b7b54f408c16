"""What a panel shows: its queries asked as Grafana would ask them, over the time range of its dashboard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import httpx
import psycopg

from tools.dashboards.lint_queries import substituted
from tools.dashboards.sql_macros import expanded
from tools.preview.lived import SCRAPES_EVERY_S

Json = dict[str, Any]

POINTS: Final = 540
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Series(NamedTuple):
    """A line: what it is called, what it is labelled, and its points in order of time."""

    name: str
    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


class Rows(NamedTuple):
    """A table."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Sources(NamedTuple):
    """Where to ask, up to when, and which word of a variable is chosen, where not all are."""

    prometheus_url: str
    postgresql_url: str
    now_s: int
    chosen: Mapping[str, str] = {}


class Asked(NamedTuple):
    """The time range, and an answer to each of a panel's queries."""

    since_s: int
    until_s: int
    answers: Sequence[Sequence[Series] | Rows]


def asked(sources: Sources, dashboard: Json, panel: Json) -> Asked:
    """The answers to a panel's queries."""
    found = re.fullmatch(r"now-(\d+)([mhd])", dashboard["time"]["from"])
    if found is None:
        raise ValueError(f"{dashboard['time']['from']} is no beginning that is known here")
    since_s = sources.now_s - int(found[1]) * _UNITS_S[found[2]]
    least_s = _seconds(panel.get("interval", "15s"))
    answers = [_answer(sources, target, since_s, least_s) for target in panel.get("targets", ())]
    return Asked(since_s, sources.now_s, answers)


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * _UNITS_S[duration[-1]]


def _answer(sources: Sources, target: Json, since_s: int, least_s: int) -> Sequence[Series] | Rows:
    if "rawSql" in target:
        rows = _of_postgresql(sources, target["rawSql"], since_s)
        return _as_series(rows) if target["format"] == "time_series" else rows
    found = _of_prometheus(sources, target, since_s, least_s)
    return _as_rows(found, target["refId"]) if target["format"] == "table" else found


def _of_postgresql(sources: Sources, sql: str, since_s: int) -> Rows:
    with psycopg.connect(sources.postgresql_url, autocommit=True) as connection:
        connection.execute("SET ROLE roomwatch_grafana")
        cursor = connection.execute(expanded(sql, since_s, sources.now_s, sources.chosen))
        return Rows([column.name for column in cursor.description or ()], cursor.fetchall())


def _as_series(rows: Rows) -> list[Series]:
    points: dict[str, list[tuple[float, float]]] = {}
    for values in rows.rows:
        row = dict(zip(rows.columns, values, strict=True))
        points.setdefault(str(row["metric"]), []).append((row["time"].timestamp(), float(row["value"])))
    return [Series(name, {}, its) for name, its in points.items()]


def _of_prometheus(sources: Sources, target: Json, since_s: int, least_s: int) -> list[Series]:
    range_s = sources.now_s - since_s
    step_s = max(range_s // POINTS, least_s)
    interval = f"{max(4 * SCRAPES_EVERY_S, step_s + SCRAPES_EVERY_S)}s"
    expr = substituted(target["expr"], range_=f"{range_s}s", interval=interval)
    for name, word in sources.chosen.items():
        expr = expr.replace(f'{name}=~".+"', f'{name}=~"{word}"')
    if target["instant"]:
        path, given = "query", {"query": expr, "time": str(sources.now_s)}
    else:
        path = "query_range"
        given = {"query": expr, "start": str(since_s), "end": str(sources.now_s), "step": str(step_s)}
    answer = httpx.get(f"{sources.prometheus_url}/api/v1/{path}", params=given, timeout=60).json()
    if answer["status"] != "success":
        raise ValueError(f"{expr}: {answer['error']}")
    return [
        Series(
            _named(target["legendFormat"], one["metric"]),
            one["metric"],
            [(float(at), float(value)) for at, value in one.get("values") or [one["value"]]],
        )
        for one in answer["data"]["result"]
    ]


def _named(legend: str, labels: Mapping[str, str]) -> str:
    if legend == "__auto":
        return next(iter(labels.values()), "")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend).strip()


def _as_rows(found: Sequence[Series], letter: str) -> Rows:
    names = sorted({name for one in found for name in one.labels})
    rows = [[*(one.labels.get(name, "") for name in names), one.points[-1][1]] for one in found]
    return Rows([*names, f"Value #{letter}"], rows)
