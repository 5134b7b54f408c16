"""Brings refused records to the topic of dead letters, before the batch that refused them is stored.

Key, value and the original headers go through untouched; headers of ours say why, where and when. A crash between the
acknowledgement and the store's commit gives a second copy, never a loss: topic, partition and offset tell copies apart.

Every wait is bounded. A client that failed is given up; who calls tries again, for as long as it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from collector.errors import DeadLettersRefused
from collector.ingest.closing import abandon_producer
from collector.ingest.connection import REFUSALS, KafkaConnection, dead_letters_topic
from collector.store.changes import DeadLetter
from session_core.events import utc_from_us

PUT_TIMEOUT_S: Final = 10.0
"""How long a batch of dead letters may take until all of it is acknowledged, the making of the client included."""
RECORD_BYTES_MAX: Final = 128 * 1024 * 1024
"""More than any broker takes: what could be read is not refused here for its size."""
DETAIL_CHARACTERS_MAX: Final = 500

Header = tuple[str, bytes]


class Letter(NamedTuple):
    """A refused record and the headers that it came with."""

    refused: DeadLetter
    headers: Sequence[Header] = ()


class DeadLetters:
    """The producer of one topic of dead letters. Connects at the first letter, and again after an error."""

    def __init__(self, connection: KafkaConnection, topic: str, *, version: str) -> None:
        """`topic` is the one that is read, `version` the collector's."""
        self._connection = connection
        self._topic = dead_letters_topic(topic)
        self._version = version
        self._producer: AIOKafkaProducer | None = None

    async def put(self, letters: Sequence[Letter]) -> None:
        """Returns when all letters are acknowledged by all replicas. Raises DeadLettersRefused."""
        if not letters:
            return
        sent: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(PUT_TIMEOUT_S):
                producer = await self._connected()
                for letter in letters:
                    sent.append(await self._send(producer, letter))  # noqa: PERF401 - what was sent before an error counts
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError, OSError) as error:
            await self.close()
            raise DeadLettersRefused(self._topic, _why(error), _mend(self._connection, self._topic, error)) from error
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
                request_timeout_ms=int(PUT_TIMEOUT_S * 1000),
                **self._connection.options(),
            )
            await self._producer.start()
        return self._producer

    async def _send(self, producer: AIOKafkaProducer, letter: Letter) -> asyncio.Future[Any]:
        headers = [*letter.headers, *told(letter.refused, self._version)]
        key, value = letter.refused.key, letter.refused.value
        if key is not None or value is not None:
            sending = producer.send(self._topic, value=value, key=key, headers=headers)
        else:
            # `send` does not take a record with neither, which a log may well hold.
            batch = producer.create_batch()
            batch.append(key=None, value=None, timestamp=None, headers=headers)
            sending = producer.send_batch(batch, self._topic, partition=0)
        future: asyncio.Future[Any] = await sending
        return future


def told(refused: DeadLetter, version: str) -> list[Header]:
    """Our headers: why, where from, when."""
    texts = {
        "reason": refused.reason,
        "place": refused.place,
        "detail": refused.detail[:DETAIL_CHARACTERS_MAX],
        "topic": refused.topic,
        "partition": str(refused.partition),
        "offset": str(refused.offset),
        "append-time": utc_from_us(refused.append_at).isoformat(timespec="milliseconds"),
        "collector-version": version,
    }
    return [(f"roomwatch-{name}", text.encode("utf-8", "backslashreplace")) for name, text in texts.items()]


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"not acknowledged within {PUT_TIMEOUT_S:g} s"
    return str(error) or type(error).__name__


def _mend(connection: KafkaConnection, topic: str, error: BaseException) -> str:
    """What to do about it."""
    if isinstance(error, MessageSizeTooLargeError):
        return (
            f"let it take larger records: kafka-configs --bootstrap-server {connection.bootstrap_servers} --alter "
            f"--entity-type topics --entity-name {topic} --add-config max.message.bytes=<the read topic's, plus 2048>"
        )
    if isinstance(error, REFUSALS):
        return "grant the right to write it"
    return "run roomwatch check"
