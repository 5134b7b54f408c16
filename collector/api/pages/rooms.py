"""One room: who was in it, what happened to each, and why; a window on it; and all of it as text for a ticket."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import Field

from collector.api.behind import sessions
from collector.api.dependencies import NowDep, ReaderDep
from collector.api.filters import Time, ZoneQuery, moment_of
from collector.api.lanes import draw, whole
from collector.api.pages.showing import RoomSid, page, part
from collector.api.room_text import room_text
from collector.api.verdicts import room_verdict
from collector.api.windows import query_of, window
from collector.api.words import who
from collector.store.reader import Reader
from collector.store.views import RoomTimeline

router = APIRouter(default_response_class=HTMLResponse)


class WindowQuery(ZoneQuery):
    """Which part of a room's time is looked at."""

    begin: Time | None = Field(default=None, alias="from")
    end: Time | None = Field(default=None, alias="to")


WindowDep = Annotated[WindowQuery, Query()]


@router.get("/rooms/{room_sid}")
def room_page(request: Request, room_sid: RoomSid, query: WindowDep, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """One room."""
    values = _room(reader, room_sid, query, now_us)
    seen = values["window"]
    part_of = query_of(seen.span) if seen.zoomed else ""
    return page(request, "room", values, now_us, f"/fragments/rooms/{quote(room_sid, safe='')}{part_of}")


@router.get("/fragments/rooms/{room_sid}")
def room_part(request: Request, room_sid: RoomSid, query: WindowDep, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """What changes on the page of a room."""
    return part(request, "room", _room(reader, room_sid, query, now_us), now_us)


@router.get("/rooms/{room_sid}/text")
def room_as_text(request: Request, room_sid: RoomSid, reader: ReaderDep, now_us: NowDep) -> PlainTextResponse:
    """One room as text for a ticket."""
    room = reader.room_timeline(room_sid, now_us=now_us)
    address = str(request.url.replace(path=f"/rooms/{quote(room_sid, safe='')}", query=""))
    return PlainTextResponse(room_text(room, room_verdict(reader, room, now_us), address))


def _room(reader: Reader, room_sid: str, query: WindowQuery, now_us: int) -> dict[str, Any]:
    room = reader.room_timeline(room_sid, now_us=now_us)
    outages = sorted(
        ((lane, outage) for lane in room.participants for outage in lane.outages),
        key=lambda pair: (pair[1].started_at, str(pair[1].session_id), pair[1].number),
    )
    asked_since, asked_until = (
        None if told is None else moment_of(name, told, now_us, query.zone())
        for name, told in (("from", query.begin), ("to", query.end))
    )
    seen = window(whole(room), asked_since, asked_until)
    told = reader.room_events(room_sid, seen.span)
    return {
        "room": room,
        "window": seen,
        "drawn": draw(room, seen.span),
        "events": told.items,
        "more_events": told.truncated,
        "names": _names(room),
        "outages": outages,
        "verdict": room_verdict(reader, room, now_us),
        "completeness": room.completeness,
        "heard": partial(_of_room, room_sid),
    }


def _of_room(room_sid: str, untold: str = "", **also: str) -> str:
    """Sessions of the room; which of them told all is asked of a time, not of a room."""
    return "" if untold else sessions((), also={"room_sid": room_sid, **also}.items())


def _names(room: RoomTimeline) -> dict[object, str]:
    """What everybody is called, by session id and by participant SID."""
    names: dict[object, str] = {}
    for lane in room.participants:
        names |= {sid: lane.identity or sid for sid in lane.participant_sids}
        names |= {one.session_id: who(one.identity, one.participant_sid, one.session_id) for one in lane.sessions}
    return names
