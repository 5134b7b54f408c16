"""What a storm of poison costs the good: events a second that are stored while records beside them are refused.

    .venv/bin/python benchmarks/poison.py --events 500000

Real Apache Kafka and PostgreSQL (fsync on), on this machine, together with the collector. Each topic holds the same
good events and a share of records between them that cannot be stored; `roomwatch run` reads each into an empty
database. Every round goes through all shares, and the medians are compared: `ratio` is the rate of the good against
that of the same run without poison, `records/s` counts the poison too. Prints a table, then one line of JSON a figure.

Kinds of poison: `bytes`, what the decoder refuses, five faults in turn; `clock`, events that are well but for the id
of their session, which tells one of ten thousand days of last century: only the store knows that it has no room.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import psycopg
from confluent_kafka import Producer

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.filling import send  # noqa: E402
from benchmarks.load import MEAN_LIFE_S, PARTITIONS, Told, fleet  # noqa: E402
from benchmarks.processes import cpu_s, memory_bytes  # noqa: E402
from benchmarks.rig import add_code  # noqa: E402
from collector.ingest.connection import dead_letters_topic  # noqa: E402
from tests.servers.kafka import Kafka  # noqa: E402
from tests.servers.postgresql import PostgreSQL  # noqa: E402
from tests.servers.processes import free_port  # noqa: E402
from tests.stage import environment  # noqa: E402

EVENTS_A_SESSION: Final = 9.6
LIVE: Final = 20_000
DAY_MS: Final = 86_400_000
POSTGRESQL: Final = ("shared_buffers=2GB", "max_wal_size=8GB", "checkpoint_timeout=15min", "autovacuum_naptime=10s")
KAFKA: Final = {"group.initial.rebalance.delay.ms": "3000", "log.segment.bytes": str(1 << 30)}


class Run(NamedTuple):
    """What was measured of one reading of one topic. Costs are CPU µs a record."""

    good_a_s: float
    records_a_s: float
    collector_us: float
    postgresql_us: float
    memory_mb: int
    letters: int


def bytes_refused(told: Told, rng: Random) -> Told:
    """The record with one of five faults that the decoder finds."""
    key, value = told.key, told.value
    match rng.randrange(5):
        case 0:
            value = b"no JSON " * (len(value) // 8)
        case 1:
            value = value[: len(value) * 2 // 3]
        case 2:
            value = value.replace(b'"type":"room.', b'"type":"rooom.').replace(b'"type":"session.', b'"type":"x.')
        case 3:
            value = value.replace(b'"seq":', b'"no_seq":')
        case _:
            key = b"another"
    return told._replace(key=key, value=value)


def clock_refused(told: Told, rng: Random) -> Told:
    """The record of a session that began on one of ten thousand days, of which the store has room for few."""
    day = f"{rng.randrange(10_000) * DAY_MS:012x}"
    key = f"{day[:8]}-{day[8:]}".encode() + told.key[13:]
    return told._replace(key=key, value=told.value.replace(told.key, key))


KINDS: Final[dict[str, Callable[[Told, Random], Told]]] = {"bytes": bytes_refused, "clock": clock_refused}


def fill(kafka: Kafka, topic: str, events: int, share: float, kind: str) -> tuple[int, int]:
    """Fills a topic; returns how many of its records are good, and how many there are."""
    kafka.create_topic(topic, PARTITIONS, log_append_time=False)
    kafka.create_topic(dead_letters_topic(topic), 1)
    sessions = round(events / EVENTS_A_SESSION)
    begins_us = time.time_ns() // 1000 - int((sessions / LIVE + 2) * MEAN_LIFE_S * 1_000_000)  # noqa: TID251 - today's
    producer = Producer(
        {"bootstrap.servers": kafka.bootstrap, "compression.type": "lz4", "linger.ms": 100, "batch.size": 1_000_000,
         "queue.buffering.max.messages": 500_000, "queue.buffering.max.kbytes": 1_000_000, "acks": "all"}
    )  # fmt: skip
    good = poison = 0
    rng = Random(3)
    for told in fleet(sessions, LIVE, begins_us):
        good += 1
        send(producer, topic, told)
        while rng.random() < share:
            poison += 1
            send(producer, topic, KINDS[kind](told, rng))
    producer.flush()
    return good, good + poison


def measure(kafka: Kafka, postgresql: PostgreSQL, topic: str, filled: tuple[int, int], code: Path | None) -> Run:
    """One collector reads the topic to its end, into a database of its own."""
    database = postgresql.make_database(migrated=True)
    settings: dict[str, object] = {
        "database_url": postgresql.url(database),
        "kafka_bootstrap_servers": kafka.bootstrap,
        "kafka_topic": topic,
        "kafka_group": database,
        "http_port": free_port(),
    }
    good, records = filled
    place = postgresql.url(database).replace("+psycopg", "")
    with psycopg.connect(place, autocommit=True) as connection, tempfile.TemporaryDirectory() as folder:
        env = environment(settings)
        if code is not None:
            env["PYTHONPATH"] = str(code)
        log = (Path(folder) / "log").open("w")
        command = [sys.executable, "-m", "collector", "run"]
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=log)
        try:
            first, _ = _when(connection, process, 1), log.close()
            began_s, before = time.perf_counter(), (cpu_s(process.pid), cpu_s(postgresql.pid))
            last = _when(connection, process, records)
            took_s, after = time.perf_counter() - began_s, (cpu_s(process.pid), cpu_s(postgresql.pid))
            memory = memory_bytes(process.pid) >> 20
        finally:
            process.terminate()
            process.wait()
        letters = connection.execute("SELECT count(*) FROM dead_letters").fetchone()
    postgresql.drop_database(database)
    read = last - first
    if not read:
        raise SystemExit(f"all {records} records came in the first batch, which is not counted: give more --events")
    costs = [(end - begin) / read * 1e6 for begin, end in zip(before, after, strict=True)]
    return Run(read / took_s * good / records, read / took_s, *costs, memory, letters[0] if letters else 0)


def _when(connection: psycopg.Connection, process: subprocess.Popen[bytes], offset: int) -> int:
    """Waits until so many records are stored; returns how many are."""
    while process.poll() is None:
        row = connection.execute("SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets").fetchone()
        if row is not None and row[0] >= offset:
            return int(row[0])
        time.sleep(0.02)  # noqa: TID251 - a look at the offsets now and then
    raise RuntimeError("the collector ended")


def figures(shares: list[float], kind: str, runs: dict[float, list[Run]]) -> Iterator[dict[str, object]]:
    """The medians, one figure a line."""
    peer = statistics.median(run.good_a_s for run in runs[shares[0]])
    for share in shares:
        middle = [statistics.median(column) for column in zip(*runs[share], strict=True)]
        told = Run(middle[0], middle[1], middle[2], middle[3], int(middle[4]), int(middle[5]))
        yield {
            "name": f"good events, {share:.0%} poison", "value": round(told.good_a_s), "unit": "events/s",
            "peer": f"{shares[0]:.0%} poison", "ratio": round(told.good_a_s / peer, 3), "kind": kind,
            "records/s": round(told.records_a_s), "collector_us": round(told.collector_us, 1),
            "postgresql_us": round(told.postgresql_us, 1), "memory_mb": told.memory_mb, "letters": told.letters,
            "rounds": len(runs[share]), "machine": f"{platform.machine()}, {platform.python_version()}",
        }  # fmt: skip


def main() -> None:
    """Fills the topics, reads them in turn, prints what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=500_000, help="good ones, in each topic")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.1, 0.5, 0.9], help="of poison among records")
    parser.add_argument("--kind", choices=sorted(KINDS), default="bytes")
    parser.add_argument("--rounds", type=int, default=3)
    add_code(parser)
    told = parser.parse_args()
    runs: dict[float, list[Run]] = {share: [] for share in told.shares}
    with (
        Kafka(KAFKA, heap_mb=1024, as_deployed=True) as kafka,
        PostgreSQL(durable=True, settings=POSTGRESQL) as postgresql,
    ):
        topics = {share: f"poison-{round(share * 100)}" for share in told.shares}
        filled = {share: fill(kafka, topics[share], told.events, share, told.kind) for share in told.shares}
        print("".join(f"{word:>13}" for word in ("poison", "good/s", "records/s", "collector us", "postgres us")))
        for _ in range(told.rounds):
            for share in told.shares:
                run = measure(kafka, postgresql, topics[share], filled[share], told.code and told.code.resolve())
                runs[share].append(run)
                costs = f"{run.collector_us:>13.1f}{run.postgresql_us:>13.1f}"
                print(f"{share:>13.0%}{run.good_a_s:>13,.0f}{run.records_a_s:>13,.0f}{costs}", flush=True)
    for figure in figures(told.shares, told.kind, runs):
        print(json.dumps(figure))


if __name__ == "__main__":
    main()
