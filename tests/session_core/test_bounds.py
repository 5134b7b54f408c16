"""What comes from outside is cut to what can be sent, read and stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_core.bounds import INT_MAX, TEXT_MAX, clip, clip_fields, within
from session_core.events import Client


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=TEXT_MAX))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clip(text) == text


@given(st.text(max_size=2 * TEXT_MAX))
def test_any_text_becomes_one_that_every_store_takes(text: str) -> None:
    clipped = clip(text)
    assert len(clipped) == min(len(text), TEXT_MAX)
    assert clipped.encode().decode() == clipped
    assert not any(letter < " " for letter in clipped)
    assert clip(clipped) == clipped


@pytest.mark.parametrize(
    ("text", "clipped"),
    [("a\x00b\nc\x7fd", "a b c d"), ("half \ud83d", "half ?"), ("family 👨‍👩‍👧", "family 👨‍👩‍👧"), ("", "")],
)
def test_what_no_store_takes_is_replaced(text: str, clipped: str) -> None:
    assert clip(text) == clipped


def test_every_text_of_a_value_is_clipped_and_nothing_else() -> None:
    assert clip_fields(Client(sdk="x" * 99, region=None), 3) == Client(sdk="xxx")


@pytest.mark.parametrize(("number", "bounded"), [(-1, 0), (0, 0), (53000, 53000), (2**40, INT_MAX)])
def test_a_number_becomes_the_nearest_one_that_fits(number: int, bounded: int) -> None:
    assert within(number) == bounded
