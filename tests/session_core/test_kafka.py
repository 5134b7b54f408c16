"""The Kafka sink, against a real Apache Kafka and the embedded broker: nothing is lost, nothing hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer

from collector.demo.broker import EmbeddedBroker
from session_core import wire
from session_core.errors import SinkError
from session_core.kafka import Compression, KafkaSecurity, KafkaSink
from session_core.outbox import Counts, Record
from session_core.publisher import Publisher
from tests.servers.kafka import Kafka
from tests.servers.processes import free_port
from tests.session_core.telling import event, session_id
from tests.waiting import eventually

UNKNOWN_PRODUCER_ID, OUT_OF_ORDER, PRODUCE = 59, 45, 0


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        broker.create_topic("embedded", 2)
        yield broker


@asynccontextmanager
async def reading(bootstrap: str, topic: str) -> AsyncIterator[Callable[[], list[Record]]]:
    """Reads a topic from its beginning as it grows; gives a function that says what was read so far."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    records: list[Record] = []

    async def read() -> None:
        while True:
            for batch in (await consumer.getmany(timeout_ms=50)).values():
                records.extend(Record(record.key, record.value) for record in batch)

    task = asyncio.create_task(read())
    try:
        yield lambda: list(records)
    finally:
        task.cancel()
        await asyncio.wait({task})
        await consumer.stop()


def numbers(records: list[Record]) -> list[tuple[int, int]]:
    """(session, seq) of each record."""
    found = []
    for record in records:
        data = wire.decode(record.value).message.data
        assert record.key == str(data.session_id).encode()
        found.append((data.session_id.int & 0xFFFF, data.seq))
    return found


def first_of_each(found: list[tuple[int, int]], session: int) -> list[int]:
    """The seqs of a session in the order in which each came first."""
    return list(dict.fromkeys(seq for number, seq in found if number == session))


def records_of(*kinds: str) -> list[Record]:
    made = [wire.message(event(kind), seq) for seq, kind in enumerate(kinds)]  # type: ignore[arg-type]
    return [Record(str(session_id()).encode(), wire.encode(it, it.time)) for it in made]


@pytest.mark.parametrize("compression", ["auto", "gzip", "none"])
async def test_what_is_sent_is_in_kafka_as_it_was_and_in_order(
    kafka: Kafka, topic: str, compression: Compression
) -> None:
    sink = KafkaSink(kafka.bootstrap, topic, compression=compression)
    sent = records_of("room.connecting", "room.connected", "room.disconnected")
    await sink.send(sent)
    await sink.close()
    async with reading(kafka.bootstrap, topic) as read:
        await eventually(lambda: len(read()) == len(sent))
        assert read() == sent


async def test_a_broker_killed_under_publishing_loses_nothing(kafka: Kafka, make_topic: Callable[..., str]) -> None:
    topic, sessions, events = make_topic(partitions=3), range(1, 6), range(60)
    publisher = Publisher(KafkaSink(kafka.bootstrap, topic, send_timeout_s=5), retry_max_s=0.5)
    for seq in events:
        for number in sessions:
            publisher.publish(event("room.reconnecting", number))
        if seq == 20:
            await eventually(lambda: publisher.counts.published > 0, within_s=20)
            kafka.kill()
        if seq == 40:
            assert not await publisher.flush(within_s=0.3)
            kafka.start()  # from this thread: the node goes with the thread that started it
        await asyncio.sleep(0)
    assert await publisher.close(within_s=30) == Counts(published=len(sessions) * len(events))
    async with reading(kafka.bootstrap, topic) as read:
        wanted = {(number, seq) for number in sessions for seq in events}
        await eventually(lambda: set(numbers(read())) == wanted)
        orders = [first_of_each(numbers(read()), number) for number in sessions]
    assert orders == [list(events)] * len(sessions)


async def test_a_broker_that_hangs_is_given_up_in_time_and_loses_nothing(kafka: Kafka, topic: str) -> None:
    publisher = Publisher(KafkaSink(kafka.bootstrap, topic, send_timeout_s=1), retry_max_s=0.2)
    publisher.publish(event("room.connecting"))
    await eventually(lambda: publisher.counts.published == 1, within_s=20)
    held = KafkaSink(kafka.bootstrap, topic, send_timeout_s=1)
    await held.send(records_of("room.connecting"))
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        publisher.publish(event("room.connected"))
        assert await asyncio.wait_for(publisher.close(within_s=0.1), 10) == Counts(published=1, pending=1)
        with pytest.raises(SinkError, match="did not acknowledge within 1 s"):
            await asyncio.wait_for(held.send(records_of("room.connecting")), 10)
        await eventually(lambda: len(asyncio.all_tasks()) == 1, within_s=3)
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
    assert await publisher.close(within_s=30) == Counts(published=2)
    async with reading(kafka.bootstrap, topic) as read:
        await eventually(lambda: set(numbers(read())) == {(1, 0), (1, 1)})


async def test_a_broker_that_was_away_for_a_while_gets_everything_once(embedded: EmbeddedBroker) -> None:
    publisher = Publisher(KafkaSink(embedded.bootstrap_servers, "embedded", send_timeout_s=2), retry_max_s=0.2)
    publisher.publish(event("room.connecting"))
    await eventually(lambda: publisher.counts.published == 1)
    embedded.take_down()
    for _ in range(200):
        publisher.publish(event("room.reconnecting"))
    assert not await publisher.flush(within_s=0.5)
    embedded.bring_up()
    assert await publisher.close(within_s=20) == Counts(published=201)
    async with reading(embedded.bootstrap_servers, "embedded") as read:
        await eventually(lambda: numbers(read()) == [(1, seq) for seq in range(201)])


@pytest.mark.parametrize("code", [OUT_OF_ORDER, UNKNOWN_PRODUCER_ID])
async def test_a_producer_that_lost_its_place_is_replaced(embedded: EmbeddedBroker, code: int) -> None:
    sink = KafkaSink(embedded.bootstrap_servers, "embedded")
    first, second = records_of("room.connecting", "room.connected")
    await sink.send([first])
    embedded.fail_next(PRODUCE, code)
    with pytest.raises(SinkError) as caught:
        await sink.send([second])
    assert (caught.value.retriable, caught.value.delivered) == (True, frozenset())
    await sink.send([second])
    await sink.close()
    async with reading(embedded.bootstrap_servers, "embedded") as read:
        await eventually(lambda: read() == [first, second])


async def test_what_arrived_of_a_batch_is_told(embedded: EmbeddedBroker) -> None:
    sink = KafkaSink(embedded.bootstrap_servers, "embedded", send_timeout_s=2)
    (one,) = records_of("room.connecting")
    with pytest.raises(SinkError) as caught:
        await sink.send([one, Record(one.key, b"x" * 2_000_000)])
    assert not caught.value.retriable
    await sink.close()


async def test_a_record_that_the_broker_will_never_take_stops_no_other(
    kafka: Kafka, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(settings={"max.message.bytes": "1200"})
    publisher = Publisher(KafkaSink(kafka.bootstrap, topic, compression="none"))
    small = event("room.reconnecting")
    large = msgspec.structs.replace(small, session=msgspec.structs.replace(small.session, identity="é" * 256))
    for it in (small, large, small):
        publisher.publish(it)
    assert await publisher.close(within_s=20) == Counts(published=3, dropped=1)
    async with reading(kafka.bootstrap, topic) as read:
        await eventually(lambda: numbers(read()) == [(1, 0), (1, 2), (1, 2)])
        assert wire.decode(read()[2].value).message.data.lost == {"refused": {"room.reconnecting": 1}}


async def test_a_topic_that_is_missing_is_an_outage_like_any_other(kafka: Kafka, group: str) -> None:
    publisher = Publisher(KafkaSink(kafka.bootstrap, group, send_timeout_s=1), retry_max_s=0.2)
    publisher.publish(event("room.connecting"))
    assert not await publisher.flush(within_s=1.5)
    await asyncio.to_thread(kafka.create_topic, group)
    assert await publisher.close(within_s=20) == Counts(published=1)


async def test_without_a_broker_a_send_fails_soon_and_names_where() -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    sink = KafkaSink(nowhere, send_timeout_s=5)
    with pytest.raises(SinkError, match=nowhere) as caught:
        await asyncio.wait_for(sink.send(records_of("room.connecting")), 5)
    assert caught.value.retriable
    await sink.close()


async def test_a_sink_that_was_closed_begins_anew() -> None:
    sink = KafkaSink("127.0.0.1:1")
    await asyncio.wait_for(sink.close(), 1)
    with pytest.raises(SinkError):
        await sink.send(records_of("room.connecting"))


async def test_an_address_that_is_none_is_said_at_every_send() -> None:
    sink = KafkaSink("host:port", send_timeout_s=2)
    for _ in range(2):
        with pytest.raises(SinkError, match="host:port") as caught:
            await sink.send(records_of("room.connecting"))
        assert "did not acknowledge" not in str(caught.value)


async def test_secrets_are_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    security = KafkaSecurity(protocol="SASL_PLAINTEXT", username="us-name", password="pass-word")  # noqa: S106
    sink = KafkaSink(f"127.0.0.1:{free_port()}", security=security, send_timeout_s=1)
    with pytest.raises(SinkError) as caught:
        await sink.send(records_of("room.connecting"))
    texts = (repr(security), str(security.__rich_repr__()), repr(sink), str(caught.value), caplog.text)
    assert [text for text in texts if "us-name" in text or "pass-word" in text] == []


def test_how_the_broker_knows_us_becomes_the_clients_options() -> None:
    sasl = KafkaSecurity(protocol="SASL_SSL", mechanism="SCRAM-SHA-512", username="u", password="p").options()  # noqa: S106
    context = sasl.pop("ssl_context")
    assert context.check_hostname
    assert (KafkaSecurity().options(), sasl) == (
        {"security_protocol": "PLAINTEXT"},
        {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": "u",
            "sasl_plain_password": "p",
        },
    )


async def test_a_client_whose_loop_is_gone_is_replaced(kafka: Kafka, topic: str) -> None:
    program = f"""
import asyncio
from session_core.kafka import KafkaSink
from tests.session_core.test_kafka import records_of

sink = KafkaSink({kafka.bootstrap!r}, {topic!r})
for record in records_of("room.connecting", "room.connected"):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asyncio.wait_for(sink.send([record]), 20))
    loop.close()
"""
    run = [sys.executable, "-c", program]
    await asyncio.to_thread(subprocess.run, run, capture_output=True, check=True, timeout=60)
    async with reading(kafka.bootstrap, topic) as read:
        await eventually(lambda: numbers(read()) == [(1, 0), (1, 1)])


async def test_the_end_of_the_interpreter_still_reaches_kafka(kafka: Kafka, topic: str) -> None:
    """With a name to look up, which then no thread can do."""
    program = f"""
import asyncio
from session_core.kafka import KafkaSink
from session_core.publisher import Publisher
from tests.session_core.telling import event

async def main():
    publisher.publish(event("room.connecting"))

publisher = Publisher(KafkaSink({kafka.bootstrap.replace("127.0.0.1", "localhost")!r}, {topic!r}))
asyncio.run(main())
publisher.publish(event("room.disconnected"))
"""
    run = [sys.executable, "-W", "error", "-c", program]
    done = await asyncio.to_thread(subprocess.run, run, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")
    async with reading(kafka.bootstrap, topic) as read:
        await eventually(lambda: numbers(read()) == [(1, 0), (1, 1)])
