"""Completeness over HTTP: how much of what was sent has arrived, for a stretch of time and whoever is asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.fields import FieldsRoute
from collector.api.listing import CompletenessQuery
from collector.api.problems import problems
from collector.store.views_lists import RangeCompleteness

router = APIRouter(prefix="/completeness", tags=["completeness"], route_class=FieldsRoute)


@router.get("", responses=problems())
def read_completeness(
    query: Annotated[CompletenessQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> RangeCompleteness:
    """Of sessions that ended in the range, or go on: events received of those sent, gaps, silence, age."""
    return reader.completeness(query.span(now_us), query.filters(), now_us=now_us)
