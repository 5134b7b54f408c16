"""Dead letters sent to their topic again, as they came: from the topic of dead letters, which has all of each.

Rules:
1. What this version would refuse again is not sent; it is counted by the reason.
2. A record goes to the partition that it came from: whoever owns its session reads it.
3. A letter is noted as sent after all replicas have acknowledged it. Whoever stops in between sends some twice, which
   merging makes harmless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka.errors import KafkaError

from collector.ingest.connection import KafkaConnection, broker_error
from collector.ingest.dead_letters import OURS
from collector.ingest.decode import Record, Refusal, decode
from collector.ingest.log import Log
from collector.ingest.sending import Outgoing, Sender

RECORDS_AT_ONCE: Final = 1_000

Note = Callable[[int, Collection[int]], Awaitable[None]]
"""Notes that the records of these offsets of a partition were sent again."""


@dataclass(slots=True)
class SentAgain:
    """What became of the letters: sent (or to be sent, in a dry run), refused again by reason, gone from the topic."""

    looked_at: int = 0
    sent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    gone: int = 0


class LettersAgain:
    """Sends letters of `topic` again. `note` None: only says what it would do."""

    def __init__(
        self, connection: KafkaConnection, topic: str, wanted: Mapping[int, set[int]], note: Note | None
    ) -> None:
        """`wanted`: the offsets of the refused records, by partition."""
        self.done = SentAgain()
        self._connection = connection
        self._topic = topic
        self._left = {partition: set(offsets) for partition, offsets in wanted.items()}
        self._note = note

    async def run(self, letters: Log, tell: Callable[[SentAgain, int], None]) -> SentAgain:
        """Looks through all letters; `tell` hears how far it is, and of how many.

        Raises BrokerUnreachable or BrokerRefused.
        """
        sender = Sender(self._connection)
        stretches = await letters.whole()
        work = sum(stretch.length for stretch in stretches.values())
        try:
            async for found in letters.read(stretches, RECORDS_AT_ONCE):
                for raws in found.values():
                    self.done.looked_at += len(raws)
                    await self._send(sender, [one for raw in raws if (one := self._again(raw)) is not None])
                tell(self.done, work)
        finally:
            await sender.close()
        self.done.gone = sum(map(len, self._left.values()))
        return self.done

    def _again(self, raw: Any) -> tuple[int, Outgoing] | None:
        """The record as it came, and its old offset; None where it is not wanted, or would be refused again."""
        place = _place(raw.headers, self._topic)
        if place is None or place[1] not in self._left.get(place[0], ()):
            return None
        partition, offset = place
        self._left[partition].discard(offset)
        told = decode(Record(partition, offset, max(0, raw.timestamp) * 1000, raw.key, raw.value))
        if isinstance(told, Refusal):
            self.done.refused[told.reason] += 1
            return None
        headers = [(name, value) for name, value in raw.headers if not name.startswith(OURS)]
        return offset, Outgoing(self._topic, partition, raw.key, raw.value, headers)

    async def _send(self, sender: Sender, records: Sequence[tuple[int, Outgoing]]) -> None:
        if self._note is not None:
            try:
                await sender.send([outgoing for _, outgoing in records])
            except (KafkaError, TimeoutError, OSError) as error:
                raise broker_error(self._connection, error) from error
            by_partition: dict[int, list[int]] = {}
            for offset, outgoing in records:
                by_partition.setdefault(outgoing.partition or 0, []).append(offset)
            for partition, offsets in by_partition.items():
                await self._note(partition, offsets)
        self.done.sent += len(records)


def _place(headers: Sequence[tuple[str, bytes]], topic: str) -> tuple[int, int] | None:
    """Partition and offset that a letter's record had; None for what is no letter of this topic."""
    told = dict(headers)
    try:
        if told[f"{OURS}topic"].decode() != topic:
            return None
        return int(told[f"{OURS}partition"]), int(told[f"{OURS}offset"])
    except (KeyError, ValueError, UnicodeDecodeError):
        return None
