"""How much of what was sent has reached the store: what every answer says of itself.

For a list or a room it is about the sessions in the answer; for figures about a stretch of time, about the sessions
that the broker heard of in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, case, func, or_, select

from collector.store.questions import Span, Who
from collector.store.reading import AnyRow, bounded, heard_of, matches, received, shown
from collector.store.tables import dead_letters, sessions
from collector.store.views import Completeness

ODD_SESSIONS_MAX: Final = 10_000
"""Sessions with gaps or losses that one answer looks into; beyond that the store has other troubles."""


def of_rows(connection: Connection, rows: Sequence[AnyRow], now_us: int) -> Completeness:
    """Of these rows of sessions."""
    pairs = [received(row) for row in rows]
    newest = max((row.last_append_at for row in rows), default=None)
    oldest = min((row.first_append_at for row in rows), default=None)
    refused = 0 if newest is None or oldest is None else _refused(connection, Span(oldest, max(newest, now_us)))
    return _completeness(
        sessions=len(rows),
        held=sum(held for held, _ in pairs),
        expected=sum(expected for _, expected in pairs),
        gaps=sum(held < expected for held, expected in pairs),
        dropped=sum(dropped_by_client(row.lost) for row in rows),
        silent=sum(row.fate == "lost" for row in rows),
        refused=refused,
        newest=newest,
        now_us=now_us,
    )


def of_span(connection: Connection, span: Span, who: Who, now_us: int) -> Completeness:
    """Of the sessions that the broker heard of in the span."""
    conditions = [heard_of(span), *matches(who)]
    whole = case((sessions.c.received_more.is_(None), sessions.c.received_to), else_=0)
    silent = case((sessions.c.fate == "lost", 1), else_=0)
    sums = connection.execute(
        select(
            func.count().label("sessions"),
            func.coalesce(func.sum(whole), 0).label("held"),
            func.coalesce(func.sum(silent), 0).label("silent"),
            func.max(sessions.c.last_append_at).label("newest"),
        ).where(*conditions)
    ).one()
    odd = connection.execute(
        select(sessions.c.received_to, sessions.c.received_more, sessions.c.lost)
        .where(*conditions, or_(sessions.c.received_more.is_not(None), sessions.c.lost.is_not(None)))
        .limit(ODD_SESSIONS_MAX)
    ).all()
    pairs = [received(row) for row in odd if row.received_more is not None]
    return _completeness(
        sessions=sums.sessions,
        held=int(sums.held) + sum(held for held, _ in pairs),
        expected=int(sums.held) + sum(expected for _, expected in pairs),
        gaps=sum(held < expected for held, expected in pairs),
        dropped=sum(dropped_by_client(row.lost) for row in odd),
        silent=int(sums.silent),
        refused=_refused(connection, span),
        newest=sums.newest,
        now_us=now_us,
    )


def dropped_by_client(lost: str | None) -> int:
    """How many events the session's outbox says it had to drop: `lost` as it is stored."""
    if not lost:
        return 0
    return sum(sum(counts.values()) for counts in msgspec.json.decode(lost, type=dict[str, dict[str, int]]).values())


def _refused(connection: Connection, span: Span) -> int:
    stored = dead_letters.c.stored_at
    statement = select(func.count()).where(stored >= bounded(span.since_us), stored < bounded(span.until_us))
    return int(connection.execute(statement).scalar_one())


def _completeness(
    *,
    sessions: int,
    held: int,
    expected: int,
    gaps: int,
    dropped: int,
    silent: int,
    refused: int,
    newest: int | None,
    now_us: int,
) -> Completeness:
    return Completeness(
        sessions=sessions,
        events_received=held,
        events_expected=expected,
        share=held / expected if expected else None,
        sessions_with_gaps=gaps,
        events_dropped_by_clients=dropped,
        silent_sessions=silent,
        dead_letters=refused,
        newest_append_at=shown(newest),
        age_s=None if newest is None else max(0, now_us - newest) / 1_000_000,
    )
