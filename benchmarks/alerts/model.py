"""The rules of the spike alert in numpy: a month of scores in seconds, where a Prometheus takes minutes.

Each function is one recording rule or a few, under the name that it has in dashboards/recording_rules.yml, at every
step of 30 seconds. An array is [stream, region, step], and the last region is all of them together; NaN is a series
that is not there. Scrapes, ranges, extrapolation and restarts are as Prometheus has them. What is simpler here: a rule
that gave nothing is gone at once, where the blocks of past.py have its last value for five minutes more.

A test holds the model to the rules. The numbers of another rule can be tried here before they are in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.alerts.judge import TrueAt
from benchmarks.alerts.past import SCRAPED_AFTER_S, counter
from benchmarks.alerts.world import HOUR, MINUTE, REGIONS, STEP_S, STREAMS, TEN_MINUTES, Numbers, World

Places = NDArray[np.int_]

ALL: Final = len(REGIONS)
"""The row of all regions together."""
LOOKBACK_S: Final = 300
LAG_S: Final = 120
DAY_OF_TILES: Final = 144
WEEK_OF_TILES: Final = 2_016
OFFSET: Final = HOUR
IS_JOIN: Final = np.array([stream.phase == "join" for stream in STREAMS])


class Steady(NamedTuple):
    """A sign of capped pieces: the most that one may be, how many in a row are summed, and what the sum takes."""

    most: float
    pieces: int
    takes: float


@dataclass(frozen=True)
class Rule:
    """The numbers of the rule, as they are shipped."""

    over: float = 3.0
    """How many times the expected is none of the alert's business, in counts."""
    sudden: float = 3.4
    many: float = 3.1
    over_pieces: float = 4.0
    steady: tuple[Steady, ...] = (Steady(1, 8, 10), Steady(2, 10, 18.8), Steady(1, 14, 11.8))
    believed: float = 2.2
    weighs: float = 100.0
    chance: float = 1.4
    caution: float = 3.3
    greater: float = 3.3


SHIPPED: Final = Rule()


def true_at(world: World, rule: Rule = SHIPPED, every_s: int = STEP_S) -> TrueAt:
    """The steps at which the alert's expression gives something, by phase and code."""
    fires = (spike_score(world, rule) > 1) & ~lags(world)
    fires[:, np.arange(fires.shape[1]) % (every_s // STEP_S) != 0] = False
    found = zip(STREAMS, fires, strict=True)
    return {(stream.phase, stream.code): set(np.flatnonzero(steps).tolist()) for stream, steps in found if steps.any()}


def lags(world: World) -> NDArray[np.bool_]:
    """Whether a collector lags or did in the last quarter of an hour, by step."""
    first, last, there = _samples(world, 900)
    late = np.concatenate([[0], np.cumsum(world.lag.max(axis=0)[there] > LAG_S)])
    lagging: NDArray[np.bool_] = late[np.maximum(last + 1, first)] > late[first]
    return lagging


def spike_score(world: World, rule: Rule = SHIPPED) -> Numbers:
    """The greatest of all signs in all regions, in what it takes to page; [stream, step]."""
    expected = expected10m(world)
    dispersion = dispersion7d(world, expected, rule)
    greater = np.sqrt(np.maximum(dispersion / rule.greater, 1))
    rises = (rule.caution - 1) / 0.5 * np.clip(dispersion - rule.chance, 0, 0.5)
    score: Numbers = np.fmax(counts(world, expected, rule) / (1 + rises), pieces(world, expected, rule)) / greater
    return score


def counts(world: World, expected: Numbers, rule: Rule = SHIPPED) -> Numbers:
    """The greater of `sudden` and `many` in all regions, in what it takes where the caution is 1."""
    sudden = z(failures(world, 181), 0.3 * rule.over * expected) / rule.sudden
    many = z(failures(world, 601), rule.over * expected) / rule.many
    most: Numbers = np.fmax.reduce(np.concatenate([sudden, many], axis=1), axis=1)
    return most


def pieces(world: World, expected: Numbers, rule: Rule = SHIPPED) -> Numbers:
    """The greatest of the signs that sum capped pieces of a minute, all regions together."""
    piece_z1m = z(delta(world, MINUTE), 0.1 * rule.over_pieces * expected[:, :ALL])
    found = np.full((len(STREAMS), piece_z1m.shape[-1]), np.nan)
    for sign in rule.steady:
        summed, number = _window(np.minimum(piece_z1m, sign.most), sign.pieces)
        found = np.fmax(found, over_regions(np.where(number > 0, np.maximum(summed, 0), np.nan)) / sign.takes)
    return found


def dispersion7d(world: World, expected: Numbers, rule: Rule = SHIPPED) -> Numbers:
    """Variance over mean of failures from five minutes to the next, by step."""
    counted = failures(world, 301)[:, :ALL]
    with np.errstate(invalid="ignore"):
        ordinary = np.where(counted <= 20 + 1.5 * expected[:, :ALL], counted, np.nan)[..., :: 5 * MINUTE]
    before = offset(ordinary, 1)
    jumps, pairs = ((ordinary - before) ** 2).reshape(-1, ordinary.shape[-1]), (ordinary + before)
    steps = world.lag.shape[1]
    squares, _ = _tiles(np.nansum(jumps, axis=0), 5 * MINUTE, WEEK_OF_TILES, steps)
    counts, _ = _tiles(np.nansum(pairs, axis=(0, 1)), 5 * MINUTE, WEEK_OF_TILES, steps)
    dispersion: Numbers = (squares + rule.believed * rule.weighs) / (counts + rule.weighs)
    return dispersion


def expected10m(world: World) -> Numbers:
    """Failures as the last day's ratio predicts them, or the floor."""
    counted, could = failures(world, 601), exposure(world)
    steps = counted.shape[-1]
    failed, _ = _tiles(capped10m(counted), TEN_MINUTES, DAY_OF_TILES, steps)
    tried, tiles = _tiles(could[..., ::TEN_MINUTES], TEN_MINUTES, DAY_OF_TILES, steps)
    history = np.where(tiles > 0, failed / np.maximum(tried, 1) * could, np.nan)
    floor = could * np.where(IS_JOIN, 0.01, 0.002)[:, None, None]
    early = np.where(history > floor, history, floor)
    known = np.where((tiles >= DAY_OF_TILES // 2) & ~np.isnan(history), history, early)
    return np.where(np.isnan(known), 0 * counted, known)


def capped10m(counted: Numbers) -> Numbers:
    """What of each tile of ten minutes may count as usual; [stream, region, tile]."""
    tiles = counted[..., ::TEN_MINUTES]
    day = np.full((*tiles.shape[:2], DAY_OF_TILES + OFFSET // TEN_MINUTES - 1), np.nan)
    padded = np.concatenate([day, tiles], axis=-1)[..., : tiles.shape[-1] + DAY_OF_TILES - 1]
    windows = np.lib.stride_tricks.sliding_window_view(padded, DAY_OF_TILES, axis=-1)
    most = 10 + 3 * _quantile(windows, 0.9)
    return np.where(tiles > most, most, tiles)


def exposure(world: World) -> Numbers:
    """What could have failed in ten minutes: attempts or sessions that were live."""
    attempts = increase(world, world.attempts, 601)
    tried = np.concatenate([attempts, attempts.sum(axis=0, keepdims=True)])
    lived = _live(world)
    return np.where(IS_JOIN[:, None, None], tried, lived)


def failures(world: World, window_s: int) -> Numbers:
    """Sessions that failed in a window."""
    by_region = np.stack([increase(world, counted, window_s) for counted in world.failures])
    return np.concatenate([by_region, by_region.sum(axis=1, keepdims=True)], axis=1)


def increase(world: World, counted: Numbers, window_s: int) -> Numbers:
    """`increase` of a counter of what was counted in each step, [region, step]."""
    first, last, there = _samples(world, window_s)
    values = np.stack([counter(world, row) for row in counted])[:, there]
    rises = np.diff(values, prepend=values[:, :1])
    total = np.cumsum(np.where(rises < 0, values, rises), axis=1)
    number = last - first + 1
    enough = number >= 2
    first, last = np.where(enough, first, 0), np.where(enough, last, 1)
    grown, at = total[:, last] - total[:, first], there * STEP_S + SCRAPED_AFTER_S
    sampled = at[last] - at[first]
    between = sampled / np.maximum(number - 1, 1)
    now = np.arange(len(number)) * STEP_S
    to_start, to_end = at[first] - (now - window_s), now - at[last]
    with np.errstate(divide="ignore", invalid="ignore"):
        to_zero = np.where(grown > 0, sampled * values[:, first] / grown, np.inf)
    to_start = np.minimum(to_start, to_zero)
    reach = sampled + np.where(to_start < 1.1 * between, to_start, between / 2)
    reach = reach + np.where(to_end < 1.1 * between, to_end, between / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(enough, grown * reach / sampled, np.nan)


def delta(world: World, steps: int) -> Numbers:
    """Sessions that failed in the last so many steps, by region alone."""
    now = _looked_up(world, np.stack([[counter(world, row) for row in counted] for counted in world.failures]))
    rises: Numbers = np.maximum(now - offset(now, steps), 0)
    return rises


def _live(world: World) -> Numbers:
    """`avg_over_time` of the live sessions, [region, step]."""
    live = _looked_up(world, world.live)
    summed, number = _window(np.concatenate([live, live.sum(axis=0, keepdims=True)]), TEN_MINUTES)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Numbers = summed / number
    return mean


def _looked_up(world: World, scraped: Numbers) -> Numbers:
    """The value that a query finds at each step: the last that was scraped, where that is not long ago."""
    first, last, there = _samples(world, LOOKBACK_S)
    return np.where(last >= first, scraped[..., there[np.maximum(last, 0)]], np.nan)


def _window(values: Numbers, number: int) -> tuple[Numbers, Numbers]:
    """`sum_over_time` and `count_over_time` of the last so many steps."""
    width = [(0, 0)] * (values.ndim - 1) + [(number, 0)]
    total = np.cumsum(np.pad(np.nan_to_num(values), width), axis=-1)
    count = np.cumsum(np.pad(~np.isnan(values), width), axis=-1)
    return total[..., number:] - total[..., :-number], count[..., number:] - count[..., :-number]


def _samples(world: World, window_s: int) -> tuple[Places, Places, Places]:
    """The first and the last scrape in a window before each step, as places in the third: the steps of all scrapes."""
    steps = np.arange(world.lag.shape[1])
    there = np.setdiff1d(steps, np.array(sorted(world.missing), dtype=int))
    at = there * STEP_S + SCRAPED_AFTER_S
    now = steps * STEP_S
    return np.searchsorted(at, now - window_s), np.searchsorted(at, now, "right") - 1, there


def _tiles(values: Numbers, width: int, number: int, steps: int) -> tuple[Numbers, Numbers]:
    """`sum_over_time` and `count_over_time` of so many tiles that ended an hour ago, at each step."""
    last = np.maximum((np.arange(steps) - OFFSET) // width, -1) + 1
    first = np.maximum(last - number, 0)
    nothing = np.zeros((*values.shape[:-1], 1))
    total = np.concatenate([nothing, np.cumsum(np.nan_to_num(values), axis=-1)], axis=-1)
    count = np.concatenate([nothing, np.cumsum(~np.isnan(values), axis=-1)], axis=-1)
    return total[..., last] - total[..., first], count[..., last] - count[..., first]


def _quantile(windows: Numbers, share: float) -> Numbers:
    """`quantile_over_time` of what is there in each window."""
    ordered = np.sort(windows, axis=-1)
    place = share * np.maximum((~np.isnan(ordered)).sum(axis=-1) - 1, 0)
    below = np.floor(place).astype(int)
    low = np.take_along_axis(ordered, below[..., None], -1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(below + 1, np.ceil(place).astype(int))[..., None], -1)[..., 0]
    between: Numbers = low + (high - low) * (place - below)
    return between


def offset(values: Numbers, steps: int) -> Numbers:
    """`offset`."""
    gone = np.full((*values.shape[:-1], min(steps, values.shape[-1])), np.nan)
    return np.concatenate([gone, values[..., : max(values.shape[-1] - steps, 0)]], axis=-1)


def over_regions(values: Numbers) -> Numbers:
    """`sum` over regions, of those that are there."""
    total: Numbers = np.where(np.isnan(values).all(axis=1), np.nan, np.nansum(values, axis=1))
    return total


def z(counted: Numbers, usual: Numbers) -> Numbers:
    """How far a count is above what is usual, by Anscombe's transformation."""
    return 2 * (np.sqrt(counted + 3 / 8) - np.sqrt(usual + 3 / 8))
