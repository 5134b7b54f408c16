"""How Kafka is reached, and what is asked of it before anything is read: which cluster, which topics.

Plain values come in; `repr()` shows no secret. Every question is bounded in time and has one of three answers: the
facts, BrokerUnreachable or BrokerRefused.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from collector.errors import BrokerRefused, BrokerUnreachable, ConfigError, TopicMissing

ANSWER_TIMEOUT_S: Final = 10.0
"""How long a broker may take to answer a question before it counts as away."""
PARTITIONS: Final = 12
"""What a new topic is made with: enough collectors for any fleet, few enough to keep batches large."""
LETTER_BYTES_MAX: Final = 10 * 1024 * 1024
"""What a new topic of dead letters takes: any record that Kafka's defaults let in, and our headers."""

REFUSALS: Final = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
_REFUSED_WORDS: Final = ("authentication", "authorization", "sasl")


@dataclass(frozen=True)
class KafkaConnection:
    """Where the brokers are and how they know us. `ca_file` None means the machine's own authorities."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    def options(self) -> dict[str, Any]:
        """What every client takes. Raises ConfigError for certificates that cannot be used."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": "roomwatch",
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        if self.security_protocol.endswith("SSL"):
            try:
                options["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
            except (OSError, ssl.SSLError) as error:
                raise ConfigError("kafka_ca_file", f"cannot be used: {error}", value=str(self.ca_file)) from None
        return options


class ClusterFacts(NamedTuple):
    """Which cluster answered, and how many partitions each of its topics has."""

    cluster_id: str
    topics: dict[str, int]


def dead_letters_topic(topic: str) -> str:
    """Where refused records of `topic` go."""
    return f"{topic}.dead-letters"


def create_command(bootstrap_servers: str, topic: str) -> str:
    """The command that makes the topic to read as Roomwatch wants it."""
    command = f"kafka-topics --bootstrap-server {bootstrap_servers} --create --topic {topic}"
    return f"{command} --partitions {PARTITIONS} --config message.timestamp.type=LogAppendTime"


def create_letters_command(bootstrap_servers: str, topic: str) -> str:
    """The command that makes the topic of the dead letters of `topic`."""
    command = f"kafka-topics --bootstrap-server {bootstrap_servers} --create --topic {dead_letters_topic(topic)}"
    return f"{command} --partitions 1 --config max.message.bytes={LETTER_BYTES_MAX}"


async def ask_cluster(connection: KafkaConnection, timeout_s: float = ANSWER_TIMEOUT_S) -> ClusterFacts:
    """The cluster's id and topics. Raises BrokerUnreachable, BrokerRefused or ConfigError."""
    async with admin(connection, timeout_s) as client:
        cluster = await client.describe_cluster()
        topics = await client.describe_topics()
    return ClusterFacts(
        cluster_id=cluster["cluster_id"] or "",
        topics={topic["topic"]: len(topic["partitions"]) for topic in topics},
    )


async def wait_for_cluster(connection: KafkaConnection, within_s: float) -> ClusterFacts:
    """Asks until a broker answers or the time is over; then raises BrokerUnreachable. A refusal is raised at once."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while True:
        left_s = deadline - loop.time()
        try:
            return await ask_cluster(connection, max(0.1, min(ANSWER_TIMEOUT_S, left_s)))
        except BrokerUnreachable:
            if deadline - loop.time() <= 1:
                raise
            await asyncio.sleep(0.5)


def require_topics(connection: KafkaConnection, facts: ClusterFacts, topic: str) -> None:
    """Raises TopicMissing unless the topic and that of its dead letters are there."""
    for name, command in ((topic, create_command), (dead_letters_topic(topic), create_letters_command)):
        if name not in facts.topics:
            raise TopicMissing(name, command(connection.bootstrap_servers, topic))


@asynccontextmanager
async def admin(connection: KafkaConnection, timeout_s: float = ANSWER_TIMEOUT_S) -> AsyncIterator[Any]:
    """A client for questions. All that happens inside takes at most `timeout_s`, and fails as a BrokerError."""
    client = AIOKafkaAdminClient(request_timeout_ms=int(timeout_s * 1000), **connection.options())
    with _reasons() as reasons:
        try:
            async with asyncio.timeout(timeout_s):
                await client.start()
                yield client
        except (KafkaError, TimeoutError, OSError) as error:
            raise broker_error(connection, error, reasons.last) from error
        finally:
            await client.close()


def broker_error(
    connection: KafkaConnection, error: BaseException, reason: str | None = None
) -> BrokerUnreachable | BrokerRefused:
    """What an error of a client means, as one of ours. `reason`: what the client's log says of it, if anything."""
    if isinstance(error, TimeoutError):
        detail = reason or "no answer in time"
    else:
        detail = reason or str(error) or type(error).__name__
    refused = isinstance(error, REFUSALS) or any(word in detail.lower() for word in _REFUSED_WORDS)
    return (BrokerRefused if refused else BrokerUnreachable)(connection.bootstrap_servers, detail)


class _Reasons(logging.Handler):
    """aiokafka says in its log alone why it could not connect; here that becomes part of the error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.args[-1] if isinstance(record.args, tuple) and record.args else record.getMessage()
        self.last = (str(cause) or type(cause).__name__) if isinstance(cause, BaseException) else record.getMessage()


@contextmanager
def _reasons() -> Iterator[_Reasons]:
    library, reasons = logging.getLogger("aiokafka"), _Reasons()
    before = library.propagate, library.level
    library.propagate = False
    library.setLevel(logging.WARNING)
    library.addHandler(reasons)
    try:
        yield reasons
    finally:
        library.removeHandler(reasons)
        library.propagate = before[0]
        library.setLevel(before[1])
