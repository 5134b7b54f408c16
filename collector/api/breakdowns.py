"""Breakdowns over HTTP: what failed with which code, how outages began and ended, how sessions did, who is hit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from collector.api.breakdown_filters import BlastRadiusQuery, FailureCodesQuery, FatesQuery, OutagesByQuery, two
from collector.api.dependencies import NowDep, ReaderDep
from collector.api.fields import FieldsRoute
from collector.api.filters import AffectedQuery
from collector.api.problems import problems
from collector.store.facts import Kind
from collector.store.questions import Phase, Words
from collector.store.reader import Reader
from collector.store.views import AffectedBy, BlastRadius, FailureCodes
from collector.store.views_breakdowns import Breakdown

router = APIRouter(prefix="/breakdowns", tags=["breakdowns"], route_class=FieldsRoute)


@router.get("/failure-codes", responses=problems())
def read_failure_codes(query: Annotated[FailureCodesQuery, Query()], reader: ReaderDep, now_us: NowDep) -> FailureCodes:
    """Sessions that failed, by phase and code, each with its count and share; split by up to two dimensions, by time.

    The range is widened to whole minutes; the answer says to which.
    """
    by = two(query.by)
    span = query.short_enough(query.span(now_us), "ended", by)
    return reader.failure_codes(
        span,
        query.clients(),
        phase=query.phase,
        by=by,
        bucket_us=query.bucket_us(span),
        limit=query.limit,
        now_us=now_us,
    )


@router.get("/causes", responses=problems())
def read_causes(query: Annotated[OutagesByQuery, Query()], reader: ReaderDep, now_us: NowDep) -> Breakdown:
    """Outages that began in the range, by cause: signaling or media."""
    return _breakdown("causes", "outage", query, reader, now_us)


@router.get("/outcomes", responses=problems())
def read_outcomes(query: Annotated[OutagesByQuery, Query()], reader: ReaderDep, now_us: NowDep) -> Breakdown:
    """Outages that ended in the range, by what became of them."""
    return _breakdown("outcomes", "outage_ended", query, reader, now_us)


@router.get("/fates", responses=problems())
def read_fates(query: Annotated[FatesQuery, Query()], reader: ReaderDep, now_us: NowDep) -> Breakdown:
    """Sessions that ended in the range, by how; joins that failed are among them."""
    return _breakdown("fates", "ended", query, reader, now_us, query.phase)


@router.get("/affected", responses=problems())
def read_affected(query: Annotated[AffectedQuery, Query()], reader: ReaderDep, now_us: NowDep) -> AffectedBy:
    """What each region or version lived through, the one with the most sessions that ended badly first."""
    return reader.affected(query.span(now_us), query.who(), by=query.by, now_us=now_us)


@router.get("/blast-radius", responses=problems())
def read_blast_radius(query: Annotated[BlastRadiusQuery, Query()], reader: ReaderDep, now_us: NowDep) -> BlastRadius:
    """The ten seconds in which the most participants of a room, region or version lost connection, beside the rest."""
    span = query.short_enough(query.span(now_us), "outage")
    return reader.blast_radius(span, query.clients(), by=query.by, now_us=now_us)


def _breakdown(
    what: Words, kind: Kind, query: OutagesByQuery | FatesQuery, reader: Reader, now_us: int, phase: Phase | None = None
) -> Breakdown:
    by = two(query.by)
    span = query.short_enough(query.span(now_us), kind, by)
    return reader.breakdown(
        what,
        span,
        query.clients(),
        phase=phase,
        by=by,
        bucket_us=query.bucket_us(span),
        limit=query.limit,
        now_us=now_us,
    )
