"""Records sent and acknowledged by all replicas within a bound, or an error; nothing in between is taken for granted.

A client that failed is given up, and the next call makes another one. Records are handed to it in batches: one at a
time, with a future each, costs several times as much as all else that is done with a refused record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

from aiokafka import AIOKafkaProducer

from collector.ingest.closing import abandon_producer
from collector.ingest.connection import KafkaConnection

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""How long all records of a call may take, the making of the client included."""
RECORD_BYTES_MAX: Final = 128 * 1024 * 1024
"""More than any broker takes: what could be read is not refused here for its size."""
BATCH_BYTES: Final = 512 * 1024
"""What travels at once: a partition's batches wait for each other. Half of what a topic takes unless it is told."""

Header = tuple[str, bytes]


class Outgoing(NamedTuple):
    """A record to send. `partition` None leaves it to the key."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


class Sender:
    """An idempotent producer that connects when it is used first."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._producer: AIOKafkaProducer | None = None

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Returns when all are acknowledged. Raises KafkaError, TimeoutError or OSError; some may have arrived."""
        if not records:
            return
        sent: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                producer = await self._connected()
                for (topic, partition), some in (await _by_partition(producer, records)).items():
                    for batch in _batches(producer, some):
                        sent.append(await producer.send_batch(batch, topic, partition=partition))  # noqa: PERF401 - what was sent before an error counts
                await asyncio.gather(*sent)
        except BaseException:
            await self.close()
            raise
        finally:
            for future in sent:
                # Nobody asks any more how these ended.
                if not future.cancel() and not future.cancelled():
                    future.exception()

    async def close(self) -> None:
        """Gives the client up. Bounded; raises nothing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await abandon_producer(producer)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                enable_idempotence=True,
                acks="all",
                max_request_size=RECORD_BYTES_MAX,
                max_batch_size=BATCH_BYTES,
                request_timeout_ms=int(ACKNOWLEDGED_WITHIN_S * 1000),
                **self._connection.options(),
            )
            await self._producer.start()
        return self._producer


async def _by_partition(
    producer: AIOKafkaProducer, records: Sequence[Outgoing]
) -> dict[tuple[str, int], list[Outgoing]]:
    """The records by topic and partition, in their order; those of a key that name no partition share one."""
    places: dict[tuple[str, int], list[Outgoing]] = {}
    partitions: dict[str, list[int]] = {}
    for record in records:
        topic, partition = record.topic, record.partition
        if partition is None:
            if topic not in partitions:
                partitions[topic] = sorted(await producer.partitions_for(topic))
            choice = partitions[topic]
            partition = choice[crc32(record.key or b"") % len(choice)]
        places.setdefault((topic, partition), []).append(record)
    return places


def _batches(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> Iterator[Any]:
    """Batches of the client, each as full as it may be; one that is too large for any has one of its own."""
    batch = producer.create_batch()
    for record in records:
        if not _appended(batch, record):
            yield batch
            batch = producer.create_batch()
            _appended(batch, record)
    yield batch


def _appended(batch: Any, record: Outgoing) -> bool:
    added = batch.append(timestamp=None, key=record.key, value=record.value, headers=record.headers)
    return added is not None
