"""Records of the log merged again: what is stored already is found to be, what is not is stored. Nothing doubles.

It runs beside the collectors that read the topic and takes nothing from them: it moves no offsets, so that it is
fenced by no one, and the version of each session keeps the two apart. What is refused again has its dead letter
already and makes no second one. Nothing here is news, so nothing is counted as such.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

from collector.errors import RowRefused, StaleSession, StoreUnavailable
from collector.ingest.decode import Record, Refusal
from collector.ingest.log import Log, Stretch, records_of
from collector.ingest.partitions import Holder
from collector.ingest.storing import Trouble, growing_delays
from collector.ingest.taking import Batch, Place, refusals
from collector.store.changes import Changes
from session_core.events import SEQLESS_TYPES

RECORDS_AT_ONCE: Final = 10_000


@dataclass(slots=True)
class Replayed:
    """How far a replay is. `results` counts what became of records, in the metrics' words; `alive`: signs of life."""

    records: int = 0
    offsets: int = 0
    results: Counter[str] = field(default_factory=Counter)


class Replay:
    """Merges stretches of a log again. `write` None: only says what it would do."""

    def __init__(
        self,
        holder: Holder,
        write: Callable[[Changes, int], object] | None,
        *,
        now_us: Callable[[], int],
        in_thread: Callable[[Callable[[], Any]], Awaitable[Any]],
    ) -> None:
        self.done = Replayed()
        self._holder = holder
        self._write = write
        self._now_us = now_us
        self._in_thread = in_thread
        self._trouble = Trouble()

    async def run(self, log: Log, stretches: Mapping[int, Stretch], tell: Callable[[Replayed], None]) -> Replayed:
        """Reads and merges all of it; `tell` hears how far it is after each batch.

        Raises BrokerUnreachable, BrokerRefused or SchemaMismatch. A store that is away is waited for.
        """
        positions = {partition: stretch.first for partition, stretch in stretches.items()}
        self._holder.assign(positions)
        async for found in log.read(stretches, RECORDS_AT_ONCE):
            now_us = self._now_us()
            records = [one for partition, raws in found.items() for one in records_of(partition, raws, now_us)]
            await self._merged(records)
            self.done.records += len(records)
            for partition, raws in found.items():
                self.done.offsets += raws[-1].offset + 1 - positions[partition]
                positions[partition] = raws[-1].offset + 1
            tell(self.done)
        return self.done

    async def _merged(self, records: Sequence[Record]) -> None:
        refused: dict[UUID | Place, Refusal] = {}
        delays = growing_delays()
        while True:
            try:
                batch = await self._in_thread(partial(self._step, records, refused))
            except StaleSession:
                await asyncio.sleep(next(delays))
            except RowRefused as error:
                refused |= refusals(error)
            except StoreUnavailable as error:
                self._trouble.begin(error)
                await asyncio.sleep(next(delays))
            else:
                self._trouble.end()
                for (kind, result), count in batch.results.items():
                    # Signs of life leave no rows, so that nothing tells a copy of one from its first.
                    self.done.results["alive" if kind in SEQLESS_TYPES else result] += count
                return

    def _step(self, records: Sequence[Record], refused: Mapping[UUID | Place, Refusal]) -> Batch:
        """Runs in the writer's thread."""
        batch = self._holder.take(records, self._now_us(), refused)
        if self._write is not None:
            try:
                self._write(replace(batch.changes, offsets=[], dead_letters=[]), self._now_us())
            except BaseException:
                self._holder.drop(batch.partitions)
                raise
        self._holder.wrote(batch)
        return batch
