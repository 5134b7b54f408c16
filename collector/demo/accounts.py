"""The accounts of a demo: what was told, what arrived, what is stored, and whether it adds up.

Rules:
1. What Kafka acknowledged is counted at the sink, each event once however often it was sent.
2. A process that is killed cannot say what it lost, and here nothing of it is kept on disk either. So it says, for
   every event, that it is about to publish it; what it told of and the store does not have is lost.
3. Nothing is adjusted: what does not add up is printed and fails the demo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from session_core import wire
from session_core.errors import SinkError
from session_core.events import SEQLESS_TYPES
from session_core.outbox import Record
from session_core.sink import Sink, connected


class CountingSink:
    """A sink that counts, each once, the events that another sink has delivered."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._delivered: set[tuple[UUID, int]] = set()
        self.by_type: Counter[str] = Counter()

    @property
    def published(self) -> int:
        """Events that arrived; those that take no number are not counted."""
        return len(self._delivered)

    async def connect(self) -> None:
        """Connects the other sink."""
        await connected(self._sink)

    async def send(self, records: Sequence[Record]) -> None:
        """Sends, and counts what arrived."""
        try:
            await self._sink.send(records)
        except SinkError as error:
            self._count([records[position] for position in error.delivered])
            raise
        self._count(records)

    async def close(self) -> None:
        """Closes the other sink."""
        await self._sink.close()

    def _count(self, records: Sequence[Record]) -> None:
        for record in records:
            message = wire.decode(record.value).message
            identity = (message.data.session_id, message.data.seq)
            if message.type not in SEQLESS_TYPES and identity not in self._delivered:
                self._delivered.add(identity)
                self.by_type[message.type] += 1


class Balance(NamedTuple):
    """Both sides of the accounts. `told` are the events of the process that was killed, `kept` those of them stored."""

    published: int
    stored: int
    duplicates: int
    dropped: int
    told: int
    kept: int
    dead_letters: int
    opened: int
    outcomes: Mapping[str, int]

    @property
    def lost(self) -> int:
        """Events that never reached the store: died with their process, or dropped by a full outbox."""
        return self.told - self.kept + self.dropped

    @property
    def faults(self) -> list[str]:
        """What does not add up; nothing, if all is well."""
        found = []
        if self.stored != self.published + self.kept:
            found.append(f"stored {self.stored:,} is not {self.published + self.kept:,}, which is what arrived")
        if not 0 <= self.kept <= self.told:
            found.append(f"of {self.told:,} events that the killed process told, {self.kept:,} are stored")
        if self.opened != sum(self.outcomes.values()):
            found.append(f"{self.opened:,} outages opened, {sum(self.outcomes.values()):,} accounted for")
        if self.dead_letters:
            found.append(f"{self.dead_letters:,} records were refused")
        return found

    def line(self) -> str:
        """The accounts in one line."""
        outcomes = " + ".join(f"{count:,} {outcome}" for outcome, count in self.outcomes.items())
        return (
            f"published {self.published + self.kept:,}, stored {self.stored:,}, duplicates {self.duplicates:,}, "
            f"lost {self.lost:,}; outages opened {self.opened:,} = {outcomes}"
        )
