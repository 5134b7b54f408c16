"""Other signs than the spike alert looks at, and its own: each of them alone, beside all five of the alert together.

    make alerts-tried, or: python -m benchmarks.alerts.tried --seeds 1 2 3 --false-pages 1

Each is asked how much of it there has to be for so many false pages in all months together, and then what it finds.
The caution is not learned: clusters are taken for granted. Rows as they come; the table in docs/alerts.md has them.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.alerts import model
from benchmarks.alerts.judge import Verdict, judge
from benchmarks.alerts.shipped import Alert, alert_with_what_it_needs
from benchmarks.alerts.world import MINUTE, STEP_S, STREAMS, Numbers, World, make

SEEDS: Final = (*range(1, 10), *range(201, 207), *range(401, 416))
FALSE_PAGES: Final = 13
HALVINGS: Final = 30
"""Of what a sign may take: beyond them two scores are one."""
HEAD: Final = f"{'sign':<50}{'recall':>7}{'precision':>10}{'min p50':>8}{'takes':>8}{'false':>6}{'again':>6}"

Scores = NDArray[np.float32]
"""How much there is of a sign, [stream, step]; less than nothing where it says nothing."""


class Sign(Protocol):
    """Something that rises when sessions fail more than usual."""

    def score(self, world: World, expected: Numbers) -> Numbers:
        """How much there is of it, [stream, step], where so much is expected in ten minutes."""
        ...


@dataclass(frozen=True)
class Counts:
    """The z of some minutes at once, in the region that has most or in all of them."""

    minutes: int
    against: float = 3.0
    """Times the expected."""

    def score(self, world: World, expected: Numbers) -> Numbers:
        """How much there is of it."""
        counted = model.failures(world, self.minutes * 60 + 1)
        excess = model.z(counted, self.minutes / 10 * self.against * expected)
        score: Numbers = np.fmax.reduce(excess, axis=1)
        return score


@dataclass(frozen=True)
class Pieces:
    """So many pieces of time in each region: summed where the sum is above 0, all regions together."""

    number: int
    minutes: int = 1
    """How long a piece is."""
    every: int = 1
    """Steps from one piece to the next."""
    against: float = 4.0
    """Times the expected."""
    logarithm: bool = False
    """Of a count over what it is held against, where others take twice the difference of roots."""
    most: float = np.inf
    """What a piece is cut at."""
    fades: float = 1.0
    """What a piece weighs of the one after it."""
    without_worst: bool = False
    """Whether the region that has most is left out."""
    by_increase: bool = False
    """Whether pieces are what `increase` gives, in half a minute more than they are long, and not differences."""

    def score(self, world: World, expected: Numbers) -> Numbers:
        """How much there is of it."""
        piece = np.minimum(self._excess(world, expected[:, : model.ALL]), self.most)
        known = np.nan_to_num(piece)
        summed = sum(self.fades**age * model.offset(known, age * self.every) for age in range(self.number))
        by_region = np.where(np.isnan(piece), np.nan, np.maximum(summed, 0))
        total = model.over_regions(by_region)
        if self.without_worst:
            total = total - np.fmax.reduce(by_region, axis=1)
        return total

    def _excess(self, world: World, expected: Numbers) -> Numbers:
        counted = self._counted(world)
        usual = self.minutes / 10 * self.against * expected
        if self.logarithm:
            return np.log((counted + 3 / 8) / (usual + 3 / 8))
        return model.z(counted, usual)

    def _counted(self, world: World) -> Numbers:
        if not self.by_increase:
            return model.delta(world, self.minutes * MINUTE)
        longer = self.minutes * 60 + STEP_S
        return self.minutes * 60 / longer * model.failures(world, longer + 1)[:, : model.ALL]


@dataclass(frozen=True)
class Shipped:
    """The alert itself."""

    def score(self, world: World, _: Numbers) -> Numbers:
        """How much there is of it."""
        return model.spike_score(world)


LONG_PIECES: Final = Pieces(5, minutes=2, every=2 * MINUTE, against=3, by_increase=True)
THIS_ONE: Final = "this one, all five signs"
TRIED: Final[dict[str, Sign]] = {
    "3 minutes": Counts(3),
    "10 minutes": Counts(10),
    "5 pieces of 2 minutes, by increase": LONG_PIECES,
    "the same, logarithms": replace(LONG_PIECES, logarithm=True),
    "6 minutes, each once, logarithms": Pieces(6, every=MINUTE, logarithm=True),
    "the same, 1.5 at most": Pieces(6, every=MINUTE, logarithm=True, most=1.5),
    "10 minutes, each once, logarithms, fading": Pieces(10, every=MINUTE, logarithm=True, fades=0.9),
    "3 minutes, 1 at most": Pieces(6, most=1),
    "4 minutes, 1 at most": Pieces(8, most=1),
    "5 minutes, 1 at most": Pieces(10, most=1),
    "5 minutes, 2 at most": Pieces(10, most=2),
    "5 minutes, 3 at most": Pieces(10, most=3),
    "5 minutes, not cut": Pieces(10),
    "7 minutes, 1 at most": Pieces(14, most=1),
    "7 minutes, 1.5 at most": Pieces(14, most=1.5),
    "7 minutes, 3 at most": Pieces(14, most=3),
    "7 minutes, not cut": Pieces(14),
    "5 minutes, 2 at most, against three times": Pieces(10, most=2, against=3),
    "7 minutes, 1 at most, against three times": Pieces(14, most=1, against=3),
    "10 minutes, 1.5 at most": Pieces(20, most=1.5),
    "4 minutes but for the worst region, logarithms": Pieces(8, logarithm=True, without_worst=True),
    THIS_ONE: Shipped(),
}


def months(volume: int, seeds: Iterable[int], days: int) -> tuple[list[World], dict[str, list[Scores]]]:
    """Worlds, as far as a judge reads them, and the scores that each sign gives in them."""
    worlds, scores = [], {name: list[Scores]() for name in TRIED}
    for seed in seeds:
        world = make(seed, volume, "clustered", days)
        expected = model.expected10m(world)
        for name, sign in TRIED.items():
            scores[name].append(scored(world, sign, expected))
        nothing = np.zeros((0, 0))
        worlds.append(replace(world, attempts=nothing, failures=nothing, live=nothing, lag=nothing))
    return worlds, scores


def scored(world: World, sign: Sign, expected: Numbers) -> Scores:
    """What a sign says of a world, and nothing while the collector lags."""
    score = np.where(model.lags(world), np.nan, sign.score(world, expected))
    return np.nan_to_num(score, nan=-1.0).astype(np.float32)


def verdict_at(takes: float, worlds: Sequence[World], scores: Sequence[Scores], alert: Alert) -> Verdict:
    """What a sign that pages above so much did in some worlds."""
    verdict = Verdict()
    for world, score in zip(worlds, scores, strict=True):
        fires = zip(STREAMS, score > takes, strict=True)
        true_at = {(stream.phase, stream.code): set(np.flatnonzero(steps).tolist()) for stream, steps in fires}
        judge(verdict, world, alert, true_at, STEP_S)
    return verdict


def least_for(false_pages: int, worlds: Sequence[World], scores: Sequence[Scores], alert: Alert) -> float:
    """The least that a sign may take to page falsely so often at the most."""
    below, above = 0.0, float(max(score.max() for score in scores))
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        if verdict_at(middle, worlds, scores, alert).false.total() > false_pages:
            below = middle
        else:
            above = middle
    return above


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--volume", type=int, default=3_120, help="attempts an hour")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--false-pages", type=int, default=FALSE_PAGES, help="of a sign in all months together")
    given = parser.parse_args(arguments)
    worlds, scores = months(given.volume, given.seeds, given.days)
    _, alert = alert_with_what_it_needs(STEP_S)
    number = sum(incident.counts for world in worlds for incident in world.incidents)
    print(
        f"clustered, {given.volume} an hour, seeds {' '.join(map(str, given.seeds))}, {given.days} days each, ", end=""
    )
    print(f"{number} incidents that count\n{HEAD}")
    for name, of_sign in scores.items():
        takes = least_for(given.false_pages, worlds, of_sign, alert)
        print(_row(name, takes, verdict_at(takes, worlds, of_sign, alert)), flush=True)
    # A score above 1 is what the rule takes, as it is shipped.
    print(_row("the same, as shipped", 1, verdict_at(1, worlds, scores[THIS_ONE], alert)))


def _row(name: str, takes: float, verdict: Verdict) -> str:
    minutes = f"{statistics.median(verdict.minutes()):g}" if verdict.minutes() else "-"
    return (
        f"{name:<50}{verdict.recall:>7.2f}{verdict.precision:>10.2f}{minutes:>8}{takes:>8.2f}"
        f"{verdict.false.total():>6}{verdict.repeated:>6}"
    )


if __name__ == "__main__":
    main()
