"""Breakdowns: how sessions failed, how outages began and ended, how sessions did; by up to two dimensions and by time.

Clients name their versions and servers their codes, so of both only the most frequent are told apart, and what is left
out is told as the rest: no answer is longer than its limits, whatever was said.

A failure is a session that ended with a code and was dropped, or never joined: what `rtc_terminal_failures_total`
counts. One that ended with "Room completed" has not failed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, literal, select

from collector.errors import BadFilter
from collector.store.completeness import of_span
from collector.store.facts import Facts, Kind, facts
from collector.store.questions import By, Phase, Span, Who, Words
from collector.store.reader_rollups import NO_CODE
from collector.store.reading import MINUTE_US, code_view, minutes, moment
from collector.store.shares import interval
from collector.store.views import Code, FailureBucket, FailureCodes, FailureCount
from collector.store.views_breakdowns import Breakdown, Slice, SliceBucket

VALUES_MAX: Final = 100
"""Values, or pairs of them, that one answer may tell apart."""
CODES_MAX: Final = 50
"""Codes that one answer tells apart."""
BUCKET_ROWS_MAX: Final = 20_000

_REST_CODE: Final = -2
_KINDS: Final[Mapping[Words, tuple[Kind, str]]] = {
    "causes": ("outage", "cause"),
    "outcomes": ("outage_ended", "outcome"),
    "fates": ("ended", "fate"),
}


class Split(NamedTuple):
    """How to split facts: by which dimensions and time; how many values and codes to tell apart, in how many counts."""

    by: tuple[By, ...] = ()
    bucket_us: int | None = None
    limit: int = 20
    codes_max: int = CODES_MAX
    rows_max: int = BUCKET_ROWS_MAX

    @property
    def minutes(self) -> int:
        """How long a stretch of time is; 0: all of it is one."""
        return (self.bucket_us or 0) // MINUTE_US


class Counted(NamedTuple):
    """Facts that agree in words, values and time. `values` is None for all that were left out, together."""

    words: tuple[Any, ...]
    values: tuple[Any, ...] | None
    bucket: int
    n: int


class Found(NamedTuple):
    """The counts, and how many values and codes are not told apart."""

    rows: list[Counted]
    values_left_out: int
    codes_left_out: int


def breakdown(
    connection: Connection, what: Words, asked: Span, who: Who, phase: Phase | None, split: Split, now_us: int
) -> Breakdown:
    """Causes of the outages that began in the span, outcomes of those that ended, fates of sessions that ended."""
    span = minutes(asked)
    kind, word = _KINDS[what]
    those = facts(connection, kind, span, who, split.by, step=split.minutes)
    if phase is not None:
        those.conditions.append(those.columns["phase"].in_((phase,)))
    found = _count(connection, those, (word,), split)
    whole: dict[Any, int] = defaultdict(int)
    parts: dict[tuple[Any, Any], int] = defaultdict(int)
    for row in found.rows:
        whole[row.values] += row.n
        parts[row.values, row.words[0]] += row.n
    items = []
    for (values, told), count in parts.items():
        if count > 0:
            low, high = interval(count, whole[values]) or (0.0, 1.0)
            items.append(
                Slice(
                    word=told or None,
                    values=_named(split.by, values),
                    rest=values is None,
                    count=count,
                    of=whole[values],
                    share=count / whole[values],
                    low=low,
                    high=high,
                )
            )
    return Breakdown(
        since=moment(span.since_us),
        until=moment(span.until_us),
        what=what,
        by=split.by,
        bucket_s=_seconds(split),
        items=tuple(sorted(items, key=lambda one: (one.rest, -one.of, _order(one.values), -one.count, one.word or ""))),
        values_left_out=found.values_left_out,
        buckets=None
        if split.bucket_us is None
        else tuple(
            SliceBucket(
                at=moment(row.bucket * MINUTE_US),
                word=row.words[0] or None,
                values=_named(split.by, row.values),
                rest=row.values is None,
                count=row.n,
            )
            for row in found.rows
        ),
        completeness=of_span(connection, span, who, now_us),
    )


def failure_codes(
    connection: Connection,
    asked: Span,
    who: Who,
    phase: Phase | None,
    split: Split,
    now_us: int,
    code: int | None = None,
) -> FailureCodes:
    """Sessions that failed, by code, or with one `code` alone; split by dimensions and by time where asked."""
    span = minutes(asked)
    those = facts(connection, "ended", span, who, split.by, step=split.minutes)
    those.conditions.append(those.columns["fate"].in_(("not_joined", "dropped")))
    those.conditions.append(those.columns["code"] != NO_CODE if code is None else those.columns["code"] == code)
    if phase is not None:
        those.conditions.append(those.columns["phase"].in_((phase,)))
    found = _count(connection, those, ("phase", "code"), split)
    whole: dict[Any, int] = defaultdict(int)
    parts: dict[tuple[Any, Any, Any], int] = defaultdict(int)
    for row in found.rows:
        where, number = row.words
        whole[where, row.values] += row.n
        parts[where, number, row.values] += row.n
    items = [
        _failure(where, number, _named(split.by, values), count, whole[where, values], rest=values is None)
        for (where, number, values), count in parts.items()
        if count > 0 and number != _REST_CODE
    ]
    return FailureCodes(
        since=moment(span.since_us),
        until=moment(span.until_us),
        by=split.by,
        bucket_s=_seconds(split),
        items=tuple(
            sorted(items, key=lambda one: (one.rest, -one.count, one.phase, one.error.code, _order(one.values)))
        ),
        values_left_out=found.values_left_out,
        codes_left_out=found.codes_left_out,
        failures_left_out=sum(row.n for row in found.rows if row.words[1] == _REST_CODE),
        buckets=None
        if split.bucket_us is None
        else tuple(
            FailureBucket(
                at=moment(row.bucket * MINUTE_US),
                phase=row.words[0],
                code=row.words[1],
                value=_first(_named(split.by, row.values)),
                values=_named(split.by, row.values),
                rest=row.values is None,
                count=row.n,
            )
            for row in found.rows
            if row.words[1] != _REST_CODE
        ),
        completeness=of_span(connection, span, who, now_us),
    )


def _count(connection: Connection, those: Facts, words: Sequence[str], split: Split) -> Found:
    """One pass over the facts; what is beyond the limits is folded into the rest before it leaves the database."""
    ranked = _ranked(those, words, split)
    of = ranked.c
    kept = of.place <= split.limit
    told = [of[f"word_{name}"] for name in words]
    if "code" in words:
        told[words.index("code")] = case((of.code_place <= split.codes_max, of.word_code), else_=_REST_CODE)
    slot = case((kept, of.place), else_=split.limit + 1)
    values = [case((kept, of[f"by_{name}"]), else_=NO_CODE if name == "code" else "") for name in split.by]
    names = ["slot", "bucket_", *(f"w_{name}" for name in words), *(f"v_{name}" for name in split.by)]
    columns = [one.label(name) for one, name in zip((slot, of.bucket, *told, *values), names, strict=True)]
    rows = connection.execute(
        select(
            *columns,
            func.sum(of.n).label("n"),
            func.max(of.place).label("places"),
            func.max(of.code_place).label("codes"),
        )
        .group_by(*names)
        .order_by(*names)
        .limit(split.rows_max + 1)
    ).all()
    if len(rows) > split.rows_max:
        why = f"makes more than {split.rows_max} counts; take a longer one, a shorter range or a smaller limit"
        raise BadFilter("bucket", f"{_seconds(split)} s", why)
    first = 2 + len(words)
    counted = [
        Counted(
            tuple(row[2:first]),
            None if row.slot > split.limit else tuple(row[first : len(names)]),
            row.bucket_,
            int(row.n),
        )
        for row in rows
    ]
    counted.sort(key=lambda one: (one.bucket, one.values is None, *map(str, one.words), _order(one.values)))
    return Found(
        counted,
        max(0, max((row.places for row in rows), default=0) - split.limit),
        max(0, max((row.codes for row in rows), default=0) - split.codes_max),
    )


def _ranked(those: Facts, words: Sequence[str], split: Split) -> Any:
    """Sums by words, values and time, each with the place of its values and of its code by how many they have."""
    bucket = those.minute - those.minute % split.minutes if split.minutes else literal(0)
    names = [*(f"word_{name}" for name in words), *(f"by_{name}" for name in split.by), "bucket"]
    picked = (*(those.columns[name] for name in (*words, *split.by)), bucket)
    n = func.sum(those.n)
    sums = (
        select(*(one.label(name) for one, name in zip(picked, names, strict=True)), n.label("n"))
        .select_from(those.source)
        .where(*those.conditions)
        .group_by(*names)
        .having(n != 0)
        .subquery()
    )
    by = [sums.c[f"by_{name}"] for name in split.by]
    totals = [func.sum(sums.c.n).over(partition_by=by).label("total")] if by else [literal(0).label("total")]
    if "code" in words:
        totals.append(func.sum(sums.c.n).over(partition_by=sums.c.word_code).label("code_total"))
    summed = select(sums, *totals).subquery()
    its = summed.c
    order: list[ColumnElement[Any]] = [its.total.desc(), *(its[f"by_{name}"] for name in split.by)]
    place = func.dense_rank().over(order_by=order) if by else literal(1)
    code_place = (
        func.dense_rank().over(order_by=[its.code_total.desc(), its.word_code]) if "code" in words else literal(1)
    )
    return select(summed, place.label("place"), code_place.label("code_place")).subquery()


def _failure(where: Phase, code: int, values: Any, count: int, of: int, *, rest: bool) -> FailureCount:
    low, high = interval(count, of) or (0.0, 1.0)
    return FailureCount(
        phase=where,
        error=_known(code),
        value=_first(values),
        values=values,
        rest=rest,
        count=count,
        of=of,
        share=count / of,
        low=low,
        high=high,
    )


def _named(by: Sequence[By], values: Sequence[Any] | None) -> dict[By, Any] | None:
    """The values by their dimension; what was not told is None."""
    if values is None:
        return None
    return {name: None if value in {"", NO_CODE} else value for name, value in zip(by, values, strict=True)}


def _first(values: Mapping[By, Any] | None) -> str | None:
    return next((value for value in (values or {}).values()), None)


def _order(values: Mapping[By, Any] | Sequence[Any] | None) -> tuple[str, ...]:
    told = values.values() if isinstance(values, Mapping) else values or ()
    return tuple("" if value is None else str(value) for value in told)


def _seconds(split: Split) -> int | None:
    return None if split.bucket_us is None else split.bucket_us // 1_000_000


def _known(code: int) -> Code:
    view = code_view(code)
    assert view is not None  # noqa: S101 - a number always has one
    return view
