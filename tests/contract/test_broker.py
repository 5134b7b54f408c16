"""What Roomwatch expects of a Kafka broker, asked of the embedded one and of Apache Kafka alike.

A group has one member here: the embedded broker cannot have two.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from collector.demo.broker import EmbeddedBroker
from tests.servers.kafka import Kafka

WITHIN_S: Final = 30.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Broker:
    """Either broker, as the contract sees it."""

    bootstrap: str
    create_topic: Callable[[str, int], None]
    goes_away: Callable[[], None]
    comes_back: Callable[[], None]


@pytest.fixture(params=["embedded", "apache-kafka"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    if request.param == "embedded":
        with EmbeddedBroker() as embedded:
            yield Broker(embedded.bootstrap_servers, embedded.create_topic, embedded.take_down, embedded.bring_up)
        return
    kafka: Kafka = request.getfixturevalue("kafka")
    yield Broker(kafka.bootstrap, kafka.create_topic, kafka.kill, kafka.start)
    if not kafka.is_running:
        kafka.start()


async def in_time(wait: Awaitable[Answer]) -> Answer:
    """Gives a wait its limit: aiokafka has none of its own for a broker that is gone."""
    return await asyncio.wait_for(wait, WITHIN_S)


@asynccontextmanager
async def producing(broker: Broker, **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, enable_idempotence=True, acks="all", retry_backoff_ms=50, **settings
    )
    await in_time(producer.start())
    try:
        yield producer
    finally:
        await in_time(producer.stop())


@asynccontextmanager
async def consuming(broker: Broker, topic: str, group: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=3_000,
        heartbeat_interval_ms=300,
        retry_backoff_ms=50,
    )
    await in_time(consumer.start())
    try:
        yield consumer
    finally:
        await in_time(consumer.stop())


async def read(consumer: AIOKafkaConsumer, count: int) -> list[ConsumerRecord[Any, Any]]:
    """The next `count` records, and no more than these."""
    records: list[ConsumerRecord[Any, Any]] = []
    async with asyncio.timeout(WITHIN_S):
        while len(records) < count:
            batches = await consumer.getmany(timeout_ms=200, max_records=count - len(records))
            records += [record for batch in batches.values() for record in batch]
    return records


async def write(producer: AIOKafkaProducer, topic: str, values: Sequence[bytes]) -> None:
    """Sends the values and returns when all are acknowledged."""
    acknowledged = [await producer.send(topic, value, key=b"key") for value in values]
    await in_time(asyncio.gather(*acknowledged))


def numbered(first: int, last: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, last + 1)]


@pytest.fixture
def topic(broker: Broker, group: str) -> str:
    broker.create_topic(f"topic-of-{group}", 1)
    return f"topic-of-{group}"


async def test_a_group_reads_back_what_was_acknowledged_in_order(broker: Broker, topic: str, group: str) -> None:
    async with producing(broker) as producer:
        await write(producer, topic, numbered(1, 300))
    async with consuming(broker, topic, group) as consumer:
        records = await read(consumer, 300)
    assert [(record.offset, record.key, record.value) for record in records] == [
        (offset, b"key", value) for offset, value in enumerate(numbered(1, 300))
    ]


async def test_every_partition_is_given_to_a_group_of_one(broker: Broker, group: str) -> None:
    broker.create_topic(group, 3)
    async with producing(broker) as producer:
        for partition in range(3):
            await in_time(producer.send_and_wait(group, b"here", partition=partition))
    async with consuming(broker, group, group) as consumer:
        records = await read(consumer, 3)
        assert consumer.assignment() == {TopicPartition(group, partition) for partition in range(3)}
    assert {record.partition for record in records} == {0, 1, 2}


async def test_headers_and_a_record_without_key_or_value_come_through(broker: Broker, topic: str, group: str) -> None:
    headers = [("ce_type", b"room.connected"), ("empty", b"")]
    async with producing(broker) as producer:
        await in_time(producer.send_and_wait(topic, b"with", headers=headers))
        await in_time(producer.send_and_wait(topic, None, key=b"without value"))
    async with consuming(broker, topic, group) as consumer:
        records = await read(consumer, 2)
    assert [(record.key, record.value, list(record.headers)) for record in records] == [
        (None, b"with", headers),
        (b"without value", None, []),
    ]


@pytest.mark.parametrize("compression", ["gzip", "lz4"])
async def test_compressed_records_come_through(broker: Broker, topic: str, group: str, compression: str) -> None:
    values = [value * 200 for value in numbered(1, 50)]
    async with producing(broker, compression_type=compression, linger_ms=5) as producer:
        await write(producer, topic, values)
    async with consuming(broker, topic, group) as consumer:
        assert [record.value for record in await read(consumer, 50)] == values


async def test_a_group_resumes_where_it_committed(broker: Broker, topic: str, group: str) -> None:
    partition = TopicPartition(topic, 0)
    async with producing(broker) as producer:
        await write(producer, topic, numbered(1, 10))
    async with consuming(broker, topic, group) as consumer:
        await read(consumer, 6)
        await in_time(consumer.commit({partition: 4}))
    async with consuming(broker, topic, group) as consumer:
        assert await in_time(consumer.committed(partition)) == 4
        assert [record.value for record in await read(consumer, 6)] == numbered(5, 10)


async def test_a_consumer_can_go_back_and_forth_by_offset(broker: Broker, topic: str, group: str) -> None:
    partition = TopicPartition(topic, 0)
    async with producing(broker) as producer:
        await write(producer, topic, numbered(1, 10))
    async with consuming(broker, topic, group) as consumer:
        await read(consumer, 10)
        consumer.seek(partition, 2)
        again = await read(consumer, 2)
        consumer.seek(partition, 9)
        last = await read(consumer, 1)
        ends = (
            await in_time(consumer.beginning_offsets([partition])),
            await in_time(consumer.end_offsets([partition])),
        )
    assert [record.value for record in (*again, *last)] == [b"3", b"4", b"10"]
    assert ends == ({partition: 0}, {partition: 10})


async def test_a_paused_partition_gives_nothing_until_it_is_resumed(broker: Broker, group: str) -> None:
    paused, open_ = TopicPartition(group, 0), TopicPartition(group, 1)
    broker.create_topic(group, 2)
    async with producing(broker) as producer, consuming(broker, group, group) as consumer:
        await in_time(producer.send_and_wait(group, b"first", partition=0))
        await read(consumer, 1)
        consumer.pause(paused)
        await in_time(producer.send_and_wait(group, b"kept back", partition=0))
        await in_time(producer.send_and_wait(group, b"passes", partition=1))
        assert [record.value for record in await read(consumer, 1)] == [b"passes"]
        # One look more: it would bring what the paused partition has, if that were handed out.
        assert await in_time(consumer.getmany(timeout_ms=300)) == {}
        assert (consumer.paused(), consumer.assignment()) == ({paused}, {paused, open_})
        consumer.resume(paused)
        assert [record.value for record in await read(consumer, 1)] == [b"kept back"]


async def test_a_broker_that_goes_away_and_comes_back_loses_and_doubles_nothing(
    broker: Broker, topic: str, group: str
) -> None:
    async with producing(broker) as producer, consuming(broker, topic, group) as consumer:
        await write(producer, topic, numbered(1, 100))
        await read(consumer, 100)
        sent = [await producer.send(topic, value, key=b"key") for value in numbered(101, 200)]
        broker.goes_away()
        sent += [await producer.send(topic, value, key=b"key") for value in numbered(201, 300)]
        before = await in_time(consumer.getmany(timeout_ms=300))
        broker.comes_back()
        await in_time(asyncio.gather(*sent))
        await write(producer, topic, numbered(301, 400))
        seen = {record.offset for batch in before.values() for record in batch}
        while not seen >= set(range(100, 400)):
            # A member whose session ended meanwhile begins again at its last commit: it may see records twice.
            seen |= {record.offset for record in await read(consumer, 1)}
    async with consuming(broker, topic, f"{group}-afterwards") as consumer:
        assert [record.value for record in await read(consumer, 400)] == numbered(1, 400)
        end = await in_time(consumer.end_offsets([TopicPartition(topic, 0)]))
    assert end == {TopicPartition(topic, 0): 400}
