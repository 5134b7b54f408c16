"""A room as a file to hand on: the signed support packet over HTTP. docs/packet.md says what it holds."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.guard import Door
from collector.api.lanes import draw
from collector.api.packet_contents import (
    EVENTS_MAX,
    Contents,
    Identities,
    Maker,
    contents,
    cut,
    data_of,
    names_of,
    outages_of,
)
from collector.api.problems import problems
from collector.api.rendering import FOLDER, templates_of
from collector.api.rooms import RoomSid
from collector.api.verdicts import room_verdict
from collector.errors import PacketKeyMissing, PacketKeyUnusable, RoomNotFound
from collector.packets import BYTES_MAX, HEAD, canonical, fingerprint, sign
from collector.store.reader import Reader
from session_core.instants import utc_from_us

PacketKey = Callable[[], Ed25519PrivateKey]
"""Gives the key to sign with. Raises PacketKeyMissing, PacketKeyUnusable."""

DAYS: Final = 30
DAYS_MAX: Final = 365
_STYLES: Final = ("page.css", "packet.css")
_DIVISORS: Final = (4, 16, 64, 256)
"""How a packet shrinks that would be too large. The smallest always fits: what a field holds is bounded."""


class PacketQuery(BaseModel):
    """What a packet is asked for with."""

    model_config = ConfigDict(extra="forbid")

    identities: Identities = Field(
        default="hidden",
        description="Whether it holds identities, the room's name, and what events hold beside their columns.",
    )
    days: int = Field(default=DAYS, ge=1, le=DAYS_MAX, description="For how many days it stands.")


async def _packet_key(request: Request) -> PacketKey:
    return cast("PacketKey", request.app.state.packet_key)


PacketKeyDep = Annotated[PacketKey, Depends(_packet_key)]

router = APIRouter(prefix="/rooms", tags=["rooms"])


@router.get(
    "/{room_sid}/packet",
    response_class=Response,
    responses={
        200: {
            "description": "The packet, to be saved as it is.",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
        **problems(RoomNotFound, PacketKeyMissing, PacketKeyUnusable),
    },
)
def read_packet(
    request: Request,
    room_sid: RoomSid,
    query: Annotated[PacketQuery, Query()],
    reader: ReaderDep,
    now_us: NowDep,
    key: PacketKeyDep,
) -> Response:
    """One signed HTML file with verdict, timeline, outages, events and versions, which shows that nobody changed it."""
    return answer(request, room_sid, query, reader, now_us, key)


def answer(
    request: Request, room_sid: str, query: PacketQuery, reader: Reader, now_us: int, packet_key: PacketKey
) -> Response:
    """The packet as an answer to be saved."""
    key = packet_key()
    room = reader.room_timeline(room_sid, now_us=now_us)
    made_at = utc_from_us(now_us).replace(microsecond=0)
    maker = Maker(request.app.version, fingerprint(key.public_key()), made_at, made_at + timedelta(days=query.days))
    verdict = room_verdict(reader, room, now_us)
    told = reader.room_events(room_sid, limit=EVENTS_MAX, newest=True)
    whole = contents(maker, query.identities, room, verdict, told)
    packet = fitting(whole, lambda what: sign(_page(request, what), key))
    door: Door | None = request.app.state.door
    if door is not None and query.identities == "shown":
        door.access.note("packet", request.state.actor, {"room_sid": room_sid, "days": query.days})
    name = f"roomwatch-packet-{re.sub(r'[^A-Za-z0-9_-]', '_', room_sid)[:64]}-{made_at:%Y%m%dT%H%M%SZ}.html"
    return Response(packet, media_type="text/html", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def fitting(whole: Contents, make: Callable[[Contents], bytes], bytes_max: int = BYTES_MAX) -> bytes:
    """What is made of the contents, or of the most of them that has room."""
    packet = make(whole)
    for divisor in _DIVISORS:
        if len(packet) <= bytes_max:
            break
        packet = make(cut(whole, divisor))
    return packet


def _page(request: Request, what: Contents) -> bytes:
    style = _style()
    values: dict[str, Any] = {
        "what": what,
        "room": what.room,
        "verdict": what.verdict,
        "names": names_of(what),
        "outages": outages_of(what),
        "drawn": draw(what.room),
        "completeness": what.room.completeness,
        "now": what.maker.made_at,
        # Both are of our own making, and fit to stand in HTML as they are.
        "style": Markup(style),  # noqa: S704
        "data": Markup(canonical(data_of(what))),  # noqa: S704
        "style_hash": b64encode(sha256(style.encode()).digest()).decode(),
    }
    return HEAD + templates_of(request).get_template("packet.html").render(values).encode()


@cache
def _style() -> str:
    """The pages' own style, since a file that is opened from disk has nothing beside it."""
    return "\n".join((FilePath(FOLDER) / "static" / name).read_text(encoding="utf-8") for name in _STYLES)
