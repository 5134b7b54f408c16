"""Questions about sessions: a page of them, one with its story, and who is meant by a word in the search box."""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, literal, or_, select, tuple_

from collector.errors import SessionNotFound
from collector.store.completeness import of_rows
from collector.store.questions import SessionFilters, Span
from collector.store.reading import (
    CLOCK_TOLERANCE_US,
    STARTED,
    bounded,
    event_view,
    matches,
    outage_view,
    session_view,
    within,
)
from collector.store.tables import events, outages, sessions
from collector.store.views import SessionPage, SessionStory, SessionView

OUTAGES_MAX: Final = 1_000
"""Outages of one session that an answer holds."""


class Place(NamedTuple):
    """Where a page of sessions ends. Sessions that arrive later come before it, so that what follows stays the same."""

    first_append_at: int
    session_id: UUID


def list_sessions(
    connection: Connection, span: Span, filters: SessionFilters, after: Place | None, limit: int, now_us: int
) -> tuple[SessionPage, Place | None]:
    """Sessions that began in the span, the broker's newest first. The caller makes `next` of the place."""
    append_at, session_id = sessions.c.first_append_at, sessions.c.session_id
    # What began in the span was appended after its start, but for the tolerance of clocks: so an index carries it.
    conditions = [within(STARTED, span), append_at >= bounded(span.since_us - CLOCK_TOLERANCE_US), *matches(filters)]
    if after is not None:
        place = tuple_(literal(after.first_append_at, append_at.type), literal(after.session_id, session_id.type))
        conditions.append(tuple_(append_at, session_id) < place)
    rows = connection.execute(
        select(sessions).where(*conditions).order_by(append_at.desc(), session_id.desc()).limit(limit + 1)
    ).all()
    page = rows[:limit]
    following = Place(page[-1].first_append_at, page[-1].session_id) if len(rows) > limit else None
    items = tuple(session_view(row) for row in page)
    return SessionPage(items=items, next=None, completeness=of_rows(connection, page, now_us)), following


def read_session(
    connection: Connection, session_id: UUID, after_seq: int | None, limit: int, now_us: int
) -> SessionStory:
    """A session, its outages and a page of its events. Raises SessionNotFound."""
    row = connection.execute(select(sessions).where(sessions.c.session_id == session_id)).one_or_none()
    if row is None:
        raise SessionNotFound(session_id)
    its_outages = connection.execute(
        select(outages).where(outages.c.session_id == session_id).order_by(outages.c.number).limit(OUTAGES_MAX)
    ).all()
    its_events = connection.execute(
        select(events)
        .where(events.c.session_id == session_id, events.c.seq > (-1 if after_seq is None else after_seq))
        .order_by(events.c.seq)
        .limit(limit + 1)
    ).all()
    page = its_events[:limit]
    return SessionStory(
        session=session_view(row),
        outages=tuple(outage_view(outage, row.clock_offset_us, row.ended_at) for outage in its_outages),
        events=tuple(event_view(event, row.clock_offset_us) for event in page),
        next=page[-1].seq if len(its_events) > limit else None,
        completeness=of_rows(connection, [row], now_us),
    )


def find_sessions(connection: Connection, word: str, limit: int) -> tuple[SessionView, ...]:
    """Sessions that the word names: by id, room SID or name, participant SID or identity; the newest first."""
    names = (sessions.c.room_sid, sessions.c.participant_sid, sessions.c.identity, sessions.c.room_name)
    try:
        meant = sessions.c.session_id == UUID(word)
    except ValueError:
        meant = or_(*(name == word for name in names))
    order = (sessions.c.first_append_at.desc(), sessions.c.session_id.desc())
    rows = connection.execute(select(sessions).where(meant).order_by(*order).limit(limit)).all()
    return tuple(session_view(row) for row in rows)
