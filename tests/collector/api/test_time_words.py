"""Times of filters as people read them."""

from datetime import UTC, datetime

import pytest

from collector.api.room_asking import value_words
from collector.api.time_words import Piece, moment_pieces, range_pieces, words_of

AT = datetime(2025, 11, 24, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("-1h..", "from 1 h ago on"),
        ("..yesterday", "before yesterday"),
        ("-2w..now-30m", "from 2 weeks ago to 30 min ago"),
        ("2025-11-24T16:00:00Z..", "from 24 Nov 16:00:00 UTC on"),
        ("2025-11-24T17:00:00+01:00..2025-11-25", "from 24 Nov 16:00:00 UTC to 2025-11-25"),
        ("2025-11-24T16:00..", "from 2025-11-24 16:00 on"),
    ],
)
def test_a_range_of_times_is_said_in_words(value: str, words: str) -> None:
    assert words_of(*range_pieces(value)).text == words


def test_a_moment_is_told_as_one() -> None:
    assert moment_pieces("2025-11-24T17:00:00.000+01:00") == (Piece("24 Nov 16:00:00", AT),)


@pytest.mark.parametrize("name", ["joined_at", "ended_at", "heard"])
def test_every_filter_by_times_has_moments(name: str) -> None:
    assert value_words(name, "2025-11-24T16:00:00Z..").pieces[1].at == AT


@pytest.mark.parametrize("name", ["since", "until"])
def test_every_filter_by_one_time_has_a_moment(name: str) -> None:
    assert value_words(name, "2025-11-24T16:00:00Z").pieces == (Piece("24 Nov 16:00:00", AT),)


def test_other_values_are_words() -> None:
    assert [value_words(*one).text for one in (("fate", "dropped"), ("region", ""), ("outages", "1.."))] == [
        "dropped",
        "not told",
        "1 or more",
    ]
