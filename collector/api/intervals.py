"""Where the intervals of releases are drawn: places in percent of the width, on one scale for all. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from collector.store.views_releases import Measure

_FLOORS: Final = (0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.0)


class Drawn(NamedTuple):
    """One interval: its beginning, its width, and its share within it."""

    x: float
    width: float
    dot: float


class Scale(NamedTuple):
    """From `floor` to all; `ticks` are (place, share)."""

    floor: float
    ticks: tuple[tuple[float, float], ...]


def scale_of(measures: Iterable[Measure]) -> Scale:
    """The scale on which every interval of them lies that tells something; the narrowest of a few round ones."""
    lowest = min((low for one in measures if one.verdict != "too_few" for low in _lows(one)), default=0.0)
    floor = next(one for one in _FLOORS if one <= lowest)
    return Scale(floor, tuple((100 * part, floor + (1 - floor) * part) for part in (0.0, 0.5, 1.0)))


def drawn(low: float | None, share: float | None, high: float | None, scale: Scale) -> Drawn | None:
    """An interval on the scale, cut where it is below it; None where there is none."""
    if low is None or share is None or high is None:
        return None
    begin, dot, end = (round(100 * max(0.0, one - scale.floor) / (1 - scale.floor), 2) for one in (low, share, high))
    return Drawn(begin, round(end - begin, 2), dot)


def _lows(one: Measure) -> Iterable[float]:
    return [low for low in (one.low, one.rest_low) if low is not None]
