"""What an alert would have done to the people on duty: pages, which of them were for an incident, how late they came.

A page is for an incident when it names its phase and code and begins while it goes on or in the ten minutes after; the
first is its discovery, others are repeated. Any other page is false. Precision is of incidents that count: a page for
one too small to count is neither for a rule nor against it.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from benchmarks.alerts.shipped import Alert
from benchmarks.alerts.world import MINUTE, STEP_S, STREAMS, TEN_MINUTES, Incident, World

TrueAt = dict[tuple[str, str], set[int]]
"""Steps at which an alert's expression gave something, by phase and code."""

FOLLOWS: Final = 20 * MINUTE
"""How long after a disturbance a false page is put down to it."""


@dataclass
class Verdict:
    """Sums over worlds."""

    worlds: int = 0
    incidents: list[tuple[Incident, float | None]] = field(default_factory=list)
    """Each with the minutes from its start to its page."""
    false: Counter[str] = field(default_factory=Counter)
    """By what a false page is put down to."""
    repeated: int = 0

    @property
    def that_count(self) -> list[tuple[Incident, float | None]]:
        """Incidents that a person would want to be woken for."""
        return [(incident, minutes) for incident, minutes in self.incidents if incident.counts]

    @property
    def recall(self) -> float:
        """Of the incidents that count, the share that was found."""
        return len(self.minutes()) / max(1, len(self.that_count))

    @property
    def precision(self) -> float:
        """Of pages that are false or found an incident that counts, the share of the latter; 1 when there is none."""
        found = len(self.minutes())
        return found / (found + self.false.total()) if found + self.false.total() else 1.0

    def minutes(self, onset_min: int | None = None) -> list[float]:
        """From start to page, of incidents that count and were found; of those that began so suddenly."""
        return sorted(
            minutes
            for incident, minutes in self.that_count
            if minutes is not None and onset_min in (None, incident.onset_min)
        )

    def of_size(self, least: float, below: float) -> tuple[int, int]:
        """How many incidents that add so many failures were found, and how many there were, small ones too."""
        these = [minutes for incident, minutes in self.incidents if least <= incident.added < below]
        return sum(minutes is not None for minutes in these), len(these)


def judge(verdict: Verdict, world: World, alert: Alert, true_at: TrueAt, every_s: int) -> None:
    """Adds what an alert that is evaluated every so many seconds did in a world to a verdict."""
    found: dict[int, float] = {}
    for (phase, code), begin in sorted(_pages(alert, true_at, every_s // STEP_S), key=lambda page: page[1]):
        whose = _incident(world, phase, code, begin)
        if whose is None:
            verdict.false[_cause(world, begin)] += 1
        elif whose in found:
            verdict.repeated += 1
        else:
            found[whose] = (begin - world.incidents[whose].start) / MINUTE
    verdict.worlds += 1
    verdict.incidents += [(incident, found.get(number)) for number, incident in enumerate(world.incidents)]


def _pages(alert: Alert, true_at: TrueAt, every: int) -> Iterator[tuple[tuple[str, str], int]]:
    """`for` and `keep_firing_for` as Prometheus applies them: pages begin at these steps."""
    wait = math.ceil(alert.wait_s / STEP_S / every) * every
    keep = alert.keep_s // STEP_S
    for labels, steps in true_at.items():
        fires_until = -1
        for first, last in _runs(steps, every):
            if first <= fires_until:
                fires_until = last + keep
            elif last - first >= wait:
                yield labels, first + wait
                fires_until = last + keep


def _runs(steps: Iterable[int], every: int) -> Iterator[tuple[int, int]]:
    """Evaluations in a row, from and to."""
    for _, run in itertools.groupby(enumerate(sorted(steps)), key=lambda pair: pair[1] - pair[0] * every):
        row = [step for _, step in run]
        yield row[0], row[-1]


def _incident(world: World, phase: str, code: str, begin: int) -> int | None:
    for number, incident in enumerate(world.incidents):
        stream = STREAMS[incident.stream]
        if (stream.phase, stream.code) == (phase, code) and incident.start <= begin <= incident.end + TEN_MINUTES:
            return number
    return None


def _cause(world: World, begin: int) -> str:
    for what, start, end in world.disturbances:
        if start <= begin <= end + FOLLOWS:
            return what
    return "clusters" if world.kind == "clustered" else "chance"
