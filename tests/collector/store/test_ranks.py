"""Percentiles out of counts are those of the values themselves."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.store.ranks import at_rank, rank_of


@given(st.lists(st.integers(0, 20), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_value_at_its_rank(values: list[int], percent: int) -> None:
    rank = rank_of(len(values), percent)
    value, among = at_rank(Counter(values), rank)
    assert value == sorted(values)[rank - 1]
    assert among == rank - sum(one < value for one in values)
    assert sum(one <= value for one in values) * 100 >= percent * len(values)


def test_there_is_none_beyond_the_last() -> None:
    with pytest.raises(ValueError, match="of 3 none is number 4"):
        at_rank({1: 2, 7: 1}, 4)
