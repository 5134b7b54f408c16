"""Sessions over HTTP: a page of them, one with its story, and its events and outages alone."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.fields import FieldsRoute
from collector.api.filters import SessionsQuery
from collector.api.listing import PartQuery, StoryQuery
from collector.api.paging import cursor_of, number_cursor_of, read_cursor, read_number_cursor
from collector.api.problems import problems
from collector.errors import SessionNotFound
from collector.store.views import SessionPage
from collector.store.views_lists import EventPage, SessionOutages, SessionTold

router = APIRouter(prefix="/sessions", tags=["sessions"], route_class=FieldsRoute)


@router.get("", responses=problems())
def list_sessions(query: Annotated[SessionsQuery, Query()], reader: ReaderDep, now_us: NowDep) -> SessionPage:
    """Sessions that match all filters, newest first. Sessions that arrive meanwhile do not disturb the paging."""
    span, after = query.span(now_us), None
    if query.cursor is not None:
        after, span = read_cursor(query.cursor, query.sort)
    page, following = reader.sessions(
        span, query.filters(now_us), sort=query.sort, after=after, limit=query.limit, now_us=now_us
    )
    return page.model_copy(update={"next": None if following is None else cursor_of(following, span, query.sort)})


@router.get("/{session_id}", responses=problems(SessionNotFound))
def read_session(
    session_id: UUID, query: Annotated[StoryQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> SessionTold:
    """One session, its outages, and its events as they were told; a page of those, where there are many."""
    after = None if query.cursor is None else read_number_cursor(query.cursor, "events")
    story = reader.session(session_id, after_seq=after, limit=query.limit, now_us=now_us)
    following = None if story.next is None else number_cursor_of(story.next, "events")
    return SessionTold.model_validate({**dict(story), "next": following})


@router.get("/{session_id}/events", responses=problems(SessionNotFound))
def list_session_events(
    session_id: UUID, query: Annotated[PartQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> EventPage:
    """A session's events as they were told, the first one first."""
    after = -1 if query.cursor is None else read_number_cursor(query.cursor, "events")
    page, following = reader.events(session_id, after_seq=after, limit=query.limit, now_us=now_us)
    return page.model_copy(update={"next": None if following is None else number_cursor_of(following, "events")})


@router.get("/{session_id}/outages", responses=problems(SessionNotFound))
def list_session_outages(
    session_id: UUID, query: Annotated[PartQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> SessionOutages:
    """A session's outages, the first one first."""
    after = -1 if query.cursor is None else read_number_cursor(query.cursor, "outages")
    page, following = reader.outages_of(session_id, after_number=after, limit=query.limit, now_us=now_us)
    return page.model_copy(update={"next": None if following is None else number_cursor_of(following, "outages")})
