"""Records sent and acknowledged by all replicas within a bound, or an error; nothing in between is taken for granted.

A client that failed is given up, and the next call makes another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer

from collector.ingest.closing import abandon_producer
from collector.ingest.connection import KafkaConnection

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""How long all records of a call may take, the making of the client included."""
RECORD_BYTES_MAX: Final = 128 * 1024 * 1024
"""More than any broker takes: what could be read is not refused here for its size."""

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
                for record in records:
                    sent.append(await _queued(producer, record))  # noqa: PERF401 - what was sent before an error counts
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
                request_timeout_ms=int(ACKNOWLEDGED_WITHIN_S * 1000),
                **self._connection.options(),
            )
            await self._producer.start()
        return self._producer


async def _queued(producer: AIOKafkaProducer, record: Outgoing) -> asyncio.Future[Any]:
    topic, partition, key, value, headers = record
    if key is not None or value is not None:
        sending = producer.send(topic, value=value, key=key, partition=partition, headers=headers)
    else:
        # `send` does not take a record with neither, which a log may well hold.
        batch = producer.create_batch()
        batch.append(key=None, value=None, timestamp=None, headers=headers)
        sending = producer.send_batch(batch, topic, partition=partition or 0)
    future: asyncio.Future[Any] = await sending
    return future
