"""A real PostgreSQL and a real Prometheus with the same six hours of a fleet, for those who ask both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from collector.demo.history import SPAN_US
from collector.demo.life import SECOND_US
from collector.store.engine import make_engine
from tests.servers.postgresql import PostgreSQL
from tests.servers.processes import make_folder, remove_folder
from tools.preview.asking import Sources
from tools.preview.blocks import remembering
from tools.preview.lived import live

ROLE: Final = Path(__file__).resolve().parents[2] / "dashboards" / "reading_role.sql"


@contextmanager
def lived_through(sessions: int) -> Iterator[Sources]:
    """Both sources, with six hours of so many sessions that end now."""
    now_s = time.time_ns() // 10**9 // 60 * 60  # noqa: TID251 - a Prometheus keeps what is of these days
    folder = make_folder("preview")
    try:
        with PostgreSQL() as server:
            database = server.make_database(migrated=True)
            _fill(server.url(database), folder / "scrapes", now_s, sessions)
            url = server.url(database).replace("+psycopg", "")
            prepared(url)
            storage = folder / "storage"
            storage.mkdir()
            with remembering(folder / "scrapes", storage, now_s - SPAN_US // SECOND_US, now_s) as prometheus:
                yield Sources(prometheus.url, url, now_s)
    finally:
        remove_folder(folder)


def prepared(url: str) -> None:
    """Lets the planner know what a filled database holds, and makes the role that Grafana reads it with."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute(ROLE.read_bytes())


def room_in_trouble(url: str) -> str:
    """A room of many in which much failed."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT room_sid FROM sessions JOIN outages USING (session_id) WHERE room_sid <> '' GROUP BY 1"
            " ORDER BY 3 * count(*) FILTER (WHERE outcome = 'failed') + count(DISTINCT session_id) DESC LIMIT 1"
        ).fetchone()
    return str(found[0]) if found else ""


def _fill(url: str, scrapes: Path, now_s: int, sessions: int) -> None:
    engine = make_engine(url)
    with scrapes.open("w") as out:
        live(engine, now_s * SECOND_US, sessions, out)
    engine.dispose()
