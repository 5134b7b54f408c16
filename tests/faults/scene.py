"""Where a round takes place: a topic, a database, and collectors between them, each a process of its own.

Collectors reach brokers and database by wires that can be cut. A collector that ends by itself before it was ready is
started again, as whoever runs services does; one that was ready and ends by itself has failed.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

from sqlalchemy import Engine, make_url

from collector.ingest.connection import dead_letters_topic
from collector.ingest.decode import Record
from collector.store.engine import make_engine
from tests.faults.cluster import Cluster
from tests.faults.disk import SmallDisk
from tests.servers.cutting_wire import CuttingWire
from tests.servers.postgresql import PostgreSQL
from tests.servers.processes import ServerProcess
from tests.stage import ROOMWATCH, Running, environment
from tests.waiting import wait_until

PARTITIONS: Final = 6
COLLECTORS: Final = 2
SESSION_TIMEOUT_S: Final = 2
TABLESPACE: Final = "small"
_END_WITHIN_S: Final = 30.0
_READY_WITHIN_S: Final = 120.0
_SOON_S: Final = 5.0
_NUMBERS: Final = itertools.count(1)


@dataclass
class Servers:
    """What all rounds share."""

    cluster: Cluster
    database: PostgreSQL
    disk: SmallDisk
    wire: CuttingWire
    """Between collectors and the database."""


class Collector:
    """One place where a collector runs, though not always the same process."""

    def __init__(self, name: str, folder: Path, settings: dict[str, object]) -> None:
        self._name, self._folder, self._settings = name, folder, settings
        self._starts = 0
        self._running: Running | None = None

    def start(self) -> None:
        """Starts a process and waits for nothing."""
        self._starts += 1
        log_file = self._folder / f"{self._name}-{self._starts}.log"
        process = ServerProcess(
            "roomwatch run", [str(ROOMWATCH), "run"], log_file, environment=environment(self._settings)
        )
        self._running = Running(process)
        process.start(lambda: True)

    def tend(self) -> None:
        """Sees to it that it runs, if it should."""
        if self._running is not None and not self._running.process.is_running:
            log = self._running.process.log_tail()
            assert "listening on" not in log, f"a collector that was ready ended by itself:\n{log}"
            self.start()

    def is_ready(self) -> bool:
        """Whether it has taken on partitions, or does not run."""
        self.tend()
        if self._running is None:
            return True
        if not any("listening on" in str(line["message"]) for line in self._running.log):
            return False
        checks = self._running.readiness()["checks"]
        return any(check["ok"] for check in checks if check["name"] == "assignment")

    def kill(self) -> None:
        """SIGKILL, whether it runs or not, halted or not."""
        if self._running is not None:
            self._running.process.kill()
            self._running = None

    def halt(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """An orderly end; of one that is ready, where what else is going on lets it become so."""
        with suppress(AssertionError):
            wait_until(self.is_ready, within_s=_SOON_S)
        running, self._running = self._running, None
        if running is not None:
            running.interrupt()
            running.exit_code(_END_WITHIN_S)

    def log_tail(self) -> str:
        """The last lines of its log."""
        return "does not run" if self._running is None else self._running.process.log_tail()

    def _signal(self, number: signal.Signals) -> None:
        self.tend()
        if self._running is not None:
            self._running.interrupt(number)


@dataclass
class Scene:
    """Several rounds take place in it, one after the other."""

    servers: Servers
    topic: str
    engine: Engine
    collectors: list[Collector]
    spare: Collector
    """One more, which does not run at first."""
    log: list[Record] = field(default_factory=list)
    """All that the topic holds, as far as it was read."""
    promised: set[tuple[UUID, int]] = field(default_factory=set)
    """The keys of the events that must be stored."""
    told: list[str] = field(default_factory=list)
    """What was done, for whoever looks for the cause of a failure."""

    def tend(self) -> None:
        """Sees to it that all run that should."""
        for collector in (*self.collectors, self.spare):
            collector.tend()

    def until_ready(self) -> None:
        """Waits until all that should run have taken on partitions."""
        for collector in (*self.collectors, self.spare):
            wait_until(collector.is_ready, within_s=_READY_WITHIN_S, every_s=0.1)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Nobody collects meanwhile. A rebalance at that moment would make one read what a test has changed."""
        for collector in self.collectors:
            collector.kill()
        yield
        for collector in self.collectors:
            collector.start()

    def note(self, what: str) -> None:
        """Notes what is done, with the time as the logs have it."""
        self.told.append(f"{datetime.now(UTC):%H:%M:%S.%f} {what}")  # noqa: TID251 - logs have the real time

    def report(self) -> str:
        """What was done and what the collectors say of it."""
        logs = [f"-- collector {n}\n{one.log_tail()}" for n, one in enumerate((*self.collectors, self.spare), 1)]
        return "\n".join([*self.told, *logs])


@contextmanager
def scene(servers: Servers, folder: Path, random: Random) -> Iterator[Scene]:
    """A scene with its collectors started; nothing is left of it afterwards. Chance says how they are set."""
    topic = f"faults-{os.getpid()}-{next(_NUMBERS)}"
    letters = dead_letters_topic(topic)
    with ExitStack() as stack:
        servers.cluster.create_topic(topic, PARTITIONS)
        servers.cluster.create_topic(letters, 1)
        stack.callback(servers.cluster.delete_topics, topic, letters)
        name = servers.database.make_database(migrated=True, tablespace=TABLESPACE)
        stack.callback(servers.database.drop_database, name)
        url = make_url(servers.database.url(name))
        engine = make_engine(servers.database.url(name))
        stack.callback(engine.dispose)
        settings: dict[str, object] = {
            "database_url": url.set(port=servers.wire.port).render_as_string(hide_password=False) + "?sslmode=disable",
            "kafka_bootstrap_servers": servers.cluster.wired,
            "kafka_topic": topic,
            "kafka_group": topic,
            "kafka_session_timeout_s": SESSION_TIMEOUT_S,
            "http_port": 0,
            "log_format": "json",
            "stop_within_s": 5,
            "batch_records_max": random.choice((50, 200, 1000)),
            "batch_wait_ms": random.choice((0, 20, 100)),
            "sessions_max": random.choice((20, 60_000)),
        }
        *collectors, spare = [Collector(f"collector-{n}", folder, settings) for n in range(1, COLLECTORS + 2)]
        for collector in (*collectors, spare):
            stack.callback(collector.kill)
        for collector in collectors:
            collector.start()
        here = Scene(servers, topic, engine, collectors, spare)
        here.note(f"{topic}: {settings}")
        yield here
