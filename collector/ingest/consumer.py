"""The loop that reads Kafka: joins the group, takes partitions on at their stored offsets, reads, has it stored.

Rules:
1. The store says how far a partition is read. What is committed to Kafka is for tools that show lag, and its failure
   is no failure.
2. A client that raised is given up and another one built: aiokafka's do not heal.
3. Only the loop touches the Holder. Before partitions are let go, revocation waits until what is in hand is stored
   or given up, for as long as the group lets it; who writes later than that is fenced by the store.
4. An error is fatal only where going on would be wrong: another cluster, a log that ends before what is stored, a
   store of another schema.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError

from collector.errors import BrokerRefused, BrokerUnreachable, ClusterChanged, Fenced, LogRewound, StaleSession
from collector.ingest.connection import KafkaConnection, ask_cluster, broker_error
from collector.ingest.gathering import Gathered, Limits
from collector.ingest.group import Member
from collector.ingest.partitions import Holder
from collector.ingest.positions import Start, starting_points
from collector.ingest.progress import Progress
from collector.ingest.storing import Abandoned, Storing, growing_delays
from collector.ingest.taking import Batch
from collector.ingest.waiting import IDLE_POLL_S, WRITING_POLL_S, LoopPatience
from collector.ingest.watchdog import next_sweep_s
from collector.metrics import Metrics
from collector.store.writer import Writer

LOOK_EVERY_S: Final = 5.0
"""How often a loop that reads nothing asks the broker where the logs end: whether it is there, and we are not stuck."""
BACKLOG_WAIT_S: Final = 1.0
"""For how long a batch gathers where there is more to read: a large one costs less an event."""
POLL_RECORDS: Final = 250
"""What is asked for at once: aiokafka makes an object of each record, for which the loop stands still."""
STUCK_AFTER_S: Final = 30.0
"""A client that reads nothing for so long though there is something is built anew."""
NOT_YET: Final = "not connected yet"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """How reading goes, for readiness; a snapshot that any thread may hold."""

    joined: bool = False
    partitions: int = 0
    lag_messages: int = 0
    lag_seconds: float = 0.0
    reads_its_own_clock: bool = False
    broker_trouble: str | None = NOT_YET
    store_trouble: str | None = None


class Consumer:
    """Reads one topic for one group into the store until it is told to stop."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        group: str,
        cluster_id: str,
        *,
        limits: Limits,
        storing: Storing,
        holder: Holder,
        writer: Writer,
        metrics: Metrics,
        now_us: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._group = group
        self._cluster_id = cluster_id
        self._limits = limits
        self._storing = storing
        self._holder = holder
        self._writer = writer
        self._metrics = metrics
        self._now_us = now_us
        self._progress = Progress()
        self._settled = 0  # the generation whose partitions we have taken on
        self._gaps: dict[int, int] = {}  # where a gap was counted that nothing was stored behind yet
        self._broker_trouble: str | None = NOT_YET
        self._looked_s = self._read_s = self._sweep_due_s = 0.0
        self._sweeps = 0  # each has one partition counted anew, in turn
        self.status = Status()

    async def run(self, stop: asyncio.Event) -> None:
        """Reads until `stop`; then the batch in hand is finished. Raises what is fatal, see rule 4."""
        delays = growing_delays(0.5)
        while not stop.is_set():
            member = None
            try:
                if not await _unless(stop, self._require_same_cluster()):
                    return
                member = Member(
                    self._connection,
                    self._topic,
                    self._group,
                    self._limits.session_timeout_s,
                    self._storing.idle,
                    self._tell_only_of,
                )
                if await _unless(stop, member.join()):
                    delays = growing_delays(0.5)
                    await self._read(member, stop)
                    await member.commit(self._progress.stored)
            except (KafkaError, TimeoutError, OSError, BrokerUnreachable, BrokerRefused) as error:
                self._note_broker(error)
            finally:
                await self._storing.give_up()
                # Before the group gives ours to others, who count them as theirs at once.
                self._let_go()
                if member is not None:
                    await member.close()
            if not stop.is_set():
                await _unless(stop, asyncio.sleep(next(delays)))

    async def _require_same_cluster(self) -> None:
        found = (await ask_cluster(self._connection)).cluster_id
        if found != self._cluster_id:
            raise ClusterChanged(self._topic, self._cluster_id, found)

    async def _read(self, member: Member, stop: asyncio.Event) -> None:
        """The life of a member."""
        self._settled = 0
        self._broker_is_back()
        log.info("joined the group", extra={"group": self._group, "topic": self._topic})
        patience = LoopPatience(member, stop, self._show)
        while not stop.is_set():
            try:
                if member.generation != self._settled:
                    await self._settle(member, patience)
                    continue
                gathered = await self._collect(member, stop)
                idle = not gathered.records
                if not idle:
                    self._wrote(await self._storing.put(gathered, patience))
                elif not self._storing.is_writing:
                    self._wrote(await self._storing.flush(patience))
                await self._sweep_when_due(member, patience)
                await self._look_when_idle(member, idle=idle)
            except Abandoned:
                self._settled = 0
            except Fenced as error:
                log.warning("fenced: another collector wrote", extra={"partitions": sorted(error.partitions)})
                self._settled = 0
            member.commit_soon(self._progress.stored)
            self._show()
        with suppress(Abandoned, Fenced):
            self._wrote(await self._storing.flush(patience))

    async def _settle(self, member: Member, patience: LoopPatience) -> None:
        """Lets go what is not ours any more and takes on what is, each at its stored offset."""
        self._wrote(await self._storing.flush(patience))
        generation, assigned = member.generation, member.assigned
        if assigned is None:
            await member.keep_alive(IDLE_POLL_S)
            return
        member.changing.clear()
        self._let_go(keep=assigned)
        ours = sorted(assigned)
        stored = await self._storing.read(lambda: self._writer.offsets(ours), patience)
        starts = starting_points(self._topic, ours, stored, *await member.log_bounds(ours)) if ours else {}
        new = {p: start.tracked for p, start in starts.items() if self._holder.positions.get(p) != start.tracked}
        count = self._writer.live_sessions
        live = await self._storing.read(lambda: {partition: count(partition) for partition in new}, patience)
        if generation != member.generation:
            return
        self._holder.assign(new, live)
        self._progress.begin(starts, self._now_us())
        for partition, start in starts.items():
            member.seek(partition, start.seek)
            self._count_gap(partition, start)
        self._settled = generation
        self._looked_s = self._read_s = asyncio.get_running_loop().time()
        await self._storing.show_held(patience)
        log.info("partitions are ours", extra={"partitions": ours, "new": sorted(new)})

    async def _collect(self, member: Member, stop: asyncio.Event) -> Gathered:
        """The next batch: what is there, and what comes while we wait for more or for the batch before.

        So it is small when idle and grows with the load.
        """
        loop = asyncio.get_running_loop()
        generation, ours = member.generation, self._progress.partitions
        gathered = Gathered()
        timeout_s, began_s, is_more = IDLE_POLL_S, None, False
        while (is_more or timeout_s > 0) and gathered.has_room(self._limits) and not stop.is_set():
            await asyncio.sleep(0)  # aiokafka gives what it has fetched without a turn for anybody else
            some = min(POLL_RECORDS, self._limits.records_max - len(gathered.records))
            found = await member.poll(ours, max(0.0, timeout_s), some)
            is_more = sum(map(len, found.values())) == some
            now_us = self._now_us()
            for partition, raws in found.items():
                await self._look_for_gap(member, partition, raws[0].offset)
                if generation == member.generation:
                    gathered.add(
                        partition, raws, self._progress.read(partition, raws, member.known_end(partition), now_us)
                    )
            if generation != member.generation:
                return Gathered()
            if not gathered.records:
                await self._look_at_ends(member, ours, now_us)
                return gathered
            began_s = began_s or loop.time()
            timeout_s = self._gathers_until(began_s, ours) - loop.time()
        return gathered

    def _gathers_until(self, began_s: float, ours: Sequence[int]) -> float:
        """When a batch that began then is handed over, if nothing fills it before."""
        if self._storing.is_writing:
            return asyncio.get_running_loop().time() + WRITING_POLL_S
        behind = self._limits.wait_s > 0 and any(self._progress.is_behind(partition) for partition in ours)
        return began_s + (BACKLOG_WAIT_S if behind else self._limits.wait_s)

    async def _look_at_ends(self, member: Member, ours: Sequence[int], now_us: int) -> None:
        for partition in ours:
            position = await member.position(partition)
            self._progress.look(partition, member.known_end(partition), now_us, position)

    async def _look_for_gap(self, member: Member, partition: int, offset: int) -> None:
        """Did the log drop records between the last that was read and this one? Other holes in offsets are none.

        Raises LogRewound where it goes on below what was read: whatever stands there would be passed over as known.
        """
        expected = self._progress.next_offset(partition)
        if offset < expected:
            raise LogRewound(self._topic, partition, expected, offset)
        if offset > expected:
            first, _ = await member.log_bounds([partition])
            self._count_gap(partition, Start(expected, min(first[partition], offset), offset))

    def _wrote(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            self._progress.wrote((move.partition, move.next_offset) for move in batch.changes.offsets)
            for partition in batch.partitions:
                self._gaps.pop(partition, None)

    async def _sweep_when_due(self, member: Member, patience: LoopPatience) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        if began_s < self._sweep_due_s:
            return
        self._wrote(await self._storing.flush(patience))
        partitions = self._progress.partitions
        for partition in partitions:
            stream_us = self._progress.stream_us(partition, self._now_us())
            if stream_us is not None and not member.changing.is_set():
                try:
                    await self._storing.sweep(partition, stream_us, patience)
                except StaleSession:
                    await self._storing.count_anew(partition, patience)
                else:
                    self._progress.swept(partition, self._now_us())
        if partitions and not member.changing.is_set():
            self._sweeps += 1
            await self._storing.count_anew(partitions[self._sweeps % len(partitions)], patience)
        self._sweep_due_s = began_s + next_sweep_s(loop.time() - began_s)

    async def _look_when_idle(self, member: Member, *, idle: bool) -> None:
        """Where nothing comes: is the broker there, and is there nothing? Raises KafkaError where we are stuck.

        So it does where a log ends below what is stored: whoever joins anew looks at that again, and stops for good.
        """
        now_s = asyncio.get_running_loop().time()
        if not idle:
            self._looked_s = self._read_s = now_s
            self._broker_is_back()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        try:
            _, ends = await member.log_bounds(self._progress.partitions)
        except (KafkaError, TimeoutError, OSError) as error:
            self._note_broker(error)
            return
        self._broker_is_back()
        for partition in set(ends) & set(self._progress.partitions):
            if ends[partition] < self._progress.stored[partition]:
                raise KafkaError(f"partition {partition} ends at {ends[partition]}, below what is stored")
            self._progress.look(partition, ends[partition], self._now_us())
        behind = [partition for partition in self._progress.partitions if self._progress.is_behind(partition)]
        if not behind:
            self._read_s = now_s
        elif now_s - self._read_s > STUCK_AFTER_S:
            raise KafkaError(f"nothing was read for {STUCK_AFTER_S:g} s, though partitions {behind[:5]} hold more")

    def _tell_only_of(self, ours: Collection[int]) -> None:
        """Tells nothing more of other partitions: who has got them soon does, and we may still wait for records."""
        self._metrics.revoke(set(self._holder.positions) - set(ours))

    def _let_go(self, keep: Collection[int] = ()) -> None:
        """Drops what is held of partitions that are not ours any more."""
        self._tell_only_of(keep)
        self._holder.revoke(set(self._holder.positions) - set(keep))
        self._progress.keep(keep)
        self._show()

    def _count_gap(self, partition: int, start: Start) -> None:
        """Records that the log lost before they were read, counted once."""
        if start.lost > 0 and self._gaps.get(partition) != start.tracked:
            self._gaps[partition] = start.tracked
            self._metrics.records_lost.inc(start.lost)
            log.error(
                "the log was cut off above what is stored: records are lost",
                extra={"partition": partition, "stored": start.tracked, "log_start": start.seek, "lost": start.lost},
            )

    def _note_broker(self, error: Exception) -> None:
        meant = error if isinstance(error, BrokerUnreachable | BrokerRefused) else broker_error(self._connection, error)
        if self._broker_trouble in {None, NOT_YET}:
            log.warning("trouble with Kafka", extra={"code": meant.code, "why": str(meant)})
        self._broker_trouble = str(meant)
        self._show()

    def _broker_is_back(self) -> None:
        if self._broker_trouble not in {None, NOT_YET}:
            log.info("Kafka answers again")
        self._broker_trouble = None

    def _show(self) -> None:
        lags = self._progress.lag(self._now_us())
        for partition, lag in lags.items():
            self._metrics.set_lag(partition, messages=lag.messages, seconds=lag.seconds)
        self._metrics.swept_at.set(self._progress.swept_us / 1_000_000)
        self._metrics.append_time_missing.set(self._progress.reads_its_own_clock)
        self.status = Status(
            joined=self._settled > 0,
            partitions=len(lags),
            lag_messages=sum(lag.messages for lag in lags.values()),
            lag_seconds=max((lag.seconds for lag in lags.values()), default=0.0),
            reads_its_own_clock=self._progress.reads_its_own_clock,
            broker_trouble=self._broker_trouble,
            store_trouble=self._storing.trouble,
        )


async def _unless(stop: asyncio.Event, step: Awaitable[Any]) -> bool:
    """Whether the step ended before `stop`; it is cancelled otherwise. Raises what the step raises."""
    task, stopped = asyncio.ensure_future(step), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for pending in (task, stopped):
            if not pending.done():
                pending.cancel()
        await asyncio.wait({task, stopped})
