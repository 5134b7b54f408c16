"""What charts are drawn from: places in percent of the width and in pixels of the height. Pure: views in, places out.

Widths are percentages, so that one drawing is sharp and its text readable at any width of the page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from collector.api.words import iso
from collector.store.questions import Span
from session_core.instants import us_from_utc, utc_from_us

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
HEIGHT: Final = 160
TICKS_MAX: Final = 7
_STEPS_S: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    1_209_600, 2_592_000,
)  # fmt: skip


class Tick(NamedTuple):
    """A place on an axis with what stands there. `when`: the moment, where it is one."""

    at: float
    label: str
    when: str = ""


class Piece(NamedTuple):
    """One stretch of one bar."""

    key: str
    y: float
    height: float


class Bar(NamedTuple):
    """All that is stacked over one stretch of time."""

    x: float
    width: float
    title: str
    pieces: tuple[Piece, ...]
    when: str = ""


class Series(NamedTuple):
    """One kind of thing that is stacked, for the legend."""

    key: str
    label: str
    total: int


class StackedChart(NamedTuple):
    """Counts over time, stacked, with the same as rows of a table."""

    series: tuple[Series, ...]
    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    height: int
    total: int
    whens: tuple[str, ...] = ()


def stacked(
    counts: Iterable[tuple[datetime, str, int]], labels: Mapping[str, str], span: Span, bucket_us: int
) -> StackedChart:
    """The chart of (bucket, key, count). `labels` names the keys, the lowest first; keys without any are left out."""
    by_bucket: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    totals: dict[str, int] = defaultdict(int)
    for at, key, count in counts:
        by_bucket[us_from_utc(at)][key] += max(count, 0)
        totals[key] += max(count, 0)
    keys = [key for key in labels if totals[key]]
    top = _nice_top(max((sum(parts.values()) for parts in by_bucket.values()), default=0))
    whole = span.until_us - span.since_us
    width = 100 * bucket_us / whole
    form = "%H:%M:%S" if bucket_us < 60 * SECOND_US else "%H:%M" if whole <= DAY_US else "%d %b %H:%M"
    bars = []
    for at_us, parts in sorted(by_bucket.items()):
        said = ", ".join(f"{parts[key]} {labels[key]}" for key in keys if parts[key])
        x = 100 * (at_us - span.since_us) / whole
        title = f"{utc_from_us(at_us):{form}}: {said}"
        bars.append(
            Bar(
                round(x + width * 0.1, 3),
                round(width * 0.8, 3),
                title,
                _pieces(parts, keys, top),
                iso(utc_from_us(at_us)),
            )
        )
    return StackedChart(
        series=tuple(Series(key, labels[key], totals[key]) for key in keys),
        bars=tuple(bars),
        x_ticks=time_ticks(span),
        y_ticks=tuple(Tick(HEIGHT - HEIGHT * share, f"{top * share:.0f}") for share in (0.5, 1.0)),
        rows=tuple(
            (f"{utc_from_us(at_us):{form}}", tuple(parts[key] for key in keys))
            for at_us, parts in sorted(by_bucket.items())
        ),
        height=HEIGHT,
        total=sum(totals[key] for key in keys),
        whens=tuple(iso(utc_from_us(at_us)) for at_us in sorted(by_bucket)),
    )


def time_ticks(span: Span, ticks_max: int = TICKS_MAX) -> tuple[Tick, ...]:
    """Round times across a span, at most so many, none so near an edge that its label would be cut."""
    whole = span.until_us - span.since_us
    step_us = next((s for s in _STEPS_S if whole / (s * SECOND_US) <= ticks_max), _STEPS_S[-1]) * SECOND_US
    form = "%H:%M:%S" if step_us < 60 * SECOND_US else "%H:%M" if step_us < 86_400 * SECOND_US else "%d %b"
    first = span.since_us + -span.since_us % step_us
    places = [(100 * (at - span.since_us) / whole, at) for at in range(first, span.until_us, step_us)]
    return tuple(
        Tick(round(x, 3), f"{utc_from_us(at):{form}}", iso(utc_from_us(at))) for x, at in places if 4 <= x <= 96
    )


def _pieces(parts: Mapping[str, int], keys: Sequence[str], top: int) -> tuple[Piece, ...]:
    pieces = []
    y = float(HEIGHT)
    for key in keys:
        if parts[key]:
            height = HEIGHT * parts[key] / top
            y -= height
            pieces.append(Piece(key, round(y, 2), round(height, 2)))
    return tuple(pieces)


def _nice_top(count: int) -> int:
    """The least even round number that nothing stands above."""
    if count <= 2:
        return 2
    size = 10.0 ** (len(str(count)) - 1)
    tops = (round(size * factor) for factor in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10))
    return next(top for top in tops if top >= count and top % 2 == 0)
