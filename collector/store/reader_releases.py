"""Whether a release is worse: each version beside everybody else in the same quarters of an hour.

All of it comes from the rollups of the range, in two passes by their key: what each version counted and from which to
which quarter it was seen, and what all counted in each quarter. All that a version counted lies between its first and
its last, so the rest is what all counted there, less its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from collector.store.completeness import of_span
from collector.store.questions import Span, Who
from collector.store.reader_rollups import DROPS, NO_CODE, STRICT
from collector.store.reading import MINUTE_US, matches_sums, minutes, moment
from collector.store.rolled import Rolled, rolled
from collector.store.shares import Share, difference_interval, holm, interval, p_value
from collector.store.views_releases import Measure, Release, ReleaseDimension, Releases, Verdict

QUARTER: Final = 15
"""Minutes within which it is not asked when a version was seen."""
RELEASES_MAX: Final = 50
SESSIONS_MIN: Final = 20
"""Fewer are one room or two, whose sessions fail together: nothing is said of them."""
HIDDEN_MAX: Final = 0.05
"""Where a greater difference may hide in so few, "no difference found" would promise too much."""
SURE: Final = 0.05
MEASURES: Final = ("drop_free", "reconnected", "joined")


class Pair(NamedTuple):
    """What went well of what could, of one release and of the rest."""

    ours: Share
    rest: Share


@dataclass(frozen=True, slots=True)
class Seen:
    """A version in a range: from which to which minute, and (good, of) of each measure, of it and of the rest."""

    value: str
    first: int
    last: int
    pairs: tuple[Pair, Pair, Pair]


def releases(connection: Connection, asked: Span, who: Who, by: ReleaseDimension, now_us: int) -> Releases:
    """The versions with the most sessions in the range, the newest first, each with a verdict."""
    span = minutes(asked)
    told = rolled(connection, span, QUARTER)
    value, quarter = told.c[by].label("value"), (told.c.minute - told.c.minute % QUARTER).label("quarter")
    by_quarter = _counted(told, who, value, quarter).group_by("value", "quarter").subquery()
    seen = case((by_quarter.c.seen > 0, by_quarter.c.quarter))
    sums = [func.sum(by_quarter.c[name]).label(name) for name in _SUMS]
    rows = connection.execute(
        select(
            by_quarter.c.value,
            func.min(seen).label("first"),
            func.max(seen).label("last"),
            func.count().over().label("versions"),
            *sums,
        )
        .group_by(by_quarter.c.value)
        .having(func.max(seen).is_not(None))
        .order_by(*(func.sum(by_quarter.c[name]).desc() for name in ("drop_free_of", "joined_of")), by_quarter.c.value)
        .limit(RELEASES_MAX)
    ).all()
    there = _There(connection.execute(_counted(told, who, quarter).group_by("quarter").order_by("quarter")).all())
    found = [_seen(row, there.between(row.first, row.last)) for row in rows]
    return Releases(
        since=moment(span.since_us),
        until=moment(span.until_us),
        by=by,
        items=judged(found),
        left_out=rows[0].versions - len(rows) if rows else 0,
        completeness=of_span(connection, span, who, now_us),
    )


def judged(found: Sequence[Seen]) -> tuple[Release, ...]:
    """Verdicts on all of them together, the newest first. Pure."""
    asked = [(one, place) for one in found for place in range(len(MEASURES)) if _enough(one.pairs[place])]
    chances = holm([p_value(*one.pairs[place]) for one, place in asked])
    adjusted = {(one.value, place): chance for (one, place), chance in zip(asked, chances, strict=True)}
    ordered = sorted(found, key=lambda one: (-one.first, -one.pairs[0].ours.of, one.value))
    return tuple(_release(one, [adjusted.get((one.value, place)) for place in range(len(MEASURES))]) for one in ordered)


def verdict_of(pair: Pair, adjusted: float | None) -> Verdict:
    """What may be said of one measure: see docs/sureness.md. Pure."""
    apart = difference_interval(*pair)
    if adjusted is None or apart is None:
        return "too_few"
    if adjusted < SURE:
        return "worse" if pair.ours.part * pair.rest.of < pair.rest.part * pair.ours.of else "better"
    return "too_few" if max(-apart[0], apart[1]) > HIDDEN_MAX else "no_difference_found"


def of_all(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a release by those on its measures; where none parts it from the rest, that on the first. Pure."""
    told = tuple(verdicts)
    return next((word for word in ("worse", "better") if word in told), told[0])


class _There:
    """What all counted, summed up from the first quarter on."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._quarters = [row.quarter for row in rows]
        self._sums = [list(accumulate((int(getattr(row, name)) for row in rows), initial=0)) for name in _SUMS]

    def between(self, first: int, last: int) -> list[int]:
        """Of these quarters, both included."""
        begin, end = bisect_left(self._quarters, first), bisect_right(self._quarters, last)
        return [sums[end] - sums[begin] for sums in self._sums]


def _seen(row: Any, there: Sequence[int]) -> Seen:
    ours = [int(getattr(row, name)) for name in _SUMS]
    rest = [all_of - own for all_of, own in zip(there, ours, strict=True)]
    drops, joins, back = (
        Pair(Share(ours[place], ours[place + 1]), Share(rest[place], rest[place + 1])) for place in (0, 2, 4)
    )
    return Seen(row.value, row.first, row.last, (drops, joins, back))


def _enough(pair: Pair) -> bool:
    return min(pair.ours.of, pair.rest.of) >= SESSIONS_MIN


def _release(one: Seen, adjusted: Sequence[float | None]) -> Release:
    drop_free, reconnected, joined = (_measure(*both) for both in zip(one.pairs, adjusted, strict=True))
    return Release(
        value=one.value or None,
        first_seen=moment(one.first * MINUTE_US),
        last_seen=moment(one.last * MINUTE_US),
        sessions=drop_free.of,
        verdict=of_all((drop_free.verdict, reconnected.verdict, joined.verdict)),
        drop_free=drop_free,
        reconnected=reconnected,
        joined=joined,
    )


def _measure(pair: Pair, adjusted: float | None) -> Measure:
    ours, rest = pair
    (low, high), (rest_low, rest_high) = (interval(*one) or (None, None) for one in pair)
    apart = difference_interval(ours, rest)
    share, rest_share = (one.part / one.of if one.of else None for one in pair)
    return Measure(
        good=ours.part,
        of=ours.of,
        share=share,
        low=low,
        high=high,
        rest_good=rest.part,
        rest_of=rest.of,
        rest_share=rest_share,
        rest_low=rest_low,
        rest_high=rest_high,
        difference=None if share is None or rest_share is None else share - rest_share,
        difference_low=None if apart is None else apart[0],
        difference_high=None if apart is None else apart[1],
        adjusted_p=adjusted,
        verdict=verdict_of(pair, adjusted),
    )


def _counted(told: Rolled, who: Who, *columns: ColumnElement[Any]) -> Any:
    of = told.c
    left, failed = and_(of.kind == "ended", of.fate != "not_joined"), and_(of.kind == "ended", of.fate == "not_joined")
    over, joined = and_(of.kind == "outage_ended", of.outcome.in_(STRICT)), of.kind == "joined"
    conditions = (
        and_(left, of.fate.not_in(DROPS)),
        left,
        and_(over, of.outcome == "recovered"),
        over,
        joined,
        or_(joined, and_(failed, of.code != NO_CODE)),
    )
    sums = [
        func.sum(case((condition, of.n), else_=0)).label(name)
        for name, condition in zip(_SUMS, conditions, strict=True)
    ]
    return select(*columns, func.sum(of.n).label("seen"), *sums).where(*told.within, *matches_sums(who, of))


_SUMS: Final = ("drop_free", "drop_free_of", "reconnected", "reconnected_of", "joined", "joined_of")
