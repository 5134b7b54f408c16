"""The simulator of alerts: worlds, the shipped rules as questions about the past, and what is held to be right."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.alerts.judge import Verdict, judge
from benchmarks.alerts.model import pieces, spike_score
from benchmarks.alerts.past import Past
from benchmarks.alerts.rules import OTHERS
from benchmarks.alerts.run import measure, measure_by_model
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


def first_day(world: World) -> World:
    """The first of a world's days."""
    return replace(
        world,
        days=1,
        attempts=world.attempts[:, :DAY],
        failures=world.failures[..., :DAY],
        live=world.live[:, :DAY],
        lag=world.lag[:, :DAY],
        resets=[step for step in world.resets if step < DAY],
    )


@pytest.mark.usefixtures("promtool")
def test_the_model_is_what_the_rules_say(tmp_path: Path) -> None:
    world = first_day(make(7, 3_120, "clustered", 2))
    assert world.resets, "a collector restarts in it"
    levels, alert = alert_with_what_it_needs(EVERY_S)
    with Past(world, tmp_path, EVERY_S) as past:
        for level in levels:
            past.store(level)
        told = past.values(alert.expression.partition("> 1")[0])
    score = spike_score(world)
    for stream, modelled in zip(STREAMS, score, strict=True):
        at_step = told[stream.phase, stream.code]
        assert set(at_step) == set(np.flatnonzero(~np.isnan(modelled)).tolist())
        ruled = np.array([at_step[step] for step in sorted(at_step)])
        # Blocks have what a rule gave last for five minutes longer, which a restart leaves in the dispersion.
        assert np.abs(modelled[sorted(at_step)] - ruled).max() < 0.002
    assert score[~np.isnan(score)].max() > 0.5


def test_the_model_judges_the_alert_alone_in_the_same_world() -> None:
    verdicts = measure_by_model(("independent", 12_480, 3, 3, EVERY_S))
    assert list(verdicts) == [ALERT]
    assert len(verdicts[ALERT].incidents) == len(make(3, 12_480, "independent", 3).incidents) > 0
    assert verdicts[ALERT].recall == 1


def test_what_an_office_does_in_one_minute_is_one_piece_however_much_it_is() -> None:
    quiet = first_day(make(7, 3_120, "clustered", 2))
    quiet.failures[:] = 0
    burst, incident = (replace(quiet, failures=quiet.failures.copy()) for _ in range(2))
    burst.failures[0, 0, 1_000] = 400
    incident.failures[0, :, 1_000:1_008] = 1
    expected = np.zeros((len(STREAMS), 4, DAY))
    of_burst, of_incident = (np.nanmax(pieces(world, expected)[0]) for world in (burst, incident))
    assert of_burst < 0.5
    assert of_incident > 1
