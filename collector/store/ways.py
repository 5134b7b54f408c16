"""What differs between databases: the fast ways of rows in and out.

One class each, in write_sqlite.py and write_postgresql.py; both keep these promises.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from collector.store.changes import OffsetMove, Row
from collector.store.place import Place


class Tables(Protocol):
    """Rows are tuples in the order of the columns. But for `prepare`, each works in the connection's transaction."""

    def prepare(self, connection: Connection, event_rows: Sequence[Row], now_us: int) -> frozenset[UUID]:
        """Before the transaction: makes room for these events. Returns the sessions that can have none."""

    def days_refused(self, now_us: int) -> frozenset[int]:
        """The days, counted from 1970, that there was no room for a moment ago. Any thread may ask."""

    def begin(self, connection: Connection) -> None:
        """First in the transaction."""

    def forget(self) -> None:
        """What was known of the tables may have changed."""

    def move_offsets(self, connection: Connection, place: Place, moves: Sequence[OffsetMove], *, first: bool) -> int:
        """Moves the offsets that stand where they are expected; returns how many. `first` makes missing rows."""

    def put_events(self, connection: Connection, rows: Sequence[Row]) -> None:
        """New rows."""

    def put_sessions(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Rows whose version follows the stored one; returns how many applied."""

    def put_outages(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Rows that are new or replace what is there."""

    def add_rollups(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Rows whose sums are added to what is there; what comes to nothing by that is there no more."""

    def read_sessions(self, connection: Connection, ids: Collection[UUID]) -> tuple[list[Row], list[Row]]:
        """The rows of these sessions, and of their outages."""
