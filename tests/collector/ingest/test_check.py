"""What `roomwatch check` finds in Kafka, and that it changes nothing there."""

import time

import pytest
from confluent_kafka import Producer

from collector.errors import BrokerUnreachable
from collector.ingest.check import check_kafka
from collector.ingest.connection import KafkaConnection, create_command, create_letters_command, dead_letters_topic
from collector.store.check import Finding
from tests.servers.kafka import Kafka
from tests.servers.processes import free_port

LARGE = {"max.message.bytes": "10490000"}
NOW_US = time.time_ns() // 1000  # noqa: TID251 - the broker stamps with the real time


async def findings(kafka: Kafka, topic: str, now_us: int = NOW_US) -> dict[str, Finding]:
    _, found = await check_kafka(KafkaConnection(kafka.bootstrap), topic, "group", now_us)
    return {finding.name if finding.name != "topic" else finding.detail.split()[0]: finding for finding in found}


async def test_a_cluster_that_is_as_it_should_be(kafka: Kafka, topic: str) -> None:
    letters = dead_letters_topic(topic)
    kafka.create_topic(letters, settings=LARGE)
    found = await findings(kafka, topic)
    assert {name: finding.ok for name, finding in found.items()} == {
        "brokers": True,
        topic: True,
        letters: True,
        "append time": True,
        "reading": True,
        "largest record": True,
        "dead letters": True,
    }


async def test_topics_that_are_missing_come_with_the_commands_that_make_them(kafka: Kafka, group: str) -> None:
    found = await findings(kafka, group)
    assert [(finding.ok, finding.mend) for name, finding in found.items() if name != "brokers"] == [
        (False, create_command(kafka.bootstrap, group)),
        (False, create_letters_command(kafka.bootstrap, group)),
    ]


async def test_a_topic_with_the_producers_time_comes_with_the_command_that_mends_it(kafka: Kafka, group: str) -> None:
    kafka.create_topic(group, log_append_time=False)
    found = (await findings(kafka, group))["append time"]
    assert (found.ok, found.detail) == (
        False,
        f"{group} has message.timestamp.type=CreateTime; the collector's reading time stands in for the broker's clock",
    )
    assert found.mend == (
        f"kafka-configs --bootstrap-server {kafka.bootstrap} --alter --entity-type topics --entity-name {group} "
        "--add-config message.timestamp.type=LogAppendTime"
    )


async def test_dead_letters_need_room_for_the_largest_record_and_our_headers(kafka: Kafka, topic: str) -> None:
    kafka.create_topic(dead_letters_topic(topic))
    found = (await findings(kafka, topic))["largest record"]
    assert not found.ok
    assert found.mend.endswith(f"--entity-name {topic}.dead-letters --add-config max.message.bytes=10487808")


async def test_trying_to_write_leaves_nothing_behind(kafka: Kafka, topic: str) -> None:
    letters = dead_letters_topic(topic)
    kafka.create_topic(letters, settings=LARGE)
    found = (await findings(kafka, topic))["dead letters"]
    assert found == Finding("dead letters", True, f"{letters} can be written")
    # A second look would tell of a newest record, if the first had left one.
    _, again = await check_kafka(KafkaConnection(kafka.bootstrap), letters, "group", NOW_US)
    assert "broker clock" not in {finding.name for finding in again}


@pytest.mark.parametrize(("behind_s", "ok"), [(0, True), (60, False)])
async def test_a_record_from_the_future_tells_that_clocks_differ(
    kafka: Kafka, topic: str, behind_s: int, *, ok: bool
) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, value=b"v")
    producer.flush(10)
    now_us = time.time_ns() // 1000  # noqa: TID251 - as above
    found = (await findings(kafka, topic, now_us - behind_s * 1_000_000))["broker clock"]
    assert found.ok is ok


async def test_nobody_to_ask_is_an_error() -> None:
    with pytest.raises(BrokerUnreachable):
        await check_kafka(KafkaConnection(f"127.0.0.1:{free_port()}"), "t", "g", NOW_US)
