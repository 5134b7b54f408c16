"""One box for everything: the page of what is meant, or what there is to choose from."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.meant import Asked, asked, zone_or_utc
from collector.api.pages.showing import Text, page
from collector.store.questions import Span
from collector.store.reader import Reader
from collector.store.views import SessionView
from session_core.errors import CATALOGUE
from session_core.instants import utc_from_us

router = APIRouter(default_response_class=HTMLResponse)

FOUND_MAX: Final = 50


class Group(NamedTuple):
    """Sessions of one room, the nearest or newest first."""

    room_sid: str | None
    room_name: str | None
    sessions: list[SessionView]


@router.get("/search")
def search(
    request: Request,
    reader: ReaderDep,
    now_us: NowDep,
    q: Annotated[Text, Query(max_length=256)] = "",
    zone: Annotated[Text, Query(max_length=64)] = "",
) -> Response:
    """The page of what is meant; the sessions to choose from where it is not one thing."""
    word = q.strip()
    if word.isdigit() and len(word) <= 9 and int(word) in CATALOGUE:
        return RedirectResponse(f"/codes/{int(word)}", status_code=303)
    zone_name, clocks = zone_or_utc(zone)
    # What was written may be a name as a whole, also where its end looks like a time.
    found, meant = (reader.find(word, limit=FOUND_MAX) if word else ()), Asked(word)
    if word and not found:
        meant = asked(word, now_us, clocks)
        if meant.since_us is not None and meant.until_us is not None:
            found = reader.find(meant.name, span=Span(meant.since_us, meant.until_us), limit=FOUND_MAX)
    if place := _only(found, meant):
        return RedirectResponse(place, status_code=303)
    values = {
        "word": word,
        "meant": meant,
        "groups": _groups(found),
        "found": len(found),
        "found_max": FOUND_MAX,
        "zone": zone_name,
        **_time(meant, found, clocks),
        "alike": () if found or not word else _alike(reader, meant.name),
    }
    return page(request, "search", values, now_us)


def _only(found: tuple[SessionView, ...], meant: Asked) -> str | None:
    """Where the one thing is that is meant."""
    if not found:
        return None
    first = found[0]
    if str(first.session_id) == meant.name.lower() or (len(found) == 1 and first.participant_sid == meant.name):
        return f"/sessions/{first.session_id}"
    rooms = {one.room_sid for one in found}
    if meant.since_us is None and len(rooms) == 1 and first.room_sid is not None:
        return f"/rooms/{quote(first.room_sid, safe='')}"
    return None


def _groups(found: tuple[SessionView, ...]) -> list[Group]:
    groups: dict[tuple[str | None, str | None], Group] = {}
    for one in found:
        key = (one.room_sid, one.room_name)
        groups.setdefault(key, Group(*key, [])).sessions.append(one)
    return list(groups.values())


def _time(meant: Asked, found: tuple[SessionView, ...], clocks: tzinfo) -> dict[str, Any]:
    """The time that was understood, and whether anything that was found went on then."""
    if meant.since_us is None or meant.until_us is None:
        return {"at": None, "half_ms": 0, "within": True}
    since, until = utc_from_us(meant.since_us), utc_from_us(meant.until_us)
    within = any(one.started_at < until and (one.ended_at is None or one.ended_at >= since) for one in found)
    half_ms = (meant.until_us - meant.since_us) / 2000
    return {"at": utc_from_us(meant.at_us).astimezone(clocks), "half_ms": half_ms, "within": within}


def _alike(reader: Reader, name: str) -> tuple[str, ...]:
    return reader.alike(name) or reader.alike(name.split("@", maxsplit=1)[0].split(" ", maxsplit=1)[0])
