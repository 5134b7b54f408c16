"""Questions that sums over minutes answer: who is hit, and the counts that KPIs are made of.

Only sums over the rows of a minute mean anything: the row of one Kafka partition may stand below zero, since a session
that came back is taken from where it was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from collector.store.completeness import of_span
from collector.store.living import living
from collector.store.questions import DIMENSIONS, Dimension, Span, Who
from collector.store.reading import matches_sums, minutes, moment
from collector.store.rolled import rolled
from collector.store.views import Affected, AffectedBy

NO_CODE: Final = -1
VALUES_MAX: Final = 100
"""Regions or versions that one answer tells apart."""

STRICT: Final = ("recovered", "failed", "abandoned", "lost")
"""Outcomes that say whether reconnecting works: a session that was superseded or a room that was closed does not."""
DROPS: Final = ("dropped", "abandoned", "lost")


class Count(NamedTuple):
    """Sums of the rollups that agree in kind, outcome, fate and in whether they carry a code."""

    kind: str
    outcome: str
    fate: str
    coded: bool
    n: int
    a: int
    b: int
    c: int = 0
    d: int = 0


def counts(connection: Connection, span: Span, who: Who, kinds: Sequence[str] = ()) -> tuple[Count, ...]:
    """All that the rollups say of a span of whole minutes, or of some kinds."""
    told = rolled(connection, span)
    coded = case((told.c.code == NO_CODE, 0), else_=1).label("coded")
    by = (told.c.kind, told.c.outcome, told.c.fate, coded)
    rows = connection.execute(
        select(*by, *(func.sum(told.c[name]) for name in "nabcd"))
        .where(*told.within, *([told.c.kind.in_(kinds)] if kinds else ()), *matches_sums(who, told.c))
        .group_by(*by)
    )
    return tuple(
        Count(kind, outcome, fate, bool(is_coded), *map(int, sums)) for kind, outcome, fate, is_coded, *sums in rows
    )


def affected(connection: Connection, asked: Span, who: Who, by: Dimension, now_us: int) -> AffectedBy:
    """What each region or version lived through; the one with the most sessions that ended badly first."""
    span = minutes(asked)
    told = rolled(connection, span)
    kind, fate, outcome = told.c.kind, told.c.fate, told.c.outcome
    bad = and_(kind == "ended", or_(fate.in_(DROPS), and_(fate == "not_joined", told.c.code != NO_CODE)))
    sums = {
        "joined": kind == "joined",
        "join_failures": and_(kind == "ended", fate == "not_joined", told.c.code != NO_CODE),
        "outages": kind == "outage",
        "recovered": and_(kind == "outage_ended", outcome == "recovered"),
        "not_recovered": and_(kind == "outage_ended", outcome.in_(STRICT[1:])),
        "dropped": and_(kind == "ended", fate.in_(DROPS)),
        "ended": and_(kind == "ended", fate != "not_joined"),
    }
    n, value = told.c.n, told.c[by]
    columns = [_sum_where(condition, n).label(name) for name, condition in sums.items()]
    rows = connection.execute(
        select(value.label("value"), *columns)
        .where(*told.within, *matches_sums(who, told.c))
        .group_by(value)
        .order_by(_sum_where(bad, n).desc(), _sum_where(kind == "outage", n).desc(), value)
        .limit(VALUES_MAX)
    ).all()
    there, place = Counter[str](), DIMENSIONS.index(by)
    for one in living(connection, who):
        there[one.client[place] or ""] += one.n if one.fate == "live" else 0
    items = tuple(
        Affected(value=row.value or None, live=there[row.value], **{name: int(getattr(row, name)) for name in sums})
        for row in rows
    )
    return AffectedBy(
        since=moment(span.since_us),
        until=moment(span.until_us),
        by=by,
        items=items,
        completeness=of_span(connection, span, who, now_us),
    )


def _sum_where(condition: ColumnElement[bool], n: ColumnElement[int]) -> ColumnElement[int]:
    return func.sum(case((condition, n), else_=0))
