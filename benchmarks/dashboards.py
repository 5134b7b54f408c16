"""How long a dashboard takes until all its queries are answered, over ten million events.

    python benchmarks/dashboards.py --events 10000000

Those that ask PostgreSQL are asked of a store that holds a day (`history.py`), over that whole day; those that ask
Prometheus of one that has scraped six hours of a collector, over three of them: its work depends on series and time,
not on events. As many queries run at once as the provisioned data source lets Grafana run. Drawing is the browser's.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import psycopg

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import history  # noqa: E402
from benchmarks.figures import Figure, percentile, say  # noqa: E402
from benchmarks.rig import rig  # noqa: E402
from tools.dashboards.shipped import DASHBOARDS  # noqa: E402
from tools.dashboards.vocabulary import POSTGRESQL_BOARD, PROMETHEUS_BOARD  # noqa: E402
from tools.preview.asking import Sources, asked  # noqa: E402
from tools.preview.sources import lived_through, prepared, room_in_trouble  # noqa: E402

Json = dict[str, Any]

SLICES: Final = 10
AT_ONCE: Final = 4
ROUNDS: Final = 5
SESSIONS: Final = 1_000
GOAL: Final = "< 3"


def took_s(dashboard: Json, sources: Sources) -> float:
    """Seconds until the last panel has its answer."""
    asking = [panel for panel in dashboard["panels"] if panel.get("targets")]
    began_s = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as together:
        answers = list(together.map(lambda panel: asked(sources, dashboard, panel), asking))
    if len(answers) != len(asking):
        raise RuntimeError("a panel has no answer")
    return time.perf_counter() - began_s


def measured(needs: str, sources: Sources, of: dict[str, object], since: str | None = None) -> Iterator[Figure]:
    """The first time, when nothing is warm, and the median of the rounds that follow."""
    for board, make in DASHBOARDS.items():
        if board.needs != needs:
            continue
        dashboard = make()
        if since:
            dashboard["time"]["from"] = since
        first_s = took_s(dashboard, sources)
        later = [took_s(dashboard, sources) for _ in range(ROUNDS)]
        told = {**of, "range": dashboard["time"]["from"]}
        yield Figure(board.uid, percentile(later, 50), "s", "the first time", first_s, GOAL, told)


def measure(events: int) -> Iterator[Figure]:
    """Both kinds, one after the other."""
    with lived_through(SESSIONS) as sources:
        yield from measured(PROMETHEUS_BOARD, sources, {"sessions": SESSIONS})
    with rig(None) as here, here.database(migrated=True) as database:
        now_s = time.time_ns() // 10**9  # noqa: TID251 - the day that ends now
        held = history.make(here, database, history.day_of(events, SLICES, now_s * 1_000_000))
        place = here.place(database)
        prepared(place)
        with psycopg.connect(place) as connection:
            counted = connection.execute("SELECT count(*) FROM rollups").fetchone()
        of: dict[str, object] = {"events": held, "rollups": counted[0] if counted else 0}
        sources = Sources("", place, now_s, {"room": room_in_trouble(place)})
        yield from measured(POSTGRESQL_BOARD, sources, of, "now-24h")
        yield from measured(POSTGRESQL_BOARD, sources, of)


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000, help="that the store holds")
    say(measure(parser.parse_args().events))


if __name__ == "__main__":
    main()
