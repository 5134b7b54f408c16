"""Signs that were tried for the spike alert: what each of them is, and what it takes for so many false pages."""

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.alerts import model
from benchmarks.alerts.model import Rule, Steady
from benchmarks.alerts.shipped import alert_with_what_it_needs
from benchmarks.alerts.tried import Counts, Pieces, Shipped, Sign, least_for, scored, verdict_at
from benchmarks.alerts.world import DAY, STEP_S, STREAMS, World, make

WORLD = make(2, 12_480, "clustered", 4)
EXPECTED = model.expected10m(WORLD)
NOTHING = np.zeros((len(STREAMS), 4, DAY))


def quiet() -> World:
    """A day on which nothing fails and no collector restarts."""
    zero = np.zeros((3, DAY))
    return World(1, 780, "clustered", 1, zero, NOTHING[:, :3].copy(), zero, np.zeros((2, DAY)), resets=[0])


def highest(sign: Sign, world: World) -> float:
    return float(np.nanmax(sign.score(world, NOTHING)[0]))


@pytest.mark.parametrize("sign", [Counts(10), Pieces(14, most=1.5), Shipped()])
def test_a_sign_takes_the_least_that_pages_no_more_often_than_is_asked(sign: Sign) -> None:
    _, alert = alert_with_what_it_needs(STEP_S)
    scores = [scored(WORLD, sign, EXPECTED)]
    takes = {pages: least_for(pages, [WORLD], scores, alert) for pages in (0, 1, 3)}
    for pages, least in takes.items():
        assert verdict_at(least, [WORLD], scores, alert).false.total() <= pages
        assert verdict_at(least * 0.9999, [WORLD], scores, alert).false.total() > pages
    assert takes[0] > takes[1] > takes[3] > 0


def test_pieces_and_counts_are_those_of_the_model() -> None:
    for number, most in ((8, 1.0), (10, 2.0)):
        shipped = model.pieces(WORLD, EXPECTED, Rule(steady=(Steady(most, number, 1),)))
        tried = Pieces(number, most=most).score(WORLD, EXPECTED)
        there = ~np.isnan(tried)
        assert there.mean() > 0.9
        assert np.allclose(tried[there], shipped[there])
    both = np.fmax(Counts(3).score(WORLD, EXPECTED), Counts(10).score(WORLD, EXPECTED))
    assert np.array_equal(both, model.counts(WORLD, EXPECTED, Rule(sudden=1, many=1)), equal_nan=True)


def test_nothing_is_said_while_the_collector_lags() -> None:
    late = quiet()
    late.failures[0, :, 1_000:1_020] = 9
    there = scored(late, Counts(10), NOTHING)[0, 1_010]
    late.lag[:, 990:1_030] = 600
    assert there > 0
    assert (scored(late, Counts(10), NOTHING)[0, 991:1_030] == -1).all()


def test_what_is_in_the_worst_region_can_be_left_out() -> None:
    one, two = quiet(), quiet()
    one.failures[0, 0, 1_000:1_010] = 9
    two.failures[0, :2, 1_000:1_010] = 9
    but_for_the_worst = Pieces(4, without_worst=True)
    assert highest(but_for_the_worst, one) == 0
    assert highest(but_for_the_worst, two) == highest(Pieces(4), one) > 0


def test_a_piece_is_cut_weighed_by_its_age_and_held_against_the_expected_by_root_or_logarithm() -> None:
    burst = quiet()
    burst.failures[0, 0, 1_000] = 9
    z = 2 * (math.sqrt(9 + 3 / 8) - math.sqrt(3 / 8))
    assert highest(Pieces(1), burst) == pytest.approx(z)
    assert highest(Pieces(1, logarithm=True), burst) == pytest.approx(math.log((9 + 3 / 8) / (3 / 8)))
    assert highest(Pieces(1, most=1.5), burst) == 1.5
    assert highest(Pieces(6), burst) == pytest.approx(2 * z), "two pieces of a minute have each half of it in them"
    assert highest(Pieces(6, every=2), burst) == pytest.approx(z), "it is once in pieces that follow each other"
    assert highest(Pieces(6, fades=0.5), burst) == pytest.approx(1.5 * z)
    expected = np.full_like(NOTHING, 5)
    against = np.nanmax(replace(Pieces(1), against=2).score(burst, expected)[0])
    assert against == pytest.approx(2 * (math.sqrt(9 + 3 / 8) - math.sqrt(1 + 3 / 8)))


def test_pieces_by_increase_are_what_fails_in_so_many_minutes() -> None:
    steady = quiet()
    steady.failures[0, 0] = 1
    score = Pieces(1, minutes=2, by_increase=True).score(steady, NOTHING)[0, 1_000]
    # A window is a second longer than it says.
    assert score == pytest.approx(2 * (math.sqrt(4 * 151 / 150 + 3 / 8) - math.sqrt(3 / 8)))
