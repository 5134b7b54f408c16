"""When trouble began, as far as counts in stretches of time tell. Pure.

The rule: what is usual is the median of the stretches before the hour that is looked at. A stretch is high that has
more than is usual by MORE_MIN, by as much again and by four times its root, which is how far chance alone hardly
takes a count. Trouble began with the first of the high stretches that lead, with no two low ones in a row, to the
highest of the hour. Where none of the hour is high, nothing began suddenly.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from statistics import median_low
from typing import Final, NamedTuple

from collector.store.questions import Span

MORE_MIN: Final = 5
"""Fewer say nothing: one user's bad afternoon."""


class Beginning(NamedTuple):
    """When it began, in µs, None: not suddenly; how many the worst stretch has, and how many are usual."""

    at_us: int | None
    most: int
    usual: int


def beginning(counts: Mapping[int, int], span: Span, bucket_us: int, looked_us: int) -> Beginning:
    """Of counts by the begin of each stretch of the span, of which the last `looked_us` are looked at."""
    begins = range(span.since_us, span.until_us, bucket_us)
    row = [counts.get(at, 0) for at in begins]
    looked = looked_us // bucket_us
    usual = median_low(row[:-looked])
    high = [count >= usual + max(MORE_MIN, usual, 4 * sqrt(usual)) for count in row]
    most = max(row[-looked:])
    place = len(row) - looked + row[-looked:].index(most)
    if not high[place]:
        return Beginning(None, most, usual)
    while earlier := [one for one in (place - 1, place - 2) if one >= 0 and high[one]]:
        place = earlier[0]
    return Beginning(begins[place], most, usual)
