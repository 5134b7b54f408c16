"""What an address asks of outages, and the addresses that ask something near it."""

import pytest

from collector.api.exploring import (
    Asked,
    bucket_us_of,
    lasted_between,
    value_words,
    widened,
)
from collector.errors import BadFilter
from collector.store.questions import Span

SECOND_US = 1_000_000
ASKED = Asked([("outcome", "failed"), ("region", "br1"), ("region", "ie1")], since="-6h")


def test_an_address_has_its_filters_in_one_order_and_leaves_out_what_is_so_anyway() -> None:
    assert ASKED.href == "/outages?region=br1&region=ie1&outcome=failed&since=-6h"
    assert Asked([]).href == "/outages"


def test_a_click_narrows_to_one_value_and_a_form_takes_another_one_in() -> None:
    assert ASKED.adding("region", "us 1&2") == "/outages?region=us+1%262&outcome=failed&since=-6h"
    assert ASKED.also("region", "") == "/outages?region=br1&region=ie1&region=&outcome=failed&since=-6h"


def test_filters_and_time_are_taken_away_and_changed_one_by_one() -> None:
    assert ASKED.without("region", "br1") == "/outages?region=ie1&outcome=failed&since=-6h"
    assert ASKED.over("-1h") == "/outages?region=br1&region=ie1&outcome=failed"
    assert ASKED.of_anyone() == "/outages?since=-6h"


@pytest.mark.parametrize(
    ("seconds", "bucket_s"), [(5, 1), (72, 1), (3600, 60), (6 * 3600, 300), (86_400, 1800), (30 * 86_400, 43_200)]
)
def test_the_trend_has_as_many_bars_as_can_be_told_apart(seconds: int, bucket_s: int) -> None:
    assert bucket_us_of(Span(0, seconds * SECOND_US)) == bucket_s * SECOND_US


def test_a_span_is_widened_to_whole_bars() -> None:
    assert widened(Span(61, 119), 60) == Span(60, 120)
    assert widened(Span(60, 120), 60) == Span(60, 120)


def test_a_stretch_of_lengths_is_read_and_one_that_is_none_is_refused() -> None:
    assert lasted_between("4000-5000") == (4_000, 5_000)
    assert lasted_between("600000-") == (600_000, 1 << 53)
    with pytest.raises(BadFilter, match="5000-4000"):
        lasted_between("5000-4000")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("region", "br1", "br1"),
        ("region", None, "not told"),
        ("code", "", "no code"),
        ("outcome", "failed", "did not come back"),
        ("lasted", "4000-5000", "4.0 s to 5.0 s"),
        ("lasted", "600000-", "10 min and more"),
    ],
)
def test_values_are_said_as_people_read_them(name: str, value: str | None, words: str) -> None:
    assert value_words(name, value) == words
