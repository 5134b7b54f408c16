"""A cluster of real Kafka brokers, each behind a wire of its own that can be cut.

Tests speak with the brokers directly, collectors through the wires: each broker advertises its wire to them. Topics
live on all brokers, and what is acknowledged is on most of them.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tests.servers.cutting_wire import CuttingWire
from tests.servers.kafka_setup import CLASS_ARCHIVE, FORMATTED, java_command, prepare, write_properties
from tests.servers.processes import ServerProcess, free_port, make_folder, remove_folder
from tests.waiting import wait_until

_ASK_TIMEOUT_S: Final = 30.0
_WHOLE_WITHIN_S: Final = 180.0
_HEAP_MB: Final = 320


class Broker:
    """One node. It may be killed and stopped, and is the same one when it goes on."""

    def __init__(self, number: int, voters: dict[int, int], folder: Path) -> None:
        """`voters`: the controllers' ports by the nodes' numbers."""
        self.number = number
        self.port, door = free_port(), free_port()
        self.wire = CuttingWire(door)
        properties, data = folder / "server.properties", folder / "data"
        folder.mkdir()
        shutil.copytree(FORMATTED, data)
        _number_storage(data / "meta.properties", number)
        own, inner = f"PLAINTEXT://127.0.0.1:{self.port}", f"CONTROLLER://127.0.0.1:{voters[number]}"
        protocols = ",".join(f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "WIRED", "CONTROLLER"))
        most = min(len(voters), 3)
        replicated = {f"{of}.replication.factor": str(most) for of in ("default", "offsets.topic")}
        settings = {
            **replicated,
            "node.id": str(number),
            "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{port}" for n, port in voters.items()),
            "listener.security.protocol.map": protocols,
            "listeners": f"{own},WIRED://127.0.0.1:{door},{inner}",
            "advertised.listeners": f"{own},WIRED://127.0.0.1:{self.wire.port}",
            "min.insync.replicas": str(most // 2 + 1),
            "replica.lag.time.max.ms": "2000",
            "replica.fetch.wait.max.ms": "100",
        }
        write_properties(properties, data, self.port, settings)
        start = java_command(
            "kafka.Kafka", _HEAP_MB, f"-XX:SharedArchiveFile={CLASS_ARCHIVE}", arguments=[str(properties)]
        )
        self._process = ServerProcess(f"Kafka broker {number}", start, folder / "log")

    def start(self) -> None:
        """Starts the node and waits for nothing; see `Cluster.until_whole`."""
        self._process.start(lambda: True)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def halt(self) -> None:
        """SIGSTOP."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self._process.pid, signal.SIGCONT)

    def log_tail(self) -> str:
        """The last lines of its log."""
        return self._process.log_tail()


class Cluster:
    """As many brokers as are asked for, gone after `with`."""

    def __init__(self, size: int) -> None:
        prepare()
        self._folder = make_folder("kafka-cluster")
        voters = {number: free_port() for number in range(1, size + 1)}
        self.brokers = [Broker(number, voters, self._folder / f"node-{number}") for number in voters]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(remove_folder, self._folder)
            for broker in self.brokers:
                stack.enter_context(broker.wire)
                stack.callback(broker.kill)
                broker.start()
            self.until_whole()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @property
    def bootstrap(self) -> str:
        """What a test's clients take as `bootstrap_servers`."""
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers)

    @property
    def wired(self) -> str:
        """What collectors take as `bootstrap_servers`."""
        return ",".join(f"127.0.0.1:{broker.wire.port}" for broker in self.brokers)

    def until_whole(self) -> None:
        """Waits until every broker is in the cluster and answers."""
        for broker in self.brokers:
            wait_until(lambda at=f"127.0.0.1:{broker.port}": self._sees_all(at), within_s=_WHOLE_WITHIN_S, every_s=0.1)  # type: ignore[misc]

    def create_topic(self, name: str, partitions: int) -> None:
        """Makes a topic that lives on all brokers, stamped by them."""
        topic = NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=min(len(self.brokers), 3),
            config={"message.timestamp.type": "LogAppendTime"},
        )
        admin = self._admin(self.bootstrap)
        admin.create_topics([topic], operation_timeout=_ASK_TIMEOUT_S)[name].result(_ASK_TIMEOUT_S)

    def delete_topics(self, *names: str) -> None:
        """Removes topics and what they hold."""
        admin = self._admin(self.bootstrap)
        for asked in admin.delete_topics(list(names), operation_timeout=_ASK_TIMEOUT_S).values():
            asked.result(_ASK_TIMEOUT_S)

    def _sees_all(self, bootstrap: str) -> bool:
        try:
            return len(self._admin(bootstrap).list_topics(timeout=2).brokers) == len(self.brokers)
        except KafkaException:
            return False

    def _admin(self, bootstrap: str) -> Any:
        # A client for each question: one that outlived a broker's death would retry and log on threads of its own.
        return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.ms": 20})


def _number_storage(file: Path, number: int) -> None:
    text = re.sub(r"^node\.id=.*$", f"node.id={number}", file.read_text(), flags=re.MULTILINE)
    # 22 letters of base64 that name a folder among the cluster's; hexadecimal ones are among them.
    file.write_text(
        re.sub(r"^directory\.id=.*$", f"directory.id={secrets.token_hex(11)[:21]}A", text, flags=re.MULTILINE)
    )
