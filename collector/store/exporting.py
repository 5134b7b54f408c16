"""Rows for an export: flat, one after the other, whatever their number, out of one state of the store.

What is exported are the sessions that a list with the same filters gives, or all outages or events of those sessions;
the newest session first. The index on `first_append_at` carries it; outages and events are looked up by their keys.

Rules:
1. Values are what the views show: times corrected, in UTC; `None` is "not told" or "not yet".
2. Columns are added at the end, never renamed or removed: files of last year are read beside those of today.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from contextlib import closing
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Column as TableColumn
from sqlalchemy import Connection, Table, select

from collector.store.beside import meets
from collector.store.changes import CLOCK_TOLERANCE_US
from collector.store.completeness import of_matching
from collector.store.questions import ANY_OUTAGE, OutageFilters, SessionFilters, Span
from collector.store.reading import (
    STARTED,
    AnyRow,
    began_us,
    bounded,
    code_name,
    correction_us,
    matches,
    moment,
    outage_ended_us,
    received,
    shown,
    within,
)
from collector.store.tables import events, outages, sessions
from collector.store.views import Completeness

Exported = Literal["sessions", "outages", "events"]
Kind = Literal["text", "number", "flag", "time"]
Value = str | int | bool | datetime | None

ROWS_AT_ONCE: Final = 2_000
"""Rows that are in memory at once."""


class Column(NamedTuple):
    """A column of an export. `value` makes it of a row and of the correction of its session's clock."""

    name: str
    kind: Kind
    value: Callable[[AnyRow, int], Value]


def _text(name: str, of: str = "") -> Column:
    source = of or name
    return Column(name, "text", lambda row, _: _plain(getattr(row, source)))


def _number(name: str, of: str = "") -> Column:
    source = of or name
    return Column(name, "number", lambda row, _: getattr(row, source))


def _told(name: str, of: str = "") -> Column:
    """A time by the client's clock."""
    source = of or name
    return Column(name, "time", lambda row, by: shown(getattr(row, source), by))


def _noted(name: str) -> Column:
    """A time by the broker's clock or ours."""
    return Column(name, "time", lambda row, _: shown(getattr(row, name)))


def _code(of: str) -> tuple[Column, Column]:
    return _number("code", of), Column("code_name", "text", lambda row, _: code_name(getattr(row, of)))


def _plain(value: Any) -> Value:
    return value if value is None or isinstance(value, str) else str(value)


def _started(row: AnyRow, by: int) -> Value:
    return moment(began_us(row), by)


_CLIENT: Final = tuple(
    _text(name) for name in ("sdk", "sdk_version", "app_version", "platform", "network_type", "region", "media_region")
)
_WHO: Final = tuple(_text(name) for name in ("room_sid", "room_name", "participant_sid", "identity"))

COLUMNS: Final[dict[Exported, tuple[Column, ...]]] = {
    "sessions": (
        _text("session_id"),
        _text("previous_session_id"),
        *_WHO,
        _text("state"),
        _text("fate"),
        Column("started_at", "time", _started),
        _told("joined_at"),
        _told("ended_at"),
        _told("last_event_at"),
        _told("ending_at", "terminal_at"),
        *_code("terminal_code"),
        _text("origin", "terminal_origin"),
        _text("reason", "terminal_reason"),
        _number("vendor_code", "terminal_vendor_code"),
        *_CLIENT,
        _text("policy"),
        _noted("token_expires_at"),
        _number("token_ttl_s"),
        _number("outages"),
        _number("reconnecting_ms"),
        _number("connected_ms"),
        Column("clock_offset_ms", "number", lambda row, _: row.clock_offset_us // 1000),
        Column("clock_corrected", "flag", lambda _, by: by != 0),
        Column("events_received", "number", lambda row, _: received(row)[0]),
        Column("events_expected", "number", lambda row, _: received(row)[1]),
    ),
    "outages": (
        _text("session_id"),
        _number("number"),
        *_WHO,
        *_CLIENT,
        _text("fate"),
        _told("started_at"),
        Column("ended_at", "time", lambda row, by: shown(outage_ended_us(row, row.ended_at), by)),
        Column("end_inferred", "flag", lambda row, _: row.closing_at is None and row.outcome != "open"),
        _text("cause"),
        _text("outcome"),
        *_code("closing_code"),
        _text("origin", "closing_origin"),
        _number("attempts"),
        _number("downtime_ms"),
        _number("signaling_down_ms"),
        _number("media_down_ms"),
        _number("since_previous_ms"),
    ),
    "events": (
        _text("session_id"),
        _number("seq"),
        *_WHO,
        _text("type"),
        _told("at", "event_at"),
        _noted("append_at"),
        _noted("stored_at"),
        _text("from_state"),
        _text("to_state"),
        _text("subject_sid"),
        _text("region"),
        _text("network_type"),
        *_code("error_code"),
        _text("origin", "error_origin"),
        _text("reason"),
        _number("outage_number"),
        _number("attempts"),
        _number("downtime_ms"),
        _text("extra"),
    ),
}

_TABLES: Final[dict[Exported, Table]] = {"sessions": sessions, "outages": outages, "events": events}
_OF_SESSIONS: Final = ("clock_offset_us", "ended_at", "fate", "room_sid", "room_name", "participant_sid", "identity")
_UNSEEN: Final = frozenset({"keys", "version", "correction_us"})


class Export:
    """Rows under way. `truncated` says, once they are read, that there were more than `rows_max`."""

    def __init__(
        self,
        connection: Connection,
        what: Exported,
        span: Span,
        filters: SessionFilters,
        of_outages: OutageFilters = ANY_OUTAGE,
        fields: Collection[str] = (),
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`of_outages` are filters of outages alone, where those are exported; `fields`: these columns, or all.

        `check` raises where nobody waits for the rows any more.
        """
        self.columns: Final = tuple(column for column in COLUMNS[what] if not fields or column.name in fields)
        self.truncated = False
        append_at = sessions.c.first_append_at
        # As in the list of sessions, so that the same index carries it.
        self._of = (
            within(STARTED, span),
            append_at >= bounded(span.since_us - CLOCK_TOLERANCE_US),
            *meets(connection, filters),
        )
        self._of_outages = matches(of_outages)
        self._check = check
        self._connection = connection
        self._what: Exported = what

    def completeness(self, now_us: int) -> Completeness:
        """Of all the sessions whose rows these are."""
        return of_matching(self._connection, self._of, now_us)

    def rows(self, rows_max: int) -> Generator[list[tuple[Value, ...]], None, None]:
        """Values in the order of the columns, some rows at a time, at most so many in all."""
        table = _TABLES[self._what]
        query = select(*_selected(table)).where(*self._of, *self._of_outages)
        if table is not sessions:
            query = query.select_from(sessions.join(table, table.c.session_id == sessions.c.session_id))
        key = [column for column in table.primary_key.columns if column.name != "session_id"]
        order = (sessions.c.first_append_at.desc(), sessions.c.session_id.desc(), *key)
        result = self._connection.execution_options(yield_per=ROWS_AT_ONCE).execute(
            query.order_by(*order).limit(rows_max + 1)
        )
        left = rows_max
        # Also where nobody asks for the rest: a cursor of PostgreSQL lives on the server.
        with closing(result):
            for some in result.partitions():
                if len(some) > left:
                    self.truncated = True
                if left:
                    yield [self._values(row) for row in some[:left]]
                left = max(0, left - len(some))
                # PostgreSQL does next to nothing between rows of a cursor, so most cancellations would be lost on it.
                self._check()

    def _values(self, row: AnyRow) -> tuple[Value, ...]:
        by = correction_us(row.clock_offset_us)
        return tuple(column.value(row, by) for column in self.columns)


def _selected(table: Table) -> list[TableColumn[Any]]:
    """What the columns are made of; the facts of its session beside an outage or an event."""
    own = [column for column in table.columns if column.name not in _UNSEEN]
    if table is sessions:
        return own
    names = {column.name for column in own}
    wanted = (*_OF_SESSIONS, *(column.name for column in _CLIENT))
    return [*own, *(sessions.c[name] for name in wanted if name not in names)]
