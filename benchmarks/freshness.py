"""How old an event is when the store shows it, while 10,000 events a second arrive steadily.

    make bench-e2e, or: python benchmarks/freshness.py --rate 10000 --seconds 60

From the broker's append time to the look at the store that first finds the record's offset passed, which is committed
in one transaction with its rows. The store is looked at every 10 ms, so a figure is up to that much too high. Every
event counts, but for those of the first seconds. One collector, as it is set by default; then two.
"""

from __future__ import annotations

import argparse
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figure, percentile, say  # noqa: E402
from benchmarks.filling import make_topics  # noqa: E402
from benchmarks.pacing import Acknowledged, Pacing, paced  # noqa: E402
from benchmarks.rig import Costs, Rig, add_code, rig, stored  # noqa: E402

LOOK_S: Final = 0.01
SETTLES_S: Final = 5.0
STORED_WITHIN_S: Final = 120.0
OFFSETS: Final = "SELECT kafka_partition, next_offset FROM kafka_offsets WHERE topic = %s"


class Looks:
    """What the store showed, and when: for each partition the offsets it had passed, growing, with the times."""

    def __init__(self) -> None:
        self._passed: dict[int, list[int]] = {}
        self._at_us: dict[int, list[int]] = {}

    def look(self, connection: psycopg.Connection, topic: str) -> int:
        """One look; returns how many records are stored."""
        total = 0
        rows = connection.execute(OFFSETS, [topic]).fetchall()
        now_us = time.time_ns() // 1000  # noqa: TID251 - the broker's clock is this machine's
        for partition, next_offset in rows:
            passed = self._passed.setdefault(partition, [])
            if not passed or passed[-1] < next_offset:
                passed.append(next_offset)
                self._at_us.setdefault(partition, []).append(now_us)
            total += next_offset
        return total

    def ages_s(self, told: Acknowledged, from_ms: int) -> list[float]:
        """How old each record was that was appended from then on."""
        ages = []
        for partition, offset, append_ms in zip(told.partitions, told.offsets, told.append_ms, strict=True):
            if append_ms >= from_ms:
                at = bisect_right(self._passed[partition], offset)
                ages.append(self._at_us[partition][at] / 1e6 - append_ms / 1000)
        return ages


def measure(here: Rig, collectors: int, rate: float, seconds: float) -> Iterator[Figure]:
    """One run."""
    topic = f"fresh-{collectors}"
    make_topics(here.kafka, topic, log_append_time=True)
    with (
        here.database(migrated=True) as database,
        psycopg.connect(here.place(database), autocommit=True) as connection,
        here.collectors(collectors, database, topic) as running,
        paced(here.kafka.bootstrap, topic, rate, seconds) as pacing,
    ):
        looks = Looks()
        pids = [one.pid for one in running]
        pacing.wait_until_open()
        before = here.costs(pids)
        told = _watched(connection, topic, looks, pacing)
        costs = here.costs(pids).since(before, stored(connection))
    here.kafka.delete_topic(topic)
    from_ms = min(told.append_ms) + int(SETTLES_S * 1000)
    ages = looks.ages_s(told, from_ms)
    yield from _figures(ages, costs, (max(told.append_ms) - from_ms) / 1000, collectors, pacing.live)


def _watched(connection: psycopg.Connection, topic: str, looks: Looks, pacing: Pacing) -> Acknowledged:
    while not pacing.is_over:
        looks.look(connection, topic)
        time.sleep(LOOK_S)  # noqa: TID251 - between looks
    told = pacing.acknowledged()
    until_s = time.perf_counter() + STORED_WITHIN_S
    while looks.look(connection, topic) < len(told.offsets):
        if time.perf_counter() > until_s:
            raise RuntimeError(f"not all was stored within {STORED_WITHIN_S:g} s of the last event")
        time.sleep(LOOK_S)  # noqa: TID251 - as above
    return told


def _figures(ages: list[float], costs: Costs, took_s: float, collectors: int, live: int) -> Iterator[Figure]:
    of = {"collectors": collectors, "events": len(ages), "live": live}
    yield Figure("freshness, rate", len(ages) / took_s, "events/s", of=of)
    for name, percent in (("p50", 50), ("p99", 99), ("worst", 100)):
        yield Figure(f"freshness, {name}", percentile(ages, percent) * 1000, "ms", of=of)
    yield Figure("freshness, cpu of all", costs.all, "us/event", of=of)
    for who, cost in zip(costs._fields, costs, strict=True):
        yield Figure(f"freshness, cpu, {who}", cost, "us/event", of=of)


def main() -> None:
    """Runs of one and of two collectors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=10_000, help="events a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--collectors", type=int, nargs="+", default=[1, 2])
    add_code(parser)
    told = parser.parse_args()
    with rig(told.code) as here:
        say(one for count in told.collectors for one in measure(here, count, told.rate, told.seconds))


if __name__ == "__main__":
    main()
