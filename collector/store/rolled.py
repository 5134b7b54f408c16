"""Where a question finds sums over time: in whole stretches of five minutes, and in minutes where there are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, and_, false, or_, select, union_all

from collector.store.fives import MINUTES
from collector.store.questions import Span
from collector.store.reading import MINUTE_US, in_minutes
from collector.store.remembering import once
from collector.store.tables import rollup_fives, rollups, whole_fives

NO_STEP: Final = 0
ROWS_MAX: Final = 100
"""Rows of whole fives that one statement tells apart: SQLite takes a thousand conditions."""


class Rolled(NamedTuple):
    """Rows with the columns of rollups but for the partition, and the conditions that leave those of the time.

    The minute of a five's sums is its first.
    """

    source: FromClause
    within: list[ColumnElement[bool]]

    @property
    def c(self) -> Any:
        """The columns."""
        return self.source.c


def rolled(connection: Connection, span: Span, step: int = NO_STEP) -> Rolled:
    """The sums of a span of whole minutes, from which sums of so many minutes are to be made; of all, by default."""
    whole = _whole(connection, span) if step % MINUTES == 0 else ()
    if not whole:
        return Rolled(rollups, [in_minutes(span)])
    names = [column.name for column in rollup_fives.columns if column.name != "five"]
    five, minute = rollup_fives.c.five, rollups.c.minute
    fives = [five.between(first, last) for first, last in whole]
    edges = [(first * MINUTES, (last + 1) * MINUTES) for first, last in whole]
    bounds = [span.since_us // MINUTE_US, *(one for edge in edges for one in edge), span.until_us // MINUTE_US]
    minutes = [
        and_(minute >= first, minute < beyond)
        for first, beyond in zip(bounds[::2], bounds[1::2], strict=True)
        if first < beyond
    ]
    both = union_all(
        select((five * MINUTES).label("minute"), *(rollup_fives.c[name] for name in names)).where(or_(*fives)),
        select(minute, *(rollups.c[name] for name in names)).where(or_(*minutes) if minutes else false()),
    )
    return Rolled(both.subquery("rolled"), [])


def _whole(connection: Connection, span: Span) -> tuple[tuple[int, int], ...]:
    """The whole fives within the span, as the first and the last of each row of them."""
    five_us = MINUTES * MINUTE_US
    first, beyond = -(-span.since_us // five_us), span.until_us // five_us
    if first >= beyond:
        return ()
    of = whole_fives.c
    query = select(of.five).where(of.five >= first, of.five < beyond, of.is_summed == 1).order_by(of.five)
    return once(connection, ("fives", first, beyond), lambda: _longest(_rows(connection.scalars(query).all())))


def _longest(rows: Iterator[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The longest of very many, in order; what lies in the others is as well asked of minutes."""
    return tuple(sorted(nsmallest(ROWS_MAX, rows, key=lambda row: row[0] - row[1])))


def _rows(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Numbers in order as rows without a gap."""
    if numbers:
        begins = [numbers[0], *(after for before, after in pairwise(numbers) if after > before + 1)]
        ends = [*(before for before, after in pairwise(numbers) if after > before + 1), numbers[-1]]
        yield from zip(begins, ends, strict=True)
