"""How much of what was sent has reached the store: what every answer says of itself.

For a list or a room it is about the sessions in the answer; for figures about a stretch of time, about those that ended
in it and those that go on and were heard of in it. Of those that ended the rollups know what had come, so that a month
is answered as a minute is; what was lost is asked of the few sessions that something is lost of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from collector.store.living import WHOLE, going_on
from collector.store.questions import Span, Who
from collector.store.reading import (
    GOING_ON,
    ODD,
    AnyRow,
    bounded,
    in_rollups,
    matches,
    matches_sums,
    minutes,
    received,
    shown,
    told_in,
)
from collector.store.remembering import once
from collector.store.rolled import rolled
from collector.store.tables import dead_letters, sessions
from collector.store.views import Completeness

ODD_SESSIONS_MAX: Final = 10_000
"""Sessions with gaps or losses that one answer looks into; beyond that the store has other troubles."""

GAPPED: Final = sessions.c.received_more.is_not(None)
"""Beyond what was received without a gap there is more only where there is one."""


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
    """Of the sessions that ended in the span, widened to whole minutes, and of those that go on."""
    whole = minutes(span)
    question = ("completeness", whole, who, now_us)
    if in_rollups(who):
        return once(connection, question, lambda: _of_sums(connection, whole, who, now_us))
    theirs = matches(who)
    about, odd = ([told_in(whole, few), *theirs] for few in (None, ODD))
    return once(connection, question, lambda: _of(connection, about, odd, whole, now_us))


def of_matching(connection: Connection, conditions: Sequence[ColumnElement[bool]], now_us: int) -> Completeness:
    """Of the sessions that these conditions hold for; records refused count since the broker first heard of one."""
    return _of(connection, conditions, [*conditions, ODD], None, now_us)


def of_rooms(connection: Connection, room_sids: Sequence[str], now_us: int) -> Completeness:
    """Of all sessions of these rooms."""
    return of_matching(connection, [sessions.c.room_sid.in_(room_sids)], now_us)


def _of(
    connection: Connection,
    conditions: Sequence[ColumnElement[bool]],
    odd_among_them: Sequence[ColumnElement[bool]],
    refused_in: Span | None,
    now_us: int,
) -> Completeness:
    """Of the sessions that meet the conditions; records refused since the oldest of them where no span is named."""
    silent = case((sessions.c.fate == "lost", 1), else_=0)
    sums = connection.execute(
        select(
            func.count().label("sessions"),
            func.coalesce(func.sum(WHOLE), 0).label("held"),
            func.coalesce(func.sum(silent), 0).label("silent"),
            func.coalesce(func.sum(case((GAPPED, 1), else_=0)), 0).label("gaps"),
            func.max(sessions.c.last_append_at).label("newest"),
            func.min(sessions.c.first_append_at).label("oldest"),
        ).where(*conditions)
    ).one()
    odd = connection.execute(
        select(sessions.c.received_to, sessions.c.received_more, sessions.c.lost)
        .where(*odd_among_them)
        .limit(ODD_SESSIONS_MAX)
    ).all()
    pairs = [received(row) for row in odd if row.received_more is not None]
    if refused_in is None and sums.oldest is not None:
        refused_in = Span(sums.oldest, max(sums.newest, now_us))
    return _completeness(
        sessions=sums.sessions,
        held=int(sums.held) + sum(held for held, _ in pairs),
        expected=int(sums.held) + sum(expected for _, expected in pairs),
        gaps=int(sums.gaps),
        dropped=sum(dropped_by_client(row.lost) for row in odd),
        silent=int(sums.silent),
        refused=0 if refused_in is None else _refused(connection, refused_in),
        newest=sums.newest,
        now_us=now_us,
    )


def _of_sums(connection: Connection, span: Span, who: Who, now_us: int) -> Completeness:
    """The same of a span of whole minutes, where rollups keep what is asked for."""
    told = rolled(connection, span)
    sums = (told.c.n, told.c.c, told.c.d, case((told.c.fate == "lost", told.c.n), else_=0))
    ended = connection.execute(
        select(*(func.coalesce(func.sum(one), 0) for one in sums)).where(
            told.c.kind == "ended", *told.within, *matches_sums(who, told.c)
        )
    ).one()
    theirs = matches(who)
    there, held_whole, newest = going_on(connection, span, who)
    odd_told = told_in(span, ODD)
    gapped = connection.scalar(select(func.count()).where(odd_told, GAPPED, *theirs))
    of = (sessions.c.fate, sessions.c.received_to, sessions.c.received_more, sessions.c.lost)
    looked_into = or_(sessions.c.lost.is_not(None), sessions.c.fate.in_(GOING_ON))
    odd = connection.execute(select(*of).where(odd_told, looked_into, *theirs).limit(ODD_SESSIONS_MAX)).all()
    pairs = [received(row) for row in odd if row.received_more is not None and row.fate in GOING_ON]
    held, expected = int(ended[1]) + held_whole, int(ended[2]) + held_whole
    return _completeness(
        sessions=int(ended[0]) + there,
        held=held + sum(its for its, _ in pairs),
        expected=expected + sum(its for _, its in pairs),
        gaps=gapped or 0,
        dropped=sum(dropped_by_client(row.lost) for row in odd),
        silent=int(ended[3]),
        refused=_refused(connection, span),
        newest=max((at for at in (newest, _newest_end(connection, span, theirs)) if at is not None), default=None),
        now_us=now_us,
    )


def _newest_end(connection: Connection, span: Span, theirs: Sequence[ColumnElement[bool]]) -> int | None:
    """When the broker was told last, in the span, of a session that ended."""
    told = sessions.c.told_until
    newest: int | None = connection.scalar(
        select(func.max(told)).where(told >= bounded(span.since_us), told < bounded(span.until_us), *theirs)
    )
    return newest


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
