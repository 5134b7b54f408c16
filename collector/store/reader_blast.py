"""How far trouble spread: the ten seconds in which the most participants of a room, region or version lost connection.

A cause at a participant's home hits one; a cause in a room, a region or a release hits many at once, and the rest not.
So each widest stretch stands beside what happened to everybody else in the same ten seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, or_, select

from collector.store.completeness import of_span
from collector.store.questions import Span, Spread, Who
from collector.store.reading import ENDED, JOINED, OPENED, matches, may_tell_of, moment, opened_in
from collector.store.shares import interval
from collector.store.tables import outages, sessions
from collector.store.views import Blast, BlastRadius

STRETCH_US: Final = 10_000_000
OUTAGES_MAX: Final = 50_000
ITEMS_MAX: Final = 10
AFFECTED_MIN: Final = 2
"""One participant alone is no blast."""


class Opened(NamedTuple):
    """An outage that opened: when, whose, by a number, and the room, region or version it is counted to."""

    at_us: int
    session: int
    value: str | None


class Widest(NamedTuple):
    """The stretch in which the most sessions of a value lost connection."""

    affected: int
    at_us: int
    value: str | None


def blast_radius(connection: Connection, span: Span, who: Who, by: Spread, now_us: int) -> BlastRadius:
    """The widest stretch of each room, region or version; the widest first."""
    rows = connection.execute(
        select(OPENED.label("at_us"), outages.c.session_id, sessions.c[by].label("value"))
        .join(sessions, sessions.c.session_id == outages.c.session_id)
        .where(opened_in(span), *matches(who))
        .order_by(outages.c.opened_at.desc())
        .limit(OUTAGES_MAX + 1)
    ).all()
    # Numbers, since an id takes many times as long to look up.
    numbers: dict[UUID, int] = {}
    opened = [
        Opened(at_us, numbers.setdefault(session_id, len(numbers)), value)
        for at_us, session_id, value in reversed(rows[:OUTAGES_MAX])
    ]
    widest = [one for one in widest_stretches(opened) if one.affected >= AFFECTED_MIN][:ITEMS_MAX]
    return BlastRadius(
        since=moment(span.since_us),
        until=moment(span.until_us),
        by=by,
        items=tuple(_blast(connection, one, opened, who, by) for one in widest),
        truncated=len(rows) > OUTAGES_MAX,
        completeness=of_span(connection, span, who, now_us),
    )


def widest_stretches(opened: Sequence[Opened]) -> list[Widest]:
    """Of each value the stretch with the most sessions, the earliest of equals. Pure; `opened` is in order of time."""
    by_value: dict[str | None, list[Opened]] = defaultdict(list)
    for one in opened:
        by_value[one.value].append(one)
    widest = [_widest(its) for its in by_value.values()]
    return sorted(widest, key=lambda one: (-one.affected, one.at_us, one.value or ""))


def _widest(its: Sequence[Opened]) -> Widest:
    inside: Counter[int] = Counter()
    best, first = Widest(0, 0, None), 0
    for last in its:
        inside[last.session] += 1
        while its[first].at_us <= last.at_us - STRETCH_US:
            gone = its[first].session
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            first += 1
        if len(inside) > best.affected:
            best = Widest(len(inside), its[first].at_us, last.value)
    return best


def _blast(connection: Connection, widest: Widest, opened: Sequence[Opened], who: Who, by: Spread) -> Blast:
    moments = [one.at_us for one in opened]
    begin, end = bisect_left(moments, widest.at_us), bisect_left(moments, widest.at_us + STRETCH_US)
    rest = {one.session for one in opened[begin:end] if one.value != widest.value}
    value = sessions.c[by]
    rows = connection.execute(
        select(value.label("value"), func.count().label("n"))
        .where(
            may_tell_of(Span(widest.at_us, widest.at_us)),
            widest.at_us >= JOINED,
            or_(sessions.c.ended_at.is_(None), widest.at_us <= ENDED),
            *matches(who),
        )
        .group_by(value)
    )
    there = {row.value: row.n for row in rows}
    connected = max(there.pop(widest.value, 0), widest.affected)
    others = max(sum(there.values()), len(rest))
    low, high = interval(widest.affected, connected) or (0.0, 1.0)
    rest_low, rest_high = interval(len(rest), others) or (None, None)
    return Blast(
        value=widest.value,
        at=moment(widest.at_us),
        affected=widest.affected,
        connected=connected,
        share=widest.affected / connected,
        share_low=low,
        share_high=high,
        rest_affected=len(rest),
        rest_connected=others,
        rest_share=len(rest) / others if others else None,
        rest_share_low=rest_low,
        rest_share_high=rest_high,
    )
