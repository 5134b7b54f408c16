"""Brings records into the store, whatever it takes: take, put refused ones aside, write, count. Or gives them back.

Rules:
1. What is refused is acknowledged by the topic of dead letters before the batch that refused it is written.
2. While the store or that topic is away, the same batch is tried again with growing delay, for as long as it takes.
   How to wait is the caller's: it goes on polling, and raises Abandoned when the partitions are wanted back.
3. After any way out but the good one, the partitions stand where they stood before, and the same records may come
   again.
4. Holder and Writer are used by one thread at a time: the writer's thread, which `in_thread` runs things in.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from collector.errors import CollectorError, DeadLettersRefused, RowRefused, StaleSession, StoreUnavailable
from collector.ingest import watchdog
from collector.ingest.dead_letters import DeadLetters, Letter
from collector.ingest.decode import Record, Refusal
from collector.ingest.partitions import Batch, Holder, Place, refusals
from collector.ingest.sending import Header
from collector.metrics import Metrics
from collector.store.writer import Writer

DELAY_FIRST_S: Final = 0.1
DELAY_MAX_S: Final = 10.0
DELAYS_OBSERVED_MAX: Final = 100
"""Of a large batch, every n-th delay goes into the histogram: to observe all costs more than to decode them."""
HELD_EVERY_US: Final = 1_000_000

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
InThread = Callable[[Callable[[], Answer]], Awaitable[Answer]]
Wait = Callable[[float], Awaitable[None]]
"""Waits so many seconds, at least; raises Abandoned when there is no use in waiting on."""
HeadersOf = Callable[[int, int], Sequence[Header]]
"""The headers that the record of a partition and offset came with."""


class Abandoned(Exception):  # noqa: N818 - a decision, no error
    """The batch in hand was given up, because its partitions are wanted back or the process is to stop."""


def growing_delays(first_s: float = DELAY_FIRST_S, most_s: float = DELAY_MAX_S) -> Iterator[float]:
    """How long to wait before each attempt: doubled each time, up to a bound."""
    delay_s = first_s
    while True:
        yield delay_s
        delay_s = min(delay_s * 2, most_s)


@dataclass(slots=True)
class Trouble:
    """What is being waited for now, for readiness; None when nothing is."""

    text: str | None = None

    def begin(self, error: CollectorError) -> None:
        """Something is away; logged when it is news."""
        if self.text is None:
            log.warning("waiting, the consumer is paused", extra={"code": error.code, "why": str(error)})
        self.text = str(error)

    def end(self) -> None:
        """It is back."""
        if self.text is not None:
            log.info("going on after a wait")
        self.text = None


class Storing:
    """The way of records into the store."""

    def __init__(
        self,
        holder: Holder,
        writer: Writer,
        dead_letters: DeadLetters,
        metrics: Metrics,
        *,
        now_us: Callable[[], int],
        in_thread: InThread[Any],
        token_risk_us: int,
    ) -> None:
        """`token_risk_us`: how soon a live session's token expires to count as at risk."""
        self.trouble = Trouble()
        self._holder = holder
        self._writer = writer
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._now_us = now_us
        self._in_thread = in_thread
        self._token_risk_us = token_risk_us
        self._held_us = 0

    async def store(self, records: Sequence[Record], headers_of: HeadersOf, wait: Wait) -> Batch:
        """Returns when all that the records say is stored, each once.

        Raises Fenced, SchemaMismatch or Abandoned, and what `wait` raises; see rule 3.
        """
        refused: dict[UUID | Place, Refusal] = {}
        aside: set[Place] = set()
        delays = growing_delays()
        while True:
            batch = await self._taken(records, refused, wait)
            try:
                await self._put_aside(batch, headers_of, aside, wait)
                await self._written(batch, records, wait)
            except StaleSession as error:
                log.info(
                    "sessions were changed by another writer, taken anew", extra={"sessions": len(error.session_ids)}
                )
                self._holder.drop(batch.partitions)
                await wait(next(delays))
            except RowRefused as error:
                log.warning("the store refused rows; their records become dead letters", extra={"why": str(error)})
                self._holder.drop(batch.partitions)
                refused |= refusals(error)
            except BaseException:
                self._holder.drop(batch.partitions)
                raise
            else:
                return batch

    async def sweep(self, partition: int, stream_us: int, wait: Wait) -> None:
        """Finds the sessions of a partition lost that are silent. Raises as `store` does, and StaleSession."""
        before_us = watchdog.silent_before_us(stream_us)

        def swept() -> Batch:
            silent = self._writer.silent_sessions(partition, before_us)
            return self._holder.sweep(partition, stream_us, self._now_us(), silent)

        batch = await self.patiently(swept, wait)
        try:
            await self._written(batch, (), wait)
        except BaseException:
            self._holder.drop([partition])
            raise

    async def _taken(self, records: Sequence[Record], refused: Mapping[UUID | Place, Refusal], wait: Wait) -> Batch:
        return await self.patiently(lambda: self._holder.take(records, self._now_us(), refused), wait)

    async def _put_aside(self, batch: Batch, headers_of: HeadersOf, aside: set[Place], wait: Wait) -> None:
        """Rule 1. `aside`: what was acknowledged already, when the same records were taken before."""
        letters = [
            Letter(letter, headers_of(letter.partition, letter.offset))
            for letter in batch.changes.dead_letters
            if (letter.partition, letter.offset) not in aside
        ]
        delays = growing_delays()
        while True:
            try:
                await self._dead_letters.put(letters)
            except DeadLettersRefused as error:
                self.trouble.begin(error)
                await wait(next(delays))
            else:
                self.trouble.end()
                aside.update((letter.refused.partition, letter.refused.offset) for letter in letters)
                return

    async def _written(self, batch: Batch, records: Sequence[Record], wait: Wait) -> None:
        if batch.changes.offsets:
            await self.patiently(lambda: self._write(batch, records), wait)

    def _write(self, batch: Batch, records: Sequence[Record]) -> None:
        """Runs in the writer's thread."""
        with self._metrics.transaction.time():
            self._writer.write(batch.changes, self._now_us())
        now_us = self._now_us()
        self._metrics.count(batch.differences, now_us=now_us, results=batch.results, transitions=batch.transitions)
        self._metrics.count_dead_letters(letter.reason for letter in batch.changes.dead_letters)
        self._metrics.unknown_fields.inc(batch.unknown_fields)
        if records:
            self._metrics.batch_events.observe(len(records))
            for record in records[:: max(1, len(records) // DELAYS_OBSERVED_MAX)]:
                self._metrics.event_delay.observe(max(0, now_us - record.append_at_us) / 1_000_000)
        if now_us - self._held_us >= HELD_EVERY_US or now_us < self._held_us:
            self._held_us = now_us
            self.show_held(now_us)

    def show_held(self, now_us: int) -> None:
        """Sets the gauges of what is held. In the writer's thread."""
        for partition, held in self._holder.held(now_us, self._token_risk_us).items():
            self._metrics.hold(partition, held)

    async def patiently(self, step: Callable[[], Answer], wait: Wait) -> Answer:
        """Runs a step in the writer's thread, again while the store is away (rule 2)."""
        delays = growing_delays()
        while True:
            try:
                answer: Answer = await self._in_thread(step)
            except StoreUnavailable as error:
                self.trouble.begin(error)
                await wait(next(delays))
            else:
                self.trouble.end()
                return answer
