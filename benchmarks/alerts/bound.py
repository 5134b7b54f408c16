"""How fast a page could be: a detector made for each incident that counts alone, which knows what no rule can.

    make alerts-bound, or: python -m benchmarks.alerts.bound --kinds clustered --volumes 780 --seeds 1 2

It knows where the incident will be, how it grows, which share fails at its full force, and in each step what can fail
and what is usual; not when it begins. It weighs what fails in each step and region by the likelihood ratio of just that
incident begun at whichever step speaks for it most, asks about no other, and may be wrong once a month: so often its
evidence is enough in the same months without incidents. Failures are weighed in three ways, and what is reported is the
way that was fastest for an incident, chosen afterwards. Failures are seen when they happen, at the evaluation after: no
collector is late. A row tells the rule's own minutes in the same months too, and why it is hard at small services.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from benchmarks.alerts import model
from benchmarks.alerts.asked import parser_of_months
from benchmarks.alerts.judge import Verdict, judge
from benchmarks.alerts.shipped import alert_with_what_it_needs
from benchmarks.alerts.world import (
    HOUR,
    MINUTE,
    STEP_S,
    TEN_MINUTES,
    Incident,
    Numbers,
    Truth,
    growth,
    make_with_truth,
    rows,
)

Weighing = Callable[[Numbers, Numbers, Numbers], Numbers]
"""The logarithm of a likelihood ratio: of what was counted, where so much is usual, if so much more is expected."""

SEEDS: Final = (1, 2, 3, 4)
ONE_PAGE: Final = TEN_MINUTES
"""What is enough again no later than this is the same page, as with the alert."""
HALVINGS: Final = 30
"""Of what evidence may take: beyond them two scores are one."""
LEAST: Final = 1e-9
"""Of what is usual where nothing can fail."""
TEN: Final = 10
HEAD: Final = (
    f"{'failures':<12}{'an hour':>8}{'count':>7}{'found':>7}{'fastest':>9}  {'by counts, roots, any (found)':<40}"
    f"{'the rule':>9}{'ten after':>11}{'ten without':>13}"
)


def of_counts(counted: Numbers, usual: Numbers, more: Numbers) -> Numbers:
    """Of Poisson counts: nothing is better where failures are independent."""
    ratio: Numbers = counted * np.log1p(more / usual) - more
    return ratio


def of_roots(counted: Numbers, usual: Numbers, more: Numbers) -> Numbers:
    """Of their roots, as if these were normal with one variance: what is large counts for less."""
    apart = model.z(usual + more, usual)
    ratio: Numbers = apart * (model.z(counted, usual) - apart / 2)
    return ratio


def of_any(counted: Numbers, usual: Numbers, more: Numbers) -> Numbers:
    """Of whether anything failed: a burst is one, however large."""
    some = np.log(np.expm1(-usual - more) / np.expm1(-usual))
    return np.where(counted > 0, some, -more)


WEIGHED: Final[tuple[Weighing, ...]] = (of_counts, of_roots, of_any)


@dataclass
class Bound:
    """What the detectors of a kind and volume did, and what the rule did there."""

    kind: str
    volume: int
    fastest: Verdict = field(default_factory=Verdict)
    each: tuple[Verdict, ...] = field(default_factory=lambda: tuple(Verdict() for _ in WEIGHED))
    """By one way of weighing alone."""
    rule: Verdict = field(default_factory=Verdict)
    ten_after: list[float] = field(default_factory=list)
    """Minutes until an incident that counts had made ten failures fail, for each that did."""
    ten_without: float = 0
    """Times a month that ten of a stream failed within ten minutes though there was no incident."""


def bound(kind: str, volume: int, seeds: Sequence[int], days: int = 30) -> Bound:
    """How fast the incidents of some months could be found."""
    found, truths = Bound(kind, volume), []
    _, alert = alert_with_what_it_needs(STEP_S)
    for seed in seeds:
        world, truth = make_with_truth(seed, volume, kind, days)
        judge(found.rule, world, alert, model.true_at(world), STEP_S)
        truths.append((truth, [incident for incident in world.incidents if incident.counts]))
    months = [truth for truth, _ in truths]
    found.ten_without = sum(map(tens, months)) / sum(truth.months for truth in months)
    for truth, incidents in truths:
        for incident in incidents:
            minutes = [minutes_to(incident, truth, months, weigh) for weigh in WEIGHED]
            for verdict, its in zip(found.each, minutes, strict=True):
                verdict.incidents.append((incident, its))
            found.fastest.incidents.append((incident, min((its for its in minutes if its is not None), default=None)))
            found.ten_after += ten_after(incident, truth)
    return found


def minutes_to(incident: Incident, truth: Truth, months: Sequence[Truth], weigh: Weighing) -> float | None:
    """From the start of an incident to the page of the detector that is made for it; None where none comes in time."""
    quiet = [evidence(incident, month, month.ordinary[incident.stream], weigh) for month in months]
    takes = takes_for(sum(month.months for month in months), quiet)
    # It has forgotten what was an hour ago, and another incident of the stream is further away.
    first, last = max(0, incident.start - HOUR), incident.end + TEN_MINUTES
    near = truth.between(first, last)
    score = evidence(incident, near, near.failed[incident.stream], weigh)[incident.start - first :]
    enough = np.flatnonzero(score >= takes)
    # What failed in a step is scraped before the next one and evaluated there.
    return float(enough[0] + 1) / MINUTE if enough.size else None


def evidence(incident: Incident, truth: Truth, counted: Numbers, weigh: Weighing) -> Numbers:
    """The likelihood ratio's logarithm, at each step, for an incident like this that began at the likeliest step."""
    where = rows(incident.region)
    counted, usual = counted[where], np.maximum(truth.usual[incident.stream, where], LEAST)
    full = truth.exposure[incident.stream, where] * incident.share
    best: Numbers = np.full(counted.shape[1], -np.inf)
    begun = best
    for age, grown in enumerate(growth(incident.onset_min, incident.onset_min * MINUTE)):
        weighed = weigh(counted, usual, full * grown).sum(axis=0)
        begun = _later(begun, 1) + weighed if age else weighed
        best = np.maximum(best, begun)
    # From then on it is at full force: the best of all earlier beginnings goes on with the same weights.
    total = np.cumsum(weighed)
    likeliest: Numbers = np.maximum(best, total + _later(np.maximum.accumulate(begun - total), 1))
    return likeliest


def takes_for(allowed: float, quiet: Sequence[Numbers]) -> float:
    """The least that evidence may take to page no more often than that, in all months together and for nothing."""
    # Below 0 it speaks against the incident.
    below, above = 0.0, 1.0 + max(float(score.max()) for score in quiet)
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        if sum(pages(score, middle) for score in quiet) > allowed:
            below = middle
        else:
            above = middle
    return above


def pages(score: Numbers, takes: float) -> int:
    """How often a detector begins to page that asks for so much."""
    return int((np.diff(np.flatnonzero(score >= takes), prepend=-ONE_PAGE - 1) > ONE_PAGE).sum())


def ten_after(incident: Incident, truth: Truth) -> list[float]:
    """Minutes until ten failures more than usual have happened; empty where so many never do."""
    span = np.s_[incident.stream, rows(incident.region), incident.start : incident.end]
    total = np.cumsum((truth.failed[span] - truth.ordinary[span]).sum(axis=0))
    return [float(np.argmax(total >= TEN) + 1) / MINUTE] if total[-1] >= TEN else []


def tens(truth: Truth) -> int:
    """How often ten of a stream fail within ten minutes in all regions together, without an incident."""
    by_stream = truth.ordinary.sum(axis=1)
    return sum(pages(total - _later(total, TEN_MINUTES, 0), TEN) for total in np.cumsum(by_stream, axis=1))


def _later(values: Numbers, steps: int, before: float = -np.inf) -> Numbers:
    """The same so many steps later, and before that something else."""
    return np.concatenate([np.full(steps, before), values[: len(values) - steps]])


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    given = parser_of_months(__doc__, SEEDS).parse_args(arguments)
    print(f"seeds {' '.join(map(str, given.seeds))}, {given.days} days each, median minutes\n{HEAD}", flush=True)
    for kind in given.kinds:
        for volume in given.volumes:
            print(_row(bound(kind, volume, given.seeds, given.days)), flush=True)


def _row(found: Bound) -> str:
    fastest = found.fastest
    each = ", ".join(f"{_median(verdict.minutes())} ({len(verdict.minutes())})" for verdict in found.each)
    return (
        f"{found.kind:<12}{found.volume:>8}{len(fastest.that_count):>7}{len(fastest.minutes()):>7}"
        f"{_median(fastest.minutes()):>9}  {each:<40}"
        f"{_median(found.rule.minutes()):>9}{_median(found.ten_after):>11}{found.ten_without:>13.1f}"
    )


def _median(minutes: Sequence[float]) -> str:
    return f"{statistics.median(minutes):g}" if minutes else "-"


if __name__ == "__main__":
    main()
