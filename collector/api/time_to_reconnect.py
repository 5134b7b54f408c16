"""How long outages lasted, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.exploring import ENDLESS_MS, ExploreQuery
from collector.api.fields import FieldsRoute
from collector.api.filters import Numbers, numbers
from collector.api.problems import problems
from collector.store.questions_explore import ExploreFilters
from collector.store.views_explore import TimeToReconnect

router = APIRouter(prefix="/breakdowns", tags=["breakdowns"], route_class=FieldsRoute)

_NOTHING = ((0, 0),)


class TimeToReconnectQuery(ExploreQuery):
    """Which outages; how long they took may be asked as it is of the list of outages, or of its page."""

    downtime_ms: Numbers = Field(default=[], description="How long it took.", examples=[["4000..5000"]])

    def explored(self, now_us: int) -> ExploreFilters:
        """As the store takes them. Raises BadFilter."""
        asked = super().explored(now_us)
        took = tuple(
            (one.least or 0, ENDLESS_MS if one.most is None else one.most + 1) for one in numbers(self.downtime_ms)
        )
        if not took or not asked.lasted:
            return replace(asked, lasted=took or asked.lasted)
        both = tuple((max(a, c), min(b, d)) for a, b in took for c, d in asked.lasted if max(a, c) < min(b, d))
        return replace(asked, lasted=both or _NOTHING)


@router.get("/time-to-reconnect", responses=problems())
def read_time_to_reconnect(
    query: Annotated[TimeToReconnectQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> TimeToReconnect:
    """Outages that began in the time by how long they lasted: those that came back and those that did not."""
    return reader.time_to_reconnect(query.span(now_us), query.explored(now_us), now_us=now_us)
