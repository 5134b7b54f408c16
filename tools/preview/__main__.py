"""Draws every dashboard over hours of the demo's fleet: `make dashboards-preview`.

A real PostgreSQL and a real Prometheus hold what a real collector's parts made of it; panels are drawn from what those
two answer to the dashboards' own queries. The images go to `build/dashboards/`; with --picture the one that the
documentation shows is written too.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Final

from tools.dashboards.shipped import DASHBOARDS
from tools.dashboards.vocabulary import OVERVIEW, ROOM
from tools.preview.page import draw
from tools.preview.sources import lived_through, room_in_trouble

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "build" / "dashboards"
PICTURE: Final = ROOT / "docs" / "images" / "dashboard.png"
SESSIONS: Final = 4_000


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.preview", description=__doc__)
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="of the six hours")
    parser.add_argument("--picture", action="store_true", help=f"write {PICTURE.relative_to(ROOT)} too")
    told = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    print("living through six hours, and the same a week before (a minute or two)", flush=True)
    with lived_through(told.sessions) as sources:
        in_room = sources._replace(chosen={"room": room_in_trouble(sources.postgresql_url)})
        for board, make in DASHBOARDS.items():
            file = FOLDER / f"{board.uid}.png"
            draw(make(), in_room if board is ROOM else sources, file)
            print(f"wrote {file.relative_to(ROOT)}", flush=True)
    if told.picture:
        shutil.copyfile(FOLDER / f"{OVERVIEW.uid}.png", PICTURE)
        print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
