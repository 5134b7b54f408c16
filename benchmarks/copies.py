"""A store of many sessions, made of one that a collector wrote: what a benchmark that only reads begins with."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.rig import POSTGRESQL  # noqa: E402
from collector.store.engine import make_engine, migrate  # noqa: E402
from collector.store.tables import events, outages, sessions  # noqa: E402
from tests.filling import fill  # noqa: E402
from tests.histories import SECOND_US, START_US, Life, session_id  # noqa: E402
from tests.servers.postgresql import PostgreSQL  # noqa: E402

SHIFTED: Final = frozenset(
    {"connecting_at", "joined_at", "ended_at", "terminal_at", "last_event_at", "event_at", "append_at"}
    | {"first_append_at", "last_append_at", "started_at", "opened_at", "closing_at"}
)
NAMES: Final = frozenset({"identity", "participant_sid"})
ROOM_OF: Final = 4
"""Sessions that share a room."""
_SERIES: Final = {
    "postgresql": "WITH series AS (SELECT n FROM generate_series(1, {last}) n)",
    "sqlite": "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {last})",
}


def empty_stores(kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Of each kind that is named one after the other: the kind, and the address of a store that is gone afterwards."""
    if "postgresql" in kinds:
        with PostgreSQL(durable=True, on_disk=True, settings=POSTGRESQL) as server:
            yield "postgresql", server.url(server.make_database(migrated=True))
    if "sqlite" in kinds:
        with tempfile.TemporaryDirectory(prefix="roomwatch-bench-") as folder:
            url = f"sqlite:///{folder}/store.db"
            engine = make_engine(url)
            migrate(engine)
            engine.dispose()
            yield "sqlite", url


def fill_with_copies(engine: Engine, count: int, people: int = 1) -> None:
    """One session that a collector wrote, and copies of it, a few milliseconds apart, in turn of so many people.

    Where there are several people, some sessions after each other share a room.
    """
    life = Life(session_id(0)).connecting().later(400).connected()
    for _ in range(3):
        life.later(30_000).reconnecting().attempted().later(2_000).reconnected()
    life.later(60_000).participant().later(60_000).disconnected(reason="leave")
    fill(engine, [life], now_us=life.now_us + SECOND_US)
    step_ms = max(1, 7_000_000 // count)
    with engine.begin() as connection:
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.create_function("id_of", 1, lambda n: session_id(n, START_US + n * step_ms * 1000).bytes)
        for table in (outages, events, sessions):
            copied = [_copied(column, engine.dialect.name, step_ms, people) for column in table.columns]
            names = ", ".join(column.name for column in table.columns)
            connection.exec_driver_sql(
                f"INSERT INTO {table.name} ({names}) {_SERIES[engine.dialect.name].format(last=count - 1)} "
                f"SELECT {', '.join(copied)} FROM {table.name} CROSS JOIN series"
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _copied(column: Any, dialect: str, step_ms: int, people: int) -> str:
    """What a copy has in a column."""
    if column.name == "session_id":
        # As tests.histories.session_id() makes one for SQLite: a time, and what tells sessions apart.
        at_ms = f"lpad(to_hex({START_US // 1000} + n::int8 * {step_ms}), 12, '0')"
        apart = "'7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15)"
        return f"({at_ms} || {apart})::uuid" if dialect == "postgresql" else "id_of(n)"
    if people > 1 and column.name in NAMES:
        return f"{column.name} || '-' || (n - n / {people} * {people})"
    if people > 1 and column.name == "room_sid":
        return f"{column.name} || '-' || (n / {ROOM_OF})"
    if column.name in SHIFTED:
        by = f"make_interval(secs => n * {step_ms / 1000})" if dialect == "postgresql" else f"n * {step_ms * 1000}"
        return f"{column.name} + {by}"
    return str(column.name)
