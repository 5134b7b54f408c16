"""How long outages lasted, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.exploring import ExploreQuery
from collector.api.fields import FieldsRoute
from collector.api.problems import problems
from collector.store.views_explore import TimeToReconnect

router = APIRouter(prefix="/breakdowns", tags=["breakdowns"], route_class=FieldsRoute)


@router.get("/time-to-reconnect", responses=problems())
def read_time_to_reconnect(
    query: Annotated[ExploreQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> TimeToReconnect:
    """Outages that began in the time by how long they lasted: those that came back and those that did not."""
    return reader.time_to_reconnect(query.span(now_us), query.explored(), now_us=now_us)
