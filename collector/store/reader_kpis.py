"""The figures of a stretch of time, each with its numerator and denominator.

What is a count or a ratio of counts comes from the rollups, so that it equals what Prometheus counted of the same
events. What rollups cannot tell (who is affected, the distributions) is asked of outages, of those that opened in the
span.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from collector.store.completeness import of_span
from collector.store.facts import counts_of
from collector.store.living import living
from collector.store.questions import Span, Who
from collector.store.ranks import at_rank, rank_of
from collector.store.reader_delays import delays, rank_ms
from collector.store.reader_rollups import DROPS, STRICT, Count, counts
from collector.store.reading import (
    ENDED,
    JOINED,
    bounded,
    ended_in,
    in_rollups,
    matches,
    may_tell_of,
    minutes,
    moment,
    opened_in,
    outages_of,
)
from collector.store.retention import DAY_US
from collector.store.shares import Share, difference_interval, interval
from collector.store.tables import outages, sessions
from collector.store.views import Completeness
from collector.store.views_kpis import (
    ComparedDistribution,
    ComparedKpi,
    ComparedRange,
    Distribution,
    Kpi,
    Kpis,
)

TOKEN_WINDOW_US: Final = 3_600_000_000
MS_PER_HOUR: Final = 3_600_000
PERCENTS: Final = (50, 95, 99)
DOWNTIMES: Final = {
    "time_to_reconnect": "downtime of recovered outages",
    "downtime": "downtime of all outages that ended",
}

DEFINITIONS: Final[dict[str, tuple[str, str]]] = {
    "join_success": ("share", "joined / (connecting - cancelled)"),
    "drop_rate": ("share", "ended dropped, abandoned or lost / joined"),
    "drop_free_sessions": ("share", "1 - ended dropped, abandoned or lost / ended, joins that failed left out"),
    "reconnect_incidence": ("outages per connected hour", "outages opened / connected hours of sessions that ended"),
    "sessions_affected": ("share", "sessions with an outage opened in the time / sessions in a room in the time"),
    "reconnect_success_strict": ("share", "recovered / (recovered + failed + abandoned + lost)"),
    "reconnect_success_lenient": ("share", "recovered / (recovered + failed + lost)"),
    "abandonment": ("share", "abandoned / (recovered + failed + abandoned + lost)"),
    "flaps": ("share", "outages that began within 10 s of the end of the one before / outages"),
    "time_reconnecting": (
        "seconds per session-hour",
        "3600 x reconnecting / (connected + reconnecting), ended sessions",
    ),
    "availability": ("share", "connected / (connected + reconnecting), ended sessions"),
    "attempts_per_outage": ("attempts", "attempts / outages that ended, where the session core drives"),
    "recovered_at_first_attempt": ("share", "recovered with one attempt / recovered, where the session core drives"),
    "token_risk": ("share", "live sessions whose token expires within the hour / live sessions with a token told"),
    "short_tokens": ("share", "sessions joined with a token made for less than 24 h / joined with a token told"),
    "telemetry_completeness": ("share", "sequence numbers received / (greatest one + 1), summed over sessions"),
}
NO_SAMPLES: Final = frozenset({"availability", "telemetry_completeness"})
"""Shares of time, or of all there is to know: chance is not what parts them."""
SHARES: Final = frozenset(name for name, (unit, _) in DEFINITIONS.items() if unit == "share") - NO_SAMPLES
OF_NOW: Final = frozenset({"token_risk"})
"""Figures of the moment at which they are asked for, whatever the range: there is no other to compare with."""


class Figures(NamedTuple):
    """All figures of one stretch of time: numerators and denominators, distributions, completeness."""

    ratios: dict[str, tuple[float, float]]
    distributions: dict[str, Distribution]
    completeness: Completeness


def kpis(connection: Connection, asked: Span, who: Who, compare: Span | None, now_us: int) -> Kpis:
    """Every figure that the tables can answer, beside those of the span to `compare` with."""
    span = minutes(asked)
    figures = _figures(connection, span, who, now_us)
    other_span = None if compare is None else minutes(compare)
    other = None if other_span is None else _figures(connection, other_span, who, now_us)
    return Kpis(
        since=moment(span.since_us),
        until=moment(span.until_us),
        kpis={name: _kpi(name, figures, other) for name in DEFINITIONS},
        distributions={
            name: one.model_copy(update={"compared": None if other is None else _beside(other.distributions[name])})
            for name, one in figures.distributions.items()
        },
        compared=None
        if other is None or other_span is None
        else ComparedRange(
            since=moment(other_span.since_us), until=moment(other_span.until_us), completeness=other.completeness
        ),
        completeness=figures.completeness,
    )


def _figures(connection: Connection, span: Span, who: Who, now_us: int) -> Figures:
    completeness = of_span(connection, span, who, now_us)
    told = counts_of(connection, span, who)
    ratios = from_counts(told)
    ratios |= _affected(connection, span, who, told, now_us)
    ratios |= _tokens(connection, who, now_us)
    ratios["telemetry_completeness"] = (completeness.events_received, completeness.events_expected)
    distributions = {**_downtimes(connection, span, who), **_freshness(connection, span, who)}
    return Figures(ratios, distributions, completeness)


def from_counts(told_counts: Iterable[Count]) -> dict[str, tuple[float, float]]:
    """The figures that the rollups answer, as numerator and denominator. Pure."""
    rows = tuple(told_counts)
    started = _n(rows, "started")
    joined = _n(rows, "joined")
    cancelled = sum(row.n for row in rows if row.kind == "ended" and row.fate == "not_joined" and not row.coded)
    ended = [row for row in rows if row.kind == "ended" and row.fate != "not_joined"]
    ended_n = _ended(rows)
    drops = sum(row.n for row in ended if row.fate in DROPS)
    connected_ms, reconnecting_ms = sum(row.a for row in ended), sum(row.b for row in ended)
    over = [row for row in rows if row.kind == "outage_ended"]
    outcomes = {word: sum(row.n for row in over if row.outcome == word) for word in STRICT}
    recovered, abandoned = outcomes["recovered"], outcomes["abandoned"]
    at_first, driven_back = (
        sum(getattr(row, name) for row in over if row.outcome == "recovered") for name in ("d", "c")
    )
    joins = [row for row in rows if row.kind == "joined"]
    settled = sum(outcomes.values())
    return {
        "join_success": (joined, started - cancelled),
        "drop_rate": (drops, joined),
        "drop_free_sessions": (ended_n - drops, ended_n),
        "reconnect_incidence": (_n(rows, "outage"), connected_ms / MS_PER_HOUR),
        "reconnect_success_strict": (recovered, settled),
        "reconnect_success_lenient": (recovered, settled - abandoned),
        "abandonment": (abandoned, settled),
        "flaps": (sum(row.a for row in rows if row.kind == "outage"), _n(rows, "outage")),
        "attempts_per_outage": (sum(row.b for row in over), sum(row.c for row in over)),
        "recovered_at_first_attempt": (at_first, driven_back),
        "short_tokens": (sum(row.d for row in joins), sum(row.c for row in joins)),
        "time_reconnecting": (3600 * reconnecting_ms / 1000, (connected_ms + reconnecting_ms) / 1000),
        "availability": (connected_ms / 1000, (connected_ms + reconnecting_ms) / 1000),
    }


def _n(rows: Sequence[Count], kind: str) -> int:
    return sum(row.n for row in rows if row.kind == kind)


def _kpi(name: str, figures: Figures, other: Figures | None) -> Kpi:
    unit, definition = DEFINITIONS[name]
    numerator, denominator = figures.ratios[name]
    low, high = _interval(name, numerator, denominator)
    beside = None if other is None or name in OF_NOW else other.ratios[name]
    return Kpi(
        value=_value(numerator, denominator),
        numerator=numerator,
        denominator=denominator,
        low=low,
        high=high,
        unit=unit,
        definition=definition,
        compared=None if beside is None else compared(name, (numerator, denominator), beside),
    )


def compared(name: str, ours: tuple[float, float], theirs: tuple[float, float]) -> ComparedKpi:
    """One figure of two ranges, and how far they are apart. Pure."""
    value, its_value = _value(*ours), _value(*theirs)
    low, high = _interval(name, *theirs)
    apart = None
    if _interval(name, *ours)[0] is not None and low is not None:
        apart = difference_interval(Share(int(ours[0]), int(ours[1])), Share(int(theirs[0]), int(theirs[1])))
    return ComparedKpi(
        value=its_value,
        numerator=theirs[0],
        denominator=theirs[1],
        low=low,
        high=high,
        difference=None if value is None or its_value is None else value - its_value,
        difference_low=None if apart is None else apart[0],
        difference_high=None if apart is None else apart[1],
        more_than_chance=None if apart is None else not apart[0] <= 0 <= apart[1],
    )


def _beside(one: Distribution) -> ComparedDistribution:
    return ComparedDistribution(count=one.count, p50=one.p50, p95=one.p95, p99=one.p99)


def _value(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator > 0 else None


def _interval(name: str, numerator: float, denominator: float) -> tuple[float, float] | tuple[None, None]:
    """None where it is no share; and where it is none of these: more may have dropped in a time than joined in it."""
    if name not in SHARES or not 0 <= numerator <= denominator:
        return None, None
    return interval(int(numerator), int(denominator)) or (None, None)


def _affected(
    connection: Connection, span: Span, who: Who, rows: Sequence[Count], now_us: int
) -> dict[str, tuple[float, float]]:
    source, theirs = outages_of(who)
    hit = select(outages.c.session_id).select_from(source).where(opened_in(span), *theirs).distinct().subquery()
    with_outage = connection.execute(select(func.count()).select_from(hit)).scalar_one()
    there = _there(connection, span, who, rows, now_us)
    return {"sessions_affected": (with_outage, max(there, with_outage))}


def _there(connection: Connection, span: Span, who: Who, rows: Sequence[Count], now_us: int) -> int:
    """How many sessions were in a room at some time of the span.

    Those that ended in it, and those that were there at its end: who is there now, and who ended since, less who joined
    since. Who fell silent while connecting ended too, and was never in a room.
    """
    theirs, of = matches(who), sessions.c
    if not in_rollups(who):
        was_there = (span.until_us > JOINED, or_(of.ended_at.is_(None), span.since_us <= ENDED))
        return connection.execute(select(func.count()).where(may_tell_of(span), *was_there, *theirs)).scalar_one()
    after = Span(span.until_us, max(span.until_us, now_us) + DAY_US)
    since = counts(connection, after, who, kinds=("joined", "ended"))
    ever = Span(span.since_us, after.until_us)
    live = sum(one.n for one in living(connection, who) if one.fate == "live")
    never = connection.execute(
        select(func.count()).where(of.fate == "lost", JOINED.is_(None), ended_in(ever), *theirs)
    ).scalar_one()
    return _ended(rows) + live + _ended(since) - _n(since, "joined") - int(never)


def _ended(rows: Sequence[Count]) -> int:
    return sum(row.n for row in rows if row.kind == "ended" and row.fate != "not_joined")


def _tokens(connection: Connection, who: Who, now_us: int) -> dict[str, tuple[float, float]]:
    expires = sessions.c.token_expires_at
    live = connection.execute(
        select(_count_if(expires < bounded(now_us + TOKEN_WINDOW_US)), func.count()).where(
            sessions.c.fate == "live", expires.is_not(None), *matches(who)
        )
    ).one()
    return {"token_risk": (int(live[0]), live[1])}


def _downtimes(connection: Connection, span: Span, who: Who) -> dict[str, Distribution]:
    """How long outages took that opened in the span, in ms.

    Counted by the second, which puts nothing in order; then by the ms in those seconds that a percentile lies in.
    """
    second = outages.c.downtime_ms // 1000
    by_second = _counted(connection, span, who, second)
    ranks = {
        (name, percent): at_rank(counts, rank_of(counts.total(), percent))
        for name, counts in by_second.items()
        if counts
        for percent in PERCENTS
    }
    seconds = {at for at, _ in ranks.values()}
    by_ms = _counted(connection, span, who, outages.c.downtime_ms, second.in_(seconds)) if seconds else {}
    found = {
        (name, percent): at_rank({ms: n for ms, n in by_ms[name].items() if ms // 1000 == at}, rank)[0]
        for (name, percent), (at, rank) in ranks.items()
    }
    return {
        name: Distribution(
            count=by_second[name].total(),
            p50=found.get((name, 50)),
            p95=found.get((name, 95)),
            p99=found.get((name, 99)),
            unit="ms",
            definition=definition,
        )
        for name, definition in DOWNTIMES.items()
    }


def _counted(
    connection: Connection, span: Span, who: Who, value: ColumnElement[int], *only: ColumnElement[bool]
) -> dict[str, Counter[int]]:
    """Outages that are over by a value, those that recovered and all."""
    source, theirs = outages_of(who)
    back = case((outages.c.outcome == "recovered", 1), else_=0).label("back")
    rows = connection.execute(
        select(value.label("value"), back, func.count())
        .select_from(source)
        .where(opened_in(span), outages.c.outcome != "open", *theirs, *only)
        .group_by("value", "back")
    )
    recovered, ended = Counter[int](), Counter[int]()
    for at, is_back, n in rows:
        ended[int(at)] += n
        if is_back:
            recovered[int(at)] += n
    return {"time_to_reconnect": recovered, "downtime": ended}


def _freshness(connection: Connection, span: Span, who: Who) -> dict[str, Distribution]:
    took = delays(connection, span, who)
    return {
        name: Distribution(
            count=len(ordered),
            p50=rank_ms(ordered, 50),
            p95=rank_ms(ordered, 95),
            p99=rank_ms(ordered, 99),
            unit="ms",
            definition=definition,
        )
        for name, ordered, definition in (
            ("freshness", took.to_store, "from the broker to the store, events of the newest sessions that began then"),
            ("freshness_of_clients", took.to_broker, "from the client's corrected clock to the broker, same events"),
        )
    }


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
