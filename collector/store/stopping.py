"""Ending a question that is under way, in the database itself, from another thread.

A `Stop` belongs to whoever asks. Once it has ended, what is being asked under it is cancelled and what would be asked
next is not begun; rows that come some at a time look at it between. Rules:

1. SQLite looks at the flag every few thousand steps of its machine, so that no statement runs on for long.
2. PostgreSQL is told over a connection of its own, which blocks: call `end` from a thread. A cancellation that comes
   between two statements is lost on it, so each statement looks at the flag before it begins; and the statement timeout
   of `within_s` stands behind that.
3. While a cancellation is on its way the connection is not given back: it would hit whoever gets it next.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, event

from collector.errors import QueryTooLong

log = logging.getLogger(__name__)

STEPS: Final = 20_000
"""Steps of SQLite's machine between two looks: well under a millisecond."""
CANCEL_S: Final = 5.0
"""How long telling PostgreSQL may take."""


class Stop:
    """What ends the questions that are asked under it. `within_s`: how long each may take.

    `is_for_nobody`: it ended because whoever asked hung up.
    """

    def __init__(self, within_s: float) -> None:
        self.within_s: Final = within_s
        self.is_for_nobody = False
        self._lock = Lock()
        self._ended = False
        self._under_way: list[Any] = []  # connections of psycopg

    def end(self) -> None:
        """Cancels what is under way. Blocks until the database has been told."""
        with self._lock:
            self._ended = True
            for driver in self._under_way:
                _cancel(driver)

    def check(self) -> None:
        """Raises QueryTooLong where it has ended."""
        if self._ended:
            raise QueryTooLong(self.within_s)

    @contextmanager
    def over(self, connection: Connection) -> Iterator[None]:
        """While this is open, `end` cancels what the connection does. Raises QueryTooLong where it has ended."""
        driver = connection.connection.driver_connection
        self.check()
        if isinstance(driver, sqlite3.Connection):
            driver.set_progress_handler(lambda: self._ended, STEPS)
            try:
                yield
            finally:
                driver.set_progress_handler(None, 0)
            return
        event.listen(connection, "before_cursor_execute", lambda *_: self.check())
        with self._lock:
            self._under_way.append(driver)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.remove(driver)


def _cancel(driver: Any) -> None:
    try:
        driver.cancel_safe(timeout=CANCEL_S)
    except Exception as error:  # noqa: BLE001 - whatever it was, the statement timeout does it later
        log.warning("a question could not be cancelled: %s", error)
