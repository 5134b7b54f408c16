"""Breakdowns over HTTP: what failed with which code, and who is hit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.filters import AffectedQuery, BlastRadiusQuery, FailureCodesQuery
from collector.api.problems import problems
from collector.store.views import AffectedBy, BlastRadius, FailureCodes

router = APIRouter(prefix="/breakdowns", tags=["breakdowns"])


@router.get("/failure-codes", responses=problems())
def read_failure_codes(query: Annotated[FailureCodesQuery, Query()], reader: ReaderDep, now_us: NowDep) -> FailureCodes:
    """Sessions that failed, by phase and code, each with its count and share; split by region or version, and by time.

    The range is widened to whole minutes; the answer says to which.
    """
    span = query.span(now_us)
    bucket_us = query.bucket_us(span)
    return reader.failure_codes(span, query.who(), phase=query.phase, by=query.by, bucket_us=bucket_us, now_us=now_us)


@router.get("/affected", responses=problems())
def read_affected(query: Annotated[AffectedQuery, Query()], reader: ReaderDep, now_us: NowDep) -> AffectedBy:
    """What each region or version lived through, the one with the most sessions that ended badly first."""
    return reader.affected(query.span(now_us), query.who(), by=query.by, now_us=now_us)


@router.get("/blast-radius", responses=problems())
def read_blast_radius(query: Annotated[BlastRadiusQuery, Query()], reader: ReaderDep, now_us: NowDep) -> BlastRadius:
    """The ten seconds in which the most participants of a room, region or version lost connection, beside the rest."""
    return reader.blast_radius(query.span(now_us), query.who(), by=query.by, now_us=now_us)
