"""Sessions over HTTP: a page of them, and one with its story."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.filters import SessionsQuery, StoryQuery
from collector.api.paging import cursor_of, read_cursor
from collector.api.problems import problems
from collector.errors import SessionNotFound
from collector.store.views import SessionPage, SessionStory

router = APIRouter(prefix="/sessions", tags=["sessions"])


@router.get("", responses=problems())
def list_sessions(query: Annotated[SessionsQuery, Query()], reader: ReaderDep, now_us: NowDep) -> SessionPage:
    """Sessions, newest first, that match all filters. Sessions that arrive meanwhile do not disturb the paging."""
    span, after = query.span(now_us), None
    if query.cursor is not None:
        after, span = read_cursor(query.cursor)
    page, following = reader.sessions(span, query.filters(), after=after, limit=query.limit, now_us=now_us)
    return page.model_copy(update={"next": None if following is None else cursor_of(following, span)})


@router.get("/{session_id}", responses=problems(SessionNotFound))
def read_session(
    session_id: UUID, query: Annotated[StoryQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> SessionStory:
    """One session, its outages, and its events as they were told."""
    return reader.session(session_id, after_seq=query.after_seq, limit=query.limit, now_us=now_us)
