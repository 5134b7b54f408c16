"""Drains an outbox into a sink, beside the rooms and never in their way.

The promise to the application: `publish` never raises, never blocks and never waits for the sink. All sending is done
by one task of the running event loop; while the sink is away, the outbox keeps what it can and counts what it cannot.

Rules:
1. One batch is under way at a time, so a session's events arrive in order.
2. What a sink could not take is sent again, after a delay that grows, for as long as it takes.
3. What a sink refuses for good is sent once more by itself; what is refused alone is given up and told as lost.
4. `close` is bounded: what could not be sent within it still counts as pending.
5. What is sent was on disk before. Where the disk takes longer than DISK_WITHIN_S for that, the file says first that it
   does not tell all, for which there is as much time again.
6. A sink connects before anything is taken: what is sent says when, and clocks are corrected by that.
7. `publish` is for every thread. All else belongs to the loop that sends; another one is refused while that one runs.

Not here: what is kept and what is dropped (outbox.py), on disk (disk.py); how a sink sends (kafka.py).
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import random
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from session_core.clock import Clock, SystemClock
from session_core.errors import SinkError
from session_core.events import Event
from session_core.loops import EXIT_WITHIN_S, LoopOfLastResort, is_being_cancelled, running_loop, within
from session_core.outbox import Counts, Outbox, Record
from session_core.sink import MemorySink, Sink, connected, said

if TYPE_CHECKING:
    from pathlib import Path

    from session_core.disk import Disk

BATCH_EVENTS_MAX: Final = 500
RETRY_FIRST_S: Final = 0.1
RETRY_FACTOR: Final = 2.0
RETRY_MAX_S: Final = 10.0
CLOSE_WITHIN_S: Final = 5.0
SINK_CLOSE_WITHIN_S: Final = 2.0
DISK_WITHIN_S: Final = 0.5
ADOPT_A_TURN: Final = 100
ARRIVED_MAX: Final = 10_000
"""Events of other threads that wait until the loop comes to number them; more than that are refused."""

__all__ = ["MemorySink", "Publisher", "Sink"]

logger = logging.getLogger(__name__)


class Publisher:
    """Takes the events of any number of rooms of one process and brings them to one sink. See this module's promise.

    It belongs to the event loop that runs when it is first used, for as long as that runs: `flush` and `close` of
    another one raise RuntimeError.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        outbox: Outbox | None = None,
        clock: Clock | None = None,
        batch_events_max: int = BATCH_EVENTS_MAX,
        retry_max_s: float = RETRY_MAX_S,
        jitter: Callable[[], float] | None = None,
        folder: str | Path | None = None,
        memory_only: bool = False,
    ) -> None:
        """What waits is kept in a file too, in `folder`, unless `memory_only`; see docs/outbox.md.

        Without a `folder` it is one of the user's own for each `sink.address`; a sink without one is kept in memory
        only, and the log says so. `jitter` gives numbers from 0 to 1: retries wait up to a quarter longer by it, so
        that a fleet spreads.

        Raises ValueError for a `batch_events_max` or a `retry_max_s` (seconds) that is not above 0.
        """
        for name, value in (("batch_events_max", batch_events_max), ("retry_max_s", retry_max_s)):
            if not value > 0:  # so written, a NaN is refused too
                raise ValueError(f"publisher: {name} must be above 0, not {value}")
        self._sink = sink
        self._outbox = outbox if outbox is not None else Outbox()
        self._disk = None if memory_only else _disk_for(sink, folder)
        if self._disk is not None:
            self._outbox.keeper = self._disk
            weakref.finalize(self, self._disk.close, remove=False).atexit = False
        self._reasons: list[str] = []
        self._clock = clock if clock is not None else SystemClock()
        self._batch_events_max = batch_events_max
        self._retry_max_s = retry_max_s
        self._jitter = jitter if jitter is not None else random.Random().random  # noqa: S311 - spreads load, hides nothing
        self._arrived: deque[Event] = deque()  # on its way into the outbox, which is not for several threads at once
        self._numbering = threading.Lock()
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._pause: asyncio.Future[None] | None = None
        self._is_hurrying = False
        self._is_closed = False
        self._failed = 0
        self._singles = 0
        self._is_away = False
        self._at_exit = _flush_at_exit(self)

    async def __aenter__(self) -> Self:
        self._require_home()
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def counts(self) -> Counts:
        """What became of the events so far, as a frozen value."""
        counts = self._outbox.counts
        return counts._replace(refused=counts.refused + self._failed, pending=counts.pending + len(self._arrived))

    def publish(self, event: Event) -> None:
        """Numbers and queues an event. Never raises, never blocks; what cannot even be queued is counted as refused."""
        if len(self._arrived) >= ARRIVED_MAX:
            self._failed += 1
            return
        self._arrived.append(event)
        home = self._home_elsewhere()
        if home is None:
            self._take_in()
        else:
            with suppress(RuntimeError):  # it has just ended: whoever uses the publisher next takes the event in
                home.call_soon_threadsafe(self._take_in)

    def on_disk(self) -> Future[None]:
        """Done when all that was published so far is on disk, or nothing will be: the disk failed, or is not used."""
        if self._disk is not None:
            return self._disk.written()
        (done := Future[None]()).set_result(None)
        return done

    async def flush(self, within_s: float = CLOSE_WITHIN_S) -> bool:
        """Sends what waits now and returns whether all of it arrived within `within_s` seconds."""
        self._require_home()
        self._is_hurrying = True
        try:
            self._start()
            self._end_pause()
            async with asyncio.timeout(within_s):
                await within(DISK_WITHIN_S, self.on_disk())
                await self._idle.wait()
                await within(DISK_WITHIN_S, self.on_disk())
        except TimeoutError:
            return False
        finally:
            self._is_hurrying = False
        return True

    async def close(self, within_s: float = CLOSE_WITHIN_S) -> Counts:
        """Flushes, stops the task and closes the sink. Returns what became of all events.

        Events published later are numbered and kept, but sent only if the interpreter ends in order.
        """
        self._require_home()
        self._take_in()
        self._is_closed = True
        try:
            if not self._outbox.is_empty:
                await self.flush(within_s)
        finally:
            await self._stop()
            await self._close_sink()
            await within(DISK_WITHIN_S, self._end_disk())
        if self._outbox.is_empty:
            atexit.unregister(self._at_exit)
        return self.counts

    def flush_without_loop(self, within_s: float = EXIT_WITHIN_S) -> None:
        """The flush of last resort, for where no event loop runs any more. Blocks for `within_s` seconds at most."""
        home = self._home_elsewhere()
        if home is not None:  # in a thread that the interpreter does not wait for
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self.flush(within_s), home).result(within_s)
            return
        self._take_in()
        with suppress(TimeoutError):
            self._end_disk().result(min(DISK_WITHIN_S, within_s))
        if self._outbox.is_empty:
            return
        loop = LoopOfLastResort()
        try:
            loop.run_until_complete(self.close(within_s))
        finally:
            loop.close()

    def _end_disk(self) -> Future[None]:
        """Removes the file when all is told; else sees to it that all is in it."""
        if self._disk is not None and self._outbox.is_empty and not self._outbox.sessions:
            return self._disk.close(remove=True)
        return self.on_disk()

    def _home_elsewhere(self) -> asyncio.AbstractEventLoop | None:
        """The loop that sends, where it runs in another thread than this one."""
        task = self._task
        if task is None or task.done():
            return None
        home = task.get_loop()
        return home if home.is_running() and home is not running_loop() else None

    def _require_home(self) -> None:
        if self._home_elsewhere() is not None:
            raise RuntimeError("publisher: another event loop runs that it belongs to; only publish() may be used here")

    def _take_in(self) -> None:
        """Numbers and queues what has arrived, and sees to it that it is sent."""
        self._open_disk()
        # Never waited for: whoever has it takes in what arrives meanwhile, also from a signal handler in between.
        while self._arrived and self._numbering.acquire(blocking=False):
            try:
                self._put(self._arrived.popleft())
            finally:
                self._numbering.release()
        if not self._is_closed:
            self._start()

    def _put(self, event: Event) -> None:
        try:
            self._outbox.put(event)
        except Exception:
            self._failed += 1
            logger.exception("an event could not be queued: %s", getattr(event, "type", type(event).__name__))

    def _open_disk(self) -> None:
        if self._disk is not None and not self._is_closed:
            there = weakref.WeakMethod(self._hear)
            self._disk.open(lambda: hear() if (hear := there()) is not None else None)

    def _hear(self) -> None:
        """The disk has news, in its own thread."""
        if self._task is not None:
            with suppress(RuntimeError):
                self._task.get_loop().call_soon_threadsafe(self._wake.set)

    async def _adopt(self) -> None:
        """Takes over what processes that died left behind, as far as there is room, and notes how the disk does."""
        if self._disk is None:
            return
        self._reasons += self._disk.take_reasons()
        while self._reasons and self._outbox.note(self._reasons[0]):
            del self._reasons[0]
        while (left := self._disk.next_leftovers(self._outbox.fits)) is not None:
            for turn, _ in enumerate(self._outbox.adopt(left)):
                if turn % ADOPT_A_TURN == 0:
                    await asyncio.sleep(0)  # the rooms have their turn
            self._disk.adopted(left)

    def _start(self) -> None:
        """Wakes the task, or makes one where none of this loop is alive."""
        loop = running_loop()
        if loop is None:
            return  # queued all the same; the next call from a loop sends it
        self._open_disk()
        task = self._task
        if task is None or task.done() or task.get_loop() is not loop:
            self._wake, self._idle, self._pause = asyncio.Event(), asyncio.Event(), None
            self._outbox.settle(delivered=())
            self._task = loop.create_task(self._drain(), name="roomwatch-publisher")
        if self._outbox.is_empty:
            self._idle.set()
        else:
            self._idle.clear()
            self._wake.set()

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.wait({task}, timeout=SINK_CLOSE_WITHIN_S * 2)

    async def _drain(self) -> None:
        try:
            await self._send_all_there_is()
        except asyncio.CancelledError:
            if not self._is_closed:  # the loop ends, and nobody has closed the publisher
                await self._close_sink()
            raise

    async def _close_sink(self) -> None:
        with suppress(Exception):
            async with asyncio.timeout(SINK_CLOSE_WITHIN_S):
                await self._sink.close()

    async def _send_all_there_is(self) -> None:
        delay_s = RETRY_FIRST_S
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._adopt()
            while not self._outbox.is_empty:
                if await self._send_one_batch():
                    delay_s = RETRY_FIRST_S
                    await asyncio.sleep(0)  # a long queue must not keep the rooms from their turn
                else:
                    await self._wait(RETRY_FIRST_S if self._is_hurrying else delay_s)
                    delay_s = min(delay_s * RETRY_FACTOR, self._retry_max_s)
                await self._adopt()
            self._idle.set()

    async def _send_one_batch(self) -> bool:
        """Whether to go on at once."""
        limit = 1 if self._singles > 0 else self._batch_events_max
        records: Sequence[Record] = ()
        delivered: frozenset[int] | range = range(0)
        refused = range(0)
        try:
            await connected(self._sink)
            records = self._outbox.take(limit, self._clock.now().utc)
            if not await within(DISK_WITHIN_S, self.on_disk()) and self._disk is not None:
                await within(DISK_WITHIN_S, self._disk.fall_behind())
            await self._sink.send(records)
            delivered = range(len(records))
        except SinkError as error:
            delivered = error.delivered.intersection(range(len(records)))
            if error.retriable or not records:
                self._report_away(error)
            elif len(records) > 1:
                self._singles = len(records)
            else:
                refused = range(1)
                logger.warning("an event is given up, for it was refused for good: %s", error)
        except asyncio.CancelledError as cancelled:
            if is_being_cancelled():
                self._outbox.settle(delivered=())
                raise
            self._report_away(cancelled)
        except Exception as error:  # noqa: BLE001 - a sink's fault must not end the telemetry of all rooms
            self._report_away(error)
        # Not in a `finally`: the task of a loop that died in the middle may be collected when another's batch is out.
        self._outbox.settle(delivered=delivered, refused=refused)
        if delivered or refused:
            self._singles -= self._singles > 0
        if records and len(delivered) == len(records):
            self._report_back()
        return bool(delivered or refused or (self._singles and len(records) > 1))

    async def _wait(self, delay_s: float) -> None:
        """A pause that `flush` can end."""
        self._pause = asyncio.get_running_loop().create_future()
        wait_us = int(delay_s * (1 + self._jitter() / 4) * 1_000_000)
        timer = self._clock.call_at(self._clock.now().steady_us + wait_us, self._end_pause)
        try:
            await self._pause
        finally:
            timer.cancel()
            self._pause = None

    def _end_pause(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    def _report_away(self, error: BaseException) -> None:
        if not self._is_away:
            self._is_away = True
            logger.warning("telemetry waits for its sink, which said: %s", said(error))

    def _report_back(self) -> None:
        if self._is_away:
            self._is_away = False
            logger.info("telemetry has its sink back; %d messages wait", len(self._outbox))


def _disk_for(sink: Sink, folder: str | Path | None) -> Disk | None:
    from session_core.disk import disk_for  # noqa: PLC0415 - files and SQLite are for those who publish

    return disk_for(sink, folder)


def _flush_at_exit(publisher: Publisher) -> Callable[[], None]:
    """Has the interpreter's end flush the publisher, without keeping it alive until then."""
    there = weakref.ref(publisher)

    def flush() -> None:
        publisher = there()
        if publisher is not None:
            with suppress(Exception):
                publisher.flush_without_loop()

    atexit.register(flush)
    weakref.finalize(publisher, atexit.unregister, flush).atexit = False
    return flush
