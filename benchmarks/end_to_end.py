"""From Kafka to the last commit: how many events a second collectors store, exactly once, and what that costs.

    make bench-e2e BENCH_ARGS="--events 3000000"

Real Apache Kafka and PostgreSQL (fsync on, data on the disk), on this machine, together with the collectors. A topic is
filled first with a window onto a fleet; then `roomwatch run` reads it, once with one process and once with two, each
into an empty database; and with `--peers` those whom it is compared with read the same events into one flat table.
Rates are counted by the offsets stored, between the first batch and the last. A first run of the whole is thrown away:
in it PostgreSQL makes the files of its log and meets its memory for the first time, which a service does once. The
yardstick of each run is psql's copy
of the very event rows that it wrote into a bare table with the same key.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figure, say  # noqa: E402
from benchmarks.filling import fill  # noqa: E402
from benchmarks.peers import connect, measuring  # noqa: E402
from benchmarks.peers.measuring import PeerRun  # noqa: E402
from benchmarks.processes import memory_bytes, thread_cpu_s  # noqa: E402
from benchmarks.rig import Costs, Rig, add_code, psql, rig, stored  # noqa: E402

TABLES: Final = ("events", "sessions", "outages", "rollups")
THREADS: Final = ("loop", "merger", "writer")
GOALS: Final = {1: ("> 40,000", "> 0.22 of it"), 2: ("> 55,000", "> 0.35 of it")}
SWEEP_S: Final = 15.0


@dataclass(frozen=True)
class Run:
    """What was measured of one run. Costs and threads are CPU µs an event; `copied_rows_a_s` is of the yardstick."""

    live: int
    collectors: int
    events: int
    events_a_s: float
    costs: Costs
    threads: dict[str, float]
    rows: dict[str, float]
    bytes_an_event: float
    memory_mb: int
    copied_rows_a_s: float


def measure(here: Rig, topic: str, events: int, collectors: int, live: int, **settings: object) -> Run:
    """One run of so many collectors, as they are set by default but for `settings`."""
    with here.database(migrated=True) as database:
        place = here.place(database)
        with (
            psycopg.connect(place, autocommit=True) as connection,
            here.collectors(collectors, database, topic, **settings) as running,
        ):
            pids = [one.pid for one in running]
            first, began_s, before, threads = _first_batch(connection), time.perf_counter(), here.costs(pids), {}
            threads, memory = _threads(pids), 0
            while (done := stored(connection)) < events:
                memory = max(memory, *map(memory_bytes, pids))
                time.sleep(0.05)  # noqa: TID251 - a look at the offsets now and then
            took_s, after, later = time.perf_counter() - began_s, here.costs(pids), _threads(pids)
        counted = done - first
        if not counted:
            raise RuntimeError(f"{events:,} events are too few: all were stored at the first look")
        spent = {name: (later.get(name, 0) - threads.get(name, 0)) / counted * 1e6 for name in THREADS}
        with psycopg.connect(place, autocommit=True) as connection:
            rows, size = _rows(connection), _size(connection)
        copied = _copied(place)
    written = {table: rows[table] / events for table in TABLES}
    costs = after.since(before, counted)
    return Run(live, collectors, events, counted / took_s, costs, spent, written, size / events, memory >> 20, copied)


def _threads(pids: list[int]) -> dict[str, float]:
    spent: dict[str, float] = {}
    for pid in pids:
        for name, seconds in thread_cpu_s(pid).items():
            spent[name] = spent.get(name, 0.0) + seconds
    return spent


def _first_batch(connection: psycopg.Connection) -> int:
    while (done := stored(connection)) == 0:
        time.sleep(0.02)  # noqa: TID251 - as above
    return done


def _rows(connection: psycopg.Connection) -> dict[str, int]:
    """Rows that were written, however often, by table."""
    connection.execute("SELECT pg_sleep(1.5)")  # what backends count is told within a second
    query = (
        "SELECT CASE WHEN relname LIKE 'events%' THEN 'events' ELSE relname END, sum(n_tup_ins + n_tup_upd)"
        " FROM pg_stat_user_tables GROUP BY 1"
    )
    return {name: int(count) for name, count in connection.execute(query)}


def _size(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables").fetchone()
    return int(row[0]) if row else 0


def _copied(place: str) -> float:
    """Rows a second of psql's copy: the events of this database into a bare table with their key."""
    with tempfile.TemporaryDirectory(prefix="roomwatch-bench-") as folder:
        file = Path(folder) / "events"
        psql(place, f"\\copy (SELECT * FROM events) TO '{file}'")
        psql(place, "CREATE TABLE bare (LIKE events, PRIMARY KEY (session_id, seq))")
        began_s = time.perf_counter()
        psql(place, f"\\copy bare FROM '{file}'")
        took_s = time.perf_counter() - began_s
        with psycopg.connect(place) as connection:
            row = connection.execute("SELECT count(*) FROM bare").fetchone()
    return int(row[0]) / took_s if row else 0.0


def figures(run: Run) -> Iterator[Figure]:
    """What was measured of collectors."""
    of = {"collectors": run.collectors, "events": run.events, "live": run.live}
    rate, share = GOALS.get(run.collectors, (None, None))
    yield Figure("stored", run.events_a_s, "events/s", goal=rate, of=of)
    rows = run.events_a_s * run.rows["events"]
    yield Figure("event rows", rows, "rows/s", "psql \\copy", run.copied_rows_a_s, share, of)
    parts = {"all": run.costs.all, **run.costs._asdict()}
    for name, cost in parts.items():
        yield Figure(f"cpu, {name}", cost, "us/event", goal="< 40" if name == "all" else None, of=of)
    for name, cost in run.threads.items():
        yield Figure(f"cpu, collector's thread {name}", cost, "us/event", of=of)
    for table, count in run.rows.items():
        yield Figure(f"rows written, {table}", count, "rows/event", of=of)
    yield Figure("stored bytes", run.bytes_an_event, "bytes/event", of=of)
    yield Figure("memory of a collector", run.memory_mb, "MB", of=of)


def peer_runs(here: Rig, topic: str, flat_topic: str, events: int, seconds: float, *, sweep: bool) -> Iterator[PeerRun]:
    """Everybody whom collectors are compared with, on the same events."""
    best = connect.BEST
    if sweep:
        tried = list(connect.sweep(here, flat_topic, events, SWEEP_S))
        for setting, run in tried:
            print(f"  tried: {setting!s:<50}{run.events_a_s:>10,.0f} rows/s", flush=True)
        best = max(tried, key=lambda one: one[1].events_a_s)[0]
    yield connect.run(here, flat_topic, events, seconds, best)
    for processes in (1, 2):
        script = measuring.executemany(here, topic, processes)
        name = f"confluent-kafka and executemany, {processes} process{'es' if processes > 1 else ''}"
        yield measuring.measure(here, name, script, events, seconds=seconds)
    yield measuring.measure(here, "SQLAlchemy ORM, 1 process", measuring.with_orm(here, topic), events, seconds=seconds)


def peer_figures(peer: PeerRun, runs: list[Run]) -> Iterator[Figure]:
    """A peer alone, then collectors beside it: events a second, CPU, stored bytes, memory."""
    told = {"peer_settings": peer.settings} if peer.settings else {}
    own = {"events": peer.events, "by": peer.name, **told}
    yield Figure("stored by a peer", peer.events_a_s, "events/s", of=own)
    yield Figure("cpu of a peer, all", peer.costs.all, "us/event", of=own)
    for run in runs:
        of = {"collectors": run.collectors, "events": run.events, "live": run.live, **told}
        yield Figure("stored", run.events_a_s, "events/s", peer.name, peer.events_a_s, of=of)
        yield Figure("cpu, all", run.costs.all, "us/event", peer.name, peer.costs.all, of=of)
        yield Figure("cpu, postgresql", run.costs.postgresql, "us/event", peer.name, peer.costs.postgresql, of=of)
        yield Figure("stored bytes", run.bytes_an_event, "bytes/event", peer.name, peer.bytes_a_row, of=of)
        yield Figure("memory", run.memory_mb * run.collectors, "MB", peer.name, peer.memory_mb, of=of)


def all_figures(here: Rig, told: argparse.Namespace) -> Iterator[Figure]:
    """Every window in turn; peers beside the first."""
    settings = {} if told.sessions_max is None else {"sessions_max": told.sessions_max}
    for number, live in enumerate(told.live):
        topic, peers = f"bench-{live}", told.peers and number == 0
        flat_topic = f"flat-{live}" if peers else None
        events = fill(here.kafka, topic, told.events, live, flat_topic=flat_topic)
        print(f"\n{events:,} events, {live:,} sessions live at once", flush=True)
        if told.warm and number == 0:
            measure(here, topic, events, 1, live, **settings)
        runs = []
        for collectors in told.collectors:
            runs.append(measure(here, topic, events, collectors, live, **settings))
            yield from figures(runs[-1])
        if flat_topic is not None:
            for peer in peer_runs(here, topic, flat_topic, events, told.peer_seconds, sweep=told.sweep):
                yield from peer_figures(peer, runs)
        for name in filter(None, (topic, flat_topic)):
            here.kafka.delete_topic(name)


def main() -> None:
    """Fills topics, has them read, prints what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--live", type=int, nargs="+", default=[20_000], help="sessions that live at once")
    parser.add_argument("--collectors", type=int, nargs="*", default=[1, 2])
    add_code(parser)
    parser.add_argument("--peers", action="store_true", help="run those whom collectors are compared with, too")
    parser.add_argument("--peer-seconds", type=float, default=90, help="after which a slow peer is stopped")
    parser.add_argument("--sweep", action="store_true", help="try settings of Kafka Connect before it is measured")
    parser.add_argument("--sessions-max", type=int, help="sessions that a collector holds; without it, the default")
    parser.add_argument("--cold", dest="warm", action="store_false", help="without the run that is thrown away")
    parser.add_argument(
        "--in-memory", action="store_true", help="keep PostgreSQL's data in memory: fsync is free there"
    )
    told = parser.parse_args()
    with rig(told.code, in_memory=told.in_memory) as here:
        say(all_figures(here, told))


if __name__ == "__main__":
    main()
