"""Questions of whoever explores outages: those that began in a stretch of time, counted by every dimension.

Rules:
1. Outages come through the index on when they opened, corrected.
2. An answer looks at LOOKED_AT_MAX outages or so. Of more it takes one in so many, spread over all of the time by the
   millisecond in which each began, multiplies what it finds and says so. How many there are, what became of them, and
   when they began is of all of them, where sums keep what is filtered by.
3. Rows are read once and counted here: nine orders of so few rows cost a database more than handing them over.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, literal, or_, select, union_all

from collector.store.completeness import of_rows
from collector.store.explored import Fleet, Looked, Summed, explored, lasted
from collector.store.facts import facts
from collector.store.functions import InSample, Spread
from collector.store.questions import DIMENSIONS, OUTCOMES, OutageFilters, Outcome, Span
from collector.store.questions_explore import EXPLORED_BY, OF_CLIENTS, ExploreFilters
from collector.store.reader_rollups import NO_CODE
from collector.store.reading import MINUTE_US, OPENED, bounded, matches, minutes, opened_in
from collector.store.rolled import NO_STEP
from collector.store.tables import SAMPLE_ONE_IN, outages, rollups, sessions
from collector.store.views import Completeness
from collector.store.views_explore import Explored, TimeToReconnect

LOOKED_AT_MAX: Final = 5_000
"""Outages that one answer looks at, or about as many."""
MINUTES_MAX: Final = 120
"""Minutes, evenly over the time, whose sums say how the fleet's sessions are made up."""
SESSIONS_MAX: Final = 1_000
"""Sessions that say how complete an answer is, as many from each of so many pieces of the time."""
PIECES: Final = 20

_NOT_SUMMED: Final = ("platform", "network_type", "code", "lasted", "ended_at")
_OF_OUTAGES: Final[tuple[ColumnElement[Any], ...]] = (
    outages.c.cause,
    outages.c.outcome,
    outages.c.closing_code.label("code"),
    outages.c.downtime_ms,
)


def conditions(filters: ExploreFilters) -> list[ColumnElement[bool]]:
    """The filters that are about the outage itself."""
    found: list[ColumnElement[bool]] = []
    for column, values in ((outages.c.cause, filters.cause), (outages.c.outcome, filters.outcome)):
        if values:
            found.append(_one_of(column, [value for value in values if value], none="" in values))
    if filters.code:
        codes = [int(value) for value in filters.code if value]
        found.append(_one_of(outages.c.closing_code, codes, none="" in filters.code))
    lasted = outages.c.downtime_ms
    if filters.lasted:
        found.append(or_(*(and_(lasted >= least, lasted < beyond) for least, beyond in filters.lasted)))
    return found


def client_conditions(filters: ExploreFilters) -> list[ColumnElement[bool]]:
    """The filters that are about the session. The statement must join it."""
    told = ((sessions.c[name], getattr(filters, name)) for name in OF_CLIENTS)
    return [
        _one_of(column, [value for value in values if value], none="" in values) for column, values in told if values
    ]


def _ended(filters: ExploreFilters) -> list[ColumnElement[bool]]:
    """When it ended, by its session's corrected clock."""
    return matches(OutageFilters(ended_at=filters.ended_at))


def _one_of(column: ColumnElement[Any], values: list[Any], *, none: bool) -> ColumnElement[bool]:
    alternatives: list[ColumnElement[bool]] = [column.in_(values)] if values else []
    return or_(*alternatives, column.is_(None)) if none else alternatives[0]


def look(connection: Connection, span: Span, filters: ExploreFilters, looked_at_max: int = LOOKED_AT_MAX) -> Looked:
    """The outages of the span, or one in so many of them."""
    own = conditions(filters)
    there, by_outcome = _there(connection, span, filters)
    one_in = max(1, -(-there // looked_at_max))
    if one_in > SAMPLE_ONE_IN // 2:
        one_in = -(-one_in // SAMPLE_ONE_IN) * SAMPLE_ONE_IN
        own.append(InSample())
    if one_in > 1:
        own.append(Spread() % one_in == 0)
    of_client = [sessions.c[name] for name in OF_CLIENTS]
    rows = connection.execute(
        select(*of_client, *_OF_OUTAGES, OPENED.label("opened"))
        .join_from(outages, sessions, sessions.c.session_id == outages.c.session_id)
        .where(opened_in(span), *own, *_ended(filters), *client_conditions(filters))
    ).all()
    columns: list[tuple[Any, ...]] = [*zip(*rows, strict=True)] or [()] * (len(EXPLORED_BY) + 2)
    *values, downtime_ms, opened_us = columns
    return Looked(one_in, dict(zip(EXPLORED_BY, values, strict=True)), opened_us, downtime_ms, by_outcome)


def _there(connection: Connection, span: Span, filters: ExploreFilters) -> tuple[int, Counter[Outcome] | None]:
    """How many outages there are to look at: of the whole minutes of the span, where sums say it; else by outcome.

    Where it is known of exactly those that pass all filters, by outcome is not None.
    """
    anybody = replace(filters, **dict.fromkeys(OF_CLIENTS, ()))
    if filters.ended_at:
        found = _counted(connection, span, filters)
        return found.total(), found
    if filters.code or filters.lasted:
        found = _counted(connection, span, anybody)
        return found.total(), found if anybody == filters else None
    return _sums(connection, minutes(span), anybody, NO_STEP).total(), None


def explore(
    connection: Connection, span: Span, filters: ExploreFilters, bucket_us: int, looked_at_max: int, now_us: int
) -> Explored:
    """Outages that began in the span, counted in every way. `bucket_us` is the length of a stretch of the trend."""
    looked = look(connection, span, filters, looked_at_max)
    completeness = told_of(connection, span, filters, now_us)
    summed = None
    if looked.one_in > 1:
        known = looked.by_outcome
        summed = _summed(connection, span, filters, bucket_us) if known is None else Summed(known, None)
    return explored(looked, span, bucket_us, _fleet(connection, span, filters), completeness, summed)


def _summed(connection: Connection, span: Span, filters: ExploreFilters, bucket_us: int) -> Summed | None:
    """What sums say of the outages; of minutes that the span has not whole, the outages themselves. None: nothing."""
    if any(getattr(filters, name) for name in _NOT_SUMMED):
        return None
    if span == minutes(span) and bucket_us % MINUTE_US == 0:
        trend = _sums(connection, span, filters, bucket_us // MINUTE_US)
        return Summed(_by_outcome(trend), trend)
    first, last = -(-span.since_us // MINUTE_US) * MINUTE_US, span.until_us // MINUTE_US * MINUTE_US
    if first >= last:
        return Summed(_counted(connection, span, filters), None)
    found = _by_outcome(_sums(connection, Span(first, last), filters, NO_STEP))
    for edge in (Span(span.since_us, first), Span(last, span.until_us)):
        found += _counted(connection, edge, filters)
    return Summed(found, None)


def _by_outcome(trend: Counter[tuple[int, Outcome]]) -> Counter[Outcome]:
    found = Counter[Outcome]()
    for (_, outcome), count in trend.items():
        found[outcome] += count
    return found


def _sums(connection: Connection, span: Span, filters: ExploreFilters, step: int) -> Counter[tuple[int, Outcome]]:
    """Outages by stretches of so many minutes, and by outcome."""
    those = facts(connection, "outage", span, filters.who(), step=step)
    bucket = (those.minute - those.minute % step if step else literal(0)).label("bucket")
    outcome, n = those.columns["outcome"].label("became"), func.sum(those.n)
    words = ((those.columns[name], getattr(filters, name)) for name in ("cause", "outcome"))
    rows = connection.execute(
        select(bucket, outcome, n)
        .select_from(those.source)
        .where(*those.conditions, *(column.in_(values) for column, values in words if values))
        .group_by("bucket", "became")
        .having(n > 0)
    )
    # Of outages that were gone when the store was upgraded nobody knows what became of them: no list has them.
    return Counter({(at * MINUTE_US, became): int(count) for at, became, count in rows if became in OUTCOMES})


def _counted(connection: Connection, span: Span, filters: ExploreFilters) -> Counter[Outcome]:
    """Outages by outcome, one by one; sessions are looked at only where a filter is about them."""
    of_sessions = [*_ended(filters), *client_conditions(filters)]
    joined = outages.join(sessions, sessions.c.session_id == outages.c.session_id)
    rows = connection.execute(
        select(outages.c.outcome, func.count())
        .select_from(joined if of_sessions else outages)
        .where(opened_in(span), *conditions(filters), *of_sessions)
        .group_by(outages.c.outcome)
    )
    return Counter({outcome: int(count) for outcome, count in rows})


def time_to_reconnect(connection: Connection, span: Span, filters: ExploreFilters, now_us: int) -> TimeToReconnect:
    """How long outages lasted that began in the span."""
    return lasted(look(connection, span, filters), span, told_of(connection, span, filters, now_us))


def told_of(connection: Connection, span: Span, filters: ExploreFilters, now_us: int) -> Completeness:
    """How complete the sessions are that began in the span: of a thousand, taken evenly over the time."""
    began = sessions.c.first_append_at
    names = ("first_append_at", "last_append_at", "received_to", "received_more", "lost", "fate")
    edges = [span.since_us + (span.until_us - span.since_us) * place // PIECES for place in range(PIECES + 1)]
    pieces = [
        select(*(sessions.c[name] for name in names))
        .where(began >= bounded(since_us), began < bounded(until_us), *client_conditions(filters))
        .order_by(began)
        .limit(SESSIONS_MAX // PIECES)
        .subquery()
        for since_us, until_us in pairwise(edges)
    ]
    rows = connection.execute(union_all(*(select(piece) for piece in pieces))).all()
    return of_rows(connection, rows, now_us)


def _fleet(connection: Connection, span: Span, filters: ExploreFilters) -> Fleet:
    """What the whole fleet is made of, by sums over some minutes of the span: see MINUTES_MAX."""
    whole = minutes(span)
    first, beyond = whole.since_us // MINUTE_US, whole.until_us // MINUTE_US
    some = range(first, beyond, -(-(beyond - first) // MINUTES_MAX))
    fleet: Fleet = {name: Counter() for name in EXPLORED_BY}
    kinds = {"started": DIMENSIONS} | ({"outage_ended": ("cause", "outcome", "code")} if filters.any else {})
    for kind, names in kinds.items():
        by = [rollups.c[name] for name in names]
        rows = connection.execute(
            select(*by, func.sum(rollups.c.n)).where(rollups.c.minute.in_(some), rollups.c.kind == kind).group_by(*by)
        )
        for *values, n in rows:
            for name, value in zip(names, values, strict=True):
                fleet[name]["" if value == NO_CODE else str(value)] += int(n)
    return fleet
