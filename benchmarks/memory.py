"""Whether a collector's memory stays where it is: one collector over 5 million events, looked at every second.

What bounds it: the cache of sessions (`sessions_max`), and two batches in hand (`batch_bytes_max`). Both are full after
the first minute; so the second half of the events must not need more than the first did. The trend is a line through
the looks of the second half, by least squares.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figure, say  # noqa: E402
from benchmarks.filling import fill  # noqa: E402
from benchmarks.processes import memory_bytes  # noqa: E402
from benchmarks.rig import Rig, add_code, rig, stored  # noqa: E402

MB: Final = 1 << 20


def measure(here: Rig, events: int, live: int, look_s: float) -> Iterator[Figure]:
    """One run of one collector."""
    events = fill(here.kafka, "memory", events, live)
    looks: list[tuple[float, float]] = []  # million events stored, MB
    with (
        here.database(migrated=True) as database,
        psycopg.connect(here.place(database), autocommit=True) as connection,
        here.collectors(1, database, "memory") as (collector,),
    ):
        while (done := stored(connection)) < events:
            looks.append((done / 1e6, memory_bytes(collector.pid) / MB))
            time.sleep(look_s)  # noqa: TID251 - between looks
    half = [(at, size) for at, size in looks if at >= events / 2e6]
    if len({at for at, _ in half}) < 2:
        raise RuntimeError(f"{events:,} events are too few: the second half was over before two looks saw it grow")
    sizes = [size for _, size in half]
    of = {"collectors": 1, "events": events, "live": live, "looks": len(half)}
    first = max(size for at, size in looks if at < events / 2e6)
    yield Figure("memory, second half, most", max(sizes), "MB", "most of the first half", first, of=of)
    yield Figure("memory, second half, least", min(sizes), "MB", of=of)
    trend = statistics.linear_regression(*zip(*half, strict=True)).slope
    yield Figure("memory, second half, trend", trend, "MB/1M events", of=of)


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--live", type=int, default=20_000, help="sessions that live at once")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between looks")
    add_code(parser)
    told = parser.parse_args()
    with rig(told.code) as here:
        say(measure(here, told.events, told.live, told.every))


if __name__ == "__main__":
    main()
