"""From the outages that were looked at to counts: by dimension, over time, by how long they lasted. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from collector.store.questions import OUTCOMES, Outcome, Span
from collector.store.questions_explore import EXPLORED_BY
from collector.store.reader_rollups import STRICT
from collector.store.reading import moment
from collector.store.views import Completeness
from collector.store.views_explore import Explored, LastedBetween, OutagesAt, OutagesOf, TimeToReconnect

VALUES_MAX: Final = 100
"""Regions, versions or codes that one answer tells apart."""
PERCENTS: Final = (50, 90, 99)
EDGES_MS: Final = (
    0, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000, 30_000, 45_000,
    60_000, 90_000, 120_000, 180_000, 300_000, 600_000,
)  # fmt: skip
"""Where the stretches begin in which outages are counted by how long they lasted."""

Fleet = Mapping[str, Counter[str]]
"""By dimension and value, how often the whole fleet has it; the empty word: not told."""


class Looked(NamedTuple):
    """The outages that were looked at, column by column; each stands for `one_in`.

    `values` are those of EXPLORED_BY, each as long as `opened` (µs) and `downtime_ms`. `by_outcome` is of all that
    there are, where they were counted.
    """

    one_in: int
    values: Mapping[str, Sequence[Any]]
    opened: Sequence[int]
    downtime_ms: Sequence[int]
    by_outcome: Counter[Outcome] | None


class Summed(NamedTuple):
    """What sums say of all outages, whatever was looked at: by outcome; and by stretch and outcome, where they can."""

    by_outcome: Counter[Outcome]
    trend: Counter[tuple[int, Outcome]] | None


def explored(
    looked: Looked, span: Span, bucket_us: int, fleet: Fleet, completeness: Completeness, summed: Summed | None = None
) -> Explored:
    """Every count of them."""
    one_in, outcomes = looked.one_in, looked.values["outcome"]
    by_outcome = Counter({word: one_in * count for word, count in Counter(outcomes).items()})
    seen = Counter(zip((at - at % bucket_us for at in looked.opened), outcomes, strict=True))
    trend = Counter({key: one_in * count for key, count in seen.items()})
    if summed is not None:
        by_outcome, trend = summed.by_outcome, trend if summed.trend is None else summed.trend
    return Explored(
        since=moment(span.since_us),
        until=moment(span.until_us),
        bucket_s=bucket_us // 1_000_000,
        one_in=one_in,
        exact=one_in == 1 or summed is not None,
        exact_trend=one_in == 1 or (summed is not None and summed.trend is not None),
        count=by_outcome.total(),
        recovered=by_outcome["recovered"],
        settled=sum(by_outcome[word] for word in STRICT),
        by={name: _by(looked, name, fleet[name]) for name in EXPLORED_BY},
        trend=tuple(
            OutagesAt(at=moment(at), outcome=outcome, count=count)
            for (at, outcome), count in sorted(trend.items(), key=lambda one: (one[0][0], OUTCOMES.index(one[0][1])))
        ),
        lasted=lasted(looked, span, completeness),
        completeness=completeness,
    )


def lasted(looked: Looked, span: Span, completeness: Completeness) -> TimeToReconnect:
    """How long they lasted; those that are open still, and those that ended with their room, are left out."""
    took = list(zip(looked.values["outcome"], looked.downtime_ms, strict=True))
    back = sorted(ms for outcome, ms in took if outcome == "recovered")
    not_back = (ms for outcome, ms in took if outcome in STRICT and outcome != "recovered")
    came_back = Counter(bisect_right(EDGES_MS, ms) - 1 for ms in back)
    did_not = Counter(bisect_right(EDGES_MS, ms) - 1 for ms in not_back)
    p50, p90, p99 = (back[(len(back) * percent + 99) // 100 - 1] if back else None for percent in PERCENTS)
    return TimeToReconnect(
        since=moment(span.since_us),
        until=moment(span.until_us),
        one_in=looked.one_in,
        buckets=tuple(
            LastedBetween(
                from_ms=edge,
                to_ms=beyond,
                recovered=looked.one_in * came_back[place],
                not_recovered=looked.one_in * did_not[place],
            )
            for place, (edge, beyond) in enumerate(zip_longest(EDGES_MS, EDGES_MS[1:]))
        ),
        recovered=looked.one_in * len(back),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        completeness=completeness,
    )


def _by(looked: Looked, name: str, fleet: Counter[str]) -> tuple[OutagesOf, ...]:
    one_in, values = looked.one_in, looked.values[name]
    pairs = Counter(zip(values, looked.values["outcome"], strict=True))
    counts = Counter(values)
    whole = fleet.total()
    ranked = sorted(counts.items(), key=lambda one: (-one[1], str(one[0] or "")))
    return tuple(
        OutagesOf(
            value=None if value is None else str(value),
            count=one_in * count,
            recovered=one_in * pairs[value, "recovered"],
            settled=one_in * sum(pairs[value, word] for word in STRICT),
            share=count / len(values),
            fleet_share=max(fleet["" if value is None else str(value)], 0) / whole if whole > 0 else None,
        )
        for value, count in ranked[:VALUES_MAX]
    )
