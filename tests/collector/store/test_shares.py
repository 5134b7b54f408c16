"""Intervals of shares, against values of the literature."""

import pytest

from collector.store.shares import interval


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
