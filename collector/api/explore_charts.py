"""What the page of outages is drawn from: over time, and by how long they lasted; every bar leads somewhere. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from math import log
from typing import Final

from collector.api.charts import HEIGHT, Piece, Tick
from collector.api.exploring import Asked
from collector.api.linked_charts import Line, LinkedBar, LinkedChart, LinkedRow, over_time
from collector.api.words import OUTCOMES, duration, number
from collector.store.questions import Span
from collector.store.views import OutageBucket
from collector.store.views_explore import LastedBetween, OutagesAt, TimeToReconnect

WINDOW_MS: Final = 30_000
"""How long a room tries to come back unless its server or its policy says otherwise: docs/reconnection.md."""
NOT_BACK: Final = ("failed", "abandoned", "lost")
"""Those of outages that are over and did not recover."""
# From the floor of a bar to its top: what ended well, what ended badly, what has not ended.
STACK: Final = ("recovered", "closed", "superseded", "abandoned", "lost", "failed", "open")


def trend(counts: Iterable[OutagesAt | OutageBucket], span: Span, bucket_us: int, asked: Asked) -> LinkedChart:
    """Outages over time by what became of them; a bar leads to its stretch of time."""
    labels = {word: OUTCOMES[word] for word in STACK}
    told = ((one.at, one.outcome, one.count) for one in counts)
    return over_time(told, labels, span, bucket_us, partial(_outages, asked))


def _outages(asked: Asked, outcome: str | None, stretch: tuple[str, str] | None) -> str:
    if stretch is not None:
        asked = Asked(asked.filters, *stretch, asked.kept)
    return asked.href if outcome is None else asked.adding("outcome", outcome)


def lasted(told: TimeToReconnect, asked: Asked) -> LinkedChart:
    """How long outages lasted; a bar leads to those that lasted so long."""
    shown = _between(told.buckets)
    top = max((one.recovered + one.not_recovered for one in shown), default=0)
    top = max(2, top + top % 2)
    width = 100 / max(len(shown), 1)
    edges = [one.from_ms for one in shown]
    place = _places(edges, shown[-1].to_ms if shown else None, width)
    words = {"recovered": OUTCOMES["recovered"], "failed": "did not come back"}
    sums = (sum(one.recovered for one in shown), sum(one.not_recovered for one in shown))
    bars, rows = [], []
    for number_of, one in enumerate(shown):
        name = f"{duration(one.from_ms)} to {duration(one.to_ms)}" if one.to_ms else f"{duration(one.from_ms)} and more"
        stretch = f"{one.from_ms}-{one.to_ms or ''}"
        href = asked.adding("lasted", stretch)
        back, away = one.recovered, one.not_recovered
        title = f"{name}: {number(back)} came back, {number(away)} did not"
        pieces = _stack((("recovered", back), ("failed", away)), top)
        bars.append(LinkedBar(round(number_of * width + width * 0.06, 3), round(width * 0.88, 3), title, pieces, href))
        between = Asked([*(one for one in asked.filters if one[0] != "lasted"), ("lasted", stretch)], *asked.time)
        came, stayed = between.adding("outcome", "recovered"), between.adding("outcome", *NOT_BACK)
        rows.append(LinkedRow(name, href, ((back, came), (away, stayed))))
    named = [("half came back", told.p50_ms), ("90 %", told.p90_ms), ("99 %", told.p99_ms)]
    found = [(place(ms), f"{name} {duration(ms)}", "rank") for name, ms in named if ms is not None]
    if shown and edges[0] <= WINDOW_MS and (shown[-1].to_ms is None or shown[-1].to_ms >= WINDOW_MS):
        found.append((place(WINDOW_MS), "window 30 s", "window"))
    return LinkedChart(
        series=tuple(
            (key, words[key], total, asked.adding("outcome", *outcomes))
            for key, total, outcomes in zip(words, sums, (("recovered",), NOT_BACK), strict=True)
            if total
        ),
        bars=tuple(bars),
        x_ticks=tuple(Tick(round(k * width, 3), duration(edge)) for k, edge in enumerate(edges) if edge and k),
        y_ticks=tuple(Tick(HEIGHT - HEIGHT * share, f"{number(top * share)}") for share in (0.5, 1.0)),
        rows=tuple(rows),
        lines=_apart(found),
        height=HEIGHT,
        total=sum(sums),
    )


def _between(buckets: tuple[LastedBetween, ...]) -> tuple[LastedBetween, ...]:
    """From the first stretch that has any to the last one, and on to the window, which is what they are read by."""
    held = [place for place, one in enumerate(buckets) if one.recovered or one.not_recovered]
    if not held:
        return ()
    window = next(place for place, one in enumerate(buckets) if one.to_ms is None or one.to_ms >= WINDOW_MS)
    return buckets[max(0, min(held[0], window) - 1) : max(held[-1], window) + 2]


def _places(edges: list[int], end: int | None, width: float) -> Callable[[int], float]:
    """Where a duration stands, in percent of the width: between two edges by its logarithm."""
    stops = [*edges, end if end is not None else edges[-1] * 4 if edges else 1]

    def place(ms: int) -> float:
        for number_of, (least, beyond) in enumerate(pairwise(stops)):
            if ms < beyond:
                low = max(least, 1)
                within = log(max(ms, low) / low) / log(beyond / low) if beyond > low else 0.0
                return round(width * (number_of + within), 3)
        return 100.0

    return place


def _stack(counts: Iterable[tuple[str, int]], top: int) -> tuple[Piece, ...]:
    pieces, y = [], float(HEIGHT)
    for key, count in counts:
        if count:
            height = HEIGHT * count / top
            y -= height
            pieces.append(Piece(key, round(y, 2), round(height, 2)))
    return tuple(pieces)


def _apart(found: Iterable[tuple[float, str, str]]) -> tuple[Line, ...]:
    """The lines in their order, each name a row lower than the one before: no line that follows crosses it."""
    return tuple(
        Line(x, label, kind, row, "end" if x > 75 else "start") for row, (x, label, kind) in enumerate(sorted(found))
    )
