"""The pages that people open: the fleet now, a room, a session, a search, and what the API offers.

A page and its fragment are the same template: the page's script fetches the fragment and puts it in place, so that what
is shown is made in one place, on the server. Without scripts the page reloads itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import AfterValidator

from collector.api.charts import stacked
from collector.api.dependencies import NowDep, ReaderDep
from collector.api.filters import storable
from collector.api.headline import headline
from collector.api.incidents import place_of
from collector.api.lanes import draw
from collector.api.meanings import MEANINGS, meaning
from collector.api.paging import incident_cursor_of, read_incident_cursor
from collector.api.rendering import templates_of
from collector.api.verdicts import room_verdict, session_verdict
from collector.api.words import OUTCOMES
from collector.store.questions import Dimension, IncidentFilters, Span
from collector.store.reader import Reader
from collector.store.reader_rollups import minutes
from collector.store.reader_verdict import EVENTS_MAX
from collector.store.views import Affected, FailureCodes
from collector.store.views_incidents import IncidentView
from collector.times import DAY_US
from session_core.events import utc_from_us

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

HOUR_US: Final = 3_600_000_000
BUCKET_US: Final = 300_000_000
CHART_US: Final = 6 * HOUR_US
LATEST: Final = 25
CODES_IN_CHART: Final = 5
FOUND_MAX: Final = 50
_SPLIT_BY: Final[tuple[Dimension, ...]] = ("region", "app_version", "sdk_version")
# From the floor of a bar to its top: what ended well, what ended badly, what has not ended.
_STACK: Final = {
    word: OUTCOMES[word] for word in ("recovered", "closed", "superseded", "abandoned", "lost", "failed", "open")
}

INCIDENTS_US: Final = 30 * DAY_US
OPEN_MAX: Final = 20

Text = Annotated[str, AfterValidator(storable)]
RoomSid = Annotated[Text, Path(max_length=256)]
IncidentId = Annotated[str, Path(max_length=64)]
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("/")
def now_page(request: Request, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """The fleet now."""
    return _page(request, "now", _now(reader, now_us), now_us, fragment="/fragments/now")


@router.get("/fragments/now")
def now_fragment(request: Request, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """What changes on the page of the fleet."""
    return _fragment(request, "now", _now(reader, now_us), now_us)


@router.get("/rooms/{room_sid}")
def room_page(request: Request, room_sid: RoomSid, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """One room."""
    return _page(
        request, "room", _room(reader, room_sid, now_us), now_us, f"/fragments/rooms/{quote(room_sid, safe='')}"
    )


@router.get("/fragments/rooms/{room_sid}")
def room_fragment(request: Request, room_sid: RoomSid, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """What changes on the page of a room."""
    return _fragment(request, "room", _room(reader, room_sid, now_us), now_us)


@router.get("/sessions/{session_id}")
def session_page(
    request: Request,
    session_id: UUID,
    reader: ReaderDep,
    now_us: NowDep,
    after_seq: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
) -> HTMLResponse:
    """One session."""
    values = _session(reader, session_id, after_seq, now_us)
    query = "" if after_seq is None else f"?after_seq={after_seq}"
    return _page(request, "session", values, now_us, f"/fragments/sessions/{session_id}{query}")


@router.get("/fragments/sessions/{session_id}")
def session_fragment(
    request: Request,
    session_id: UUID,
    reader: ReaderDep,
    now_us: NowDep,
    after_seq: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
) -> HTMLResponse:
    """What changes on the page of a session."""
    return _fragment(request, "session", _session(reader, session_id, after_seq, now_us), now_us)


@router.get("/incidents")
def incidents_page(request: Request, reader: ReaderDep, now_us: NowDep, cursor: Cursor = None) -> HTMLResponse:
    """What Alertmanager told of, the latest first."""
    query = "" if cursor is None else f"?cursor={quote(cursor, safe='')}"
    return _page(request, "incidents", _incidents(reader, cursor, now_us), now_us, f"/fragments/incidents{query}")


@router.get("/fragments/incidents")
def incidents_fragment(request: Request, reader: ReaderDep, now_us: NowDep, cursor: Cursor = None) -> HTMLResponse:
    """What changes on that page."""
    return _fragment(request, "incidents", _incidents(reader, cursor, now_us), now_us)


@router.get("/incidents/{incident_id}")
def incident_page(request: Request, incident_id: IncidentId, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """One incident and whom it hit."""
    return _page(request, "incident", _incident(reader, incident_id, now_us), now_us, f"/fragments{request.url.path}")


@router.get("/fragments/incidents/{incident_id}")
def incident_fragment(request: Request, incident_id: IncidentId, reader: ReaderDep, now_us: NowDep) -> HTMLResponse:
    """What changes on the page of an incident."""
    return _fragment(request, "incident", _incident(reader, incident_id, now_us), now_us)


@router.get("/search")
def search(
    request: Request, reader: ReaderDep, now_us: NowDep, q: Annotated[Text, Query(max_length=256)] = ""
) -> Response:
    """The page of what is meant; the sessions to choose from where it is not one thing."""
    word = q.strip()
    found = reader.find(word, limit=FOUND_MAX) if word else ()
    if found and str(found[0].session_id) == word.lower():
        return RedirectResponse(f"/sessions/{found[0].session_id}", status_code=303)
    if len(found) == 1 and found[0].participant_sid == word:
        return RedirectResponse(f"/sessions/{found[0].session_id}", status_code=303)
    rooms = {session.room_sid for session in found}
    if len(rooms) == 1 and (room := rooms.pop()) is not None:
        return RedirectResponse(f"/rooms/{quote(room, safe='')}", status_code=303)
    return _page(request, "search", {"word": word, "found": found, "found_max": FOUND_MAX}, now_us)


@router.get("/docs")
def docs_page(request: Request, now_us: NowDep) -> HTMLResponse:
    """What the API offers, made of its own description."""
    return _page(request, "docs", {"paths": request.app.openapi()["paths"]}, now_us)


def _now(reader: Reader, now_us: int) -> dict[str, Any]:
    fleet = reader.fleet()
    if not fleet.sessions_ever:
        return {"fleet": fleet}
    hour = minutes(Span(now_us - HOUR_US, now_us))
    until_us = now_us + -now_us % BUCKET_US
    chart = Span(until_us - CHART_US, until_us)
    kpis = reader.kpis(hour, now_us=now_us)
    codes = reader.failure_codes(hour, now_us=now_us)
    affected: dict[Dimension, tuple[Affected, ...]] = {
        by: reader.affected(hour, by=by, now_us=now_us).items for by in _SPLIT_BY
    }
    outages = reader.outage_buckets(hour, bucket_us=BUCKET_US).items
    over_time = reader.outage_buckets(chart, bucket_us=BUCKET_US).items
    failures = reader.failure_codes(chart, bucket_us=BUCKET_US, now_us=now_us)
    return {
        "fleet": fleet,
        "kpis": kpis,
        "codes": codes,
        "failed": {phase: sum(one.count for one in codes.items if one.phase == phase) for phase in ("join", "session")},
        "meaning": meaning,
        "meanings": MEANINGS,
        "affected": affected,
        "statements": headline(outages, codes, affected, kpis),
        "outages_chart": stacked(((one.at, one.outcome, one.count) for one in over_time), _STACK, chart, BUCKET_US),
        "failures_chart": _failures_chart(failures, chart),
        "latest": reader.latest_outages(chart, limit=LATEST, now_us=now_us).items,
        "incidents": _open_incidents(reader, now_us),
        "completeness": kpis.completeness,
    }


def _failures_chart(failures: FailureCodes, span: Span) -> Any:
    totals: dict[int, int] = {}
    for one in failures.items:
        totals[one.error.code] = totals.get(one.error.code, 0) + one.count
    ranked = sorted(totals, key=lambda code: (-totals[code], code))[:CODES_IN_CHART]
    keys = {code: f"code-{place}" for place, code in enumerate(ranked)}
    labels = {f"code-{place}": str(code) for place, code in enumerate(ranked)} | {"code-other": "other codes"}
    counts = ((one.at, keys.get(one.code, "code-other"), one.count) for one in failures.buckets or ())
    return stacked(counts, labels, span, BUCKET_US)


def _room(reader: Reader, room_sid: str, now_us: int) -> dict[str, Any]:
    room = reader.room_timeline(room_sid, now_us=now_us)
    outages = sorted(
        ((lane, outage) for lane in room.participants for outage in lane.outages),
        key=lambda pair: (pair[1].started_at, str(pair[1].session_id), pair[1].number),
    )
    return {
        "room": room,
        "drawn": draw(room),
        "outages": outages,
        "verdict": room_verdict(reader, room, now_us),
        "completeness": room.completeness,
    }


def _session(reader: Reader, session_id: UUID, after_seq: int | None, now_us: int) -> dict[str, Any]:
    case = reader.case(session_id, now_us=now_us)
    story = case.story
    if after_seq is not None:
        story = reader.session(session_id, after_seq=after_seq, limit=EVENTS_MAX, now_us=now_us)
    return {
        "story": story,
        "after_seq": after_seq,
        "verdict": session_verdict(case),
        "completeness": story.completeness,
    }


def _incidents(reader: Reader, cursor: str | None, now_us: int) -> dict[str, Any]:
    span, after = Span(now_us - INCIDENTS_US, now_us + 1), None
    if cursor is not None:
        after, span = read_incident_cursor(cursor)
    items, following = reader.told_incidents(span, after=after)
    return {
        "items": items,
        "next": None if following is None else incident_cursor_of(following, span),
        "earlier": cursor is not None,
        "open_count": len(_open_incidents(reader, now_us)),
    }


def _incident(reader: Reader, incident_id: str, now_us: int) -> dict[str, Any]:
    story = reader.incident(place_of(incident_id), now_us=now_us)
    told = story.incident.annotations
    links = [
        (words, told[name])
        for words, name in (("What to do first", "runbook_url"), ("In Grafana", "dashboard_url"))
        if told.get(name, "").startswith(("https://", "http://"))
    ]
    return {"story": story, "links": links, "meaning": meaning, "completeness": story.completeness}


def _open_incidents(reader: Reader, now_us: int) -> tuple[IncidentView, ...]:
    """Those that go on, but for such as always fire to show that alerts arrive."""
    span = Span(now_us - INCIDENTS_US, now_us + 1)
    items, _ = reader.told_incidents(span, IncidentFilters(open=True), limit=OPEN_MAX)
    return tuple(one for one in items if one.severity != "none")


def _page(
    request: Request, name: str, values: dict[str, Any], now_us: int, fragment: str | None = None
) -> HTMLResponse:
    template = templates_of(request).get_template(f"{name}.html")
    shown = {"word": "", **values, "now": utc_from_us(now_us), "fragment": fragment}
    return HTMLResponse(template.render(shown))


def _fragment(request: Request, name: str, values: dict[str, Any], now_us: int) -> HTMLResponse:
    template = templates_of(request).get_template(f"parts/{name}.html")
    return HTMLResponse(template.render({**values, "now": utc_from_us(now_us)}))
