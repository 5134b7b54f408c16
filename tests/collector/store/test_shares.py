"""Intervals of shares, against values of the literature."""

from fractions import Fraction
from math import comb

import pytest

from collector.store.shares import Share, difference_interval, holm, interval, p_value


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_the_literature(count: int, of: int, low: float, high: float) -> None:
    found = interval(count, of)
    assert found is not None
    assert found == pytest.approx((low, high), abs=5e-5)


def test_all_of_few_is_less_than_all_of_many() -> None:
    few, many = interval(3, 3), interval(3_000, 3_000)
    assert few is not None
    assert many is not None
    assert few[1] == many[1] == 1.0
    assert few[0] < 0.5
    assert many[0] > 0.99


def test_there_is_no_interval_of_nothing() -> None:
    assert interval(0, 0) is None


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        # The same paper's sequel, table II, method 10.
        (Share(56, 70), Share(48, 80), 0.0524, 0.3339),
        (Share(9, 10), Share(3, 10), 0.1705, 0.8090),
        (Share(6, 7), Share(2, 7), 0.0582, 0.8062),
        (Share(5, 56), Share(0, 29), -0.0381, 0.1926),
        (Share(0, 10), Share(0, 20), -0.1611, 0.2775),
        (Share(10, 10), Share(0, 10), 0.6075, 1.0000),
    ],
)
def test_intervals_of_differences_are_those_of_the_literature(
    one: Share, other: Share, low: float, high: float
) -> None:
    assert difference_interval(one, other) == pytest.approx((low, high), abs=5e-5)


def test_there_is_no_difference_from_nothing() -> None:
    assert difference_interval(Share(1, 2), Share(0, 0)) is None


def _fisher(one: Share, other: Share) -> Fraction:
    """Twice the smaller tail, by counting."""
    marked, whole = one.part + other.part, one.of + other.of

    def chance(k: int) -> Fraction:
        return Fraction(comb(marked, k) * comb(whole - marked, one.of - k), comb(whole, one.of))

    possible = range(max(0, one.of + marked - whole), min(one.of, marked) + 1)
    tails = (
        sum((chance(k) for k in possible if k <= one.part), Fraction()),
        sum((chance(k) for k in possible if k >= one.part), Fraction()),
    )
    return min(Fraction(1), 2 * min(tails))


def test_chances_are_those_that_counting_gives() -> None:
    pairs = [(Share(a, n), Share(b, m)) for n in (1, 5, 9) for m in (1, 7) for a in range(n + 1) for b in range(m + 1)]
    assert len(pairs) == 180
    assert [p_value(*pair) for pair in pairs] == [pytest.approx(float(_fisher(*pair)), abs=1e-12) for pair in pairs]


def test_chances_of_a_million_are_told() -> None:
    assert p_value(Share(1_000, 100_000), Share(9_000, 900_000)) == 1.0
    assert 1e-4 < p_value(Share(1_120, 100_000), Share(9_000, 900_000)) < 1e-3
    assert p_value(Share(100_000, 100_000), Share(0, 900_000)) == 0.0


def test_the_more_is_looked_at_the_less_one_finding_says() -> None:
    # Worked by hand: 4 x 0.01, then 3 x 0.015 raised to it; 2 x 0.03, then 0.04 raised to that.
    assert holm([0.04, 0.01, 0.03, 0.015]) == pytest.approx([0.06, 0.04, 0.06, 0.045])
    assert holm([]) == []
