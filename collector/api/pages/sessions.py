"""One session: its outages, its events as they were told, and why it ended."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.pages.showing import page, part
from collector.api.verdicts import session_verdict
from collector.store.reader import Reader
from collector.store.reader_verdict import EVENTS_MAX

router = APIRouter(default_response_class=HTMLResponse)


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
    return page(request, "session", values, now_us, f"/fragments/sessions/{session_id}{query}")


@router.get("/fragments/sessions/{session_id}")
def session_fragment(
    request: Request,
    session_id: UUID,
    reader: ReaderDep,
    now_us: NowDep,
    after_seq: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
) -> HTMLResponse:
    """What changes on the page of a session."""
    return part(request, "session", _session(reader, session_id, after_seq, now_us), now_us)


def _session(reader: Reader, session_id: UUID, after_seq: int | None, now_us: int) -> dict[str, Any]:
    case = reader.case(session_id, now_us=now_us)
    story = case.story
    if after_seq is not None:
        story = reader.session(session_id, after_seq=after_seq, limit=EVENTS_MAX, now_us=now_us)
    return {
        "story": story,
        "after_seq": after_seq,
        "rejoined": case.rejoined,
        "verdict": session_verdict(case),
        "completeness": story.completeness,
    }
