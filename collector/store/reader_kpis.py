"""The figures of a stretch of time, each with its numerator and denominator.

What is a count or a ratio of counts comes from the rollups, so that it equals what Prometheus counted of the same
events. What rollups cannot tell (flaps, first attempts, who is affected, the distributions) is asked of sessions and
outages; outages are then those that opened in the span.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, distinct, func, or_, select

from collector.store.completeness import of_span
from collector.store.questions import Span, Who
from collector.store.reader_outages import OPENED
from collector.store.reader_rollups import DROPS, STRICT, Count, counts, minutes
from collector.store.reading import ENDED, JOINED, bounded, matches, may_tell_of, moment, nearest_ranks, told, within
from collector.store.tables import outages, sessions
from collector.store.views import Distribution, Kpi, Kpis

FLAP_MS: Final = 10_000
FULL_TOKEN_S: Final = 86_400
TOKEN_WINDOW_US: Final = 3_600_000_000
MS_PER_HOUR: Final = 3_600_000
PERCENTS: Final = (50, 95, 99)

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
}


def kpis(connection: Connection, asked: Span, who: Who, now_us: int) -> Kpis:
    """Every figure that the tables can answer."""
    span = minutes(asked)
    ratios = from_counts(counts(connection, span, who))
    ratios |= _of_outages(connection, span, who)
    ratios |= _affected(connection, span, who)
    ratios |= _tokens(connection, span, who, now_us)
    return Kpis(
        since=moment(span.since_us),
        until=moment(span.until_us),
        kpis={name: _kpi(name, *ratios[name]) for name in DEFINITIONS},
        distributions={
            "time_to_reconnect": _downtime(
                connection, span, who, [outages.c.outcome == "recovered"], "downtime of recovered outages"
            ),
            "downtime": _downtime(
                connection, span, who, [outages.c.outcome != "open"], "downtime of all outages that ended"
            ),
        },
        completeness=of_span(connection, span, who, now_us),
    )


def from_counts(told_counts: Iterable[Count]) -> dict[str, tuple[float, float]]:
    """The figures that the rollups answer, as numerator and denominator. Pure."""
    rows = tuple(told_counts)
    started = _n(rows, "started")
    joined = _n(rows, "joined")
    cancelled = sum(row.n for row in rows if row.kind == "ended" and row.fate == "not_joined" and not row.coded)
    ended = [row for row in rows if row.kind == "ended" and row.fate != "not_joined"]
    ended_n = sum(row.n for row in ended)
    drops = sum(row.n for row in ended if row.fate in DROPS)
    connected_ms, reconnecting_ms = sum(row.a for row in ended), sum(row.b for row in ended)
    outcomes = {
        word: sum(row.n for row in rows if row.kind == "outage_ended" and row.outcome == word) for word in STRICT
    }
    recovered, abandoned = outcomes["recovered"], outcomes["abandoned"]
    settled = sum(outcomes.values())
    return {
        "join_success": (joined, started - cancelled),
        "drop_rate": (drops, joined),
        "drop_free_sessions": (ended_n - drops, ended_n),
        "reconnect_incidence": (_n(rows, "outage"), connected_ms / MS_PER_HOUR),
        "reconnect_success_strict": (recovered, settled),
        "reconnect_success_lenient": (recovered, settled - abandoned),
        "abandonment": (abandoned, settled),
        "time_reconnecting": (3600 * reconnecting_ms / 1000, (connected_ms + reconnecting_ms) / 1000),
        "availability": (connected_ms / 1000, (connected_ms + reconnecting_ms) / 1000),
    }


def _n(rows: Sequence[Count], kind: str) -> int:
    return sum(row.n for row in rows if row.kind == kind)


def _kpi(name: str, numerator: float, denominator: float) -> Kpi:
    unit, definition = DEFINITIONS[name]
    value = numerator / denominator if denominator > 0 else None
    return Kpi(value=value, numerator=numerator, denominator=denominator, unit=unit, definition=definition)


def _of_outages(connection: Connection, span: Span, who: Who) -> dict[str, tuple[float, float]]:
    driven = sessions.c.policy.is_distinct_from("observed")
    over, recovered = outages.c.outcome != "open", outages.c.outcome == "recovered"
    row = connection.execute(
        select(
            func.count().label("opened"),
            _count_if(outages.c.since_previous_ms < FLAP_MS).label("flaps"),
            _count_if(and_(driven, over)).label("driven"),
            func.coalesce(func.sum(case((and_(driven, over), outages.c.attempts), else_=0)), 0).label("attempts"),
            _count_if(and_(driven, recovered)).label("recovered"),
            _count_if(and_(driven, recovered, outages.c.attempts == 1)).label("at_first"),
        )
        .join(sessions, sessions.c.session_id == outages.c.session_id)
        .where(within(OPENED, span), may_tell_of(span), *matches(who))
    ).one()
    return {
        "flaps": (int(row.flaps), row.opened),
        "attempts_per_outage": (int(row.attempts), int(row.driven)),
        "recovered_at_first_attempt": (int(row.at_first), int(row.recovered)),
    }


def _affected(connection: Connection, span: Span, who: Who) -> dict[str, tuple[float, float]]:
    with_outage = connection.execute(
        select(func.count(distinct(outages.c.session_id)))
        .join(sessions, sessions.c.session_id == outages.c.session_id)
        .where(within(OPENED, span), may_tell_of(span), *matches(who))
    ).scalar_one()
    there = connection.execute(
        select(func.count()).where(
            may_tell_of(span),
            span.until_us > JOINED,
            or_(sessions.c.ended_at.is_(None), span.since_us <= ENDED),
            *matches(who),
        )
    ).scalar_one()
    return {"sessions_affected": (int(with_outage), max(int(there), int(with_outage)))}


def _tokens(connection: Connection, span: Span, who: Who, now_us: int) -> dict[str, tuple[float, float]]:
    expires = sessions.c.token_expires_at
    live = connection.execute(
        select(_count_if(expires < bounded(now_us + TOKEN_WINDOW_US)), func.count()).where(
            sessions.c.fate == "live", expires.is_not(None), *matches(who)
        )
    ).one()
    joined = connection.execute(
        select(_count_if(sessions.c.token_ttl_s < FULL_TOKEN_S), func.count()).where(
            may_tell_of(span),
            within(told(sessions.c.joined_at), span),
            sessions.c.token_ttl_s.is_not(None),
            *matches(who),
        )
    ).one()
    return {"token_risk": (int(live[0]), live[1]), "short_tokens": (int(joined[0]), joined[1])}


def _downtime(
    connection: Connection, span: Span, who: Who, conditions: Sequence[ColumnElement[bool]], definition: str
) -> Distribution:
    """Percentiles by the nearest rank: values that really occurred, the same from both databases."""
    ordered: Any = (
        select(
            outages.c.downtime_ms.label("ms"),
            func.row_number().over(order_by=outages.c.downtime_ms).label("rank"),
            func.count().over().label("n"),
        )
        .join(sessions, sessions.c.session_id == outages.c.session_id)
        .where(within(OPENED, span), may_tell_of(span), *conditions, *matches(who))
        .subquery()
    )
    ranks = nearest_ranks(ordered.c.n, PERCENTS)
    rows = connection.execute(
        select(ordered.c.rank, ordered.c.ms, ordered.c.n).where(or_(*(ordered.c.rank == rank for rank in ranks)))
    ).all()
    total = rows[0].n if rows else 0
    at_rank = {row.rank: row.ms for row in rows}
    p50, p95, p99 = (at_rank.get((total * percent + 99) // 100) for percent in PERCENTS)
    return Distribution(count=total, p50=p50, p95=p95, p99=p99, unit="ms", definition=definition)


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
