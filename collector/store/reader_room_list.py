"""The list of rooms, and one of them. There is no table of rooms: a room is the sessions that bear its SID.

A room stands in the list where its first session began, so that a session that joins it later moves nothing: the walk
goes along sessions_started, and sessions_room says of each session whether it was the first of its room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, case, distinct, func, literal, select, tuple_

from collector.errors import RoomNotFound
from collector.store.beside import meets
from collector.store.completeness import of_rooms
from collector.store.functions import EpochUs
from collector.store.questions import ANY_SESSION, RoomSort, SessionFilters, Span
from collector.store.reader_sessions import Place, began_in
from collector.store.reading import ENDED, LOOKED_UP, STARTED, AnyRow, moment, shown, told
from collector.store.tables import sessions
from collector.store.views_lists import RoomPage, RoomStory, RoomView

_NAMES: Final = ("room_sid", "room_name", "participant_sid", "identity")
"""Filters that few sessions pass: their sessions first, then the rooms of these."""


def list_rooms(
    connection: Connection,
    span: Span,
    filters: SessionFilters,
    sort: RoomSort,
    after: Place | None,
    limit: int,
    now_us: int,
) -> tuple[RoomPage, Place | None]:
    """Rooms whose first session began in the span and in which a session passes the filters.

    The caller makes `next` of the place.
    """
    walk = _first_sessions(connection, span).subquery("walk")
    order = (walk.c.first_append_at, walk.c.session_id)
    statement = select(walk)
    if filters != ANY_SESSION:
        statement = statement.where(_has_one(connection, walk.c.room_sid, filters))
    down = sort.startswith("-")
    if after is not None:
        place = tuple_(*(literal(value, key.type) for value, key in zip(after, order, strict=True)))
        statement = statement.where(tuple_(*order) < place if down else tuple_(*order) > place)
    statement = statement.order_by(*(key.desc() if down else key for key in order)).limit(limit + 1)
    rows = connection.execute(statement).all()
    page = rows[:limit]
    sids = [row.room_sid for row in page]
    following = Place(page[-1].first_append_at, page[-1].session_id) if len(rows) > limit else None
    answer = RoomPage(items=_rooms(connection, sids), next=None, completeness=of_rooms(connection, sids, now_us))
    return answer, following


def read_room(connection: Connection, room_sid: str, now_us: int) -> RoomStory:
    """One room. Raises RoomNotFound."""
    found = _rooms(connection, [room_sid])
    if not found:
        raise RoomNotFound(room_sid)
    return RoomStory(room=found[0], completeness=of_rooms(connection, [room_sid], now_us))


def _first_sessions(connection: Connection, span: Span) -> Select[Any]:
    """Sessions that were the first of their room, and began in the span."""
    of, earlier = sessions.c, sessions.alias("earlier")
    first = (
        select(earlier.c.session_id)
        .where(earlier.c.room_sid == of.room_sid)
        .order_by(earlier.c.first_append_at, earlier.c.session_id)
        .limit(1)
        .scalar_subquery()
        .correlate(sessions)
    )
    return select(of.room_sid, of.first_append_at, of.session_id).where(
        of.room_sid.is_not(None), *began_in(connection, span), _one_by_one(of.session_id == first)
    )


def _one_by_one(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition, to be asked of each row of a walk that ends with the page.

    Left as it is, PostgreSQL takes it for one that hardly a row meets, and sorts the whole store instead of walking.
    """
    return func.coalesce(condition, literal(False))


def _has_one(connection: Connection, room_sid: ColumnElement[Any], filters: SessionFilters) -> ColumnElement[bool]:
    """In the room is a session that passes the filters."""
    if any(getattr(filters, name) for name in (*_NAMES, *LOOKED_UP)):
        return room_sid.in_(select(sessions.c.room_sid).where(*meets(connection, filters)))
    # With a limit, so that PostgreSQL looks into the room instead of gathering all sessions that pass.
    one = select(literal(1)).where(sessions.c.room_sid == room_sid, *meets(connection, filters)).limit(1)
    return _one_by_one(one.scalar_subquery() == 1)


def _rooms(connection: Connection, sids: Sequence[str]) -> tuple[RoomView, ...]:
    """The rooms of these SIDs, in their order; one that nobody told of is left out."""
    of = sessions.c
    who = func.coalesce(of.identity, of.participant_sid)
    nameless = func.sum(case((who.is_(None), 1), else_=0))
    last_told = func.coalesce(ENDED, told(of.last_event_at))
    rows: Sequence[AnyRow] = connection.execute(
        select(
            of.room_sid,
            func.max(of.room_name).label("room_name"),
            func.count().label("sessions"),
            (func.count(distinct(who)) + nameless).label("participants"),
            func.sum(of.outages).label("outages"),
            func.sum(of.reconnecting_ms).label("reconnecting_ms"),
            func.sum(case((of.fate == "dropped", 1), else_=0)).label("dropped"),
            func.sum(case((of.fate.in_(("dropped", "abandoned", "lost")), 1), else_=0)).label("ended_badly"),
            func.sum(case((of.fate == "live", 1), else_=0)).label("live"),
            func.min(STARTED).label("first"),
            func.max(last_told).label("last"),
            func.max(EpochUs(of.last_append_at)).label("told"),
        )
        .where(of.room_sid.in_(sids))
        .group_by(of.room_sid)
    ).all()
    views = {row.room_sid: _room_view(row) for row in rows}
    return tuple(views[sid] for sid in sids if sid in views)


def _room_view(row: AnyRow) -> RoomView:
    return RoomView(
        room_sid=row.room_sid,
        room_name=row.room_name,
        sessions=row.sessions,
        participants=int(row.participants),
        outages=int(row.outages),
        reconnecting_ms=int(row.reconnecting_ms),
        dropped=int(row.dropped),
        ended_badly=int(row.ended_badly),
        live=int(row.live),
        started_at=moment(row.first),
        last_event_at=moment(row.last),
        newest_append_at=shown(row.told),
    )
