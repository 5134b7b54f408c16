"""How a Kafka node is started, and the two things made once per machine because they cost seconds.

They are formatted storage, and an archive of the classes that a start loads (it belongs to one JVM and one set of
jars; another JVM would ignore it). Needs no Kafka client, so that the set-up can run it with a bare Python.
"""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.servers.parts import OBTAINED, Part, find
from tests.servers.processes import ServerProcess, free_port, make_folder, remove_folder

PREPARED: Final = OBTAINED / "kafka"
CLASS_ARCHIVE: Final = PREPARED / "classes.jsa"
FORMATTED: Final = PREPARED / "formatted"
_PREPARED_FOR: Final = PREPARED / "prepared-for.json"
_LOGGING: Final = Path(__file__).with_name("kafka.log4j2.properties")
_STARTED: Final = "Kafka Server started"
_CLUSTER_ID: Final = "Um9vbXdhdGNoVGVzdGJlZA"

# One partition for the internal topics and no wait for further group members: a group stands in .3 s. The session of
# the broker with its controller is short, else a broker that was killed is held off for 10 s when it comes back.
SETTINGS: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "log.segment.bytes": "67108864",
    "log.index.size.max.bytes": "1048576",
    "message.max.bytes": "10485760",
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1500",
}


def prepare() -> None:
    """Makes formatted storage and the class archive when they are not there for this JVM and these jars."""
    if is_prepared():
        return
    PREPARED.mkdir(parents=True, exist_ok=True)
    with (PREPARED / "lock").open("w") as lock:
        # The workers of one test run come here at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_prepared():
            _prepare_anew()


def is_prepared() -> bool:
    """Whether `prepare` would have nothing to do."""
    return _PREPARED_FOR.exists() and json.loads(_PREPARED_FOR.read_text()) == _machine()


def java_command(
    main_class: str, heap_mb: int, *options: str, arguments: Sequence[str], as_deployed: bool = False
) -> list[str]:
    """The command that runs one of Kafka's programs; `as_deployed`: as its own script starts a broker."""
    # The fast half of the compiler and the plain collector: a test's broker lives seconds, on few cores.
    brief = ["-Xms64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    deployed = ["-server", f"-Xms{heap_mb}m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]
    return [
        str(find(Part.JAVA)),
        *(deployed if as_deployed else brief),
        f"-Xmx{heap_mb}m",
        "-Xshare:auto",
        *options,
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={_LOGGING}",
        "-Dlog4j2.disable.jmx=true",
        "-cp",
        f"{find(Part.KAFKA)}/*",
        main_class,
        *arguments,
    ]


def write_properties(
    file: Path,
    data: Path,
    port: int,
    settings: Mapping[str, str],
    doors: Mapping[str, tuple[int, str]] = MappingProxyType({}),
) -> None:
    """Writes server.properties for a node on `port` of 127.0.0.1 that keeps its storage in `data`.

    `doors` are further listeners by their names: port and security protocol of each.
    """
    controller = f"127.0.0.1:{free_port()}"
    open_to_clients = {"PLAINTEXT": (port, "PLAINTEXT"), **doors}
    advertised = ",".join(f"{name}://127.0.0.1:{at}" for name, (at, _) in open_to_clients.items())
    protocols = ",".join(f"{name}:{protocol}" for name, (_, protocol) in open_to_clients.items())
    lines = {
        **SETTINGS,
        "controller.quorum.voters": f"1@{controller}",
        "listener.security.protocol.map": f"{protocols},CONTROLLER:PLAINTEXT",
        "listeners": f"{advertised},CONTROLLER://{controller}",
        "advertised.listeners": advertised,
        "log.dirs": str(data),
        **settings,
    }
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


def _prepare_anew() -> None:
    _PREPARED_FOR.unlink(missing_ok=True)
    remove_folder(FORMATTED)
    folder = make_folder("kafka-prepare")
    try:
        _format_and_record(folder)
    finally:
        remove_folder(folder)
    _PREPARED_FOR.write_text(json.dumps(_machine()))


def _machine() -> dict[str, object]:
    java = find(Part.JAVA).resolve()
    return {
        "java": [str(java), java.stat().st_size, java.stat().st_mtime_ns],
        "jars": sorted(str(jar) for jar in find(Part.KAFKA).glob("*.jar")),
    }


def _format_and_record(folder: Path) -> None:
    properties = folder / "server.properties"
    write_properties(properties, folder / "data", free_port(), {})
    format_storage = ["format", "-t", _CLUSTER_ID, "-c", str(properties)]
    formatted = subprocess.run(
        java_command("kafka.tools.StorageTool", 256, arguments=format_storage),
        capture_output=True,
        text=True,
        check=False,
    )
    if formatted.returncode != 0:
        raise RuntimeError(f"Kafka's storage could not be formatted: {formatted.stdout}{formatted.stderr}")
    shutil.copytree(folder / "data", FORMATTED)
    archive, log = folder / "classes.jsa", folder / "log"
    node = ServerProcess(
        "Apache Kafka (first start)",
        java_command("kafka.Kafka", 512, f"-XX:ArchiveClassesAtExit={archive}", arguments=[str(properties)]),
        log,
    )
    node.start(lambda: _STARTED in log.read_text(errors="replace"))
    node.stop()
    shutil.copyfile(archive, CLASS_ARCHIVE)
