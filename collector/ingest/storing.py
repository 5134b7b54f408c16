"""Brings records into the store, whatever it takes: take, put refused ones aside, write, count. Or gives them back.

One batch is written while the next is read, decoded and merged.

Rules:
1. What is refused is acknowledged by the topic of dead letters before the batch that refused it is written.
2. While the store or that topic is away, the same batch is tried again with growing delay, for as long as it takes.
   How to wait is the caller's: it goes on polling, and raises Abandoned when the partitions are wanted back.
3. After any way out but the good one, the partitions stand where they are written, nothing is in hand, and the same
   records may come again.
4. The Holder is used by whoever awaits here, in the merger's thread; the Writer writes in the writer's thread.
5. What is stored is let go in those threads too, some at a time: a whole batch at once would stop the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from collector.errors import CollectorError, DeadLettersRefused, RowRefused, StaleSession, StoreUnavailable
from collector.ingest import watchdog
from collector.ingest.dead_letters import DeadLetters, Letter, portions
from collector.ingest.decode import Record, Refusal
from collector.ingest.gathering import Gathered
from collector.ingest.partitions import Holder
from collector.ingest.taking import Batch, Place, refusals
from collector.ingest.yielding import let_go
from collector.metrics import Metrics
from collector.store.writer import Writer

DELAY_FIRST_S: Final = 0.1
DELAY_MAX_S: Final = 10.0
DELAYS_OBSERVED_MAX: Final = 100
"""Of a large batch, every n-th delay goes into the histogram: to observe all costs more than to decode them."""
HELD_EVERY_US: Final = 1_000_000
LOOK_UP_S: Final = 0.5
"""How often whoever waits for a batch that is being written polls meanwhile."""

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
InThread = Callable[[Callable[[], Answer]], Awaitable[Answer]]
Wait = Callable[[float], Awaitable[None]]


class Abandoned(Exception):  # noqa: N818 - a decision, no error
    """The batch in hand was given up, because its partitions are wanted back or the process is to stop."""


class Patience(Protocol):
    """How to wait, without losing the partitions meanwhile."""

    async def wait(self, seconds: float) -> None:
        """Waits so long, polling; raises Abandoned when there is no use in waiting on."""

    async def rest(self, seconds: float) -> None:
        """The same where somebody else polls."""

    async def keep_alive(self) -> None:
        """Polls once."""


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


@dataclass(slots=True)
class _Flight:
    """A batch that is being written, with what it takes to take it anew."""

    gathered: Gathered
    batch: Batch
    writing: asyncio.Task[None]


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
        in_merger: InThread[Any],
        in_writer: InThread[Any],
    ) -> None:
        """Needs a running loop."""
        self.idle = asyncio.Event()
        """Set while nothing is in hand: all that was given is stored, or given up."""
        self.idle.set()
        self._holder = holder
        self._writer = writer
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._now_us = now_us
        self._in_merger = in_merger
        self._in_writer = in_writer
        self._reading_trouble, self._writing_trouble = Trouble(), Trouble()
        self._held_us = 0
        self._flight: _Flight | None = None
        self._taking = False

    @property
    def trouble(self) -> str | None:
        """What is being waited for now, for readiness; None when nothing is."""
        return self._writing_trouble.text or self._reading_trouble.text

    @property
    def is_writing(self) -> bool:
        """Whether a batch is being written, so that another one would wait."""
        return self._flight is not None and not self._flight.writing.done()

    async def put(self, gathered: Gathered, patience: Patience) -> list[Batch]:
        """Takes records, and begins to write them when those before are stored, which it returns.

        They are let go once they are stored. Raises Fenced, SchemaMismatch or Abandoned, and what `patience` raises;
        see rule 3.
        """
        async with self._hand():
            batch = await self._taken(gathered.records, {}, patience)
            stored, anew = await self._landed(patience)
            if anew:
                batch = await self._taken(gathered.records, {}, patience)
            writing = asyncio.create_task(self._first_try(batch, gathered, patience))
            writing.add_done_callback(self._show_idle)
            self._flight = _Flight(gathered, batch, writing)
        return stored

    async def flush(self, patience: Patience) -> list[Batch]:
        """Returns what was stored meanwhile, when nothing is in hand any more. Raises as `put` does."""
        async with self._hand():
            stored, _ = await self._landed(patience)
            if self._held_is_due():
                await self.show_held(patience)
        return stored

    async def count_anew(self, partition: int, patience: Patience) -> None:
        """Has the store count the live sessions of a partition. Nothing else may be in hand. Raises as `put` does."""
        async with self._hand():
            await self._count_anew(partition, patience)

    async def sweep(self, partition: int, stream_us: int, patience: Patience) -> None:
        """Finds the sessions of a partition lost that are silent. Nothing else may be in hand.

        Raises as `put` does, and StaleSession.
        """
        before_us = watchdog.silent_before_us(stream_us)

        def swept() -> Batch:
            silent = self._writer.silent_sessions(partition, before_us)
            return self._holder.sweep(partition, stream_us, self._now_us(), silent)

        async with self._hand():
            batch = await self.read(swept, patience)
            await self._written(batch, Gathered(), patience.wait)
            await self._note_stored(batch)

    async def give_up(self) -> None:
        """Waits for the end of what is being written, whatever it is; then nothing is in hand.

        Whoever is cancelled does not wait: a database that hangs must not hold up a stop that is overdue.
        """
        flight, self._flight = self._flight, None
        if flight is not None:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                flight.writing.cancel()
            await asyncio.wait({flight.writing})
            if not flight.writing.cancelled():
                flight.writing.exception()  # it was told elsewhere, or nobody asks any more
        self._holder.drop(list(self._holder.positions))
        self._show_idle()

    @asynccontextmanager
    async def _hand(self) -> AsyncIterator[None]:
        """While this is open something is in hand. Rule 3 is kept here."""
        self.idle.clear()
        self._taking = True
        try:
            yield
        except Exception:
            await self.give_up()
            raise
        finally:
            self._taking = False
            self._show_idle()

    def _show_idle(self, _: object = None) -> None:
        if not self._taking and not self.is_writing:
            self.idle.set()

    async def _landed(self, patience: Patience) -> tuple[list[Batch], bool]:
        """What was in flight, once it is stored; and whether it was taken anew, which voids what was built upon it."""
        flight = self._flight
        if flight is None:
            return [], False
        while not (await asyncio.wait({flight.writing}, timeout=LOOK_UP_S))[0]:
            await patience.keep_alive()
        self._flight = None
        try:
            flight.writing.result()
        except (StaleSession, RowRefused) as error:
            return [await self._store_alone(flight, error, patience)], True
        await self._note_stored(flight.batch)
        return [flight.batch], False

    async def _note_stored(self, batch: Batch) -> None:
        def note() -> None:
            self._holder.wrote(batch)
            let_go(batch.standings)

        await self._in_merger(note)

    async def _first_try(self, batch: Batch, gathered: Gathered, patience: Patience) -> None:
        await self._put_aside(batch, gathered, set(), patience.rest)
        await self._written(batch, gathered, patience.rest)

    async def _store_alone(self, flight: _Flight, error: StaleSession | RowRefused, patience: Patience) -> Batch:
        """Takes and writes anew what could not be written as it was, until it is stored."""
        refused: dict[UUID | Place, Refusal] = {}
        aside = {(letter.partition, letter.offset) for letter in flight.batch.changes.dead_letters}
        delays = growing_delays()
        while True:
            self._holder.drop(list(self._holder.positions))
            if isinstance(error, RowRefused):
                log.warning("the store refused rows; their records become dead letters", extra={"why": str(error)})
                refused |= refusals(error)
            else:
                count = len(error.session_ids)
                log.info("sessions were changed by another writer, taken anew", extra={"sessions": count})
                await patience.wait(next(delays))
            batch = await self._taken(flight.gathered.records, refused, patience)
            await self._put_aside(batch, flight.gathered, aside, patience.wait)
            try:
                await self._written(batch, flight.gathered, patience.wait)
            except (StaleSession, RowRefused) as another:
                error = another
            else:
                await self._note_stored(batch)
                for partition in batch.partitions:
                    await self._count_anew(partition, patience)
                return batch

    async def _count_anew(self, partition: int, patience: Patience) -> None:
        live = await self.read(lambda: self._writer.live_sessions(partition), patience)
        self._holder.count_anew(partition, live)

    async def _taken(
        self, records: Sequence[Record], refused: Mapping[UUID | Place, Refusal], patience: Patience
    ) -> Batch:
        def take() -> Batch:
            if self._held_is_due():
                self._show_held()
            return self._holder.take(records, self._now_us(), refused)

        return await self.read(take, patience)

    async def _put_aside(self, batch: Batch, gathered: Gathered, aside: set[Place], wait: Wait) -> None:
        """Rule 1. `aside`: what was acknowledged already, when the same records were taken before."""
        letters = (
            Letter(letter, gathered.headers(letter.partition, letter.offset))
            for letter in batch.changes.dead_letters
            if (letter.partition, letter.offset) not in aside
        )
        for some in portions(letters):
            await self._acknowledged(some, wait)
            aside.update((letter.refused.partition, letter.refused.offset) for letter in some)

    async def _acknowledged(self, letters: Sequence[Letter], wait: Wait) -> None:
        delays = growing_delays()
        while True:
            try:
                await self._dead_letters.put(letters)
            except DeadLettersRefused as error:
                self._writing_trouble.begin(error)
                await wait(next(delays))
            else:
                self._writing_trouble.end()
                return

    async def _written(self, batch: Batch, gathered: Gathered, wait: Wait) -> None:
        if batch.changes.offsets:
            await self._patiently(self._in_writer, lambda: self._write(batch, gathered), self._writing_trouble, wait)

    def _write(self, batch: Batch, gathered: Gathered) -> None:
        """Runs in the writer's thread."""
        with self._metrics.transaction.time():
            left_out = self._writer.write(batch.changes, self._now_us())
        self._count(batch, gathered.records, left_out)
        gathered.let_go()
        of = batch.changes
        for rows in (of.events, of.sessions, of.outages, of.dead_letters, batch.differences):
            let_go(rows)

    def _count(self, batch: Batch, records: Sequence[Record], left_out: int) -> None:
        now_us = self._now_us()
        self._metrics.count(batch.differences, now_us=now_us, results=batch.results, transitions=batch.transitions)
        self._metrics.count_dead_letters(letter.reason for letter in batch.changes.dead_letters)
        self._metrics.letters_left_out.inc(left_out)
        self._metrics.unknown_fields.inc(batch.unknown_fields)
        self._metrics.events_received.inc(batch.seqs_received)
        self._metrics.events_expected.inc(batch.seqs_expected)
        self._metrics.count_client_losses(batch.lost)
        for where, sessions in zip(batch.met._fields, batch.met, strict=True):
            self._metrics.sessions_met.labels(where).inc(sessions)
        if records:
            self._metrics.batch_events.observe(len(records))
            for record in records[:: max(1, len(records) // DELAYS_OBSERVED_MAX)]:
                self._metrics.event_delay.observe(max(0, now_us - record.append_at_us) / 1_000_000)

    async def show_held(self, patience: Patience) -> None:
        """Sets the gauges of what is held."""
        await self.read(self._show_held, patience)

    def _held_is_due(self) -> bool:
        return not 0 <= self._now_us() - self._held_us < HELD_EVERY_US

    def _show_held(self) -> None:
        """Runs in the merger's thread."""
        self._held_us = now_us = self._now_us()
        self._metrics.set_cache(*self._holder.cached)
        for partition, held in self._holder.held(now_us).items():
            self._metrics.hold(partition, held)

    async def read(self, step: Callable[[], Answer], patience: Patience) -> Answer:
        """Asks the store in the merger's thread, again while it is away (rule 2)."""
        return await self._patiently(self._in_merger, step, self._reading_trouble, patience.wait)

    async def _patiently(
        self, in_thread: InThread[Any], step: Callable[[], Answer], trouble: Trouble, wait: Wait
    ) -> Answer:
        delays = growing_delays()
        while True:
            try:
                answer: Answer = await in_thread(step)
            except StoreUnavailable as error:
                trouble.begin(error)
                await wait(next(delays))
            else:
                trouble.end()
                return answer
