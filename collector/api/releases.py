"""Whether a release is worse than others, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.fields import FieldsRoute
from collector.api.filters import RangeQuery, Time
from collector.api.problems import problems
from collector.store.views_releases import ReleaseDimension, Releases

router = APIRouter(prefix="/releases", tags=["releases"], route_class=FieldsRoute)


class ReleasesQuery(RangeQuery):
    """Releases of what, in which range."""

    by: ReleaseDimension = Field(default="app_version", examples=["app_version"])
    since: Time = Field(default="-7d", description="ISO 8601, or relative: -30m, -6h, -7d.", examples=["-7d"])


@router.get("", responses=problems())
def list_releases(query: Annotated[ReleasesQuery, Query()], reader: ReaderDep, now_us: NowDep) -> Releases:
    """Each version beside all others at the same time: drop-free sessions, reconnects and joins, and a verdict.

    Only the time in which a version was seen is compared. A verdict goes by Fisher's exact test, adjusted by Holm for
    all versions and measures of the answer.
    """
    return reader.releases(query.span(now_us), query.who(), by=query.by, now_us=now_us)
