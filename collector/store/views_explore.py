"""What the store answers to whoever explores outages: counts by dimension, over time, and by how long they lasted."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from collector.store.questions import Outcome
from collector.store.views import Completeness, View


class OutagesOf(View):
    """Outages that share a value of a dimension, and what became of them."""

    value: str | None = Field(description="None: not told.", examples=["br1"])
    count: int = Field(examples=[120])
    recovered: int = Field(examples=[91])
    settled: int = Field(description="Recovered, failed, abandoned or lost.", examples=[118])
    share: float = Field(description="Of all outages that were counted.", examples=[0.61])
    fleet_share: float | None = Field(
        description="What to hold it against: the value's share of the sessions that began in the time; for a cause, "
        "an outcome or a code its share of all outages. None where there is nothing to compare with.",
        examples=[0.17],
    )


class OutagesAt(View):
    """Outages with one outcome that began in one stretch of time."""

    at: datetime
    outcome: Outcome
    count: int


class LastedBetween(View):
    """Outages that lasted from `from_ms`, which belongs to it, to `to_ms`, which does not; None: without end."""

    from_ms: int = Field(examples=[4000])
    to_ms: int | None = Field(examples=[5657])
    recovered: int = Field(examples=[12])
    not_recovered: int = Field(description="Failed, abandoned or lost.", examples=[1])


class TimeToReconnect(View):
    """How long it took to come back, and how long those were away who did not.

    Percentiles are of recovered outages, by the nearest rank: values that really occurred.
    """

    since: datetime
    until: datetime
    one_in: int = Field(
        description="One outage in so many was looked at, and counts are multiplied by it. 1: all of them were."
    )
    buckets: tuple[LastedBetween, ...] = Field(description="Each about one and a half times as long as the one before.")
    recovered: int = Field(examples=[91])
    p50_ms: int | None = Field(examples=[4200])
    p90_ms: int | None
    p99_ms: int | None
    completeness: Completeness


class Explored(View):
    """Outages that began in the time, counted in every way."""

    since: datetime
    until: datetime
    bucket_s: int
    one_in: int
    exact: bool = Field(description="Whether `count`, `recovered` and `settled` are those of all outages.")
    exact_trend: bool = Field(description="Whether `trend` is.")
    count: int
    recovered: int
    settled: int
    by: dict[str, tuple[OutagesOf, ...]]
    trend: tuple[OutagesAt, ...]
    lasted: TimeToReconnect
    completeness: Completeness
