"""Rooms over HTTP: a page of them, one in numbers, and what happened in it, participant by participant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.fields import FieldsRoute
from collector.api.filters import STORABLE, NoQuery, storable
from collector.api.listing import RoomsQuery
from collector.api.paging import cursor_of, read_cursor
from collector.api.problems import problems
from collector.errors import RoomNotFound
from collector.store.views import RoomTimeline
from collector.store.views_lists import RoomPage, RoomStory

router = APIRouter(prefix="/rooms", tags=["rooms"], route_class=FieldsRoute)

RoomSid = Annotated[str, Path(max_length=256, json_schema_extra=STORABLE), AfterValidator(storable)]


@router.get("", responses=problems())
def list_rooms(query: Annotated[RoomsQuery, Query()], reader: ReaderDep, now_us: NowDep) -> RoomPage:
    """Rooms in which a session matches all filters, newest first: by when their first session began."""
    span, after = query.span(now_us), None
    if query.cursor is not None:
        after, span = read_cursor(query.cursor, query.sort, "rooms")
    page, following = reader.rooms(
        span, query.filters(now_us), sort=query.sort, after=after, limit=query.limit, now_us=now_us
    )
    following_cursor = None if following is None else cursor_of(following, span, query.sort, "rooms")
    return page.model_copy(update={"next": following_cursor})


@router.get("/{room_sid}", responses=problems(RoomNotFound))
def read_room(room_sid: RoomSid, query: Annotated[NoQuery, Query()], reader: ReaderDep, now_us: NowDep) -> RoomStory:
    """One room: its sessions, participants and outages in numbers, when it began, who is there now."""
    del query
    return reader.room(room_sid, now_us=now_us)


@router.get("/{room_sid}/timeline", responses=problems(RoomNotFound))
def read_timeline(
    room_sid: RoomSid, query: Annotated[NoQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> RoomTimeline:
    """One lane a participant: state segments with their times, outages with cause, code and outcome."""
    del query
    return reader.room_timeline(room_sid, now_us=now_us)
