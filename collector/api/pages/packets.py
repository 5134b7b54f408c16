"""The packet of a room where people ask for it: the same file, and a refusal that is a page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.packets import PacketKeyDep, PacketQuery, answer
from collector.api.pages.showing import RoomSid

router = APIRouter()


@router.get("/rooms/{room_sid}/packet")
def packet_page(
    request: Request,
    room_sid: RoomSid,
    query: Annotated[PacketQuery, Query()],
    reader: ReaderDep,
    now_us: NowDep,
    key: PacketKeyDep,
) -> Response:
    """A room as a file to hand on."""
    return answer(request, room_sid, query, reader, now_us, key)
