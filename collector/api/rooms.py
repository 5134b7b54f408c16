"""Rooms over HTTP: what happened in one, participant by participant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.filters import NoQuery, storable
from collector.api.problems import problems
from collector.errors import RoomNotFound
from collector.store.views import RoomTimeline

router = APIRouter(prefix="/rooms", tags=["rooms"])

RoomSid = Annotated[str, Path(max_length=256), AfterValidator(storable)]


@router.get("/{room_sid}/timeline", responses=problems(RoomNotFound))
def read_timeline(
    room_sid: RoomSid, query: Annotated[NoQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> RoomTimeline:
    """One lane a participant: state segments with their times, outages with cause, code and outcome."""
    del query
    return reader.room_timeline(room_sid, now_us=now_us)
