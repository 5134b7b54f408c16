"""From Kafka to the last commit: how many events a second collectors store, exactly once, and what that costs.

    make bench-e2e BENCH_ARGS="--events 3000000"

Real Apache Kafka and PostgreSQL (fsync on), on this machine, together with the collectors. The topic is filled first;
then `roomwatch run` reads it, once with one process and once with two, each into an empty database. Rates are counted
by the offsets in the store, between the first batch and the last. The yardstick of each run is psql's copy of the very
event rows that it wrote into a bare table with the same key. Prints a table, then one line of JSON a figure.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from confluent_kafka import Producer

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.load import MEAN_LIFE_S, PARTITIONS, Told, fleet  # noqa: E402
from benchmarks.processes import cpu_s, memory_bytes  # noqa: E402
from collector.ingest.connection import dead_letters_topic  # noqa: E402
from tests.servers.kafka import Kafka  # noqa: E402
from tests.servers.parts import Part, find  # noqa: E402
from tests.servers.postgresql import PostgreSQL  # noqa: E402
from tests.servers.processes import free_port  # noqa: E402
from tests.stage import environment  # noqa: E402

EVENTS_A_SESSION: Final = 9.6
POSTGRESQL: Final = ("shared_buffers=2GB", "max_wal_size=8GB", "checkpoint_timeout=15min", "autovacuum_naptime=10s")
KAFKA: Final = {"group.initial.rebalance.delay.ms": "3000", "log.segment.bytes": str(1 << 30)}
TABLES: Final = ("events", "sessions", "outages", "rollups")


@dataclass(frozen=True)
class Run:
    """What was measured of one run. Costs are CPU µs an event; `copied_rows_a_s` is the yardstick's rate."""

    collectors: int
    events: int
    events_a_s: float
    collector_us: float
    postgresql_us: float
    kafka_us: float
    rows: dict[str, float]
    bytes_an_event: float
    memory_mb: int
    copied_rows_a_s: float

    @property
    def cpu_us(self) -> float:
        """CPU µs an event, of all who took part."""
        return self.collector_us + self.postgresql_us + self.kafka_us

    @property
    def ratio(self) -> float:
        """Event rows a second, against the yardstick."""
        return self.events_a_s * self.rows["events"] / self.copied_rows_a_s


def fill(kafka: Kafka, topic: str, events: int, live: int) -> int:
    """Fills a topic with what a fleet tells until now; returns how many events that are."""
    kafka.create_topic(topic, PARTITIONS, log_append_time=False)
    kafka.create_topic(dead_letters_topic(topic), 1)
    sessions = round(events / EVENTS_A_SESSION)
    lasts_us = int((sessions / live + 2) * MEAN_LIFE_S * 1_000_000)
    now_us = time.time_ns() // 1000  # noqa: TID251 - sessions of today
    producer = Producer(
        {"bootstrap.servers": kafka.bootstrap, "compression.type": "lz4", "linger.ms": 100, "batch.size": 1_000_000,
         "queue.buffering.max.messages": 500_000, "queue.buffering.max.kbytes": 1_000_000, "acks": "all"}
    )  # fmt: skip
    sent = 0
    for told in fleet(sessions, live, now_us - lasts_us):
        _send(producer, topic, told)
        sent += 1
    producer.flush()
    return sent


def _send(producer: Producer, topic: str, told: Told) -> None:
    while True:
        try:
            producer.produce(topic, told.value, told.key, partition=told.partition, timestamp=told.append_at_us // 1000)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def measure(
    kafka: Kafka, postgresql: PostgreSQL, topic: str, events: int, collectors: int, *, code: Path | None
) -> Run:
    """One run of so many collectors. `code`: where the package is that they run; None: the one of this checkout."""
    database = postgresql.make_database(migrated=True)
    settings: dict[str, object] = {
        "database_url": postgresql.url(database),
        "kafka_bootstrap_servers": kafka.bootstrap,
        "kafka_topic": topic,
        "kafka_group": f"{database}-{collectors}",
    }
    place = postgresql.url(database).replace("+psycopg", "")
    with psycopg.connect(place, autocommit=True) as connection, _running(collectors, settings, code) as pids:
        first, began_s, before = _first_batch(connection), time.perf_counter(), _costs(kafka, postgresql, pids)
        memory = 0
        while (stored := _stored(connection)) < events:
            memory = max(memory, *map(memory_bytes, pids))
            time.sleep(0.05)  # noqa: TID251 - a look at the offsets now and then
        took_s, after = time.perf_counter() - began_s, _costs(kafka, postgresql, pids)
        counted = stored - first
        costs = [(end - begin) / counted * 1e6 for begin, end in zip(before, after, strict=True)]
    with psycopg.connect(place, autocommit=True) as connection:
        rows, size = _rows(connection), _size(connection)
    copied = _copied(place)
    postgresql.drop_database(database)
    written = {table: rows[table] / events for table in TABLES}
    return Run(collectors, events, counted / took_s, *costs, written, size / events, memory >> 20, copied)


@contextmanager
def _running(collectors: int, settings: dict[str, object], code: Path | None) -> Iterator[Sequence[int]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="roomwatch-bench-")))
        started = []
        for number in range(collectors):
            env = environment({**settings, "http_port": free_port()})
            if code is not None:
                env["PYTHONPATH"] = str(code)
            command = [sys.executable, "-m", "collector", "run"]
            process = subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.DEVNULL,
                                       stderr=(folder / f"{number}.log").open("w"))  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.terminate)
            started.append(process.pid)
        yield started


def _costs(kafka: Kafka, postgresql: PostgreSQL, pids: Sequence[int]) -> tuple[float, float, float]:
    return sum(map(cpu_s, pids)), cpu_s(postgresql.pid), cpu_s(kafka.pid)


def _stored(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets").fetchone()
    return int(row[0]) if row else 0


def _first_batch(connection: psycopg.Connection) -> int:
    while (stored := _stored(connection)) == 0:
        time.sleep(0.02)  # noqa: TID251 - as above
    return stored


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
        _psql(place, f"\\copy (SELECT * FROM events) TO '{file}'")
        _psql(place, "CREATE TABLE bare (LIKE events, PRIMARY KEY (session_id, seq))")
        began_s = time.perf_counter()
        _psql(place, f"\\copy bare FROM '{file}'")
        took_s = time.perf_counter() - began_s
        with psycopg.connect(place) as connection:
            row = connection.execute("SELECT count(*) FROM bare").fetchone()
    return int(row[0]) / took_s if row else 0.0


def _psql(place: str, command: str) -> None:
    psql = find(Part.POSTGRESQL) / "psql"
    subprocess.run([psql, place, "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--command", command], check=True)


def figures(run: Run) -> Iterator[dict[str, object]]:
    """What was measured, one figure a line."""
    machine = f"{platform.machine()}, {platform.python_version()}"
    told = {"collectors": run.collectors, "events": run.events, "machine": machine}
    copy = round(run.copied_rows_a_s)
    yield {"name": "stored", "value": round(run.events_a_s), "unit": "events/s", **told}
    yield {"name": "event rows", "value": round(run.events_a_s * run.rows["events"]), "unit": "rows/s",
           "peer": "psql \\copy", "peer_value": copy, "ratio": round(run.ratio, 3), **told}  # fmt: skip
    costs = {"all": run.cpu_us, "collector": run.collector_us, "postgresql": run.postgresql_us, "kafka": run.kafka_us}
    for name, cost in costs.items():
        yield {"name": f"cpu, {name}", "value": round(cost, 1), "unit": "us/event", **told}
    for table, count in run.rows.items():
        yield {"name": f"rows written, {table}", "value": round(count, 3), "unit": "rows/event", **told}
    yield {"name": "stored bytes", "value": round(run.bytes_an_event), "unit": "bytes/event", **told}
    yield {"name": "memory of a collector", "value": run.memory_mb, "unit": "MB", **told}


def main() -> None:
    """Fills a topic, reads it, prints what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--live", type=int, default=20_000, help="sessions that live at once")
    parser.add_argument("--collectors", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--code", type=Path, help="where the package is that is run; without it, this checkout")
    told = parser.parse_args()
    runs = []
    with Kafka(KAFKA, heap_mb=1024) as kafka, PostgreSQL(durable=True, settings=POSTGRESQL) as postgresql:
        events = fill(kafka, "bench", told.events, told.live)
        print(f"{events:,} events, {told.live:,} sessions live at once\n")
        head = ("collectors", "events/s", "of psql copy", "CPU us", "collector", "postgresql", "kafka")
        print("".join(f"{word:>13}" for word in head))
        for collectors in told.collectors:
            run = measure(kafka, postgresql, "bench", events, collectors, code=told.code and told.code.resolve())
            runs.append(run)
            costs = "".join(f"{us:>13.1f}" for us in (run.cpu_us, run.collector_us, run.postgresql_us, run.kafka_us))
            print(f"{run.collectors:>13}{run.events_a_s:>13,.0f}{run.ratio:>13.2f}{costs}", flush=True)
    for run in runs:
        for figure in figures(run):
            print(json.dumps(figure))


if __name__ == "__main__":
    main()
