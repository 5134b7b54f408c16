"""A stage for tests of the whole collector: a topic of real Kafka, a store, and `roomwatch` as people run it.

stage = Stage(kafka, topics, url)
stage.tell(lives)
with stage.collector() as running:
    running.until_stored(...)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from confluent_kafka import Consumer, Producer, TopicPartition
from sqlalchemy import Engine, func, select

from collector.store.engine import make_engine, migrate
from collector.store.tables import dead_letters, events, kafka_offsets, outages, rollups, sessions
from session_core.events import SEQLESS_TYPES
from tests.histories import Life, partition_of
from tests.servers.kafka import Kafka
from tests.servers.processes import ServerProcess
from tests.waiting import wait_until

ROOMWATCH: Final = Path(sys.executable).with_name("roomwatch")


def roomwatch(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Runs the real command to its end, with these settings and none of this machine's."""
    return subprocess.run(
        [ROOMWATCH, *arguments], env=environment(settings), capture_output=True, text=True, timeout=60, check=False
    )


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The environment of a command that is told `settings`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ROOMWATCH_")}  # noqa: TID251 - a child's
    return {**own, **{f"ROOMWATCH_{name.upper()}": str(value) for name, value in settings.items()}}


@dataclass
class Running:
    """A collector as a process of its own."""

    process: ServerProcess

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def log(self) -> list[dict[str, Any]]:
        """What it logged so far."""
        lines = self.process.log_file.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    @property
    def url(self) -> str:
        """Where it listens."""
        said = (str(line["message"]) for line in self.log)
        return next(text.removeprefix("listening on ") for text in said if text.startswith("listening on "))

    def readiness(self) -> dict[str, Any]:
        """What /readyz answers, whichever status it has."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - our own, on 127.0.0.1
                told: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refused:
            told = json.load(refused)
        return told

    def metric(self, line: str) -> float:
        """The value of a series, written as /metrics writes it; 0 where there is none."""
        rows = self.metrics().splitlines()
        return next((float(row.rsplit(" ", 1)[1]) for row in rows if row.startswith(f"{line} ")), 0.0)

    def metrics(self) -> str:
        """What /metrics tells."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:  # noqa: S310 - as above
            told: bytes = answer.read()
        return told.decode()

    def interrupt(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Sends a signal and waits for nothing."""
        os.kill(self.pid, number)

    def exit_code(self, within_s: float = 30.0) -> int:
        """Waits for the process's own end."""
        child = self.process._process
        assert child is not None
        code = child.wait(within_s)
        self.process._process = None
        return code


@dataclass
class Stage:
    """One topic, one store, and collectors between them."""

    kafka: Kafka
    topic: str
    partitions: int
    url: str
    folder: Path
    group: str = "roomwatch"
    settings: dict[str, object] = field(default_factory=dict)
    _engine: Engine | None = None
    _started: int = 0

    def __post_init__(self) -> None:
        if not self.url.startswith("postgresql"):
            migrate(self.engine)

    @property
    def engine(self) -> Engine:
        """The store, to look at it from outside."""
        if self._engine is None:
            self._engine = make_engine(self.url)
        return self._engine

    def close(self) -> None:
        """Lets the store go."""
        if self._engine is not None:
            self._engine.dispose()

    def tell(self, lives: Iterable[Life]) -> int:
        """Sends what the lives said, as their sessions' clients would; returns how many records that made."""
        sent = [one for life in lives for one in life.sent]
        self.put((one.key(), one.value()) for one in sent)
        return len(sent)

    def put(
        self, records: Iterable[tuple[bytes | None, bytes | None]], headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Sends raw records; those of a session go to its partition, others to partition 0."""
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap, "linger.ms": 5, "log_level": 0})
        failed: list[object] = []
        for key, value in records:
            producer.produce(
                self.topic,
                key=key,
                value=value,
                partition=self._partition(key),
                headers=list(headers),
                on_delivery=lambda error, _: failed.append(error) if error else None,
            )
            producer.poll(0)
        assert producer.flush(30) == 0
        assert failed == []

    def _partition(self, key: bytes | None) -> int:
        try:
            return partition_of(UUID((key or b"").decode()), self.partitions)
        except ValueError:
            return 0

    @contextmanager
    def collector(self, *arguments: str, **settings: object) -> Iterator[Running]:
        """A collector that listens; whatever is left of it at the end is killed."""
        running = self.start(*arguments, **settings)
        try:
            yield running
        finally:
            running.process.kill()

    def start(self, *arguments: str, **settings: object) -> Running:
        """Starts a collector and returns when it listens."""
        self._started += 1
        process = ServerProcess(
            "roomwatch run",
            [str(ROOMWATCH), "run", *arguments],
            self.folder / f"collector-{self._started}.log",
            environment=environment(
                {
                    "database_url": self.url,
                    "kafka_bootstrap_servers": self.kafka.bootstrap,
                    "kafka_topic": self.topic,
                    "kafka_group": self.group,
                    "kafka_session_timeout_s": 2,
                    "http_port": 0,
                    "log_format": "json",
                    **self.settings,
                    **settings,
                }
            ),
        )
        running = Running(process)
        process.start(lambda: any(str(line["message"]).startswith("listening on") for line in running.log))
        return running

    def stored_offsets(self) -> int:
        """How many records the store has taken."""
        with self.engine.connect() as connection:
            return int(connection.execute(select(func.coalesce(func.sum(kafka_offsets.c.next_offset), 0))).scalar_one())

    def stored_positions(self) -> dict[int, int]:
        """Where the store stands in each partition that it has read from."""
        query = select(kafka_offsets.c.kafka_partition, kafka_offsets.c.next_offset)
        with self.engine.connect() as connection:
            return {partition: offset for partition, offset in connection.execute(query) if offset}

    def until_stored(self, records: int, within_s: float = 40.0) -> None:
        """Waits until the store has taken so many records."""
        wait_until(lambda: self.stored_offsets() >= records, within_s=within_s, every_s=0.05)

    def assert_told_exactly_once(self, lives: Sequence[Life]) -> None:
        """Every event is there once, and the sums agree with the rows: nothing was counted twice or left out."""
        told = Counter(
            (one.message.data.session_id, one.message.data.seq)
            for life in lives
            for one in life.sent
            if one.message.type not in SEQLESS_TYPES
        )
        with self.engine.connect() as connection:
            found = Counter(
                (row.session_id, row.seq) for row in connection.execute(select(events.c.session_id, events.c.seq))
            )
            assert found == dict.fromkeys(told, 1)
            counts = {
                kind: n
                for kind, n in connection.execute(
                    select(rollups.c.kind, func.sum(rollups.c.n)).group_by(rollups.c.kind)
                )
                if n
            }
            expected = {
                "started": _count(connection, select(func.count()).select_from(sessions)),
                "joined": _count(
                    connection, select(func.count()).where(sessions.c.fate.not_in(("not_joined", "connecting")))
                ),
                "outage": _count(connection, select(func.count()).select_from(outages)),
                "outage_ended": _count(connection, select(func.count()).where(outages.c.outcome != "open")),
                "ended": _count(connection, select(func.count()).where(sessions.c.ended_at.is_not(None))),
            }
        assert counts == {kind: n for kind, n in expected.items() if n}

    def live_sessions(self, region: str) -> int:
        """Sessions of a region that the store holds for live."""
        with self.engine.connect() as connection:
            live = (sessions.c.fate == "live", sessions.c.region == region)
            return _count(connection, select(func.count()).where(*live))

    def refused(self) -> list[tuple[Any, ...]]:
        """Partition, offset and reason of the stored dead letters."""
        of = dead_letters.c
        with self.engine.connect() as connection:
            query = select(of.kafka_partition, of.kafka_offset, of.reason).order_by(of.kafka_partition, of.kafka_offset)
            return [tuple(row) for row in connection.execute(query)]

    def letters(self, count: int) -> list[Any]:
        """The first `count` records of the topic of dead letters."""
        return read(self.kafka, f"{self.topic}.dead-letters", count)


def read(kafka: Kafka, topic: str, count: int) -> list[Any]:
    """The first `count` records of a topic with one partition."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "tests", "log_level": 0})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        found: list[Any] = []
        while len(found) < count:
            some = consumer.consume(count - len(found), timeout=10)
            assert some, f"{topic} holds {len(found)} records, not {count}"
            found += some
        return found
    finally:
        consumer.close()


def _count(connection: Any, query: Any) -> int:
    return int(connection.execute(query).scalar_one())
