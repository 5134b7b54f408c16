"""What was told in a room, event by event."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from collector.store.functions import EpochUs
from collector.store.questions import Span
from collector.store.reader_rooms import SESSIONS_MAX
from collector.store.reading import CORRECTION, event_view, within
from collector.store.tables import events, sessions
from collector.store.views import RoomEvent, RoomEvents

EVENTS_MAX: Final = 200


def room_events(connection: Connection, room_sid: str, span: Span | None, limit: int, *, newest: bool) -> RoomEvents:
    """Events of the sessions that room_timeline() holds, of a span or all; so many, the newest or the earliest.

    The index of rooms finds the sessions, the key of events each session's own: as much is read as the room has told.
    The sessions are asked for first, so that a partitioned table looks only where their events lie.
    """
    held = connection.scalars(
        select(sessions.c.session_id)
        .where(sessions.c.room_sid == room_sid)
        .order_by(sessions.c.first_append_at, sessions.c.session_id)
        .limit(SESSIONS_MAX)
    ).all()
    at = EpochUs(events.c.event_at) + CORRECTION
    asked = (
        select(events, sessions.c.clock_offset_us)
        .join(sessions, sessions.c.session_id == events.c.session_id)
        .where(events.c.session_id.in_(held))
    )
    if span is not None:
        asked = asked.where(within(at, span))
    order = (at, events.c.session_id, events.c.seq)
    asked = asked.order_by(*((column.desc() for column in order) if newest else order))
    rows = connection.execute(asked.limit(limit + 1)).all()
    told = rows[:limit]
    return RoomEvents(
        items=tuple(
            RoomEvent(session_id=row.session_id, event=event_view(row, row.clock_offset_us))
            for row in (reversed(told) if newest else told)
        ),
        truncated=len(rows) > limit,
    )
