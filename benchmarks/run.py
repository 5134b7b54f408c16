"""Throughput of the collector's write path, as ratios measured in one run: `make bench`.

Every stage takes turns with its yardstick on the same events, and the medians are compared; so a machine that is busy
or slow changes the figures and hardly the ratios. The events are those of the demo's fleet.

    decode       against json.loads of the same bytes, which checks nothing
    take         all that a batch costs in Python: decode, merge, derive, rows; against decode alone
    sqlite       take and all tables, exactly once; against a bare insert of the same event rows
    postgresql   the same with fsync on; against binary COPY of the same event rows into a bare table
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figure, say  # noqa: E402
from benchmarks.yardsticks import bare_copy, bare_insert  # noqa: E402
from collector.demo.history import plans, story  # noqa: E402
from collector.demo.life import play  # noqa: E402
from collector.ingest.decode import Record  # noqa: E402
from collector.ingest.partitions import Holder  # noqa: E402
from collector.store.changes import EventRow  # noqa: E402
from collector.store.engine import make_engine  # noqa: E402
from collector.store.schema import migrate  # noqa: E402
from collector.store.writer import Writer  # noqa: E402
from session_core import wire  # noqa: E402
from session_core.events import PUBLISHED_TYPES, SEQLESS_TYPES  # noqa: E402
from session_core.instants import utc_from_us  # noqa: E402
from session_core.policy import ReconnectPolicy  # noqa: E402
from tests.servers.postgresql import PostgreSQL  # noqa: E402

NOW_US = 1_795_480_000_000_000
PARTITIONS = 12


def records(sessions: int) -> list[Record]:
    """The fleet's six hours as records, partition by partition, in the order of time."""
    rng = Random(1)
    told: list[tuple[int, int, bytes, bytes]] = []
    for plan in plans(story(NOW_US), rng, sessions):
        session_id = plan.session.session_id
        seq = 0
        for event in play(plan, ReconnectPolicy.documented(), rng):
            if event.type in PUBLISHED_TYPES - SEQLESS_TYPES:
                at = event.at.utc_us
                value = wire.encode(wire.message(event, seq), utc_from_us(at))
                told.append((session_id.int % PARTITIONS, at, str(session_id).encode(), value))
                seq += 1
    told.sort(key=lambda record: (record[0], record[1]))
    offsets = [0] * PARTITIONS
    made = []
    for partition, at, key, value in told:
        made.append(Record(partition, offsets[partition], at, key, value))
        offsets[partition] += 1
    return made


def seconds(run: Callable[[], object]) -> float:
    """How long one run takes."""
    gc.collect()
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def compare(stage: str, run: Callable[[], object], yardstick: str, other: Callable[[], object], events: int) -> Figure:
    """Both in turn, five times; the medians."""
    pairs = [(seconds(run), seconds(other)) for _ in range(5)]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Figure(stage, events / mine, "events/s", yardstick, events / theirs, of={"events": events})


def batches(log: list[Record], size: int) -> Iterator[list[Record]]:
    """The log as a collector that catches up reads it."""
    for begin in range(0, len(log), size):
        yield log[begin : begin + size]


def take_all(log: list[Record], size: int) -> list[EventRow]:
    """Everything in Python, nothing written. Returns the event rows."""
    holder = Holder("benchmark", lambda _: {})
    holder.assign(dict.fromkeys(range(PARTITIONS), 0))
    return [row for some in batches(log, size) for row in holder.take(some, NOW_US).changes.events]


def write_all(log: list[Record], size: int, url: str) -> None:
    """The whole write path into a fresh store."""
    engine = make_engine(url)
    migrate(engine)
    writer = Writer(engine, "cluster", "benchmark", "group")
    holder = Holder("benchmark", writer.load)
    holder.assign(dict.fromkeys(range(PARTITIONS), 0))
    for some in batches(log, size):
        writer.write(holder.take(some, NOW_US).changes, NOW_US)
    engine.dispose()


def figures(log: list[Record], size: int) -> Iterator[Figure]:
    """Every stage with its yardstick."""
    values = [record.value for record in log if record.value is not None]
    events = len(values)

    def decode() -> None:
        for value in values:
            wire.decode(value)

    def loads() -> None:
        for value in values:
            json.loads(value)

    rows = take_all(log, size)
    yield compare("decode", decode, "json.loads", loads, events)
    yield compare("take", lambda: take_all(log, size), "decode", decode, events)
    with tempfile.TemporaryDirectory(prefix="roomwatch-bench-") as folder:
        paths = iter(Path(folder) / f"{number}.db" for number in range(100))
        yield compare(
            "sqlite, all tables",
            lambda: write_all(log, size, f"sqlite:///{next(paths)}"),
            "bare insert of event rows",
            lambda: bare_insert(rows, size, next(paths)),
            events,
        )
    with PostgreSQL(durable=True) as server:
        yield compare(
            "postgresql, all tables",
            lambda: write_all(log, size, server.url(server.make_database(migrated=False))),
            "bare COPY of event rows",
            lambda: bare_copy(rows, size, server.url(server.make_database(migrated=False))),
            events,
        )


def main() -> None:
    """Prints a table, then the lines; the ratios are what to compare between versions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=10_000, help="records a batch")
    arguments = parser.parse_args()
    log = records(arguments.sessions)
    size = sum(len(record.value or b"") for record in log) // len(log)
    print(f"{len(log):,} events of {arguments.sessions:,} sessions, {size} bytes each, {arguments.batch:,} a batch\n")
    say(figures(log, arguments.batch))


if __name__ == "__main__":
    main()
