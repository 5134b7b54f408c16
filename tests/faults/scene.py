"""Where a round takes place: a topic, a database, and collectors between them, each a process of its own.

Collectors reach brokers and database by wires that can be cut. A collector that ends by itself before it was ready is
started again, as whoever runs services does; one that was ready and ends by itself has failed.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, make_url

from collector.ingest.connection import dead_letters_topic
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

    def __init__(self, log_file: Path, settings: dict[str, object]) -> None:
        self._process = ServerProcess(
            "roomwatch run", [str(ROOMWATCH), "run"], log_file, environment=environment(settings)
        )
        self.running = Running(self._process)
        self.is_wanted = False
        self._log_begins = 0
        self.started_again = 0

    def start(self) -> None:
        """Starts a process and waits for nothing."""
        self.is_wanted = True
        self._log_begins = len(self._log())
        self._process.start(lambda: True)

    def tend(self) -> None:
        """Sees to it that it runs, if it should."""
        if self.is_wanted and not self._process.is_running:
            assert not self.is_ready, f"a collector that was ready ended by itself:\n{self._process.log_tail()}"
            self.started_again += 1
            self._process.kill()
            self.start()

    @property
    def is_ready(self) -> bool:
        """Whether this process has said that it listens."""
        return any("listening on" in line for line in self._log()[self._log_begins :])

    def kill(self) -> None:
        """SIGKILL."""
        self.tend()
        self.is_wanted = False
        self._process.kill()

    def kill_for_good(self) -> None:
        """SIGKILL, whether it runs or not, halted or not."""
        self.is_wanted = False
        self._process.kill()

    def halt(self) -> None:
        """SIGSTOP."""
        self.tend()
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self._process.pid, signal.SIGCONT)

    def end(self) -> None:
        """An orderly end, of one that is ready."""
        wait_until(lambda: self.tend() or self.is_ready, within_s=_END_WITHIN_S)  # type: ignore[func-returns-value]
        self.is_wanted = False
        self.running.interrupt()
        self.running.exit_code(_END_WITHIN_S)

    def log_tail(self) -> str:
        """The last lines of its log."""
        return self._process.log_tail()

    def _log(self) -> list[str]:
        file = self._process.log_file
        return file.read_text(errors="replace").splitlines() if file.exists() else []


@dataclass
class Scene:
    """One round's own."""

    servers: Servers
    topic: str
    name: str
    """The database's."""
    engine: Engine
    collectors: list[Collector]
    spare: Collector
    """One more, which does not run at first."""
    told: list[str] = field(default_factory=list)
    """What was done, for whoever looks for the cause of a failure."""

    def tend(self) -> None:
        """Sees to it that all run that should."""
        for collector in (*self.collectors, self.spare):
            collector.tend()

    def note(self, what: str) -> None:
        """Notes what is done, with the time as the logs have it."""
        self.told.append(f"{datetime.now(UTC):%H:%M:%S.%f} {what}")

    def report(self) -> str:
        """What was done and what the collectors say of it."""
        logs = [f"-- collector {n}\n{one.log_tail()}" for n, one in enumerate((*self.collectors, self.spare), 1)]
        return "\n".join([*self.told, *logs])


@contextmanager
def scene(servers: Servers, folder: Path, settings: dict[str, Any]) -> Iterator[Scene]:
    """A scene with its collectors started; nothing is left of it afterwards."""
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
        told: dict[str, object] = {
            "database_url": url.set(port=servers.wire.port).render_as_string(hide_password=False) + "?sslmode=disable",
            "kafka_bootstrap_servers": servers.cluster.wired,
            "kafka_topic": topic,
            "kafka_session_timeout_s": SESSION_TIMEOUT_S,
            "http_port": 0,
            "log_format": "json",
            "stop_within_s": 5,
            **settings,
        }
        all_of_them = [Collector(folder / f"collector-{n}.log", told) for n in range(COLLECTORS + 1)]
        for collector in all_of_them:
            stack.callback(collector.kill_for_good)
        *collectors, spare = all_of_them
        for collector in collectors:
            collector.start()
        yield Scene(servers, topic, name, engine, collectors, spare)
