"""What Alertmanager told of, and whom one incident hit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from collector.api.behind import heard, sessions
from collector.api.dependencies import NowDep, ReaderDep
from collector.api.incidents import place_of
from collector.api.meanings import meaning
from collector.api.pages.showing import Cursor, page, part
from collector.api.paging import incident_cursor_of, read_incident_cursor
from collector.store.questions import IncidentFilters, Span
from collector.store.reader import Reader
from collector.store.reader_incidents import aim_of
from collector.store.reading import minutes
from collector.store.views_incidents import IncidentStory, IncidentView
from collector.times import DAY_US
from session_core.instants import us_from_utc, utc_from_us

router = APIRouter(default_response_class=HTMLResponse)

INCIDENTS_US: Final = 30 * DAY_US
OPEN_MAX: Final = 20

IncidentId = Annotated[str, Path(max_length=64)]


@router.get("/incidents")
def incidents_page(request: Request, reader: ReaderDep, now_us: NowDep, cursor: Cursor = None) -> HTMLResponse:
    """What Alertmanager told of, the latest first."""
    query = "" if cursor is None else f"?cursor={quote(cursor, safe='')}"
    return page(request, "incidents", _incidents(reader, cursor, now_us), now_us, f"/fragments/incidents{query}")


@router.get("/fragments/incidents")
def incidents_part(request: Request, reader: ReaderDep, now_us: NowDep, cursor: Cursor = None) -> HTMLResponse:
    """What changes on that page."""
    return part(request, "incidents", _incidents(reader, cursor, now_us), now_us)


@router.get("/incidents/{incident_id}")
def incident_page(request: Request, incident_id: IncidentId, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """One incident and whom it hit."""
    return page(request, "incident", _incident(reader, incident_id, now_us), now_us, f"/fragments{request.url.path}")


@router.get("/fragments/incidents/{incident_id}")
def incident_part(request: Request, incident_id: IncidentId, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """What changes on the page of an incident."""
    return part(request, "incident", _incident(reader, incident_id, now_us), now_us)


def _incidents(reader: Reader, cursor: str | None, now_us: int) -> dict[str, Any]:
    span, after = Span(now_us - INCIDENTS_US, now_us + 1), None
    if cursor is not None:
        after, span = read_incident_cursor(cursor)
    items, following = reader.told_incidents(span, after=after)
    return {
        "items": items,
        "next": None if following is None else incident_cursor_of(following, span),
        "earlier": cursor is not None,
        "open_count": len(open_incidents(reader, now_us)),
    }


def _incident(reader: Reader, incident_id: str, now_us: int) -> dict[str, Any]:
    story = reader.incident(place_of(incident_id), now_us=now_us)
    told = story.incident.annotations
    # As the alert has it where Prometheus knows no address of the documentation: ours has the runbooks.
    runbook = told.get("runbook_url", "")
    addresses = {
        "What to do first": f"/{runbook}" if runbook.startswith("docs/runbooks.md#") else runbook,
        "In Grafana": told.get("dashboard_url", ""),
    }
    allowed = ("https://", "http://", "/docs/runbooks.md#")
    links = [(words, address) for words, address in addresses.items() if address.startswith(allowed)]
    return {
        "story": story,
        "links": links,
        "meaning": meaning,
        "behind": partial(_sessions, story, [("hit", "yes")]),
        "there": partial(_sessions, story, []),
        "completeness": story.completeness,
        "heard": _heard(story),
    }


def _sessions(story: IncidentStory, of_them: list[tuple[str, str]], by: str = "", value: str | None = None) -> str:
    """The sessions that the incident could have hit, or some of them: those with a value, those that it did hit."""
    theirs = [(by, value or "")] if by else []
    return sessions((), also=[("incident", story.incident.incident_id), *of_them, *theirs])


def _heard(story: IncidentStory) -> Callable[..., str] | None:
    """The addresses of those whom its completeness is about: as many minutes, and as much of the fleet."""
    blast, aim = story.blast, aim_of(story.incident.labels)
    if blast is None or aim is None:
        return None
    whole = minutes(Span(us_from_utc(blast.since), us_from_utc(blast.until)))
    their = heard(utc_from_us(whole.since_us), utc_from_us(whole.until_us))
    return partial(their, region=aim.who.region[0]) if aim.who.region else their


def open_incidents(reader: Reader, now_us: int) -> tuple[IncidentView, ...]:
    """Those that go on, but for such as always fire to show that alerts arrive."""
    span = Span(now_us - INCIDENTS_US, now_us + 1)
    items, _ = reader.told_incidents(span, IncidentFilters(open=True), limit=OPEN_MAX)
    return tuple(one for one in items if one.severity != "none")
