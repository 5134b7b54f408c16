"""Questions about sessions: a page of them, and one with its story."""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, literal, not_, or_, select, tuple_

from collector.errors import SessionNotFound
from collector.store.beside import meets
from collector.store.changes import CLOCK_TOLERANCE_US
from collector.store.completeness import of_rows
from collector.store.facts import facts
from collector.store.functions import EpochUs, ToldLate
from collector.store.questions import EVERYONE, SessionFilters, SessionSort, Span
from collector.store.reading import (
    CLOCK_IS_WRONG,
    ENDED,
    FAR_US,
    MINUTE_US,
    STARTED,
    AnyRow,
    bounded,
    event_view,
    minutes,
    outage_view,
    session_view,
    within,
)
from collector.store.stretches import MINUTES
from collector.store.tables import events, outages, sessions
from collector.store.views import EventView, OutageView, SessionPage, SessionStory, SessionView
from collector.store.views_lists import EventPage, SessionOutages

LATE_US: Final = 6 * 3_600_000_000
"""How long after the end of a span its sessions are looked for at least; sessions_told_late knows what came later."""
OUTAGES_MAX: Final = 1_000
"""Outages of one session that an answer holds."""


class Place(NamedTuple):
    """Where a page of sessions ends. Sessions that arrive later come before it, so that what follows stays the same."""

    first_append_at: int
    session_id: UUID


def list_sessions(
    connection: Connection,
    span: Span,
    filters: SessionFilters,
    sort: SessionSort,
    after: Place | None,
    limit: int,
    now_us: int,
) -> tuple[SessionPage, Place | None]:
    """Sessions that began in the span, by the broker's clock. The caller makes `next` of the place.

    Through sessions_started, or through the index of a name where a filter has one.
    """
    append_at, session_id = order = (sessions.c.first_append_at, sessions.c.session_id)
    conditions = [*began_in(connection, span), *meets(connection, filters)]
    down = sort.startswith("-")
    if after is not None:
        place = tuple_(literal(after.first_append_at, append_at.type), literal(after.session_id, session_id.type))
        conditions.append(tuple_(*order) < place if down else tuple_(*order) > place)
    statement = select(sessions).where(*conditions).order_by(*(key.desc() if down else key for key in order))
    rows = connection.execute(statement.limit(limit + 1)).all()
    page = rows[:limit]
    following = Place(page[-1].first_append_at, page[-1].session_id) if len(rows) > limit else None
    items = tuple(session_view(row) for row in page)
    return SessionPage(items=items, next=None, completeness=of_rows(connection, page, now_us)), following


def began_in(connection: Connection, span: Span) -> list[ColumnElement[bool]]:
    """Sessions that began in the span, bounded on both sides for an index of first_append_at.

    What began in it was appended after its start, but for the tolerance of clocks, and within hours of its end, but for
    sessions that were told late: those have an index of their own, which says how far the walk has to reach. A session
    of a clock that is hours ahead and whose telling was late by as much is out of that reach.
    """
    append_at, conditions = sessions.c.first_append_at, []
    if span.since_us > 0:
        since_us = bounded(span.since_us - CLOCK_TOLERANCE_US)
        conditions += [bounded(span.since_us) <= STARTED, append_at >= literal(since_us, append_at.type)]
    if span.until_us < FAR_US:
        # But for the sum, SQLite would look for the greatest along sessions_started.
        greatest = func.max(EpochUs(append_at) + 0)
        latest = connection.scalar(select(greatest).where(ToldLate(), within(STARTED, span)))
        until_us = bounded(max(span.until_us + LATE_US, latest or 0))
        conditions += [bounded(span.until_us) > STARTED, append_at <= literal(until_us, append_at.type)]
    return conditions


def read_session(
    connection: Connection, session_id: UUID, after_seq: int | None, limit: int, now_us: int
) -> SessionStory:
    """A session, its outages and a page of its events. Raises SessionNotFound."""
    row = _row(connection, session_id)
    its_events, following = _events(connection, row, -1 if after_seq is None else after_seq, limit)
    return SessionStory(
        session=session_view(row),
        next_session_id=next_session(connection, session_id),
        outages=_outages(connection, row, 0, OUTAGES_MAX)[0],
        events=its_events,
        next=following,
        completeness=of_rows(connection, [row], now_us),
    )


def list_events(
    connection: Connection, session_id: UUID, after_seq: int, limit: int, now_us: int
) -> tuple[EventPage, int | None]:
    """A page of a session's events, and the `seq` after which the next begins. Raises SessionNotFound."""
    row = _row(connection, session_id)
    items, following = _events(connection, row, after_seq, limit)
    return EventPage(items=items, next=None, completeness=of_rows(connection, [row], now_us)), following


def list_outages(
    connection: Connection, session_id: UUID, after_number: int, limit: int, now_us: int
) -> tuple[SessionOutages, int | None]:
    """A page of a session's outages, and the number after which the next begins. Raises SessionNotFound."""
    row = _row(connection, session_id)
    items, following = _outages(connection, row, after_number, limit)
    return SessionOutages(items=items, next=None, completeness=of_rows(connection, [row], now_us)), following


def next_session(connection: Connection, session_id: UUID) -> UUID | None:
    """The session that the same participant went on with, where it told so: the first that did."""
    of = sessions.c
    statement = select(of.session_id).where(of.previous_session_id == session_id)
    return connection.scalar(statement.order_by(of.first_append_at, of.session_id).limit(1))


def _row(connection: Connection, session_id: UUID) -> AnyRow:
    row = connection.execute(select(sessions).where(sessions.c.session_id == session_id)).one_or_none()
    if row is None:
        raise SessionNotFound(session_id)
    return row


def _events(connection: Connection, of: AnyRow, after_seq: int, limit: int) -> tuple[tuple[EventView, ...], int | None]:
    rows = connection.execute(
        select(events)
        .where(events.c.session_id == of.session_id, events.c.seq > after_seq)
        .order_by(events.c.seq)
        .limit(limit + 1)
    ).all()
    page = rows[:limit]
    following = page[-1].seq if len(rows) > limit else None
    return tuple(event_view(row, of.clock_offset_us) for row in page), following


def _outages(
    connection: Connection, of: AnyRow, after_number: int, limit: int
) -> tuple[tuple[OutageView, ...], int | None]:
    rows = connection.execute(
        select(outages)
        .where(outages.c.session_id == of.session_id, outages.c.number > after_number)
        .order_by(outages.c.number)
        .limit(limit + 1)
    ).all()
    page = rows[:limit]
    following = page[-1].number if len(rows) > limit else None
    return tuple(outage_view(row, of.clock_offset_us, of.ended_at) for row in page), following


def failed_with(connection: Connection, code: int, span: Span, limit: int) -> tuple[SessionView, ...]:
    """Sessions that failed with the code in the span, those that ended last first.

    Sums say in which minutes the last of them ended. Those of right clocks come by the index of fates and ends, the
    others by that of wrong clocks.
    """
    last = _last_failures(connection, code, minutes(span), limit)
    if last is None:
        return ()
    of = sessions.c
    by_ends = and_(not_(CLOCK_IS_WRONG), of.ended_at >= bounded(last.since_us), of.ended_at < bounded(last.until_us))
    by_clocks = and_(CLOCK_IS_WRONG, of.told_until >= bounded(last.since_us - CLOCK_TOLERANCE_US))
    rows = connection.execute(
        select(sessions)
        .where(
            of.fate.in_(("dropped", "not_joined")),
            of.terminal_code == code,
            or_(by_ends, by_clocks),
            within(ENDED, last),
        )
        .order_by(ENDED.desc(), sessions.c.session_id.desc())
        .limit(limit)
    ).all()
    return tuple(session_view(row) for row in rows)


def _last_failures(connection: Connection, code: int, span: Span, count: int) -> Span | None:
    """The part of a span of whole minutes in which the last `count` sessions ended that failed with the code."""
    those = facts(connection, "ended", span, EVERYONE, step=MINUTES)
    five = (those.minute - those.minute % MINUTES).label("five")
    rows = connection.execute(
        select(five, func.sum(those.n))
        .where(*those.conditions, those.columns["fate"].in_(("dropped", "not_joined")), those.columns["code"] == code)
        .group_by("five")
    )
    found = sorted(((int(at), int(n)) for at, n in rows if n > 0), reverse=True)
    if not found:
        return None
    until_us = (found[0][0] + MINUTES) * MINUTE_US
    for at, n in found:
        since_us, count = at * MINUTE_US, count - n
        if count <= 0:
            break
    return Span(max(since_us, span.since_us), min(until_us, span.until_us))
