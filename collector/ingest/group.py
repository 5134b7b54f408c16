"""One membership in the consumer group: an aiokafka client from its start to its end, and who owns what meanwhile.

Lives once: after an error it is closed and another one is made. Every await is bounded. Rebalances are noted here and
acted on by the loop: `generation` grows with each, `assigned` is None while partitions are being given out.

The group's callbacks run on a task of aiokafka's, which swallows what they raise; so they do nothing that could fail.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from collector.ingest.closing import close_consumer
from collector.ingest.connection import ANSWER_TIMEOUT_S, KafkaConnection

POLL_GRACE_S: Final = 1.0
"""A poll may last this much longer than asked; while partitions are given out, aiokafka's waits for that."""
COMMIT_TIMEOUT_S: Final = 5.0
BOUNDS_TIMEOUT_S: Final = 5.0
JOIN_TIMEOUT_S: Final = 30.0
"""Beyond the session's timeout, which others of the group may take to answer."""
METADATA_MS: Final = 15_000
"""How soon a partition that was added to the topic is given to a member, at most."""
FETCH_BYTES: Final = 8 * 1024 * 1024
"""Of a partition at once: the fewer partitions fill a batch, the less often a session is written."""
FETCH_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Of all partitions in one answer, which the event loop takes apart in one go."""
FETCH_BYTES_MIN: Final = 64 * 1024
"""A broker that has less waits for more, or else a steady trickle is fetched some hundred times a second."""
FETCH_WAIT_MS: Final = 100
"""How long it waits at most: what an event may be older for it in the store."""
_NO_PARTITION: Final = -1

log = logging.getLogger(__name__)


class Member(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A member of the group, as soon as `join` has returned."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        group: str,
        session_timeout_s: float,
        idle: asyncio.Event,
        given: Callable[[frozenset[int]], None],
    ) -> None:
        """`idle` is set while no batch is in hand: revocation waits for it. Needs a running loop.

        `given` is called with what is ours as soon as that is known, while the loop may still wait for records.
        """
        self.generation = 0
        self.assigned: frozenset[int] | None = None
        self.changing = asyncio.Event()
        """Set from the moment in which partitions are wanted back until the loop has seen to it."""
        self._idle = idle
        self._given = given
        self._topic = topic
        self._session_timeout_s = session_timeout_s
        self._committing: asyncio.Task[None] | None = None
        self._committed: dict[int, int] = {}
        self._client = AIOKafkaConsumer(
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=int(session_timeout_s * 1000),
            heartbeat_interval_ms=max(100, int(session_timeout_s * 1000 / 10)),
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_bytes=FETCH_ANSWER_BYTES,
            fetch_min_bytes=FETCH_BYTES_MIN,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=int(ANSWER_TIMEOUT_S * 1000),
            metadata_max_age_ms=METADATA_MS,
            **connection.options(),
        )
        self._client.subscribe([topic], listener=self)

    async def join(self) -> None:
        """Joins the group. Raises KafkaError or TimeoutError; `close` is due in any case."""
        async with asyncio.timeout(self._session_timeout_s + JOIN_TIMEOUT_S):
            await self._client.start()

    async def close(self) -> None:
        """Leaves the group. Bounded; raises nothing."""
        if self._committing is not None:
            self._committing.cancel()
            await asyncio.wait([self._committing])
        await close_consumer(self._client)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Waits until the batch in hand is stored or given up; the group waits for us meanwhile, but not for ever."""
        del revoked  # this protocol takes all of them back each time
        self.generation += 1
        self.assigned = None
        self.changing.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._session_timeout_s / 2):
                await self._idle.wait()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Notes what is ours now."""
        self.generation += 1
        self.assigned = ours = frozenset(where.partition for where in assigned)
        self.changing.set()
        self._given(ours)

    async def poll(self, partitions: Collection[int], timeout_s: float, records_max: int) -> Mapping[int, list[Any]]:
        """Records of these partitions alone, as aiokafka gives them; none after `timeout_s`, or while things change.

        Raises KafkaError; then this member is no use any more.
        """
        generation = self.generation
        wanted = [TopicPartition(self._topic, partition) for partition in partitions]
        try:
            async with asyncio.timeout(timeout_s + POLL_GRACE_S):
                found = await self._client.getmany(
                    *wanted, timeout_ms=max(1, int(timeout_s * 1000)), max_records=records_max
                )
        except TimeoutError:
            return {}
        if generation != self.generation:
            # What came may be of partitions that were given out anew; reading begins again where the store says.
            return {}
        return {where.partition: raws for where, raws in found.items() if where.partition in partitions}

    async def keep_alive(self, seconds: float) -> None:
        """Polls without reading, so that the group does not give our partitions away. Raises KafkaError.

        What was fetched stays for the next `poll`; of partitions that are paused, aiokafka would throw it away.
        """
        try:
            async with asyncio.timeout(seconds + POLL_GRACE_S):
                nothing = TopicPartition(self._topic, _NO_PARTITION)
                await self._client.getmany(nothing, timeout_ms=max(1, int(seconds * 1000)))
        except TimeoutError:
            pass  # a broker that is away keeps a poll waiting; whoever reads next finds out

    async def log_bounds(self, partitions: Collection[int]) -> tuple[dict[int, int], dict[int, int]]:
        """The offsets that the logs of these partitions begin and end at. Raises KafkaError or TimeoutError."""
        wanted = [TopicPartition(self._topic, partition) for partition in partitions]
        async with asyncio.timeout(BOUNDS_TIMEOUT_S):
            first = await self._client.beginning_offsets(wanted)
            end = await self._client.end_offsets(wanted)
        return {where.partition: at for where, at in first.items()}, {where.partition: at for where, at in end.items()}

    def known_end(self, partition: int) -> int | None:
        """Where the partition's log ended when it was last read."""
        where = TopicPartition(self._topic, partition)
        end: int | None = self._client.highwater(where) if where in self._client.assignment() else None
        return end

    async def position(self, partition: int) -> int:
        """What is read next: beyond the last record where the log ends in marks of transactions. Raises KafkaError."""
        try:
            async with asyncio.timeout(POLL_GRACE_S):
                position: int = await self._client.position(TopicPartition(self._topic, partition))
        except TimeoutError:
            return 0
        return position

    def seek(self, partition: int, offset: int) -> None:
        """What `poll` gives next of this partition."""
        self._client.seek(TopicPartition(self._topic, partition), offset)

    def commit_soon(self, offsets: Mapping[int, int]) -> None:
        """Tells Kafka, beside the work and one at a time, how far the store is."""
        if offsets != self._committed and (self._committing is None or self._committing.done()):
            self._committing = asyncio.create_task(self.commit(offsets))

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Tells Kafka how far the store is. Bounded; a failure is not ours to mind (rule 1 of consumer.py)."""
        moved = {p: offset for p, offset in offsets.items() if self._committed.get(p) != offset}
        assigned = self._client.assignment()
        wanted = {where: offset for p, offset in moved.items() if (where := TopicPartition(self._topic, p)) in assigned}
        if not wanted:
            return
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await self._client.commit(wanted)
        except (KafkaError, TimeoutError, OSError) as error:
            log.debug("Kafka did not take a commit", extra={"why": str(error) or type(error).__name__})
        else:
            self._committed = dict(offsets)
