"""`roomwatch demo`: broker, store, collector and fleet in one process, on nothing but Python.

    EmbeddedBroker -> the collector, on SQLite in a temporary folder -> the page
    history (six hours in seconds) and Fleet (live), through one Publisher -> the broker
    Incidents break the fleet; EmbeddingProcess is the process that gets killed

It prints the address, a line of progress, and at the end the accounts; the exit code is 1 if they do not add up.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from collector import runtime
from collector.demo.accounts import Balance, CountingSink
from collector.demo.broker import EmbeddedBroker
from collector.demo.embedding import EmbeddingProcess
from collector.demo.fleet import Fleet
from collector.demo.history import plans, story
from collector.demo.incidents import Incidents
from collector.demo.life import play
from collector.demo.population import REGIONS, SDKS
from collector.demo.progress import Screen, duplicates_counted
from collector.ingest.connection import KafkaConnection, dead_letters_topic
from collector.ingest.gathering import Limits
from collector.store.engine import make_engine, migrate
from collector.store.reader import Reader
from session_core.clock import SystemClock
from session_core.events import SEQLESS_TYPES
from session_core.kafka import KafkaSink
from session_core.policy import ReconnectPolicy
from session_core.publisher import Publisher

TOPIC: Final = "room-session-events"
PARTITIONS: Final = 12
PENDING_MAX: Final = 4_000
"""Events of the history that may wait at a time: well below what would make the outbox drop."""
FLUSH_WITHIN_S: Final = 30.0
BATCH_WAIT_S: Final = 0.2
GROUP_TIMEOUT_S: Final = 3.0
SETTLE_WITHIN_S: Final = 30.0
CLOSE_WITHIN_S: Final = 30.0
"""How long the publisher may take at the end: longer than the broker is ever away."""


def main(seconds: float | None, port: int, seed: int) -> int:
    """Runs the demo for so many seconds, or until Ctrl-C. Returns the exit code."""
    # What the play does to the broker and the collector makes them complain, as they should; the page shows it better.
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return asyncio.run(_Demo(port, seed).run(seconds))


class _Running(NamedTuple):
    """The collector: its task, and what stops it."""

    task: asyncio.Task[None]
    stop: asyncio.Event


class _Demo:
    """Everything that the demo is made of, and the order in which it begins and ends."""

    def __init__(self, port: int, seed: int) -> None:
        self._port = port
        self._rng = Random(seed)
        self._seed = seed
        self._clock = SystemClock()
        self._screen = Screen(sys.stdout)
        self._stop = asyncio.Event()
        self._url = ""

    async def run(self, seconds: float | None) -> int:
        """The whole demo; 1 if the accounts do not add up."""
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(ending, self._stop.set)
        if seconds is not None:
            loop.call_later(seconds, self._stop.set)
        async with AsyncExitStack() as stack:
            broker = stack.enter_context(EmbeddedBroker())
            broker.create_topic(TOPIC, PARTITIONS)
            broker.create_topic(dead_letters_topic(TOPIC), 1)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="roomwatch-demo-"))
            reader = self._store(stack, Path(folder))
            collector = await self._collect(broker, f"sqlite:///{folder}/roomwatch.db")
            try:
                result = await self._play(broker, reader)
            finally:
                collector.stop.set()
                await asyncio.wait({collector.task})
            collector.task.result()
        self._screen.say(result.line())
        for fault in result.faults:
            self._screen.say(f"the accounts do not add up: {fault}")
        return 1 if result.faults else 0

    def _store(self, stack: AsyncExitStack, folder: Path) -> Reader:
        engine = make_engine(f"sqlite:///{folder}/roomwatch.db")
        stack.callback(engine.dispose)
        migrate(engine)
        return Reader(engine)

    async def _collect(self, broker: EmbeddedBroker, database_url: str) -> _Running:
        """Starts the collector and waits until its address answers. Raises what keeps it from starting."""
        options = runtime.Options(
            kafka=KafkaConnection(broker.bootstrap_servers),
            database_url=database_url,
            topic=TOPIC,
            limits=Limits(wait_s=BATCH_WAIT_S, session_timeout_s=GROUP_TIMEOUT_S),
            http_port=self._port,
            regions=tuple(REGIONS),
            sdks=tuple(sdk.name for sdk in SDKS),
        )
        stop, listening = asyncio.Event(), asyncio.Event()

        def on_listening(url: str) -> None:
            self._url = url
            listening.set()

        running = runtime.run(options, stop, clock_us=lambda: self._clock.now().utc_us, on_listening=on_listening)
        task = asyncio.create_task(running, name="collector")
        task.add_done_callback(lambda _: listening.set())
        await listening.wait()
        if task.done():
            task.result()
        self._screen.say(f"Roomwatch demo: open {self._url} (Ctrl-C ends it)")
        return _Running(task, stop)

    async def _play(self, broker: EmbeddedBroker, reader: Reader) -> Balance:
        """The history, then the live fleet until it is enough; then the accounts."""
        sink = CountingSink(KafkaSink(broker.bootstrap_servers, TOPIC))
        publisher = Publisher(sink, memory_only=True)
        await self._history(publisher)
        fleet = Fleet(publisher, self._rng)
        embedding = EmbeddingProcess(broker.bootstrap_servers, TOPIC, self._seed)
        incidents = Incidents(fleet, broker, embedding, self._rng)
        await embedding.start()
        fleet.start()
        script = asyncio.create_task(incidents.play(), name="incidents")
        while not (await self._stopped_within(self._screen.every_s) or script.done() or fleet.trouble):
            reconnecting = sum(
                person.room is not None and person.room.state == "reconnecting" for person in fleet.people
            )
            rooms = sum(1 for _ in fleet.rooms())
            counts = publisher.counts
            self._screen.progress(
                f"{len(fleet.present)} sessions in {rooms} rooms, {reconnecting} reconnecting | {incidents.now} | "
                f"published {sink.published:,}, waiting {counts.pending:,}"
            )
        self._screen.say("everybody leaves; closing the accounts")
        await incidents.end(script)
        await fleet.stop()
        await embedding.stop()
        counts = await publisher.close(CLOSE_WITHIN_S)
        await self._settled(reader, sink, embedding)
        store = await asyncio.to_thread(reader.accounts)
        return Balance(
            published=sink.published,
            stored=store.events,
            duplicates=await asyncio.to_thread(duplicates_counted, f"{self._url}/metrics"),
            dropped=counts.dropped + counts.pending,
            told=embedding.told.total(),
            kept=await asyncio.to_thread(reader.events_of, list(embedding.told)),
            dead_letters=store.dead_letters,
            opened=store.outages_opened,
            outcomes=store.outages_by_outcome,
        )

    async def _history(self, publisher: Publisher) -> None:
        """Six hours, as fast as the core can live them and the broker can take them."""
        policy = ReconnectPolicy.documented()
        sessions = 0
        for plan in plans(story(self._clock.now().utc_us), self._rng):
            for event in play(plan, policy, self._rng):
                # A proof of life is for the moment in which it is given.
                if event.type not in SEQLESS_TYPES:
                    publisher.publish(event)
            sessions += 1
            if publisher.counts.pending > PENDING_MAX:
                await publisher.flush(FLUSH_WITHIN_S)
        self._screen.say(f"the last six hours: {sessions:,} sessions, one incident, one bad release")

    async def _settled(self, reader: Reader, sink: CountingSink, embedding: EmbeddingProcess) -> None:
        """Waits until the store has what arrived, as long as it still makes progress."""
        stored, since = -1, 0.0
        while since < SETTLE_WITHIN_S:
            now = (await asyncio.to_thread(reader.accounts)).events
            kept = await asyncio.to_thread(reader.events_of, list(embedding.told))
            if now >= sink.published + kept and now == stored:
                return
            since = 0.0 if now != stored else since + BATCH_WAIT_S * 2
            stored = now
            await asyncio.sleep(BATCH_WAIT_S * 2)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stop.wait(), timeout=seconds)
        except TimeoutError:
            return False
        return True
