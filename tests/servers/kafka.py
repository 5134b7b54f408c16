"""A real Apache Kafka: one KRaft node (broker and controller in one process) on 127.0.0.1."""

import shutil
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    NewPartitions,
    NewTopic,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.servers.kafka_setup import CLASS_ARCHIVE, FORMATTED, java_command, prepare, write_properties
from tests.servers.processes import ServerProcess, free_port, make_folder, remove_folder
from tests.waiting import wait_until

_ASK_TIMEOUT_S: Final = 10.0


class Kafka:
    """One Kafka node with its own storage, which is gone after `close`. Topics live through `kill` and `stop`."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        listeners: Mapping[str, str] | None = None,
        heap_mb: int = 512,
        as_deployed: bool = False,
    ) -> None:
        """`settings` are lines of server.properties beside or instead of ours.

        `listeners` are more doors, by name, each with its security protocol; `settings` say the rest of them.
        `as_deployed`: compiled wholly, which starts slower and then costs less.
        """
        prepare()
        self._folder = make_folder("kafka")
        self._port = free_port()
        self._doors = {name: (free_port(), protocol) for name, protocol in (listeners or {}).items()}
        properties = self._folder / "server.properties"
        data = self._folder / "data"
        write_properties(properties, data, self._port, settings or {}, self._doors)
        shutil.copytree(FORMATTED, data)
        self._process = ServerProcess(
            "Apache Kafka",
            java_command(
                "kafka.Kafka",
                heap_mb,
                f"-XX:SharedArchiveFile={CLASS_ARCHIVE}",
                arguments=[str(properties)],
                as_deployed=as_deployed,
            ),
            self._folder / "log",
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            remove_folder(self._folder)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def bootstrap(self) -> str:
        """What clients take as `bootstrap_servers`; the same after a restart."""
        return f"127.0.0.1:{self._port}"

    def door(self, listener: str) -> str:
        """What clients of one of the `listeners` take as `bootstrap_servers`."""
        return f"127.0.0.1:{self._doors[listener][0]}"

    @property
    def pid(self) -> int:
        """The process's id while it runs."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process.is_running

    def start(self) -> None:
        """Starts the node, again after `kill` or `stop`, and returns when it answers."""
        self._process.start(self._answers)

    def stop(self) -> None:
        """An orderly stop."""
        self._process.stop()

    def kill(self) -> None:
        """SIGKILL, as when the machine is lost; what was acknowledged is on the disk's side of the page cache."""
        self._process.kill()

    def close(self) -> None:
        """Stops the node, when it still runs, and removes its storage."""
        try:
            self._process.stop()
        finally:
            remove_folder(self._folder)

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        *,
        log_append_time: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Makes a topic and returns when its partitions have leaders; `KafkaException` when there is one already.

        `log_append_time`: the broker's clock stamps the records, as Roomwatch asks of its topics.
        """
        given = {"message.timestamp.type": "LogAppendTime" if log_append_time else "CreateTime", **(settings or {})}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=given)
        admin = self._admin()
        admin.create_topics([topic], operation_timeout=_ASK_TIMEOUT_S)[name].result(_ASK_TIMEOUT_S)
        # The controller has made it; the broker tells of it a moment later.
        wait_until(lambda: self._has_leaders(name, partitions))

    def add_partitions(self, topic: str, total: int) -> None:
        """Lets a topic have so many partitions; records that are there stay where they are."""
        admin = self._admin()
        grown = admin.create_partitions([NewPartitions(topic, total)], operation_timeout=_ASK_TIMEOUT_S)
        grown[topic].result(_ASK_TIMEOUT_S)

    def delete_topic(self, name: str) -> None:
        """Removes a topic and what it holds."""
        admin = self._admin()
        admin.delete_topics([name], operation_timeout=_ASK_TIMEOUT_S)[name].result(_ASK_TIMEOUT_S)

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """Cuts partitions off: records below these offsets are gone, as when the retention of the topic is over."""
        cut = [TopicPartition(topic, partition, offset) for partition, offset in before.items()]
        admin = self._admin()
        for asked in admin.delete_records(cut).values():
            asked.result(_ASK_TIMEOUT_S)

    def add_login(self, name: str, password: str) -> None:
        """Lets somebody in by SCRAM-SHA-512."""
        how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        login = UserScramCredentialUpsertion(name, how, password.encode())
        admin = self._admin()
        admin.alter_user_scram_credentials([login])[name].result(_ASK_TIMEOUT_S)

    def _has_leaders(self, topic: str, partitions: int) -> bool:
        told = self._admin().list_topics(topic, timeout=_ASK_TIMEOUT_S).topics[topic].partitions
        return len(told) == partitions and all(partition.leader >= 0 for partition in told.values())

    def _answers(self) -> bool:
        try:
            return bool(self._admin().list_topics(timeout=1).brokers)
        except KafkaException:
            return False

    def _admin(self) -> Any:
        # A client for each question: one that outlived a broker's death would retry and log on threads of its own.
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0, "reconnect.backoff.ms": 20})
