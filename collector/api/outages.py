"""Outages over HTTP: a page of the fleet's, and one."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.fields import FieldsRoute
from collector.api.filters import NoQuery
from collector.api.listing import OutagesQuery
from collector.api.paging import outage_cursor_of, read_outage_cursor
from collector.api.problems import problems
from collector.errors import OutageNotFound
from collector.store.views_lists import OutagePage, OutageStory

router = APIRouter(prefix="/outages", tags=["outages"], route_class=FieldsRoute)


@router.get("", responses=problems())
def list_outages(query: Annotated[OutagesQuery, Query()], reader: ReaderDep, now_us: NowDep) -> OutagePage:
    """Outages that match all filters, of the last 24 hours where `since` says nothing else."""
    span, after = query.span(now_us), None
    if query.cursor is not None:
        after, span = read_outage_cursor(query.cursor, query.sort)
    page, following = reader.outages(
        span, query.filters(now_us), sort=query.sort, after=after, limit=query.limit, now_us=now_us
    )
    return page.model_copy(
        update={"next": None if following is None else outage_cursor_of(following, span, query.sort)}
    )


@router.get("/{session_id}/{number}", responses=problems(OutageNotFound))
def read_outage(
    session_id: UUID,
    number: Annotated[int, Path(ge=0, le=2**31 - 1, examples=[1])],
    query: Annotated[NoQuery, Query()],
    reader: ReaderDep,
    now_us: NowDep,
) -> OutageStory:
    """One outage, with whom it happened to: by its session, and its number there."""
    del query
    return reader.outage(session_id, number, now_us=now_us)
