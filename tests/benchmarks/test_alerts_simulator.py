"""The simulator of alerts: worlds, the shipped rules as questions about the past, and what is held to be right."""

import re

import numpy as np
import pytest

from benchmarks.alerts.judge import Verdict, judge
from benchmarks.alerts.rules import OTHERS
from benchmarks.alerts.run import measure
from benchmarks.alerts.shipped import ALERT, Alert, alert_with_what_it_needs
from benchmarks.alerts.world import DAY, STREAMS, TEN_MINUTES, Incident, World, make

EVERY_S = 30
KEY = (STREAMS[0].phase, STREAMS[0].code)
START, END = 4_000, 4_040
MADE = [make(seed, 3_120, "clustered", 3) for seed in (1, 1, 2)]


def judged(*runs: tuple[int, int], added: float = 100) -> Verdict:
    """A verdict on an alert that is true from … to …, in a day with one incident."""
    nothing = np.zeros((3, DAY))
    incident = Incident(0, None, START, END, share=0.1, added=added, usual=1, onset_min=1)
    world = World(1, 780, "clustered", 2, nothing, np.zeros((4, 3, DAY)), nothing, nothing, incidents=[incident])
    verdict = Verdict()
    true_at = {KEY: {step for first, last in runs for step in range(first, last + 1)}}
    judge(verdict, world, Alert("", wait_s=60, keep_s=600), true_at, EVERY_S)
    return verdict


def test_a_seed_is_a_world() -> None:
    first, again, other = MADE
    assert np.array_equal(first.failures, again.failures)
    assert first.incidents == again.incidents
    assert not np.array_equal(first.failures, other.failures)


def test_nothing_is_counted_below_nothing() -> None:
    for world in MADE:
        assert world.attempts.min() >= 0
        assert world.failures.min() >= 0
        assert world.live.min() >= 0
        assert world.lag.min() >= 0


def test_a_page_comes_when_the_alert_was_true_for_as_long_as_it_waits() -> None:
    assert judged((START + 3, START + 5)).minutes() == [2.5]
    assert judged((START + 3, START + 4)).minutes() == []


def test_a_page_in_the_ten_minutes_after_an_incident_is_right_and_a_later_one_is_false() -> None:
    in_time = judged((END + TEN_MINUTES - 2, END + TEN_MINUTES))
    late = judged((END + TEN_MINUTES - 1, END + TEN_MINUTES + 1))
    assert (in_time.recall, in_time.precision) == (1, 1)
    assert (late.recall, late.precision) == (0, 0)
    assert late.false == {"clusters": 1}


def test_a_page_that_is_kept_firing_is_one_page_and_a_second_one_for_an_incident_is_a_repeat() -> None:
    assert judged((START, START + 2), (START + 20, START + 30)).repeated == 0
    assert judged((START, START + 2), (START + 30, START + 40)).repeated == 1


def test_an_incident_too_small_to_count_is_neither_for_nor_against_a_rule() -> None:
    found, missed = judged((START, START + 5), added=19), judged(added=19)
    assert found.that_count == missed.that_count == []
    assert (found.precision, missed.precision) == (1, 1)
    assert found.of_size(10, 20) == (1, 1)


def test_the_shipped_alert_is_asked_with_nothing_in_it_that_is_not_stored_before() -> None:
    levels, alert = alert_with_what_it_needs(EVERY_S)
    stored = set[str]()
    for level in levels:
        for rule in level:
            assert set(re.findall(r"\b\w+:rtc_\w+:\w+\b", rule.expression)) <= stored
        stored |= {rule.name for rule in level}
    assert set(re.findall(r"\b\w+:rtc_\w+:\w+\b", alert.expression)) <= stored
    assert (alert.wait_s, alert.keep_s) == (0, 600)


@pytest.mark.usefixtures("promtool")
def test_every_rule_is_judged_on_a_world_in_a_real_prometheus() -> None:
    verdicts = measure(("independent", 12_480, 3, 2, 300))
    assert set(verdicts) == {ALERT, *OTHERS}
    assert {verdict.worlds for verdict in verdicts.values()} == {1}
    assert verdicts["10 in 10 minutes"].false.total() > 0
