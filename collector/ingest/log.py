"""A topic's log read once, from here to there, outside of any group: what replaying needs.

Nothing is committed and nobody's partitions move. Every wait is bounded: a log that goes silent before its end is an
error, not a hang.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from collector.ingest.closing import close_consumer
from collector.ingest.connection import ANSWER_TIMEOUT_S, KafkaConnection, broker_error
from collector.ingest.decode import Record
from collector.ingest.progress import LOG_APPEND_TIME, told_us

SILENT_S: Final = 30.0
"""A broker that sends nothing for so long, though there is more, counts as away."""
POLL_S: Final = 0.5
FETCH_BYTES: Final = 4 * 1024 * 1024


class Stretch(NamedTuple):
    """Offsets of a partition: from `first`, which belongs to it, to `end`, which does not."""

    first: int
    end: int

    @property
    def length(self) -> int:
        """How many offsets that are; some may be no record."""
        return max(0, self.end - self.first)


class Log:
    """A topic's log. Made by opened_log()."""

    def __init__(self, connection: KafkaConnection, topic: str, partitions: int, client: AIOKafkaConsumer) -> None:
        self._connection = connection
        self._places = {partition: TopicPartition(topic, partition) for partition in range(partitions)}
        self._client = client

    async def start(self) -> None:
        """Connects. Raises BrokerUnreachable or BrokerRefused, as everything here does."""
        self._client.assign(list(self._places.values()))
        await self._asked(self._client.start())

    async def whole(self) -> dict[int, Stretch]:
        """All that the log holds now."""
        first = await self._asked(self._client.beginning_offsets(list(self._places.values())))
        end = await self._asked(self._client.end_offsets(list(self._places.values())))
        return {partition: Stretch(first[where], end[where]) for partition, where in self._places.items()}

    async def between(self, since_us: int, until_us: int) -> dict[int, Stretch]:
        """What was appended in this time; µs since 1970, `until_us` not included."""
        whole = await self.whole()
        first = await self._at(since_us)
        end = await self._at(until_us)
        return {
            partition: Stretch(first.get(partition, all_.end), end.get(partition, all_.end))
            for partition, all_ in whole.items()
        }

    async def read(self, stretches: Mapping[int, Stretch], records_max: int) -> AsyncIterator[dict[int, list[Any]]]:
        """The records of these stretches as they come, some partitions at a time, as aiokafka has them.

        Raises BrokerUnreachable or BrokerRefused.
        """
        left = {partition: stretch for partition, stretch in stretches.items() if stretch.length}
        self._client.assign([self._places[partition] for partition in left])
        for partition, stretch in left.items():
            self._client.seek(self._places[partition], stretch.first)
        loop = asyncio.get_running_loop()
        heard_s = loop.time()
        while left:
            wanted = [self._places[partition] for partition in left]
            found = await self._asked(
                self._client.getmany(*wanted, timeout_ms=int(POLL_S * 1000), max_records=records_max)
            )
            some = {where.partition: self._within(raws, left[where.partition]) for where, raws in found.items()}
            if any(some.values()):
                heard_s = loop.time()
                yield {partition: raws for partition, raws in some.items() if raws}
                heard_s = loop.time()
            # A log that ends in marks of transactions has offsets that are no records.
            left = {p: stretch for p, stretch in left.items() if await self._position(p) < stretch.end}
            if left and loop.time() - heard_s > SILENT_S:
                raise broker_error(self._connection, TimeoutError(), f"it sent nothing for {SILENT_S:g} s")

    async def _at(self, at_us: int) -> dict[int, int]:
        """The first offset of each partition at or after a time, where there is one already."""
        found = await self._asked(
            self._client.offsets_for_times(dict.fromkeys(self._places.values(), -(-at_us // 1000)))
        )
        return {where.partition: at.offset for where, at in found.items() if at is not None}

    async def _position(self, partition: int) -> int:
        position: int = await self._asked(self._client.position(self._places[partition]))
        return position

    @staticmethod
    def _within(raws: Sequence[Any], stretch: Stretch) -> list[Any]:
        return [raw for raw in raws if raw.offset < stretch.end]

    async def _asked(self, question: Any) -> Any:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S + POLL_S):
                return await question
        except (KafkaError, TimeoutError, OSError) as error:
            raise broker_error(self._connection, error) from error


@asynccontextmanager
async def opened_log(connection: KafkaConnection, topic: str, partitions: int) -> AsyncIterator[Log]:
    """The log of a topic that is there, as long as it is looked at. Raises BrokerUnreachable or BrokerRefused."""
    client = AIOKafkaConsumer(
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
        request_timeout_ms=int(ANSWER_TIMEOUT_S * 1000),
        **connection.options(),
    )
    try:
        log = Log(connection, topic, partitions, client)
        await log.start()
        yield log
    finally:
        await close_consumer(client)


def records_of(partition: int, raws: Sequence[Any], now_us: int) -> list[Record]:
    """Records to merge, with the append time that counts for what is read long after it came: progress.py, rule 1."""
    return [
        Record(
            partition,
            raw.offset,
            raw.timestamp * 1000 if raw.timestamp_type == LOG_APPEND_TIME else told_us(raw.timestamp, now_us),
            raw.key,
            raw.value,
        )
        for raw in raws
    ]
