"""Fills topics with a window onto a living fleet, in two processes, each of which tells half of the partitions.

The window ends now and is as long as the events take that are asked for, so that a second of the stream holds as many
sessions as the fleet that tells it has. What its sessions told before the window is not in the topic: the stream begins
in the middle of calls, as after the topic's retention.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final, NamedTuple

import msgspec
from confluent_kafka import Producer

from benchmarks.load import MEAN_LIFE_S, PARTITIONS, Share, Told, fleet
from benchmarks.peers.flat import flat
from collector.ingest.connection import dead_letters_topic
from tests.servers.kafka import Kafka

EVENTS_A_SESSION: Final = 9.6
LIFE_MAX_S: Final = 190
TELLERS: Final = 2
PRODUCER: Final = {
    "compression.type": "lz4", "linger.ms": 100, "batch.size": 1_000_000, "queue.buffering.max.messages": 500_000,
    "queue.buffering.max.kbytes": 1_000_000, "acks": "all",
}  # fmt: skip


class Window(NamedTuple):
    """When the stream opens and closes (µs since 1970), and how many sessions live in it at once."""

    opens_us: int
    closes_us: int
    live: int

    def told(self, share: Share = Share()) -> Iterator[Told]:  # noqa: B008 - frozen
        """What is told in it."""
        begins_us = self.opens_us - LIFE_MAX_S * 1_000_000
        sessions = int((self.closes_us - begins_us) / 1e6 * self.live / MEAN_LIFE_S * 2)  # it closes before that
        return fleet(
            sessions, self.live, begins_us, opens_us=self.opens_us, closes_us=self.closes_us, share=share
        )  # fmt: skip


def window(events: int, live: int, closes_us: int | None = None) -> Window:
    """The window in which so many sessions tell about so many events; without a time it closes now."""
    closes = time.time_ns() // 1000 if closes_us is None else closes_us  # noqa: TID251 - sessions of today
    return Window(closes - int(events / rate_of(live) * 1_000_000), closes, live)


def rate_of(live: int) -> float:
    """Events a second of a fleet of so many live sessions."""
    return live * EVENTS_A_SESSION / MEAN_LIFE_S


def live_at(events_a_s: float) -> int:
    """The fleet that tells so many events a second."""
    return round(events_a_s * MEAN_LIFE_S / EVENTS_A_SESSION)


def make_topics(kafka: Kafka, topic: str, *, log_append_time: bool) -> None:
    """A topic and that of its dead letters."""
    kafka.create_topic(topic, PARTITIONS, log_append_time=log_append_time)
    kafka.create_topic(dead_letters_topic(topic), 1)


def fill(kafka: Kafka, topic: str, events: int, live: int, *, flat_topic: str | None = None) -> int:
    """Fills a topic, and another with the same events as flat records; returns how many events that are.

    The topic keeps the stream's times (CreateTime). Collectors, as they warn, take the time of their reading instead;
    as they read faster than the fleet told, every event betters what they know of its session's clock, which is work
    that a fleet of that speed would not make.
    """
    make_topics(kafka, topic, log_append_time=False)
    if flat_topic is not None:
        kafka.create_topic(flat_topic, PARTITIONS, log_append_time=False)
    onto = window(events, live)
    with ProcessPoolExecutor(TELLERS, multiprocessing.get_context("spawn")) as tellers:
        shares = [Share(rest, TELLERS) for rest in range(TELLERS)]
        parts = [tellers.submit(_tell, kafka.bootstrap, topic, flat_topic, onto, share) for share in shares]
        return sum(part.result() for part in parts)


def _tell(bootstrap: str, topic: str, flat_topic: str | None, onto: Window, share: Share) -> int:
    producer = Producer({"bootstrap.servers": bootstrap, **PRODUCER})
    offsets: Counter[int] = Counter()
    for told in onto.told(share):
        send(producer, topic, told)
        if flat_topic is not None:
            document: dict[str, Any] = msgspec.json.decode(told.value)
            row = flat(document, told.partition, offsets[told.partition], told.append_at_us)
            send(producer, flat_topic, told._replace(value=msgspec.json.encode(row)))
        offsets[told.partition] += 1
    producer.flush()
    return offsets.total()


def send(producer: Producer, topic: str, told: Told) -> None:
    """Puts a record on the producer's queue, waiting while that is full."""
    while True:
        try:
            producer.produce(topic, told.value, told.key, partition=told.partition, timestamp=told.append_at_us // 1000)
        except BufferError:
            producer.poll(0.1)
        else:
            return
