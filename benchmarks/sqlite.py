"""From Kafka to the last commit in SQLite: how many events a second one collector stores in a file, exactly once.

The same events and the same collector as benchmarks/end_to_end.py has, with all tables, on the disk. The yardstick of
the run is a bare insert of the very event rows that it wrote, in batches of the same size.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import UUID

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figure, say  # noqa: E402
from benchmarks.filling import fill  # noqa: E402
from benchmarks.processes import cpu_s, memory_bytes  # noqa: E402
from benchmarks.rig import Rig, add_code, rig  # noqa: E402
from benchmarks.yardsticks import bare_insert  # noqa: E402
from collector.store.changes import EVENT_COLUMNS, EventRow  # noqa: E402
from collector.store.engine import make_engine, migrate  # noqa: E402

BATCH: Final = 50_000


def measure(here: Rig, events: int, live: int) -> Iterator[Figure]:
    """One run of one collector."""
    events = fill(here.kafka, "sqlite", events, live)
    with tempfile.TemporaryDirectory(prefix="roomwatch-bench-") as folder:
        path = Path(folder) / "store.db"
        engine = make_engine(f"sqlite:///{path}")
        migrate(engine)
        engine.dispose()
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection,
            here.collectors(1, "sqlite", "sqlite", database_url=f"sqlite:///{path}") as (collector,),
        ):
            while not (first := _stored(connection)):
                time.sleep(0.02)  # noqa: TID251 - a look at the offsets now and then
            began_s, spent_s, memory = time.perf_counter(), cpu_s(collector.pid), 0
            while (done := _stored(connection)) < events:
                memory = max(memory, memory_bytes(collector.pid))
                time.sleep(0.05)  # noqa: TID251 - as above
            took_s, spent_s = time.perf_counter() - began_s, cpu_s(collector.pid) - spent_s
            query = f"SELECT {', '.join(EVENT_COLUMNS)} FROM events ORDER BY kafka_partition, kafka_offset"
            rows = [(UUID(bytes=row[0]), *row[1:]) for row in connection.execute(query)]
        size = path.stat().st_size
        bare_s = _seconds_bare(rows, Path(folder) / "bare.db")
    if done == first:
        raise RuntimeError(f"{events:,} events are too few: all were stored at the first look")
    of = {"collectors": 1, "events": events, "live": live}
    rate = (done - first) / took_s
    yield Figure("stored in sqlite", rate, "events/s", goal="> 25,000", of=of)
    share = len(rows) / events
    yield Figure("event rows in sqlite", rate * share, "rows/s", "bare insert", len(rows) / bare_s, of=of)
    yield Figure("cpu, collector and sqlite", spent_s / (done - first) * 1e6, "us/event", of=of)
    yield Figure("stored bytes in sqlite", size / events, "bytes/event", of=of)
    yield Figure("memory of a collector on sqlite", memory / (1 << 20), "MB", of=of)


def _stored(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets").fetchone()[0])


def _seconds_bare(rows: list[EventRow], path: Path) -> float:
    began_s = time.perf_counter()
    bare_insert(rows, BATCH, path)
    return time.perf_counter() - began_s


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--live", type=int, default=20_000, help="sessions that live at once")
    add_code(parser)
    told = parser.parse_args()
    with rig(told.code) as here:
        say(measure(here, told.events, told.live))


if __name__ == "__main__":
    main()
