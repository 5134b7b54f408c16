"""The composition root of what is done once more: a stretch of the log merged again, dead letters sent again.

Beside `runtime`, which composes a collector: these run to their end, serve nothing and belong to no group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from collector.errors import NeverStored
from collector.ingest.connection import KafkaConnection, ask_cluster, dead_letters_topic, require_topics
from collector.ingest.letters_again import LettersAgain, SentAgain
from collector.ingest.log import Stretch, opened_log
from collector.ingest.partitions import Holder
from collector.ingest.replay import Replay, Replayed
from collector.store.check import require_cluster
from collector.store.engine import make_engine, require_schema
from collector.store.letters import LetterFilters, Letters
from collector.store.place import Place
from collector.store.retention import Retention
from collector.store.writer import Writer


@dataclass(frozen=True)
class Source:
    """Which topic of which brokers, and the store that it is read into for this group."""

    kafka: KafkaConnection
    database_url: str
    topic: str
    group: str
    retention: Retention


async def replay(
    source: Source,
    since_us: int,
    until_us: int,
    *,
    dry_run: bool,
    clock_us: Callable[[], int],
    tell: Callable[[Replayed, int], None],
) -> Replayed:
    """Merges again what was appended in this time and the group has stored already; the rest is the collectors'.

    `tell` hears how far it is, and of how many offsets. Raises NeverStored, and what connecting raises.
    """
    with closing(_Store(source.database_url)) as store:
        facts = await ask_cluster(source.kafka)
        require_topics(source.kafka, facts, source.topic)
        place = Place(facts.cluster_id, source.topic, source.group)
        await asyncio.to_thread(store.open, place)
        keeps = source.retention
        writer = Writer(store.engine, *place, keeps)
        partitions = facts.topics[source.topic]
        stored = await asyncio.to_thread(writer.offsets, range(partitions))
        if not stored:
            raise NeverStored(source.topic, source.group)
        async with opened_log(source.kafka, source.topic, partitions) as log:
            stretches = _stored(await log.between(since_us, until_us), stored)
            work = sum(stretch.length for stretch in stretches.values())
            # What is older than the store remembers would be counted as new.
            holder = Holder(
                source.topic,
                writer.load,
                retention_us=keeps.sessions_us,
                events_us=keeps.events_us,
                days_refused=writer.days_refused,
            )
            write = None if dry_run else writer.write
            again = Replay(holder, write, now_us=clock_us, in_thread=asyncio.to_thread)
            return await again.run(log, stretches, lambda done: tell(done, work))


async def send_again(
    source: Source,
    filters: LetterFilters,
    *,
    dry_run: bool,
    clock_us: Callable[[], int],
    tell: Callable[[SentAgain, int], None],
) -> SentAgain:
    """Sends the dead letters that the filters name again. Raises what connecting raises."""
    with closing(_Store(source.database_url)) as store:
        facts = await ask_cluster(source.kafka)
        require_topics(source.kafka, facts, source.topic)
        await asyncio.to_thread(store.open, Place(facts.cluster_id, source.topic, source.group))
        letters = Letters(store.engine)
        wanted = await asyncio.to_thread(letters.places, filters)

        async def note(partition: int, offsets: Collection[int]) -> None:
            await asyncio.to_thread(partial(letters.note_replayed, source.topic, partition, offsets, clock_us()))

        name = dead_letters_topic(source.topic)
        async with opened_log(source.kafka, name, facts.topics[name]) as log:
            return await LettersAgain(source.kafka, source.topic, wanted, None if dry_run else note).run(log, tell)


class _Store:
    """The store behind a URL, looked at before it is used."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)

    def open(self, place: Place) -> None:
        """Raises where its schema is another, or what it holds came from another cluster."""
        require_schema(self.engine)
        require_cluster(self.engine, place)

    def close(self) -> None:
        """Lets it go."""
        self.engine.dispose()


def _stored(stretches: Mapping[int, Stretch], stored: Mapping[int, int]) -> dict[int, Stretch]:
    """What of them the group has read: what comes after is the collectors' to count."""
    return {p: Stretch(first, min(end, stored.get(p, first))) for p, (first, end) in stretches.items()}
