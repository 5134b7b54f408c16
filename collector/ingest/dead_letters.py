"""Brings refused records to the topic of dead letters, before the batch that refused them is stored.

Key, value and the original headers go through untouched; headers of ours say why, where and when. A crash between the
acknowledgement and the store's commit gives a second copy, never a loss: topic, partition and offset tell copies apart.

Every wait is bounded; who calls tries again, for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from collector.errors import DeadLettersRefused
from collector.ingest.connection import REFUSALS, KafkaConnection, dead_letters_topic
from collector.ingest.sending import ACKNOWLEDGED_WITHIN_S, Header, Outgoing, Sender
from collector.store.changes import DeadLetter
from session_core.instants import utc_from_us

LETTERS_AT_ONCE: Final = 10_000
BYTES_AT_ONCE: Final = 4 * 1024 * 1024
"""What is sent between two acknowledgements: a storm of poison takes longer, and no longer than it may for each; where
one portion fails, those before it need not be sent again."""
OURS: Final = "roomwatch-"
"""What the names of our headers begin with."""
DETAIL_CHARACTERS_MAX: Final = 500


class Letter(NamedTuple):
    """A refused record and the headers that it came with."""

    refused: DeadLetter
    headers: Sequence[Header] = ()


class DeadLetters:
    """The way into one topic of dead letters. Connects at the first letter, and again after an error."""

    def __init__(self, connection: KafkaConnection, topic: str, *, version: str) -> None:
        """`topic` is the one that is read, `version` the collector's."""
        self._connection = connection
        self._topic = dead_letters_topic(topic)
        self._version = version
        self._sender = Sender(connection)

    async def put(self, letters: Sequence[Letter]) -> None:
        """Returns when all letters are acknowledged by all replicas. Raises DeadLettersRefused.

        All of them may take as long as one call of the sender may; who has many hands them over in `portions`.
        """
        try:
            await self._sender.send([self._outgoing(letter) for letter in letters])
        except (KafkaError, TimeoutError, OSError) as error:
            raise DeadLettersRefused(self._topic, _why(error), _mend(self._connection, self._topic, error)) from error

    async def close(self) -> None:
        """Gives the client up. Bounded; raises nothing."""
        await self._sender.close()

    def _outgoing(self, letter: Letter) -> Outgoing:
        refused = letter.refused
        headers = [*letter.headers, *told(refused, self._version)]
        return Outgoing(self._topic, None, refused.key, refused.value, headers)


def portions(letters: Iterable[Letter]) -> Iterator[list[Letter]]:
    """The letters, in parts that may be sent at once."""
    some: list[Letter] = []
    size = 0
    for letter in letters:
        some.append(letter)
        size += len(letter.refused.value or b"")
        if len(some) >= LETTERS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


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
    return [(f"{OURS}{name}", text.encode("utf-8", "backslashreplace")) for name, text in texts.items()]


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"not acknowledged within {ACKNOWLEDGED_WITHIN_S:g} s"
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
