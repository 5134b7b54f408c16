"""The ranges that pages about weeks offer: how far back, in which steps. Pure."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from collector.store.questions import Span
from collector.times import DAY_US, HOUR_US

RangeName = Literal["24h", "7d", "30d"]


class Range(NamedTuple):
    """How far back, in steps of `bucket_us`; `says` and `every` are how people call them."""

    length_us: int
    bucket_us: int
    says: str
    every: str

    def span(self, now_us: int) -> Span:
        """From the beginning of a step to the end of the one that goes on."""
        until_us = now_us + -now_us % self.bucket_us
        return Span(until_us - self.length_us, until_us)


RANGES: Final[dict[RangeName, Range]] = {
    "24h": Range(DAY_US, HOUR_US, "last 24 hours", "hour"),
    "7d": Range(7 * DAY_US, 6 * HOUR_US, "last 7 days", "6 hours"),
    "30d": Range(30 * DAY_US, DAY_US, "last 30 days", "day"),
}
