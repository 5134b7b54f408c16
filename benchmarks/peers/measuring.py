"""How fast a peer stores, by what its consumer group has committed: a peer commits offsets after its rows.

A slow peer is stopped after some time, and its rate is that of the time. Counting rows would cost the peer what it
costs to count them; they are counted once, at the end, and have to be there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from benchmarks.load import PARTITIONS
from benchmarks.peers import orm
from benchmarks.peers.flat import DDL
from benchmarks.processes import memory_bytes
from benchmarks.rig import Costs, Rig

HERE: Final = Path(__file__).resolve().parent
START_WITHIN_S: Final = 300
LOG_TAIL: Final = 4000
# A group that has just been made has no coordinator for a moment.
NOT_YET: Final = (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError._TIMED_OUT)  # noqa: SLF001 - its public name


@dataclass(frozen=True)
class PeerRun:
    """What was measured of a peer. Costs are CPU µs an event; `events` were stored between first and last look."""

    name: str
    settings: str
    events: int
    events_a_s: float
    costs: Costs
    memory_mb: int
    bytes_a_row: float


Start = Callable[[ExitStack, str], Sequence[int]]
"""Starts a peer on a database and says which processes it is; the stack ends them."""


def executemany(rig: Rig, topic: str, processes: int) -> Start:
    """The hand-written script."""

    def start(stack: ExitStack, database: str) -> list[int]:
        command = [sys.executable, HERE / "executemany.py", rig.kafka.bootstrap, topic, database, rig.place(database)]
        return [started(stack, command) for _ in range(processes)]

    return start


def with_orm(rig: Rig, topic: str) -> Start:
    """The collector written with an ORM."""

    def start(stack: ExitStack, database: str) -> list[int]:
        url = rig.postgresql.url(database)
        orm.prepare(url)
        return [started(stack, [sys.executable, HERE / "orm.py", rig.kafka.bootstrap, topic, database, url])]

    return start


def started(stack: ExitStack, command: Sequence[str | Path], log: Path | None = None) -> int:
    """A process that the stack ends, by its id."""
    output = subprocess.DEVNULL if log is None else stack.enter_context(log.open("w"))
    process = subprocess.Popen(command, stdout=output, stderr=None if log is None else subprocess.STDOUT)
    stack.callback(process.wait)
    stack.callback(process.terminate)

    def tell(_: object, error: BaseException | None, __: object) -> None:
        if error is not None and log is not None:
            print(log.read_text()[-LOG_TAIL:], file=sys.stderr)

    stack.push(tell)
    return process.pid


def measure(
    rig: Rig, name: str, start: Start, events: int, *, seconds: float, settings: str = "", prefix: str = ""
) -> PeerRun:
    """One run into an empty flat table, until all is stored or the time is over.

    `prefix`: what the peer puts before the name of its group, which is that of the database.
    """
    with rig.database(migrated=False) as database:
        with psycopg.connect(rig.place(database), autocommit=True) as connection:
            connection.execute(DDL)
        with ExitStack() as stack, _group(rig, prefix + database) as committed:
            pids = start(stack, database)
            first = _first(committed, pids)
            began_s, before, memory = time.perf_counter(), rig.costs(pids), 0
            at_s, done = began_s, first
            while done < events and time.perf_counter() - began_s < seconds:
                time.sleep(0.1)  # noqa: TID251 - a look now and then
                memory = max(memory, sum(map(memory_bytes, pids)))
                now = committed()
                if now != done:
                    at_s, done, after = time.perf_counter(), now, rig.costs(pids)
            if done == first:
                raise RuntimeError(f"{name}: {first} of {events} events at the first look, no more {seconds:g} s later")
            counted = done - first
        rows, size = _rows(rig.place(database))
        if rows < done:
            raise RuntimeError(f"{name} committed {done} records and stored {rows} rows")
    costs = after.since(before, counted)
    return PeerRun(name, settings, counted, counted / (at_s - began_s), costs, memory >> 20, size / rows)


def _first(committed: Callable[[], int], pids: Sequence[int]) -> int:
    until_s = time.perf_counter() + START_WITHIN_S
    while (done := committed()) == 0:
        if any(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) for pid in pids):
            raise RuntimeError("a peer ended before it stored anything")
        if time.perf_counter() > until_s:
            raise RuntimeError(f"a peer stored nothing within {START_WITHIN_S} s")
        time.sleep(0.05)  # noqa: TID251 - as above
    return done


@contextmanager
def _group(rig: Rig, group: str) -> Iterator[Callable[[], int]]:
    """How many records the group has committed. Asks, and is no member."""
    asker = Consumer({"bootstrap.servers": rig.kafka.bootstrap, "group.id": group})
    topics: list[str] = []
    last = 0

    def committed() -> int:
        nonlocal last
        if not topics:
            topics.extend(sorted(name for name in asker.list_topics(timeout=10).topics if not name.startswith("__")))
        places = [TopicPartition(name, number) for name in topics for number in range(PARTITIONS)]
        try:
            last = sum(max(place.offset, 0) for place in asker.committed(places, timeout=10))
        except KafkaException as error:
            if not error.args[0].retriable() and error.args[0].code() not in NOT_YET:
                raise
        return last

    try:
        yield committed
    finally:
        asker.close()


def _rows(place: str) -> tuple[int, int]:
    with psycopg.connect(place) as connection:
        row = connection.execute("SELECT count(*), pg_total_relation_size('flat') FROM flat").fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
