"""What the store answers about how outages began and ended, and how sessions did, by any two dimensions."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from collector.store.questions import By, Words
from collector.store.views import Completeness, Values, View


class Slice(View):
    """How many had this cause, outcome or fate, of all with the same values. Intervals are Wilson's, at 95 %."""

    word: str | None = Field(description="The cause, outcome or fate; None: it was not told.", examples=["signaling"])
    values: Values
    rest: bool = Field(description="All values but the largest, together.")
    count: int = Field(examples=[12])
    of: int = Field(examples=[48])
    share: float = Field(examples=[0.25])
    low: float = Field(examples=[0.1492])
    high: float = Field(examples=[0.3878])


class SliceBucket(View):
    """The same, for one stretch of the time asked for."""

    at: datetime
    word: str | None
    values: Values
    rest: bool
    count: int


class Breakdown(View):
    """Counts by cause, outcome or fate, and by up to two of what is known of those whom they happened to."""

    since: datetime
    until: datetime
    what: Words
    by: tuple[By, ...]
    bucket_s: int | None
    items: tuple[Slice, ...] = Field(description="The values with the most first; of each, the commonest word first.")
    values_left_out: int = Field(description="How many values are told together, as the rest.")
    buckets: tuple[SliceBucket, ...] | None
    completeness: Completeness
