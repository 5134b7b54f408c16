"""Questions about a room: what happened in it, participant by participant."""

from __future__ import annotations

from collections import defaultdict
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, select

from collector.errors import RoomNotFound
from collector.store.completeness import of_rows
from collector.store.reading import moment, outage_view, session_view
from collector.store.tables import outages, sessions
from collector.store.timeline import by_participant, segments
from collector.store.views import Lane, OutageView, RoomTimeline, SessionView

SESSIONS_MAX: Final = 500
"""Sessions of one room that an answer holds: far beyond what a page can show."""
OUTAGES_MAX: Final = 5_000


def room_timeline(connection: Connection, room_sid: str, now_us: int) -> RoomTimeline:
    """One lane a participant. Raises RoomNotFound."""
    rows = connection.execute(
        select(sessions)
        .where(sessions.c.room_sid == room_sid)
        .order_by(sessions.c.first_append_at, sessions.c.session_id)
        .limit(SESSIONS_MAX + 1)
    ).all()
    if not rows:
        raise RoomNotFound(room_sid)
    held = rows[:SESSIONS_MAX]
    told = connection.execute(
        select(outages, sessions.c.clock_offset_us, sessions.c.ended_at)
        .join(sessions, sessions.c.session_id == outages.c.session_id)
        .where(sessions.c.room_sid == room_sid)
        .order_by(outages.c.session_id, outages.c.number)
        .limit(OUTAGES_MAX + 1)
    ).all()
    of_session: dict[UUID, list[OutageView]] = defaultdict(list)
    for row in told[:OUTAGES_MAX]:
        of_session[row.session_id].append(outage_view(row, row.clock_offset_us, row.ended_at))
    views = [session_view(row) for row in held]
    now = moment(now_us)
    lanes = tuple(_lane(its, of_session, now_us) for its in by_participant(views).values())
    ends = [one.ended_at or max(now, one.last_event_at) for one in views]
    return RoomTimeline(
        room_sid=room_sid,
        room_name=next((one.room_name for one in views if one.room_name), None),
        since=min(one.started_at for one in views),
        until=max(ends),
        live=sum(one.fate == "live" for one in views),
        participants=lanes,
        truncated=len(rows) > SESSIONS_MAX or len(told) > OUTAGES_MAX,
        completeness=of_rows(connection, held, now_us),
    )


def _lane(its: list[SessionView], of_session: dict[UUID, list[OutageView]], now_us: int) -> Lane:
    sids = dict.fromkeys(one.participant_sid for one in its if one.participant_sid)
    return Lane(
        identity=next((one.identity for one in its if one.identity), None),
        participant_sids=tuple(sids),
        sessions=tuple(its),
        segments=tuple(segment for one in its for segment in segments(one, of_session[one.session_id], moment(now_us))),
        outages=tuple(outage for one in its for outage in of_session[one.session_id]),
    )
