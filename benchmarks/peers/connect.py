"""A peer: Kafka Connect with the Debezium JDBC sink in upsert mode, the mode that survives a repeated batch.

It cannot flatten what our core publishes, so it reads a topic of the same events as flat records: plain JSON, whose
schema the converter is told once instead of in every record, which it reads at twice the speed. Two tasks in one
worker; the table is made before, so that nothing evolves. What it is best set to is found by trying: `sweep`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.peers.flat import COLUMNS, KEY
from benchmarks.peers.measuring import PeerRun, Start, measure, started
from benchmarks.rig import Rig
from tests.servers.parts import Part, find
from tests.servers.processes import free_port
from tools.connect import PLUGINS, WORKER_JARS, obtain

LOGGING: Final = Path(__file__).resolve().parents[1] / "connect" / "log4j2.properties"
TASKS: Final = 2
HEAP_MB: Final = 2048
TYPES: Final = {"uuid": "string", "text": "string", "int4": "int32", "int8": "int64"}
UUID: Final = {"name": "io.debezium.data.Uuid", "version": 1}
GROUP_PREFIX: Final = "connect-"


class Setting(NamedTuple):
    """What the sink is tried with."""

    batch_size: int = 3000
    reduction_buffer: bool = True
    unnest: bool = True

    def __str__(self) -> str:
        words = [f"batch.size={self.batch_size}"]
        words += ["reduction buffer"] if self.reduction_buffer else []
        words += ["unnest"] if self.unnest else []
        return ", ".join(words)


BEST: Final = Setting()
"""What the sweep found best on two cores; a run without a sweep takes it."""
SIZES: Final = (1000, 5000, 10_000)


def run(rig: Rig, topic: str, events: int, seconds: float, setting: Setting = BEST) -> PeerRun:
    """One run of it."""
    return measure(
        rig, "Kafka Connect, JDBC sink, upsert", _start(rig, topic, setting), events, seconds=seconds,
        settings=str(setting), prefix=GROUP_PREFIX,
    )  # fmt: skip


def sweep(rig: Rig, topic: str, events: int, seconds: float) -> Iterator[tuple[Setting, PeerRun]]:
    """Short runs: with and without the buffer and unnest at one size, then the best of them at other sizes.

    A setting with which nothing is stored is said and passed over.
    """
    tried: list[tuple[float, Setting]] = []
    ways = [Setting(BEST.batch_size, buffer, unnest) for buffer in (False, True) for unnest in (False, True)]
    for setting in ways:
        for done in _tried(rig, topic, events, seconds, setting):
            tried.append((done.events_a_s, setting))
            yield setting, done
    _, best = max(tried)
    for size in SIZES:
        setting = best._replace(batch_size=size)
        for done in _tried(rig, topic, events, seconds, setting):
            yield setting, done


def _tried(rig: Rig, topic: str, events: int, seconds: float, setting: Setting) -> Iterator[PeerRun]:
    try:
        yield run(rig, topic, events, seconds, setting)
    except RuntimeError as error:
        print(f"  passed over: {setting}: {error}", flush=True)


def _start(rig: Rig, topic: str, setting: Setting) -> Start:
    def start(stack: ExitStack, database: str) -> list[int]:
        obtain()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="roomwatch-bench-")))
        worker, sink = folder / "worker.properties", folder / "sink.properties"
        _write(worker, _worker(rig, folder))
        _write(sink, _sink(rig, topic, database, setting))
        java = [find(Part.JAVA), "-Xms512m", f"-Xmx{HEAP_MB}m", f"-Dlog4j2.configurationFile={LOGGING}"]
        main = "org.apache.kafka.connect.cli.ConnectStandalone"
        return [started(stack, [*java, "-cp", f"{WORKER_JARS}/*", main, worker, sink], folder / "log")]

    return start


def _write(file: Path, lines: dict[str, object]) -> None:
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


def _worker(rig: Rig, folder: Path) -> dict[str, object]:
    converter = "org.apache.kafka.connect.json.JsonConverter"
    return {
        "bootstrap.servers": rig.kafka.bootstrap,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": converter,
        "offset.storage.file.filename": folder / "offsets",
        "offset.flush.interval.ms": 200,
        "plugin.path": PLUGINS,
        "plugin.discovery": "service_load",
        "listeners": f"http://127.0.0.1:{free_port()}",
        "connector.client.config.override.policy": "All",
    }


def _sink(rig: Rig, topic: str, database: str, setting: Setting) -> dict[str, object]:
    fields = [
        {"field": name, "type": TYPES[kind], "optional": name not in KEY, **(UUID if kind == "uuid" else {})}
        for name, kind in COLUMNS.items()
    ]
    return {
        "name": database,
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "tasks.max": TASKS,
        "topics": topic,
        "connection.url": f"jdbc:postgresql://127.0.0.1:{rig.postgresql.port}/{database}?reWriteBatchedInserts=true",
        "connection.username": "postgres",
        "connection.password": "none",
        "collection.name.format": "flat",
        "insert.mode": "upsert",
        "primary.key.mode": "record_value",
        "primary.key.fields": ",".join(KEY),
        "schema.evolution": "none",
        "use.time.zone": "UTC",
        "batch.size": setting.batch_size,
        "use.reduction.buffer": str(setting.reduction_buffer).lower(),
        "dialect.postgres.unnest.insert.enabled": str(setting.unnest).lower(),
        "consumer.override.max.poll.records": max(5000, setting.batch_size),
        "consumer.override.max.partition.fetch.bytes": 8 << 20,
        "consumer.override.fetch.max.bytes": 64 << 20,
        "consumer.override.auto.offset.reset": "earliest",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "true",
        "value.converter.schema.content": json.dumps({"type": "struct", "optional": False, "fields": fields}),
    }
