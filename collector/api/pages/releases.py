"""Releases: whether one is worse than what else was there at the same time."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from collector.api.behind import BADLY, between, heard, sessions, settled
from collector.api.dependencies import NowDep, ReaderDep
from collector.api.intervals import drawn, scale_of
from collector.api.pages.showing import page
from collector.api.stretches import RANGES, RangeName
from collector.store.reader import Reader
from collector.store.reader_releases import QUARTER
from collector.store.views_releases import Release, ReleaseDimension, Releases, Verdict

router = APIRouter(default_response_class=HTMLResponse)

VERDICTS: Final[dict[Verdict, str]] = {
    "worse": "worse",
    "better": "better",
    "no_difference_found": "no difference found",
    "too_few": "too few to say",
}
DIMENSIONS: Final[dict[ReleaseDimension, str]] = {"app_version": "App version", "sdk_version": "SDK version"}
THERE: Final = (*BADLY, "left", "completed", "removed", "superseded")
"""How sessions end that had joined."""
_SAID: Final[dict[str, dict[str, str]]] = {
    "drop_free": {"worse": "drops more", "better": "drops less"},
    "reconnected": {"worse": "comes back less", "better": "comes back more"},
    "joined": {"worse": "joins less often", "better": "joins more often"},
}


@router.get("/releases")
def releases_page(
    request: Request,
    reader: ReaderDep,
    now_us: NowDep,
    by: Annotated[ReleaseDimension, Query()] = "app_version",
    last: Annotated[RangeName, Query()] = "7d",
) -> HTMLResponse:
    """Whether a release is worse."""
    return page(request, "releases", _releases(reader, by, last, now_us), now_us)


def _releases(reader: Reader, by: ReleaseDimension, last: RangeName, now_us: int) -> dict[str, Any]:
    told = reader.releases(RANGES[last].span(now_us), by=by, now_us=now_us)
    scale = scale_of(one.drop_free for one in told.items)
    return {
        "releases": told,
        "headline": _headline(told),
        "verdicts": VERDICTS,
        "dimensions": DIMENSIONS,
        "ranges": RANGES,
        "last": last,
        "scale": scale,
        "drawn": drawn,
        "because": _because,
        "dropped": lambda one: _sessions(told, one, BADLY),
        "there": lambda one: _sessions(told, one, THERE),
        "others": lambda one: _others(told, one),
        "outages": lambda one: settled(told.since, told.until, also=[(told.by, one.value or "")]),
        "completeness": told.completeness,
        "heard": heard(told.since, told.until),
    }


def _headline(told: Releases) -> str:
    worse = [one.value or "not told" for one in told.items if one.verdict == "worse"]
    if len(worse) == 1:
        return f"{worse[0]} is worse than the others"
    if worse:
        return f"{len(worse)} releases are worse than the others"
    if not told.items:
        return "No release was seen"
    if all(one.verdict == "too_few" for one in told.items):
        return "Too few sessions to say whether a release is worse"
    return "No release is worse than the others"


def _because(one: Release) -> str:
    """In what a release differs, in words."""
    return ", ".join(said[one.verdict] for name, said in _SAID.items() if getattr(one, name).verdict == one.verdict)


def _sessions(told: Releases, one: Release, fates: tuple[str, ...]) -> str:
    """The page of the sessions behind a number: those that ended in the time, as drops are counted."""
    return sessions(fates, between(told.since, told.until), [(told.by, one.value or "")])


def _others(told: Releases, one: Release) -> str:
    """Those of all other versions, from the first to the last quarter of an hour in which this one was seen."""
    until = one.last_seen + timedelta(minutes=QUARTER)
    ended = between(max(told.since, one.first_seen), min(told.until, until))
    return sessions(THERE, ended, [(f"not_{told.by}", one.value or "")])
