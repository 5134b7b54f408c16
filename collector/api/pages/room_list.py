"""Rooms: which room was bad. The filters of the API, each as a chip; every number leads to the rows behind it."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field

from collector.api.addresses import UNTIL
from collector.api.behind import BADLY
from collector.api.dependencies import NowDep, ReaderDep, refuse_unknown_parameters
from collector.api.exploring import RANGES
from collector.api.filters import Time, Word
from collector.api.listing import RoomsQuery
from collector.api.pages.asking import LOW, Typed, sent
from collector.api.pages.showing import page
from collector.api.paging import cursor_of, read_cursor
from collector.api.room_asking import LABELS, AskedRooms, headline, is_relative, value_words, views
from collector.store.reader import Reader
from session_core.instants import utc_from_us

router = APIRouter(default_response_class=HTMLResponse, dependencies=[Depends(refuse_unknown_parameters)])

KEPT: Final = ("tz", "sort", "limit")
"""What stays as it is from address to address."""
OFFERED: Final = (
    "room_name", "identity", "code", "region", "app_version", "sdk", "sdk_version", "platform", "network_type",
)  # fmt: skip
"""Filters that the form offers; addresses may have any."""


class RoomListQuery(RoomsQuery):
    """What the page takes beside the filters: what its forms send."""

    since: Time | None = "-24h"
    add: str | None = Field(default=None, max_length=20)
    value: Word = ""
    begin: Typed | None = None
    end: Typed | None = None


@router.get("/rooms")
def rooms_page(
    request: Request, query: Annotated[RoomListQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> Response:
    """Rooms that began in a stretch of time, newest first."""
    given = request.query_params.multi_items()
    asked = AskedRooms(
        [one for one in given if one[0] in LABELS],
        query.since,
        query.until or UNTIL,
        [one for one in given if one[0] in KEPT],
    )
    if query.add is not None or query.begin or query.end:
        return RedirectResponse(sent(query, asked), status_code=303)
    with reader.together() as seen:
        return page(request, "rooms", _rooms(seen, query, asked, now_us), now_us)


def _rooms(reader: Reader, query: RoomListQuery, asked: AskedRooms, now_us: int) -> dict[str, Any]:
    span, after = query.span(now_us), None
    if query.cursor is not None:
        after, span = read_cursor(query.cursor, query.sort, "rooms")
    found, following = reader.rooms(
        span, query.filters(now_us), sort=query.sort, after=after, limit=query.limit, now_us=now_us
    )
    next_page = None
    if following is not None:
        cursor = cursor_of(following, span, query.sort, "rooms")
        next_page = AskedRooms(asked.filters, asked.since, asked.until, [*asked.kept, ("cursor", cursor)]).href
    later = query.cursor is not None
    told = [*asked.filters, ("since", asked.since), ("until", asked.until), *asked.kept]
    return {
        "asked": asked,
        "asked_json": f"/api/v1/rooms?{urlencode(told)}",
        "badly": BADLY,
        "chips": [(name, value, LABELS[name], value_words(name, value)) for name, value in asked.filters],
        "completeness": found.completeness,
        "headline": headline(len(found.items), asked, more=following is not None, later=later),
        "labels": LABELS,
        "later": later,
        "low": LOW,
        "next": next_page,
        "offered": OFFERED,
        "oldest_first": query.sort == "started_at",
        "ranges": RANGES,
        "relative": is_relative(asked),
        "rooms": found.items,
        "since": utc_from_us(span.since_us),
        "until": utc_from_us(min(span.until_us, now_us)),
        "views": views(asked),
        "worst": reader.worst_sessions([one.room_sid for one in found.items]),
    }
