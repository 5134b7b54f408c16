"""Hours of a fleet's life, collected in simulated time: a filled PostgreSQL, and what /metrics would have shown.

The sessions are those of the demo (an incident of one region, a release whose media breaks), played through the real
session core, merged and written by the real collector's parts, counted by its real metrics. What is made up here is
what happens to the collector itself: it stands still for a few minutes, somebody writes what is no event, and the size
of the store is reckoned from what it read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any, Final, NamedTuple, TextIO

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from collector.demo.history import SPAN_US, plans, story
from collector.demo.life import SECOND_US, play
from collector.demo.population import REGIONS, SDKS
from collector.ingest.decode import Record
from collector.ingest.derive import SILENCE_US
from collector.ingest.partitions import Holder
from collector.metrics import Metrics
from collector.store.writer import Writer
from session_core import wire
from session_core.events import PUBLISHED_TYPES, SEQLESS_TYPES, Event
from session_core.instants import utc_from_us
from session_core.policy import ReconnectPolicy
from tests.histories import partition_of

TOPIC: Final = "room-session-events"
PARTITIONS: Final = 4
SCRAPES_EVERY_S: Final = 20
STEP_US: Final = SCRAPES_EVERY_S * SECOND_US
DELAY_US: Final = 120_000
TOKEN_WINDOW_US: Final = 60 * SECOND_US
REFUSED: Final = (b"not an event", b"{}", b'{"specversion":"1.0"}')
MINUTE_US: Final = 60 * SECOND_US
WEEK_US: Final = 7 * 24 * 60 * MINUTE_US
GOES_ON_US: Final = 20 * MINUTE_US
"""At the end of its story the demo's fleet leaves its rooms: the story goes on for longer than we look."""
SPARSE: Final = 12
"""Of the week before, a scrape every four minutes will do: Prometheus looks back five minutes."""


class Stall(NamedTuple):
    """When the collector stood still, as times before the end."""

    begins_us: int = 150 * MINUTE_US
    ends_us: int = 145 * MINUTE_US


def records(now_us: int, rng: Random, sessions: int) -> list[Record]:
    """The log of six hours that end at `now_us`, in order of append time."""
    policy = ReconnectPolicy.documented()
    log = [
        record
        for plan in plans(story(now_us + GOES_ON_US), rng, sessions)
        for record in _of_session(play(plan, policy, rng))
        if record.append_at_us <= now_us
    ]
    ends_us = now_us - 40 * MINUTE_US
    log += [Record(0, 0, ends_us + n * 7 * SECOND_US, b"key", REFUSED[n % 3]) for n in range(min(24, sessions // 50))]
    return _numbered(sorted(log, key=lambda record: record.append_at_us))


def _of_session(events: Iterable[Event]) -> Iterator[Record]:
    seq, n = -1, 0
    for event in events:
        if event.type not in PUBLISHED_TYPES:
            continue
        if event.type in SEQLESS_TYPES:
            n += 1
        else:
            seq, n = seq + 1, 0
        said = wire.message(event, max(seq, 0), n)
        at_us = event.at.utc_us
        session_id = event.session.session_id
        value = wire.encode(said, utc_from_us(at_us + DELAY_US // 2))
        yield Record(partition_of(session_id, PARTITIONS), 0, at_us + DELAY_US, str(session_id).encode(), value)


def _numbered(log: Iterable[Record]) -> list[Record]:
    offsets = [0] * PARTITIONS
    numbered = []
    for record in log:
        numbered.append(record._replace(offset=offsets[record.partition]))
        offsets[record.partition] += 1
    return numbered


class Collected:
    """A collector's parts, moved through time by hand."""

    def __init__(self, engine: Engine) -> None:
        sdks = [sdk.name for sdk in SDKS]
        self.metrics = Metrics(CollectorRegistry(), version="1.0.0", regions=tuple(REGIONS), sdks=sdks)
        self._writer = Writer(engine, "cluster", TOPIC, "preview")
        self._holder: Any = Holder(TOPIC, self._writer.load, token_window_us=TOKEN_WINDOW_US)
        positions = self._writer.offsets(range(PARTITIONS))
        self._begins = {partition: positions.get(partition, 0) for partition in range(PARTITIONS)}
        self._holder.assign(self._begins)

    def live_through(
        self, log: list[Record], until_us: int, stall: Stall | None = None, step_us: int = STEP_US
    ) -> Iterator[int]:
        """Collects step by step; yields each moment at which Prometheus would scrape."""
        waiting = deque(record._replace(offset=record.offset + self._begins[record.partition]) for record in log)
        for now_us in range(until_us - SPAN_US + GOES_ON_US, until_us + 1, step_us):
            stands_still = stall is not None and until_us - stall.begins_us <= now_us < until_us - stall.ends_us
            taken = []
            while not stands_still and waiting and waiting[0].append_at_us <= now_us:
                taken.append(waiting.popleft())
            self._collect(taken, now_us)
            self._show(waiting, now_us)
            yield now_us

    def _collect(self, taken: list[Record], now_us: int) -> None:
        if taken:
            self._write(self._holder.take(taken, now_us), now_us)
            self.metrics.batch_events.observe(len(taken))
            # A batch is taken when its step ends here; in life it is taken within the second.
            for record in taken[::5]:
                late_us = max(0, now_us - STEP_US - record.append_at_us)
                self.metrics.event_delay.observe((late_us + record.append_at_us % 300_000) / SECOND_US)
        for partition in range(PARTITIONS) if now_us // STEP_US % 6 == 0 else ():
            silent = self._writer.silent_sessions(partition, now_us - SILENCE_US)
            if silent and taken:
                self._write(self._holder.sweep(partition, now_us, now_us, silent), now_us)

    def _write(self, batch: Any, now_us: int) -> None:
        with self.metrics.transaction.time():
            self._writer.write(batch.changes, now_us)
        self._holder.wrote(batch)
        self.metrics.count(batch.differences, now_us=now_us, results=batch.results, transitions=batch.transitions)
        self.metrics.count_dead_letters(letter.reason for letter in batch.changes.dead_letters)
        for where, sessions in zip(batch.met._fields, batch.met, strict=True):
            self.metrics.sessions_met.labels(where).inc(sessions)

    def _show(self, waiting: deque[Record], now_us: int) -> None:
        for partition, held in self._holder.held(now_us).items():
            self.metrics.hold(partition, held)
        due: dict[int, list[Record]] = {partition: [] for partition in range(PARTITIONS)}
        for record in waiting:
            if record.append_at_us > now_us:
                break
            due[record.partition].append(record)
        for partition, its in due.items():
            behind_s = (now_us - its[0].append_at_us) / SECOND_US if its else 0.0
            self.metrics.set_lag(partition, messages=len(its), seconds=behind_s)
        self.metrics.aged_at.set(now_us / SECOND_US - now_us / SECOND_US % 3_600)
        self.metrics.store_bytes.labels("all").set(18_000_000 + self._writer.offsets([0]).get(0, 0) * 900)


def write_scrape(metrics: Metrics, at_us: int, out: TextIO) -> None:
    """One scrape as OpenMetrics with its time, of which promtool makes blocks."""
    body, _ = metrics.render()
    stamp = f"{at_us / SECOND_US:.3f}"
    labels = 'instance="127.0.0.1:8787",job="roomwatch"'
    for line in body.decode().splitlines():
        if not line.startswith("rtc_"):
            continue
        name, _, value = line.rpartition(" ")
        named = f"{name[:-1]},{labels}}}" if name.endswith("}") else f"{name}{{{labels}}}"
        out.write(f"{named} {value} {stamp}\n")
    out.write(f"up{{{labels}}} 1 {stamp}\n")


def live(engine: Engine, now_us: int, sessions: int, out: TextIO | None = None, seed: int = 7) -> None:
    """Six hours that end now, and beside them, where scrapes are wanted, the same hours a week before."""
    rng = Random(seed)  # noqa: S311 - a simulation wants a generator with a seed
    collected = Collected(engine)
    if out is not None:
        then_us = now_us - WEEK_US
        for number, at_us in enumerate(collected.live_through(records(then_us, rng, sessions), then_us)):
            if number % SPARSE == 0:
                write_scrape(collected.metrics, at_us, out)
        counted, collected = collected.metrics, Collected(engine)
        collected.metrics = counted
    for at_us in collected.live_through(records(now_us, rng, sessions), now_us, Stall()):
        if out is not None:
            write_scrape(collected.metrics, at_us, out)
    if out is not None:
        out.write("# EOF\n")
