"""Outages: which, whose, when, with what end. A click on anything narrows to it; every view is an address."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field

from collector.api.addresses import UNTIL
from collector.api.behind import SETTLED, heard
from collector.api.dependencies import NowDep, ReaderDep, refuse_unknown_parameters
from collector.api.explore_charts import lasted, trend
from collector.api.exploring import (
    FILTERS,
    LABELS,
    OFFERED,
    RANGES,
    Asked,
    ExploreQuery,
    bucket_us_of,
    value_words,
    widened,
)
from collector.api.filters import Cursor, Word
from collector.api.pages.asking import LOW, Typed, sent
from collector.api.pages.showing import page
from collector.api.paging import outage_cursor_of, read_outage_cursor
from collector.api.time_words import Piece, range_pieces, words_of
from collector.api.words import iso
from collector.store.questions import By, Span
from collector.store.questions_explore import OF_CLIENTS
from collector.store.reader import Reader
from collector.store.views_explore import Explored, OutagesOf
from collector.times import HOUR_US
from session_core.instants import utc_from_us

router = APIRouter(default_response_class=HTMLResponse, dependencies=[Depends(refuse_unknown_parameters)])

ROWS: Final = 50
NEWEST_FIRST: Final = "-started_at"
SHOWN: Final = 7
"""Values of a dimension that are seen at once; the others are a click away."""
COUNTED: Final[tuple[By, By]] = ("platform", "network_type")
"""What clients say and rollups do not keep: the fleet's sessions are counted one by one."""
COUNTED_US_MAX: Final = 7 * HOUR_US
"""Six hours in whole bars; in a longer time there may be more sessions than a page can wait for."""
PAIRS_MAX: Final = 100
CARDS: Final = ("outcome", "cause", "code", *OF_CLIENTS)


class PageQuery(ExploreQuery):
    """What the page takes beside the filters: where the list goes on, and what its forms send."""

    cursor: Cursor | None = None
    add: str | None = Field(default=None, max_length=20)
    value: Word = ""
    begin: Typed | None = None
    end: Typed | None = None


@router.get("/outages")
def outages_page(request: Request, query: Annotated[PageQuery, Query()], reader: ReaderDep, now_us: NowDep) -> Response:
    """Outages that began in a stretch of time, counted in every way, and one by one."""
    filters = [(name, str(value)) for name in FILTERS for value in getattr(query, name)]
    asked = Asked(filters, query.since, query.until, [] if query.tz is None else [("tz", query.tz)])
    if query.add is not None or query.begin or query.end:
        return RedirectResponse(sent(query, asked), status_code=303)
    with reader.together() as seen:
        return page(request, "outages", _outages(seen, query, asked, now_us), now_us)


def _outages(reader: Reader, query: PageQuery, asked: Asked, now_us: int) -> dict[str, Any]:
    span = query.span(now_us)
    bucket_us = bucket_us_of(span)
    span = widened(span, bucket_us)
    filters = query.explored(now_us)
    found = reader.explore(span, filters, bucket_us=bucket_us, now_us=now_us)
    by = {**found.by, **_beside_the_fleet(reader, found, span, now_us)}
    after = None if query.cursor is None else read_outage_cursor(query.cursor, NEWEST_FIRST)[0]
    rows, following = reader.outages(span, filters.listed(), after=after, limit=ROWS, now_us=now_us)
    return {
        "asked": asked,
        "chips": [(name, value, LABELS[name], words_of(*_pieces(name, value))) for name, value in asked.filters],
        "cards": [(name, LABELS[name], by[name]) for name in CARDS],
        "found": found,
        "filters": OFFERED,
        "labels": LABELS,
        "lasted": lasted(found.lasted, asked),
        "low": LOW,
        "next": None if following is None else _next(asked, span, outage_cursor_of(following, span, NEWEST_FIRST)),
        "ranges": RANGES,
        "relative": asked.since in RANGES and asked.until == UNTIL,
        "rows": rows.items,
        "later": query.cursor is not None,
        "fixed": asked.over(iso(utc_from_us(span.since_us)), iso(utc_from_us(span.until_us))),
        "settled": [one for one in SETTLED if not filters.outcome or one in filters.outcome],
        "shown": SHOWN,
        "trend": trend(found.trend, span, bucket_us, asked),
        "value_words": value_words,
        "completeness": found.completeness,
        # With filters it is about other sessions than a list of them would be asked for.
        "heard": None if asked.filters else heard(found.since, found.until),
    }


def _beside_the_fleet(reader: Reader, found: Explored, span: Span, now_us: int) -> dict[str, tuple[OutagesOf, ...]]:
    """What rollups do not keep, beside its share of the sessions that ended; nothing where those may be too many."""
    if not found.count or span.until_us - span.since_us > COUNTED_US_MAX:
        return {}
    told = reader.breakdown("fates", span, by=COUNTED, limit=PAIRS_MAX, now_us=now_us)
    there = {name: Counter[str | None]() for name in COUNTED}
    for values, count in ((one.values, one.count) for one in told.items if one.values is not None):
        for name in COUNTED:
            value = values[name]
            there[name][None if value is None else str(value)] += count
    return {
        name: tuple(
            row.model_copy(update={"fleet_share": counts[row.value] / counts.total() if counts.total() else None})
            for row in found.by[name]
        )
        for name, counts in there.items()
    }


def _pieces(name: str, value: str) -> tuple[Piece, ...]:
    return range_pieces(value) if name == "ended_at" else (Piece(value_words(name, value)),)


def _next(asked: Asked, span: Span, cursor: str) -> str:
    """The page after this one. Its time is fixed, so that it goes on where this one ends."""
    fixed = asked.over(iso(utc_from_us(span.since_us)), iso(utc_from_us(span.until_us)))
    return f"{fixed}&cursor={cursor}#list"
