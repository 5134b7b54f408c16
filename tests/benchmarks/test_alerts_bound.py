"""The fastest detector of incidents: what its evidence is, how often it is wrong, and when it would page."""

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.alerts.bound import (
    WEIGHED,
    Weighing,
    bound,
    evidence,
    minutes_to,
    of_any,
    of_counts,
    of_roots,
    takes_for,
    ten_after,
    tens,
)
from benchmarks.alerts.judge import Verdict, judge
from benchmarks.alerts.shipped import Alert
from benchmarks.alerts.world import (
    DAY,
    MINUTE,
    STEP_S,
    STREAMS,
    Incident,
    Numbers,
    Truth,
    World,
    growth,
    make,
    make_with_truth,
)

START, END = 9 * DAY, 9 * DAY + 40
USUAL = 0.1
INCIDENT = Incident(0, None, START, END, share=0.5, added=400, usual=6, onset_min=1)
KEY = (STREAMS[0].phase, STREAMS[0].code)


def month(seed: int, days: int = 30) -> Truth:
    """Ten that can fail and a tenth that usually does in each step and region, and an incident in every step."""
    ordinary = np.random.default_rng(seed).poisson(USUAL, (len(STREAMS), 3, days * DAY)).astype(float)
    failed = ordinary.copy()
    failed[0, :, START:END] += 5
    return Truth(np.full_like(ordinary, 10), np.full_like(ordinary, USUAL), ordinary, failed)


def false_pages(scores: list[Numbers], takes: float) -> int:
    """Pages, all of them false."""
    verdict, nothing = Verdict(), np.zeros((3, 1))
    for score in scores:
        world = World(1, 780, "independent", 30, nothing, nothing, nothing, nothing)
        judge(verdict, world, Alert("", wait_s=0, keep_s=600), {KEY: set(np.flatnonzero(score >= takes))}, STEP_S)
    return verdict.false.total()


@pytest.mark.parametrize("weigh", WEIGHED)
def test_a_huge_incident_is_found_within_its_first_minute(weigh: Weighing) -> None:
    truth = month(1)
    minutes = minutes_to(INCIDENT, truth, [truth], weigh)
    assert minutes is not None
    assert 0.5 <= minutes <= 1


@pytest.mark.parametrize("weigh", WEIGHED)
def test_an_incident_that_adds_nothing_is_not_found(weigh: Weighing) -> None:
    truth = month(1)
    assert minutes_to(INCIDENT, replace(truth, failed=truth.ordinary), [truth], weigh) is None


@pytest.mark.parametrize("weigh", WEIGHED)
@pytest.mark.parametrize("region", [None, "sg1"])
def test_it_is_wrong_once_a_month_and_in_other_months_about_as_often(weigh: Weighing, region: str | None) -> None:
    # A small incident: the evidence of one that is large is never anything else than large or small.
    small = replace(INCIDENT, region=region, share=0.02, onset_min=5)
    quiet = [evidence(small, truth, truth.ordinary[0], weigh) for truth in map(month, range(10))]
    known, others = quiet[:5], quiet[5:]
    takes = takes_for(5, known)
    assert false_pages(known, takes) == 5
    assert 1 <= false_pages(others, takes) <= 12


@pytest.mark.parametrize("weigh", WEIGHED)
def test_the_evidence_is_that_of_the_likeliest_beginning(weigh: Weighing) -> None:
    truth = month(2).between(START - 25, START + 15)
    grows = replace(INCIDENT, onset_min=5, share=0.1)
    told = evidence(grows, truth, truth.failed[0], weigh)
    for step in range(truth.usual.shape[-1]):
        of_beginnings = []
        for begun in range(step + 1):
            more = np.ones(3)[:, None] * growth(5, step + 1 - begun)
            counted = truth.failed[0, :, begun : step + 1]
            of_beginnings.append(weigh(counted, np.full_like(counted, USUAL), more).sum())
        assert told[step] == pytest.approx(max(of_beginnings))


def test_counts_are_weighed_by_the_law_of_poisson_and_a_burst_as_one() -> None:
    def law(count: int, mean: float) -> float:
        return count * math.log(mean) - mean - math.lgamma(count + 1)

    usual, more = np.array([0.3]), np.array([1.2])
    for count in (0, 1, 7):
        assert of_counts(np.array([count]), usual, more)[0] == pytest.approx(law(count, 1.5) - law(count, 0.3))
    one, burst = (of_any(np.array([count]), usual, more)[0] for count in (1, 40))
    assert one == burst == pytest.approx(math.log((1 - math.exp(-1.5)) / (1 - math.exp(-0.3))))


def test_roots_are_weighed_by_the_normal_law() -> None:
    counted, usual, full = (2 * math.sqrt(number + 3 / 8) for number in (3, 0.3, 1.5))
    ratio = ((counted - usual) ** 2 - (counted - full) ** 2) / 2
    assert of_roots(np.array([3]), np.array([0.3]), np.array([1.2]))[0] == pytest.approx(ratio)


def test_ten_failures_are_counted_from_the_start_and_in_ten_minutes() -> None:
    truth = month(3, days=10)
    assert ten_after(INCIDENT, truth) == [0.5]
    assert ten_after(replace(INCIDENT, region="sg1"), truth) == [1]
    assert ten_after(replace(INCIDENT, region="sg1", end=START + 1), truth) == []
    quiet = replace(truth, ordinary=np.zeros_like(truth.ordinary))
    quiet.ordinary[1, 0, [1_000, 1_019]] = 5
    quiet.ordinary[2, 0, [1_000, 1_020]] = 5
    quiet.ordinary[3, 2, [0, 1_000, 1_000 + 30 * MINUTE]] = 10
    assert tens(quiet) == 4


def test_what_is_behind_a_world_is_of_the_same_world() -> None:
    world, truth = make_with_truth(4, 12_480, "independent", 3)
    assert np.array_equal(world.failures, make(4, 12_480, "independent", 3).failures)
    added = truth.failed - truth.ordinary
    during = np.zeros_like(added, dtype=bool)
    for incident in world.incidents:
        during[incident.stream, :, incident.start : incident.end] = True
    assert world.incidents
    assert added[during].sum() > 0 == np.abs(added[~during]).sum()
    assert truth.ordinary.sum() == pytest.approx(truth.usual.sum(), rel=0.05)


def test_no_way_of_weighing_is_faster_than_the_fastest_and_the_rule_is_told_beside_them() -> None:
    found = bound("independent", 12_480, [3], days=3)
    assert len(found.fastest.incidents) == len(found.rule.that_count) > 0
    for number, (_, fastest) in enumerate(found.fastest.incidents):
        each = [verdict.incidents[number][1] for verdict in found.each]
        assert fastest == min(minutes for minutes in each if minutes is not None)
