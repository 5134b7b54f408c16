"""The sink that is Kafka: idempotent, acknowledged by all replicas, compressed. The only aiokafka of this package.

Rules:
1. Every await is bounded. An idempotent aiokafka producer retries without limit and its `stop()` waits without limit,
   so what is not acknowledged in time is given up with the client that holds it.
2. A client that failed is not used again: after any error the next send builds another. What the old one may still
   have written is a repetition, and `(session_id, seq)` tells it from news.
3. The topic is not made here; a topic that is missing is an outage like any other.
4. Credentials are in no text: no repr, no log, no error.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.codec import has_lz4
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
)
from msgspec import Struct

from session_core.errors import SinkError
from session_core.outbox import Record

TOPIC: Final = "room-session-events"

SEND_TIMEOUT_S: Final = 15.0
"""How long a batch may take until all of it is acknowledged, the making of the client included."""
CLOSE_TIMEOUT_S: Final = 1.0
"""How long the closing of connections may take, in each of its two steps."""
BATCH_BYTES_MAX: Final = 64 * 1024

Compression = Literal["auto", "none", "gzip", "snappy", "lz4", "zstd"]

_FAILURES: Final = (KafkaError, TimeoutError, OSError, RuntimeError, ValueError)
# Sent again alike, these are refused alike.
_REFUSED_FOR_GOOD: Final = (
    CorruptRecordException,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
)


class KafkaSecurity(Struct, frozen=True, kw_only=True):
    """How the broker knows us and we know the broker. `repr()` shows no secret.

    `protocol` as Kafka spells it. With SSL, `ca_file` None means the machine's own authorities; `cert_file` and
    `key_file` are for brokers that ask clients for a certificate.
    """

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    def __repr__(self) -> str:
        return f"KafkaSecurity(protocol={self.protocol!r}, mechanism={self.mechanism!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What pretty printers and their tracebacks show, which do not ask `__repr__`."""
        return [("protocol", self.protocol), ("mechanism", self.mechanism)]

    def options(self) -> dict[str, Any]:
        """What the client takes. Raises OSError for files that cannot be read and ssl.SSLError for what is in them."""
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.protocol.startswith("SASL"):
            options |= {"sasl_mechanism": self.mechanism}
            options |= {"sasl_plain_username": self.username, "sasl_plain_password": self.password}
        if self.protocol.endswith("SSL"):
            options["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                options["ssl_context"].load_cert_chain(self.cert_file, self.key_file)
        return options


class KafkaSink:
    """Sends records to one topic. Connects at the first send, and again after an error; see this module's rules.

    `compression` "auto" is lz4 where its library is installed, else gzip.
    """

    def __init__(
        self,
        bootstrap_servers: str | Sequence[str],
        topic: str = TOPIC,
        *,
        compression: Compression = "auto",
        security: KafkaSecurity | None = None,
        client_id: str = "roomwatch",
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        self._servers = bootstrap_servers if isinstance(bootstrap_servers, str) else list(bootstrap_servers)
        self._topic = topic
        self._compression = compression
        self._security = security if security is not None else KafkaSecurity()
        self._client_id = client_id
        self._send_timeout_s = send_timeout_s
        self._producer: AIOKafkaProducer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def address(self) -> str:
        """Where it sends to: what outboxes on disk are told apart by."""
        servers = self._servers.split(",") if isinstance(self._servers, str) else self._servers
        return f"kafka {','.join(sorted(servers))} {self._topic}"

    def __repr__(self) -> str:
        return f"KafkaSink({self._servers!r}, {self._topic!r}, security={self._security!r})"

    async def connect(self) -> None:
        """Returns when a client is there that knows the topic. Raises SinkError, within the bounds of `send`."""
        try:
            async with asyncio.timeout(self._send_timeout_s):
                producer = await self._connected()
                await producer.partitions_for(self._topic)
        except _FAILURES as error:
            await self.close()
            raise SinkError(self._sentence(error)) from error

    async def send(self, records: Sequence[Record]) -> None:
        """Returns when all records are acknowledged. Raises SinkError, within `send_timeout_s` and a second or two."""
        sent: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(self._send_timeout_s):
                producer = await self._connected()
                for record in records:
                    sent.append(await producer.send(self._topic, value=record.value, key=record.key))  # noqa: PERF401 - what was sent before an error counts
                await asyncio.wait(sent)
            for future in sent:
                future.result()
        except _FAILURES as error:
            delivered = frozenset(position for position, future in enumerate(sent) if _has_arrived(future))
            await self.close()
            raise SinkError(
                self._sentence(error), delivered=delivered, retriable=not isinstance(error, _REFUSED_FOR_GOOD)
            ) from error
        finally:
            # aiokafka leaves alone what is done; the rest would complain later that nobody asked how it ended.
            for future in sent:
                if not future.cancel() and not future.cancelled():
                    future.exception()

    async def close(self) -> None:
        """Gives up the client and what it may still hold. Bounded; raises nothing."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        if self._loop is asyncio.get_running_loop():
            await _abandon(producer)
        else:
            producer._closed = True  # noqa: SLF001 - its loop is gone, and its connections went with it

    async def _connected(self) -> AIOKafkaProducer:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            await self.close()
        if self._producer is None:
            self._loop = loop
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._servers,
                client_id=self._client_id,
                enable_idempotence=True,
                acks="all",
                compression_type=self._codec(),
                max_batch_size=BATCH_BYTES_MAX,
                request_timeout_ms=int(self._send_timeout_s * 1000),
                **self._security.options(),
            )
            await self._producer.start()
        return self._producer

    def _codec(self) -> str | None:
        if self._compression == "auto":
            return "lz4" if has_lz4() else "gzip"
        return None if self._compression == "none" else self._compression

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"Kafka at {self._servers} did not acknowledge within {self._send_timeout_s:g} s"
        return f"Kafka at {self._servers}, topic {self._topic}: {str(error) or type(error).__name__}"


def _has_arrived(future: asyncio.Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Closes a client without waiting for what it holds.

    Its own `stop()` would first flush, without limit. So its sender is ended here, and then its connections; for the
    rest of it, it is told that it is closed.
    """
    producer._closed = True  # noqa: SLF001
    sender = producer._sender.sender_task  # noqa: SLF001
    if sender is not None:
        sender.cancel()
        await asyncio.sleep(0)
        sender.cancel()  # told once, it waits for the requests that are under way; told twice, it ends them
        await _bounded(asyncio.wait({sender}))
    await _bounded(producer.client.close())


async def _bounded(step: Awaitable[Any]) -> None:
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    with suppress(TimeoutError, KafkaError, OSError):
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await step
        except asyncio.CancelledError:
            # A client in trouble lets cancellations of its own escape; only one that is meant for us goes on.
            if task is not None and task.cancelling() > before:
                raise
