"""Ten minutes without a broker, and a process that is killed in the middle: all events arrive, once, in order."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from confluent_kafka import Consumer

from collector.ingest.decode import Record
from session_core import wire
from tests.owners import Owner
from tests.reference_store import ReferenceStore
from tests.servers.kafka import Kafka

MINUTES_EACH = 5
PARTITIONS = 3


class Living:
    """The other end of a process that runs living.py."""

    def __init__(self, process: subprocess.Popen[str], into: IO[str], out: IO[str]) -> None:
        self.process, self._into, self._out = process, into, out

    def says(self) -> str:
        return self._out.readline().strip()

    def go_on(self) -> str:
        """Tells it to go on, and returns what it says then."""
        self._into.write("\n")
        self._into.flush()
        return self.says()


@contextmanager
def living(kafka: Kafka, topic: str, seed: int) -> Iterator[Living]:
    command = [sys.executable, "-m", "tests.session_core.living", kafka.bootstrap, topic, str(seed)]
    process = subprocess.Popen(
        [*command, str(MINUTES_EACH * 60)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Living(process, process.stdin, process.stdout)
        finally:
            process.kill()


def everything(kafka: Kafka, topic: str) -> list[Record]:
    """The whole topic, as the collector reads it."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topic, "auto.offset.reset": "earliest",
                         "enable.partition.eof": True, "log_level": 0})  # fmt: skip
    consumer.subscribe([topic])
    records, ended = [], 0
    while ended < PARTITIONS:
        message = consumer.poll(20)
        assert message is not None
        if message.error():
            ended += 1
            continue
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        records.append(Record(partition, offset, message.timestamp()[1] * 1000, message.key(), message.value()))
    consumer.close()
    return records


def stored(log: list[Record]) -> ReferenceStore:
    store = ReferenceStore()
    owner = Owner(store, log, sessions_max=1000)
    for partition in range(PARTITIONS):
        owner.steal(partition)
    while owner.records(1):
        owner.work(500, "none")
    return store


def test_ten_minutes_of_outage_and_a_kill_in_the_middle_lose_nothing(
    kafka: Kafka, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=PARTITIONS)
    with living(kafka, topic, seed=1) as first:
        assert first.says() == "joined"
        kafka.stop()
        told_first: dict[str, int] = json.loads(first.go_on())
        first.process.kill()
    with living(kafka, topic, seed=2) as second:
        assert second.says() == "joined"
        second.go_on()
        kafka.start()
        told_second: dict[str, int] = json.loads(second.go_on())
    log = everything(kafka, topic)
    messages = [wire.decode(record.value).message for record in log]
    arrived = list(dict.fromkeys((str(it.data.session_id), it.data.seq) for it in messages))
    restarted = {str(it.data.session_id) for it in messages if it.data.origin == "restart"}
    counts = Counter(session for session, _ in arrived)
    ended = {str(it.data.session_id) for it in messages if it.type == "room.disconnected"}
    assert counts == {**{one: count + (one in restarted) for one, count in told_first.items()}, **told_second}
    assert ended == set(counts)
    assert restarted == restarted & set(told_first) != set()
    for session in counts:
        assert [seq for one, seq in arrived if one == session] == list(range(counts[session]))
    rows = stored(log).tables()["events"]
    assert (len(rows), sum(counts.values()) > 1_500) == (len(arrived), True)
