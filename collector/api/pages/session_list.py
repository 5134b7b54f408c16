"""Sessions as a list, for whoever follows a number to the rows behind it: the filters of the API, each as a chip.

Beside them stand three that numbers about telemetry are made of: in which time a session ended if it does not go on,
whether all of its events are here, and how far its clock was off.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import AfterValidator, Field, StringConstraints

from collector.api.dependencies import NowDep, ReaderDep, refuse_unknown_parameters
from collector.api.filters import SessionsQuery, numbers, times
from collector.api.pages.showing import page
from collector.api.paging import cursor_of, read_cursor
from collector.api.ranges import readable_range, readable_times
from collector.api.room_asking import LABELS, value_words
from collector.api.time_words import Words
from collector.errors import BadFilter
from collector.store.questions import Span
from collector.store.reader_heard import Heard, Untold
from collector.store.reading import FAR_US

router = APIRouter(default_response_class=HTMLResponse)

PATH: Final = "/sessions"
NOT_CHIPS: Final = frozenset({"cursor", "limit", "sort"})
OF_TELEMETRY: Final = {"heard": "Ended then, or goes on", "untold": "Events missing", "off_s": "Clock off by, s"}
"""Filters that only this page has."""
WORDS: Final = {**LABELS, **OF_TELEMETRY, "since": "Since", "until": "Until", "tz": "Zone"}


class Chip(NamedTuple):
    """A filter of the address in words, and the address without it."""

    name: str
    value: Words
    without: str


class SessionListQuery(SessionsQuery):
    """The filters of the API, and what numbers about telemetry are made of."""

    heard: Annotated[str, StringConstraints(max_length=100), AfterValidator(readable_times)] | None = Field(
        default=None, description="It ended then, or goes on."
    )
    untold: Untold | None = Field(
        default=None, description="Only sessions that events are missing of; gaps: before others that are here."
    )
    off_s: Annotated[str, StringConstraints(max_length=40), AfterValidator(readable_range)] | None = Field(
        default=None, description="How far its clock was off: more than the first number of seconds."
    )

    def of_telemetry(self, now_us: int) -> Heard | None:
        """What is asked of telemetry; None: nothing. Raises BadFilter."""
        if self.heard is None:
            for name in ("untold", "off_s"):
                if (value := getattr(self, name)) is not None:
                    raise BadFilter(name, value, "needs heard beside it: the time in which they ended or go on")
            return None
        if self.sort != "-started_at":
            raise BadFilter("sort", self.sort, "is not had beside heard: the newest come first")
        (asked,) = times("heard", [self.heard], now_us, self.zone())
        span = Span(asked.least or 0, FAR_US if asked.most is None else asked.most + 1)
        (off,) = numbers([self.off_s or "0.."])
        return Heard(span, self.untold, (off.least or None, off.most))


@router.get(PATH, dependencies=[Depends(refuse_unknown_parameters)])
def sessions_page(
    request: Request, query: Annotated[SessionListQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> HTMLResponse:
    """Sessions that match all filters, newest first."""
    span, after = query.span(now_us), None
    if query.cursor is not None:
        after, span = read_cursor(query.cursor, query.sort)
    filters, heard = query.filters(now_us), query.of_telemetry(now_us)
    if heard is None:
        found, following = reader.sessions(
            span, filters, sort=query.sort, after=after, limit=query.limit, now_us=now_us
        )
    else:
        found, following = reader.heard(span, heard, filters, after=after, limit=query.limit, now_us=now_us)
    given = request.query_params.multi_items()
    next_page = None
    if following is not None:
        rest = [(name, value) for name, value in given if name != "cursor"]
        next_page = _address([*rest, ("cursor", cursor_of(following, span, query.sort))])
    values: dict[str, Any] = {
        "sessions": found.items,
        "chips": [
            Chip(WORDS[name], value_words(name, value), _address(_without(given, at)))
            for at, (name, value) in enumerate(given)
            if name not in NOT_CHIPS
        ],
        "next": next_page,
        "earlier": query.cursor is not None,
        "completeness": found.completeness,
        # The API has no filters of telemetry, so the same rows are not to be had of it.
        "asked_json": f"/api/v1{_address(given)}" if heard is None else None,
        "asked_csv": f"/api/v1/exports{_address(_exported(given))}",
    }
    return page(request, "sessions", values, now_us)


def _without(given: list[tuple[str, str]], at: int) -> list[tuple[str, str]]:
    """The filters without one, and without those that are none alone."""
    left = given[:at] + given[at + 1 :]
    names = {name for name, _ in left}
    alone = {"among"} if "beside" not in names else set()
    alone |= {"hit"} if not {"beside", "incident"} & names else set()
    return [one for one in left if one[0] not in alone]


def _exported(given: list[tuple[str, str]]) -> list[tuple[str, str]]:
    told = [(name, value) for name, value in given if name not in NOT_CHIPS]
    return told if any(name == "since" for name, _ in told) else [*told, ("since", "1970-01-01")]


def _address(given: list[tuple[str, str]]) -> str:
    return f"{PATH}?{urlencode(given)}" if given else PATH
