"""Where a question finds sums over time: in whole hours, in whole fives, and in minutes where there are neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table, and_, or_, select, union_all

from collector.store.questions import Span
from collector.store.reading import MINUTE_US, in_minutes
from collector.store.remembering import once
from collector.store.stretches import LENGTHS, Length
from collector.store.tables import rollup_hours, rollups

NO_STEP: Final = 0
ROWS_MAX: Final = 100
"""Rows of whole stretches of one length that one statement tells apart: SQLite takes a thousand conditions."""

Range: TypeAlias = tuple[int, int]
"""The first of minutes or stretches in a row, and the one behind the last."""
_NAMES: Final = [column.name for column in rollup_hours.columns if column.name != "hour"]


class Rolled(NamedTuple):
    """Rows with the columns of rollups but for the partition, and the conditions that leave those of the time.

    The minute of a longer stretch's sums is its first.
    """

    source: FromClause
    within: list[ColumnElement[bool]]

    @property
    def c(self) -> Any:
        """The columns."""
        return self.source.c


def rolled(connection: Connection, span: Span, step: int = NO_STEP) -> Rolled:
    """The sums of a span of whole minutes, from which sums of so many minutes are to be made; of all, by default."""
    rest: tuple[Range, ...] = ((span.since_us // MINUTE_US, span.until_us // MINUTE_US),)
    parts = []
    for length in LENGTHS:
        whole = _whole(connection, length, rest) if step % length.minutes == 0 else ()
        if whole:
            parts.append(_sums(length.sums, length.number * length.minutes, _within(length.number, whole)))
            rest = tuple(_without(rest, [(first * length.minutes, end * length.minutes) for first, end in whole]))
    if not parts:
        return Rolled(rollups, [in_minutes(span)])
    if rest:
        parts.append(_sums(rollups, rollups.c.minute, _within(rollups.c.minute, rest)))
    return Rolled(union_all(*parts).subquery("rolled"), [])


def _sums(of: Table, minute: ColumnElement[int], condition: ColumnElement[bool]) -> Select[Any]:
    return select(minute.label("minute"), *(of.c[name] for name in _NAMES)).where(condition)


def _within(number: ColumnElement[int], rows: Sequence[Range]) -> ColumnElement[bool]:
    return or_(*(and_(number >= first, number < end) for first, end in rows))


def _whole(connection: Connection, length: Length, spans: tuple[Range, ...]) -> tuple[Range, ...]:
    """The whole stretches within spans of minutes, as rows of them: the first, and the one behind the last."""
    sought = [(-(-first // length.minutes), end // length.minutes) for first, end in spans]
    sought = [(first, end) for first, end in sought if first < end]
    if not sought:
        return ()
    is_sought = _within(length.noted, sought)
    query = select(length.noted).where(is_sought, length.notes.c.is_summed == 1).order_by(length.noted)
    return once(connection, (length.minutes, spans), lambda: _longest(_rows(connection.scalars(query).all())))


def _without(spans: Iterable[Range], taken: Sequence[Range]) -> Iterator[Range]:
    """What is left of spans: each thing taken lies within one of them, and all are in order."""
    for first, end in spans:
        begin = first
        for its_first, its_end in taken:
            if first <= its_first < end:
                if begin < its_first:
                    yield begin, its_first
                begin = its_end
        if begin < end:
            yield begin, end


def _longest(rows: Iterator[Range]) -> tuple[Range, ...]:
    """The longest of very many, in order; what lies in the others is as well asked of what is shorter."""
    return tuple(sorted(nsmallest(ROWS_MAX, rows, key=lambda row: row[0] - row[1])))


def _rows(numbers: Sequence[int]) -> Iterator[Range]:
    """Numbers in order as rows without a gap: the first of each, and what would be next behind its last."""
    if numbers:
        begins = [numbers[0], *(after for before, after in pairwise(numbers) if after > before + 1)]
        ends = [*(before + 1 for before, after in pairwise(numbers) if after > before + 1), numbers[-1] + 1]
        yield from zip(begins, ends, strict=True)
