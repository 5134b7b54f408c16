"""Refused records on their way to their topic, on real Kafka."""

from collections.abc import AsyncIterator

import pytest

from collector.errors import DeadLettersRefused
from collector.ingest.connection import KafkaConnection, dead_letters_topic
from collector.ingest.dead_letters import BYTES_AT_ONCE, LETTERS_AT_ONCE, DeadLetters, Letter, portions, told
from collector.store.changes import DeadLetter
from tests.servers.kafka import Kafka
from tests.stage import read

APPENDED = 1_795_000_000_123_456


@pytest.fixture
async def letters(kafka: Kafka, topic: str) -> AsyncIterator[DeadLetters]:
    kafka.create_topic(dead_letters_topic(topic), settings={"max.message.bytes": "2000000"})
    made = DeadLetters(KafkaConnection(kafka.bootstrap), topic, version="1.2.3")
    yield made
    await made.close()


def refused(topic: str, offset: int, key: bytes | None, value: bytes | None, detail: str = "no") -> DeadLetter:
    return DeadLetter(topic, 3, offset, APPENDED, "not-json", "$", detail, key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"k", b"v"), (None, b"v"), (b"k", None), (None, None), (b"", b""), (b"\xff", b"\0" * 1_500_000)],
    ids=["both", "no key", "no value", "neither", "empty", "bytes, large"],
)
async def test_a_record_arrives_untouched(
    kafka: Kafka, topic: str, letters: DeadLetters, key: bytes | None, value: bytes | None
) -> None:
    await letters.put([Letter(refused(topic, 5, key, value), [("traceparent", b"00"), ("traceparent", b"01")])])
    found = read(kafka, dead_letters_topic(topic), 1)[0]
    assert (found.key(), found.value()) == (key, value)
    assert found.headers() == [
        ("traceparent", b"00"),
        ("traceparent", b"01"),
        ("roomwatch-reason", b"not-json"),
        ("roomwatch-place", b"$"),
        ("roomwatch-detail", b"no"),
        ("roomwatch-topic", topic.encode()),
        ("roomwatch-partition", b"3"),
        ("roomwatch-offset", b"5"),
        ("roomwatch-append-time", b"2026-11-18T11:06:40.123+00:00"),
        ("roomwatch-collector-version", b"1.2.3"),
    ]


def test_our_headers_are_bounded_and_always_bytes() -> None:
    headers = dict(told(refused("t", 1, None, None, "\ud800" * 10_000), "1"))
    assert headers["roomwatch-detail"] == b"\\ud800" * 500


async def test_letters_keep_their_order(kafka: Kafka, topic: str, letters: DeadLetters) -> None:
    await letters.put([Letter(refused(topic, offset, b"k", b"%d" % offset)) for offset in range(50)])
    await letters.put([Letter(refused(topic, 50, b"k", b"50"))])
    assert [one.value() for one in read(kafka, dead_letters_topic(topic), 51)] == [b"%d" % n for n in range(51)]


async def test_a_record_that_is_too_large_says_what_to_do_and_the_next_goes_on(
    kafka: Kafka, topic: str, letters: DeadLetters
) -> None:
    with pytest.raises(DeadLettersRefused, match=r"kafka-configs .* --add-config max.message.bytes="):
        await letters.put([Letter(refused(topic, 1, b"k", b"\0" * 3_000_000))])
    await letters.put([Letter(refused(topic, 2, b"k", b"fits"))])
    assert [one.value() for one in read(kafka, dead_letters_topic(topic), 1)] == [b"fits"]


async def test_a_topic_that_is_missing_is_an_error_within_a_bound(kafka: Kafka, topic: str) -> None:
    letters = DeadLetters(KafkaConnection(kafka.bootstrap), f"{topic}-none", version="1")
    with pytest.raises(DeadLettersRefused):
        await letters.put([Letter(refused(topic, 1, b"k", b"v"))])
    await letters.close()


async def test_a_broker_that_died_is_an_error_within_a_bound_and_the_letter_goes_when_it_is_back(
    kafka: Kafka, topic: str, letters: DeadLetters
) -> None:
    await letters.put([Letter(refused(topic, 1, b"k", b"1"))])
    kafka.kill()
    try:
        with pytest.raises(DeadLettersRefused):
            await letters.put([Letter(refused(topic, 2, b"k", b"2"))])
    finally:
        kafka.start()
    await letters.put([Letter(refused(topic, 2, b"k", b"2"))])
    assert [one.value() for one in read(kafka, dead_letters_topic(topic), 2)][:2] == [b"1", b"2"]


def test_many_letters_go_in_portions_that_are_bounded_in_number_and_bytes_and_none_is_left_out() -> None:
    small = [Letter(refused("t", offset, None, b"v")) for offset in range(LETTERS_AT_ONCE + 1)]
    assert [len(some) for some in portions(small)] == [LETTERS_AT_ONCE, 1]
    large = [Letter(refused("t", offset, None, b"\0" * BYTES_AT_ONCE)) for offset in range(3)]
    assert [some for portion in portions(large) for some in portion] == large
    assert [len(some) for some in portions(large)] == [1, 1, 1]
    assert list(portions([])) == []
