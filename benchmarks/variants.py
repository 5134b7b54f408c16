"""What could have been chosen: other indexes, other room on the pages, other promises of PostgreSQL; each against ours.

    as it is       written once more before each variant, so that each has its neighbour in time
    without …      an index that a question of the API needs: what it costs to keep
    fillfactor …   how full a page of `sessions` and of `outages` is before their rows are written again
    commits …      `synchronous_commit = off`: a crash may lose what was committed a moment ago

The batches are those of a collector that catches up; each pair is written several times, and the medians compared. A
ratio above 1 is what a variant would gain in rate, or cost in CPU and bytes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # behind PYTHONPATH, where a compiled package may lie

import psycopg  # noqa: E402

from benchmarks.figures import Figure, say  # noqa: E402
from benchmarks.rig import POSTGRESQL  # noqa: E402
from benchmarks.stages import records, settled_cpu_s, taken  # noqa: E402
from collector.store.changes import Changes  # noqa: E402
from collector.store.engine import make_engine  # noqa: E402
from collector.store.tables import outages, sessions  # noqa: E402
from collector.store.writer import Writer  # noqa: E402
from tests.servers.postgresql import PostgreSQL  # noqa: E402

INDEXES: Final = sorted(str(index.name) for table in (sessions, outages) for index in table.indexes)
VARIANTS: Final[dict[str, tuple[str, ...]]] = {
    **{f"without {name}": (f"DROP INDEX {name}",) for name in INDEXES},
    "without any of them": tuple(f"DROP INDEX {name}" for name in INDEXES),
    **{
        f"fillfactor {percent}": (
            f"ALTER TABLE sessions SET (fillfactor = {percent})",
            f"ALTER TABLE outages SET (fillfactor = {percent})",
        )
        for percent in (100, 90, 50)
    },
    "commits that do not wait": ("ALTER DATABASE {database} SET synchronous_commit = off",),
}


class Written(NamedTuple):
    """One store that was filled."""

    events_a_s: float
    cpu_us: float
    bytes_an_event: float


def write(server: PostgreSQL, batches: Sequence[Changes], events: int, statements: Sequence[str]) -> Written:
    """Fills an empty store that was changed by these statements."""
    database = server.make_database(migrated=True)
    place = server.url(database).replace("+psycopg", "")
    with psycopg.connect(place, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.format(database=database))
    engine = make_engine(server.url(database))
    writer = Writer(engine, "cluster", "variants", "group")
    now_us = time.time_ns() // 1000  # noqa: TID251 - stands for the wall clock of a collector
    before_s, begun_s = settled_cpu_s(server), time.perf_counter()
    for changes in batches:
        writer.write(changes, now_us)
    took_s = time.perf_counter() - begun_s
    engine.dispose()
    cpu_s = settled_cpu_s(server) - before_s
    with psycopg.connect(place, autocommit=True) as connection:
        row = connection.execute("SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables").fetchone()
    server.drop_database(database)
    return Written(events / took_s, cpu_s / events * 1e6, (int(row[0]) if row else 0) / events)


def medians(runs: Sequence[Written]) -> Written:
    """The median of each figure."""
    return Written(*map(statistics.median, zip(*runs, strict=True)))


def figures(batches: Sequence[Changes], events: int, names: Sequence[str], rounds: int) -> Iterator[Figure]:
    """Each variant, behind the same batches written as it is."""
    with PostgreSQL(durable=True, on_disk=True, settings=POSTGRESQL) as server:
        write(server, batches, events, ())
        for name in names:
            pairs = [
                (write(server, batches, events, ()), write(server, batches, events, VARIANTS[name]))
                for _ in range(rounds)
            ]
            ours, theirs = map(medians, zip(*pairs, strict=True))
            of = {"events": events}
            yield Figure(name, theirs.events_a_s, "events/s", "as it is", ours.events_a_s, of=of)
            yield Figure(f"{name}, cpu", theirs.cpu_us, "us/event", "as it is", ours.cpu_us, of=of)
            yield Figure(
                f"{name}, stored", theirs.bytes_an_event, "bytes/event", "as it is", ours.bytes_an_event, of=of
            )


def main() -> None:
    """All of them, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--live", type=int, default=20_000, help="sessions that live at once")
    parser.add_argument("--batch", type=int, default=20_000, help="records a batch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=sorted(VARIANTS), default=list(VARIANTS), metavar="VARIANT")
    told = parser.parse_args()
    log = records(told.events, told.live)
    batches = taken(log, told.batch, time.time_ns() // 1000)  # noqa: TID251 - as above
    say(figures(batches, len(log), told.only, told.rounds))


if __name__ == "__main__":
    main()
