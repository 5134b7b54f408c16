"""Thirty days of a service as its collector would count them, with the truth about what was an incident.

Nothing here knows a rule. What the numbers are made of:

    rhythm      by day and by week, each region in its own time; exposure is Poisson about it
    failures    Poisson about a share of the exposure, one stream for each phase and code
    clusters    only in the kind "clustered": the share wanders (an hour, a day), three in ten failures come in bursts
                of one office or network, 2 to 40 within four minutes
    releases    change a share for good, by up to 1.6 either way: not an incident
    surges      three to five times the traffic; rooms of 300 to 500 that their host ends
    collector   restarts (counters from 0), stalls of all or half of the partitions with catch-up, ten minutes without;
                what is older than 15 minutes when it is read is in no counter, as in the real one
    incidents   one stream, one region or all, 5 to 90 minutes, from hardly visible to a third of the attempts
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Random = np.random.Generator

STEP_S: Final = 30
DAY: Final = 86_400 // STEP_S
HOUR: Final = DAY // 24
MINUTE: Final = 2
TEN_MINUTES: Final = 10 * MINUTE
START: Final = 1_700_438_400
"""A Monday, 00:00 UTC."""
REGIONS: Final = {"us1": 0.5, "ie1": 0.35, "sg1": 0.15}
HOURS_AHEAD: Final = {"us1": -6, "ie1": 0, "sg1": 8}
LATE: Final = 15 * MINUTE
CATCH_UP: Final = 2 * MINUTE
WATCHED_FROM: Final = DAY
"""No incident begins on the first day; a page on it is a false alarm all the same."""
LIFE_H: Final = 1 / 3
"""How long a session lasts at the mean: what makes attempts into live sessions."""


class Stream(NamedTuple):
    """What can fail, and which share of its exposure usually does in ten minutes."""

    phase: str
    code: str
    share: float


# Of attempts for joins; of the sessions that live for ten minutes for sessions.
STREAMS: Final = (
    Stream("join", "53000", 0.004),
    Stream("join", "20104", 0.0003),
    Stream("session", "53002", 0.001),
    Stream("session", "53405", 0.0005),
)


@dataclass(frozen=True)
class Incident:
    """What really was wrong: a stream, where, from when until when, which share failed, and what that came to."""

    stream: int
    region: str | None
    start: int
    end: int
    share: float
    added: float
    """Failures that it is expected to add in its fullest ten minutes."""
    usual: float
    """Failures that are usual in ten minutes where it happens."""
    onset_min: int
    """Minutes from its first failures to its full force."""

    @property
    def counts(self) -> bool:
        """Whether a person would want to be woken: 20 more than usual in ten minutes, and four times the usual."""
        return self.added >= 20 and self.added >= 3 * self.usual


@dataclass
class World:
    """What Prometheus gets to see, by step of 30 s; regions and streams in the order of REGIONS and STREAMS."""

    seed: int
    volume: int
    kind: str
    days: int
    attempts: Numbers
    """Counted in this step, [region, step]."""
    failures: Numbers
    """Counted in this step, [stream, region, step]."""
    live: Numbers
    lag: Numbers
    """[partition, step]."""
    resets: list[int] = field(default_factory=list)
    missing: set[int] = field(default_factory=set)
    incidents: list[Incident] = field(default_factory=list)
    disturbances: list[tuple[str, int, int]] = field(default_factory=list)
    """What a rule might take for an incident: what, from, until."""


@dataclass(frozen=True)
class Truth:
    """What is behind a world and nobody who watches it knows; [stream, region, step]."""

    exposure: Numbers
    """What is expected to be able to fail in this step."""
    usual: Numbers
    """Failures that are expected in this step, without incidents."""
    ordinary: Numbers
    """Failures that happened without incidents, when they happened: no collector is late here."""
    failed: Numbers
    """Those of incidents with them."""

    @property
    def months(self) -> float:
        """How long it is, in months of thirty days."""
        steps: int = self.usual.shape[-1]
        return steps / (30 * DAY)

    def between(self, first: int, last: int) -> Truth:
        """From one step to before another."""
        return Truth(*(part[..., first:last] for part in (self.exposure, self.usual, self.ordinary, self.failed)))


def make(seed: int, volume: int, kind: str, days: int = 30) -> World:
    """A world of so many attempts an hour at the mean; the same for the same arguments."""
    return make_with_truth(seed, volume, kind, days)[0]


def make_with_truth(seed: int, volume: int, kind: str, days: int = 30) -> tuple[World, Truth]:
    """The same world, and what is behind it."""
    random = np.random.default_rng([seed, volume, kind == "clustered"])
    steps = days * DAY
    attempts, failures, live, lag = (np.zeros(shape) for shape in _shapes(steps))
    world = World(seed, volume, kind, days, attempts, failures, live, lag)
    traffic = _rhythm(steps) * volume / HOUR
    _surge(world, traffic, random)
    happened = random.poisson(traffic).astype(float)
    world.live = _live_sessions(world, traffic, random)
    exposure = _exposure(world, traffic)
    usual = _usual(world, exposure, random)
    ordinary = _baseline(world, usual, random)
    failed = ordinary.copy()
    _strike(world, exposure, usual, failed, random)
    _collect(world, happened, failed, random)
    return world, Truth(exposure, usual, ordinary, failed)


def rows(region: str | None) -> list[int]:
    """Where in an array a region is; all of them for none."""
    return [list(REGIONS).index(region)] if region else list(range(len(REGIONS)))


def growth(onset_min: int, steps: int) -> Numbers:
    """Of its full force, what an incident has in each of its first steps."""
    grown: Numbers = np.minimum(1, np.arange(1, steps + 1) / (onset_min * MINUTE))
    return grown


def _shapes(steps: int) -> list[tuple[int, ...]]:
    regions = len(REGIONS)
    return [(regions, steps), (len(STREAMS), regions, steps), (regions, steps), (2, steps)]


def _rhythm(steps: int) -> Numbers:
    """The share of the mean traffic that each region has in each step; 1 in all at the mean."""
    hours = np.arange(steps) / HOUR
    rows = []
    for region, share in REGIONS.items():
        local = hours + HOURS_AHEAD[region]
        by_day = 6 + 7 * (1 + np.sin((local - 9) / 24 * 2 * np.pi))
        by_week = np.where((local // 24) % 7 >= 5, 0.55, 1.0)
        rows.append(share * by_day * by_week)
    shape = np.stack(rows)
    scaled: Numbers = shape / shape.sum(axis=0).mean()
    return scaled


def _surge(world: World, traffic: Numbers, random: Random) -> None:
    for _ in range(world.days // 2):
        start = int(random.integers(HOUR, world.days * DAY - DAY // 4))
        end = start + int(random.integers(10, 41)) * MINUTE
        traffic[:, start:end] *= random.choice([3.0, 4.0, 5.0])
        world.disturbances.append(("surge", start, end))


def _live_sessions(world: World, traffic: Numbers, random: Random) -> Numbers:
    """Attempts of the last sessions' life, smoothed as lives are, with rooms that are ended at once."""
    keep = 1 - 1 / (LIFE_H * HOUR)
    live = np.empty_like(traffic)
    level = traffic[:, 0] * LIFE_H * HOUR
    for step in range(traffic.shape[1]):
        level = level * keep + traffic[:, step]
        live[:, step] = level
    for _ in range(world.days // 3):
        start = int(random.integers(DAY, world.days * DAY - DAY // 4))
        size, fill = int(random.integers(300, 501)), 45 * MINUTE
        region = int(random.integers(len(REGIONS)))
        live[region, start - fill : start] += size * np.minimum(1, np.arange(fill) / (10 * MINUTE))
        world.disturbances.append(("room ended", start, start + MINUTE))
    wobble = random.normal(0, 1, live.shape) * np.sqrt(live) * 0.3
    rounded: Numbers = np.maximum(0, np.round(live + wobble))
    return rounded


def _wander(steps: int, sigma: float, memory_h: float, random: Random) -> Numbers:
    """A logarithm that wanders about 0 and forgets within so many hours; drawn every five minutes."""
    every = 5 * MINUTE
    keep = float(np.exp(-every / HOUR / memory_h))
    pushes = random.normal(0, sigma * np.sqrt(1 - keep**2), steps // every + 1)
    value, values = float(random.normal(0, sigma)), []
    for push in pushes:
        value = value * keep + float(push)
        values.append(value)
    return np.repeat(np.array(values), every)[:steps]


def _exposure(world: World, traffic: Numbers) -> Numbers:
    """What can fail in each step, [stream, region, step]: attempts for joins, live sessions for sessions."""
    lived = world.live / TEN_MINUTES
    return np.stack([traffic if stream.phase == "join" else lived for stream in STREAMS])


def _usual(world: World, exposure: Numbers, random: Random) -> Numbers:
    """Failures that are usual in each step, [stream, region, step]."""
    steps = exposure.shape[-1]
    usual = np.empty_like(exposure)
    for index, stream in enumerate(STREAMS):
        usual[index] = exposure[index] * stream.share
        if world.kind == "clustered":
            usual[index] *= np.exp(_wander(steps, 0.25, 1.5, random) + _wander(steps, 0.2, 24, random))
            for region in range(len(REGIONS)):
                usual[index, region] *= np.exp(_wander(steps, 0.2, 1.5, random))
    for _ in range(world.days // 4):
        start, index = int(random.integers(DAY, steps)), int(random.integers(len(STREAMS)))
        usual[index, :, start:] *= float(np.exp(random.uniform(-0.47, 0.47)))
        world.disturbances.append(("release", start, start + HOUR))
    return usual


def _baseline(world: World, usual: Numbers, random: Random) -> Numbers:
    if world.kind != "clustered":
        return random.poisson(usual).astype(float)
    failed = random.poisson(usual * 0.7).astype(float)
    for index in range(len(STREAMS)):
        for region in range(len(REGIONS)):
            expected = usual[index, region] * 0.3
            size_at_the_mean = 5.0
            starts = np.flatnonzero(random.poisson(expected / size_at_the_mean))
            for start in starts:
                size = min(40, 1 + int(random.geometric(1 / (size_at_the_mean - 1))))
                length = float(np.exp(random.uniform(np.log(0.5), np.log(4)))) * MINUTE
                at = start + (random.random(size) * length).astype(int)
                np.add.at(failed[index, region], at[at < failed.shape[2]], 1)
    return failed


def _strike(world: World, exposure: Numbers, usual: Numbers, failed: Numbers, random: Random) -> None:
    """About 40 incidents in 30 days, never two of a stream within three hours."""
    free_from = [WATCHED_FROM] * len(STREAMS)
    step = WATCHED_FROM
    while True:
        step += int(random.exponential(DAY * 0.7)) + TEN_MINUTES
        if step > world.days * DAY - DAY // 4:
            return
        index = int(random.integers(len(STREAMS)))
        length = int(np.exp(random.uniform(np.log(5), np.log(90))) * MINUTE)
        start = max(step, free_from[index])
        end = start + length
        if end > world.days * DAY - DAY // 8:
            return
        free_from[index] = end + 3 * HOUR
        region = random.choice([*REGIONS]) if random.random() < 0.6 else None
        where = rows(region)
        is_join = STREAMS[index].phase == "join"
        share = float(np.exp(random.uniform(np.log(0.02), np.log(0.35 if is_join else 0.2))))
        onset_min = int(random.choice([1, 1, 5, 10]))
        more = exposure[index, where, start:end] * share * growth(onset_min, length)
        failed[index, where, start:end] += random.poisson(more)
        window = min(TEN_MINUTES, length)
        added = float(np.convolve(more.sum(axis=0), np.ones(window), "valid").max())
        ordinary = float(usual[index, where, start : start + TEN_MINUTES].sum())
        world.incidents.append(Incident(index, region, start, end, share, added, ordinary, onset_min))


def _collect(world: World, happened: Numbers, failed: Numbers, random: Random) -> None:
    """What the collector counts of it, and when."""
    world.attempts, world.failures = happened.copy(), failed.copy()
    for _ in range(world.days // 3):
        start = int(random.integers(2 * HOUR, world.days * DAY - DAY // 4))
        _restart(world, start, 2)
    for number in range(world.days // 2):
        start = int(random.integers(2 * HOUR, world.days * DAY - DAY // 4))
        gone = number % 3 == 0
        length = 10 * MINUTE if gone else int(random.integers(5, 31)) * MINUTE
        whole = gone or random.random() < 0.6
        _stall(world, start, start + length, 1.0 if whole else 0.5, random)
        if gone:
            _restart(world, start, length)


def _restart(world: World, start: int, length: int) -> None:
    world.resets.append(start)
    world.missing.update(range(start, start + length))
    world.disturbances.append(("restart", start, start + length))


def _stall(world: World, start: int, end: int, share: float, random: Random) -> None:
    """What happens from start to end is read, and counted where it is not too old, in the minutes after."""
    partitions = [0, 1] if share == 1 else [1]
    waiting = np.arange(1, end - start + 1) * STEP_S
    world.lag[partitions, start:end] = np.maximum(world.lag[partitions, start:end], waiting)
    falling = waiting[-1] * (1 - np.arange(1, CATCH_UP + 1) / CATCH_UP)
    world.lag[partitions, end : end + CATCH_UP] = np.maximum(world.lag[partitions, end : end + CATCH_UP], falling)
    for counted in (world.attempts, *world.failures):
        held = random.binomial(counted[:, start:end].astype(int), share)
        counted[:, start:end] -= held
        fresh = held[:, -LATE:].sum(axis=1)
        for row, number in enumerate(fresh):
            counted[row, end : end + CATCH_UP] += random.multinomial(number, [1 / CATCH_UP] * CATCH_UP)
    world.disturbances.append(("stall", start, end + CATCH_UP))
