"""Counts over time as bars and as a table, each of which leads to the rows behind it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from collector.api.charts import Piece, Tick, stacked
from collector.api.words import iso
from collector.store.questions import Span
from session_core.instants import us_from_utc, utc_from_us


class LinkedBar(NamedTuple):
    """A bar, and the address of what it is made of. `when`: the moment at which it begins, where it is one."""

    x: float
    width: float
    title: str
    pieces: tuple[Piece, ...]
    href: str
    when: str = ""


class LinkedRow(NamedTuple):
    """The same as a row of a table: a cell is a count and the address of its rows."""

    label: str
    href: str
    cells: tuple[tuple[int, str], ...]
    when: str = ""


class Line(NamedTuple):
    """An upright line with its name; `row`, from the top, keeps names that are near each other apart."""

    x: float
    label: str
    kind: str
    row: int
    anchor: str


class LinkedChart(NamedTuple):
    """Stacked bars under a legend: (key, words, total, address) a series. An empty address: it leads nowhere."""

    series: tuple[tuple[str, str, int, str], ...]
    bars: tuple[LinkedBar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    rows: tuple[LinkedRow, ...]
    lines: tuple[Line, ...]
    height: int
    total: int


Rows = Callable[[str | None, tuple[str, str] | None], str]
"""The address of rows: those of a key, None: of all; in a stretch of time from, to, None: in the whole of it."""


def over_time(
    counts: Iterable[tuple[datetime, str, int]], labels: Mapping[str, str], span: Span, bucket_us: int, rows: Rows
) -> LinkedChart:
    """The chart of (bucket, key, count). `labels` names the keys, the lowest first; keys without any are left out."""
    chart = stacked(counts, labels, span, bucket_us)
    moments = [datetime.fromisoformat(when) for when in chart.whens]
    stretches = [(iso(at), iso(utc_from_us(us_from_utc(at) + bucket_us))) for at in moments]
    keys = [one.key for one in chart.series]
    hrefs = [rows(None, stretch) for stretch in stretches]
    return LinkedChart(
        series=tuple((one.key, one.label, one.total, rows(one.key, None)) for one in chart.series),
        bars=tuple(
            LinkedBar(bar.x, bar.width, bar.title, bar.pieces, href, bar.when)
            for bar, href in zip(chart.bars, hrefs, strict=True)
        ),
        x_ticks=chart.x_ticks,
        y_ticks=chart.y_ticks,
        rows=tuple(
            LinkedRow(label, href, tuple(zip(cells, [rows(key, stretch) for key in keys], strict=True)), when)
            for (label, cells), stretch, href, when in zip(chart.rows, stretches, hrefs, chart.whens, strict=True)
        ),
        lines=(),
        height=chart.height,
        total=chart.total,
    )
