"""What benchmarks of the collector run on: one Kafka, one PostgreSQL with its data on the disk, and collectors.

Everything shares this machine; whoever is compared gets the same servers, settings and cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from benchmarks.processes import cpu_s
from tests.servers.kafka import Kafka
from tests.servers.parts import Part, find
from tests.servers.postgresql import PostgreSQL
from tests.servers.processes import free_port
from tests.stage import environment
from tests.waiting import wait_until

ROOT: Final = Path(__file__).resolve().parent.parent
COMPILED: Final = ROOT / "build" / "compiled"
IF_COMPILED: Final = "compiled"
POSTGRESQL: Final = ("shared_buffers=2GB", "max_wal_size=8GB", "checkpoint_timeout=15min", "autovacuum_naptime=10s")
LISTENS_WITHIN_S: Final = 180
# The test servers' broker is given up within 1.5 s, so that tests of its death are short; here it is merely busy.
KAFKA: Final = {
    "group.initial.rebalance.delay.ms": "3000",
    "log.segment.bytes": str(1 << 30),
    "broker.session.timeout.ms": "60000",
    "broker.heartbeat.interval.ms": "2000",
}


@dataclass(frozen=True)
class Rig:
    """The servers of a run. `code`: where the package is that collectors run; None: this checkout."""

    kafka: Kafka
    postgresql: PostgreSQL
    code: Path | None = None

    def costs(self, pids: Sequence[int]) -> Costs:
        """CPU seconds so far, of these processes and of the servers."""
        return Costs(sum(map(cpu_s, pids)), cpu_s(self.postgresql.pid), cpu_s(self.kafka.pid))

    def place(self, database: str) -> str:
        """Where psycopg finds a database."""
        return self.postgresql.url(database).replace("+psycopg", "")

    @contextmanager
    def database(self, *, migrated: bool) -> Iterator[str]:
        """A database that is gone afterwards."""
        name = self.postgresql.make_database(migrated=migrated)
        try:
            yield name
        finally:
            self.postgresql.drop_database(name)

    @contextmanager
    def collectors(self, count: int, database: str, topic: str, **settings: object) -> Iterator[Sequence[Collector]]:
        """So many collectors of one group, as processes of their own."""
        told: dict[str, object] = {
            "database_url": self.postgresql.url(database),
            "kafka_bootstrap_servers": self.kafka.bootstrap,
            "kafka_topic": topic,
            "kafka_group": f"{database}-{count}",
            **settings,
        }
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="roomwatch-bench-")))
            ports = [free_port() for _ in range(count)]
            logs = [folder / f"{port}.log" for port in ports]
            processes = [
                self._start(stack, log, {**told, "http_port": port}) for log, port in zip(logs, ports, strict=True)
            ]
            for process, log in zip(processes, logs, strict=True):
                wait_until(partial(_listens, process, log), within_s=LISTENS_WITHIN_S)
            yield [
                Collector(process.pid, f"http://127.0.0.1:{port}")
                for process, port in zip(processes, ports, strict=True)
            ]

    def _start(self, stack: ExitStack, log: Path, settings: Mapping[str, object]) -> subprocess.Popen[bytes]:
        env = environment({**settings, "log_format": "json"})
        if self.code is not None:
            env["PYTHONPATH"] = str(self.code)
        command = [sys.executable, str(ROOT / "benchmarks" / "named.py"), "run"]
        process = subprocess.Popen(
            command, env=env, cwd=log.parent, stdout=subprocess.DEVNULL, stderr=stack.enter_context(log.open("w"))
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        return process


def _listens(process: subprocess.Popen[bytes], log: Path) -> bool:
    text = log.read_text()
    if process.poll() is not None:
        raise RuntimeError(f"a collector ended with {process.returncode}:\n{text[-2000:]}")
    return "listening on" in text


class Costs(NamedTuple):
    """CPU seconds, or what became of them."""

    collector: float
    postgresql: float
    kafka: float

    @property
    def all(self) -> float:
        """Of all who took part."""
        return sum(self)

    def since(self, before: Costs, events: int) -> Costs:
        """CPU µs an event since then."""
        return Costs(*((now - then) / max(events, 1) * 1e6 for now, then in zip(self, before, strict=True)))


class Collector(NamedTuple):
    """A collector that runs: its process, and where it answers."""

    pid: int
    url: str


@contextmanager
def rig(code: Path | None, *, in_memory: bool = False) -> Iterator[Rig]:
    """Kafka and PostgreSQL, running. `in_memory`: the database's data too, where a flush costs nothing."""
    postgresql = PostgreSQL(durable=True, on_disk=not in_memory, settings=POSTGRESQL)
    with Kafka(KAFKA, heap_mb=1024, as_deployed=True) as kafka, postgresql:
        yield Rig(kafka, postgresql, code and code.resolve())


def add_code(parser: argparse.ArgumentParser) -> None:
    """The word that says which code is measured. Compiled is what a service runs, and faster by a third."""
    parser.add_argument(
        "--code",
        type=_code,
        default=IF_COMPILED,
        help="where the package is that is run; without it the compiled one (make build/compiled/stamp); . is this"
        " checkout as it is",
    )


def _code(told: str) -> Path | None:
    if told != IF_COMPILED:
        return Path(told)
    stamp = COMPILED / "stamp"
    sources = (path for folder in ("collector", "session_core") for path in (ROOT / folder).rglob("*.py"))
    if not stamp.exists() or any(path.stat().st_mtime > stamp.stat().st_mtime for path in sources):
        print("no compiled code, or it is older than its sources: collectors run as they are", file=sys.stderr)
        return None
    return COMPILED / "site"


def stored(connection: psycopg.Connection) -> int:
    """How many records collectors have stored, by the offsets that stand in the store."""
    row = connection.execute("SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets").fetchone()
    return int(row[0]) if row else 0


def psql(place: str, command: str) -> None:
    """Has psql do something."""
    program = find(Part.POSTGRESQL) / "psql"
    subprocess.run(
        [program, place, "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--command", command], check=True
    )
