"""Draws every dashboard over hours of the demo's fleet: `make dashboards-preview`.

A real PostgreSQL and a real Prometheus hold what a real collector's parts made of it; panels are drawn from what those
two answer to the dashboards' own queries. The images go to `build/dashboards/`; with --picture the one that the
documentation shows is written too.
"""

from __future__ import annotations

import argparse
import shutil
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
from tools.dashboards.shipped import DASHBOARDS
from tools.dashboards.vocabulary import OVERVIEW, ROOM
from tools.preview.asking import Sources
from tools.preview.blocks import remembering
from tools.preview.lived import live
from tools.preview.page import draw

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "build" / "dashboards"
PICTURE: Final = ROOT / "docs" / "images" / "dashboard.png"
SESSIONS: Final = 4_000


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
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
                connection.execute((ROOT / "dashboards" / "reading_role.sql").read_bytes())
            storage = folder / "storage"
            storage.mkdir()
            with remembering(folder / "scrapes", storage, now_s - SPAN_US // SECOND_US, now_s) as prometheus:
                yield Sources(prometheus.url, url, now_s)
    finally:
        remove_folder(folder)


def _fill(url: str, scrapes: Path, now_s: int, sessions: int) -> None:
    engine = make_engine(url)
    with scrapes.open("w") as out:
        live(engine, now_s * SECOND_US, sessions, out)
    engine.dispose()


def _room_in_trouble(url: str) -> str:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT room_sid FROM sessions JOIN outages USING (session_id) WHERE room_sid <> '' GROUP BY 1"
            " ORDER BY 3 * count(*) FILTER (WHERE outcome = 'failed') + count(DISTINCT session_id) DESC LIMIT 1"
        ).fetchone()
    return str(found[0]) if found else ""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.preview", description=__doc__)
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="of the six hours")
    parser.add_argument("--picture", action="store_true", help=f"write {PICTURE.relative_to(ROOT)} too")
    told = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    print("living through six hours, and the same a week before (a minute or two)", flush=True)
    with lived_through(told.sessions) as sources:
        in_room = sources._replace(chosen={"room": _room_in_trouble(sources.postgresql_url)})
        for board, make in DASHBOARDS.items():
            file = FOLDER / f"{board.uid}.png"
            draw(make(), in_room if board is ROOM else sources, file)
            print(f"wrote {file.relative_to(ROOT)}", flush=True)
    if told.picture:
        shutil.copyfile(FOLDER / f"{OVERVIEW.uid}.png", PICTURE)
        print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
