"""The key figures over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.filters import RangeQuery
from collector.api.problems import problems
from collector.store.views import Kpis

router = APIRouter(prefix="/kpis", tags=["kpis"])


@router.get("", responses=problems())
def read_kpis(query: Annotated[RangeQuery, Query()], reader: ReaderDep, now_us: NowDep) -> Kpis:
    """Every key figure with its numerator and denominator, for a range of whole minutes."""
    return reader.kpis(query.span(now_us), query.who(), now_us=now_us)
