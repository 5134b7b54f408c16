"""Questions that sums over minutes answer: failure codes, who is hit, and the counts that KPIs are made of.

Only sums over the rows of a minute mean anything: the row of one Kafka partition may stand below zero, since a session
that came back is taken from where it was counted.

A failure is a session that ended with a code and was dropped, or never joined: what `rtc_terminal_failures_total`
counts. One that ended with "Room completed" has not failed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select

from collector.store.completeness import of_span
from collector.store.questions import Dimension, Phase, Span, Who
from collector.store.reading import MINUTE_US, code_view, matches, matches_rollups, moment
from collector.store.tables import rollups, sessions
from collector.store.views import Affected, AffectedBy, Code, FailureBucket, FailureCodes, FailureCount

NO_CODE: Final = -1
VALUES_MAX: Final = 100
"""Regions or versions that one answer tells apart."""

STRICT: Final = ("recovered", "failed", "abandoned", "lost")
"""Outcomes that say whether reconnecting works: a session that was superseded or a room that was closed does not."""
DROPS: Final = ("dropped", "abandoned", "lost")

_SUM: Final = func.sum(rollups.c.n)
_PHASE: Final[ColumnElement[str]] = case((rollups.c.fate == "not_joined", "join"), else_="session")
_FAILED: Final = and_(
    rollups.c.kind == "ended", rollups.c.code != NO_CODE, rollups.c.fate.in_(("not_joined", "dropped"))
)


class Count(NamedTuple):
    """Sums of the rollups that agree in kind, outcome, fate and in whether they carry a code."""

    kind: str
    outcome: str
    fate: str
    coded: bool
    n: int
    a: int
    b: int


def minutes(span: Span) -> Span:
    """The span widened to whole minutes: what sums over minutes can tell."""
    return Span(span.since_us - span.since_us % MINUTE_US, span.until_us + -span.until_us % MINUTE_US)


def in_minutes(span: Span) -> ColumnElement[bool]:
    """Rollups of a span of whole minutes."""
    return and_(rollups.c.minute >= span.since_us // MINUTE_US, rollups.c.minute < span.until_us // MINUTE_US)


def counts(connection: Connection, span: Span, who: Who) -> tuple[Count, ...]:
    """All that the rollups say of a span of whole minutes."""
    coded = case((rollups.c.code == NO_CODE, 0), else_=1).label("coded")
    by = (rollups.c.kind, rollups.c.outcome, rollups.c.fate, coded)
    rows = connection.execute(
        select(*by, _SUM, func.sum(rollups.c.a), func.sum(rollups.c.b))
        .where(in_minutes(span), *matches_rollups(who))
        .group_by(*by)
    )
    return tuple(
        Count(kind, outcome, fate, bool(c), int(n), int(a), int(b)) for kind, outcome, fate, c, n, a, b in rows
    )


def failure_codes(
    connection: Connection,
    asked: Span,
    who: Who,
    phase: Phase | None,
    by: Dimension | None,
    bucket_us: int | None,
    now_us: int,
) -> FailureCodes:
    """Sessions that failed, by code; split by a dimension and by time where asked."""
    span = minutes(asked)
    bucket = literal(0) if bucket_us is None else rollups.c.minute - rollups.c.minute % (bucket_us // MINUTE_US)
    value: ColumnElement[Any] = literal("") if by is None else rollups.c[by]
    in_phase = [] if phase is None else [_PHASE.in_((phase,))]
    columns = (_PHASE.label("phase"), rollups.c.code, value.label("value"), bucket.label("bucket"))
    rows = connection.execute(
        select(*columns, _SUM.label("n"))
        .where(_FAILED, in_minutes(span), *matches_rollups(who), *in_phase)
        .group_by("phase", rollups.c.code, "value", "bucket")
        .having(_SUM != 0)
    ).all()
    whole: dict[tuple[Phase, str], int] = defaultdict(int)
    parts: dict[tuple[Phase, int, str], int] = defaultdict(int)
    for row in rows:
        whole[row.phase, row.value] += int(row.n)
        parts[row.phase, row.code, row.value] += int(row.n)
    items = [
        FailureCount(
            phase=where,
            error=_known(code),
            value=word or None,
            count=count,
            of=whole[where, word],
            share=count / whole[where, word],
        )
        for (where, code, word), count in parts.items()
        if count > 0
    ]
    return FailureCodes(
        since=moment(span.since_us),
        until=moment(span.until_us),
        by=by,
        bucket_s=None if bucket_us is None else bucket_us // 1_000_000,
        items=tuple(sorted(items, key=lambda one: (-one.count, one.phase, one.error.code, one.value or ""))),
        buckets=None
        if bucket_us is None
        else tuple(
            FailureBucket(
                at=moment(row.bucket * MINUTE_US), phase=row.phase, code=row.code, value=row.value or None, count=row.n
            )
            for row in sorted(rows, key=lambda row: (row.bucket, row.phase, row.code, row.value))
        ),
        completeness=of_span(connection, span, who, now_us),
    )


def affected(connection: Connection, asked: Span, who: Who, by: Dimension, now_us: int) -> AffectedBy:
    """What each region or version lived through; the one with the most sessions that ended badly first."""
    span = minutes(asked)
    kind, fate, outcome = rollups.c.kind, rollups.c.fate, rollups.c.outcome
    bad = and_(kind == "ended", or_(fate.in_(DROPS), and_(fate == "not_joined", rollups.c.code != NO_CODE)))
    sums = {
        "joined": kind == "joined",
        "join_failures": and_(kind == "ended", fate == "not_joined", rollups.c.code != NO_CODE),
        "outages": kind == "outage",
        "recovered": and_(kind == "outage_ended", outcome == "recovered"),
        "not_recovered": and_(kind == "outage_ended", outcome.in_(STRICT[1:])),
        "dropped": and_(kind == "ended", fate.in_(DROPS)),
        "ended": and_(kind == "ended", fate != "not_joined"),
    }
    columns = [_sum_where(condition).label(name) for name, condition in sums.items()]
    value = rollups.c[by]
    rows = connection.execute(
        select(value.label("value"), *columns)
        .where(in_minutes(span), *matches_rollups(who))
        .group_by(value)
        .order_by(_sum_where(bad).desc(), _sum_where(kind == "outage").desc(), value)
        .limit(VALUES_MAX)
    ).all()
    dimension = sessions.c[by]
    live = connection.execute(
        select(dimension, func.count()).where(sessions.c.fate == "live", *matches(who)).group_by(dimension)
    )
    there: dict[str, int] = {word or "": count for word, count in live}
    items = tuple(
        Affected(
            value=row.value or None, live=there.get(row.value, 0), **{name: int(getattr(row, name)) for name in sums}
        )
        for row in rows
    )
    return AffectedBy(
        since=moment(span.since_us),
        until=moment(span.until_us),
        by=by,
        items=items,
        completeness=of_span(connection, span, who, now_us),
    )


def _sum_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, rollups.c.n), else_=0))


def _known(code: int) -> Code:
    view = code_view(code)
    assert view is not None  # noqa: S101 - a number always has one
    return view
