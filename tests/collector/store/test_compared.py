"""A figure of two ranges."""

from collector.store.reader_kpis import compared


def test_a_difference_that_is_more_than_chance_says_so() -> None:
    told = compared("drop_free_sessions", (900, 1_000), (950, 1_000))
    assert (told.difference, told.more_than_chance) == (0.9 - 0.95, True)
    assert compared("drop_free_sessions", (90, 100), (95, 100)).more_than_chance is False


def test_a_figure_that_is_no_share_of_what_was_counted_has_a_difference_alone() -> None:
    told = compared("availability", (3_500.0, 3_600.0), (1_800.0, 3_600.0))
    assert (told.difference, told.difference_low, told.more_than_chance) == (3_500 / 3_600 - 0.5, None, None)


def test_more_drops_than_joins_are_no_share() -> None:
    told = compared("drop_rate", (12, 10), (5, 10))
    assert (told.value, told.low is None, told.difference, told.more_than_chance) == (0.5, False, 0.7, None)
