"""What is seen of a timeline, and where its buttons lead."""

from datetime import UTC, datetime
from typing import Final

import pytest

from collector.api.windows import query_of, window
from collector.errors import BadFilter
from collector.store.questions import Span
from session_core.instants import us_from_utc

S: Final = 1_000_000
NOON: Final = us_from_utc(datetime(2026, 11, 24, 12, tzinfo=UTC))
WHOLE: Final = Span(NOON, NOON + 1_000 * S)


def _steps(since_s: int, until_s: int) -> dict[str, str | None]:
    return {step.name: step.query for step in window(WHOLE, NOON + since_s * S, NOON + until_s * S).steps}


def _query(since_s: float, until_s: float) -> str:
    return query_of(Span(NOON + round(since_s * S), NOON + round(until_s * S)))


def test_the_whole_can_only_be_looked_at_closer() -> None:
    assert _steps(0, 1_000) == {
        "earlier": None, "later": None, "closer": _query(250, 750), "wider": None, "whole": None,
    }  # fmt: skip


def test_a_part_can_be_moved_and_left_again() -> None:
    assert _steps(400, 600) == {
        "earlier": _query(300, 500),
        "later": _query(500, 700),
        "closer": _query(450, 550),
        "wider": _query(300, 700),
        "whole": "?",
    }


def test_at_an_edge_it_does_not_move_on_and_wider_than_all_is_all() -> None:
    assert _steps(0, 600) == {
        "earlier": None, "later": _query(300, 900), "closer": _query(150, 450), "wider": "?", "whole": "?",
    }  # fmt: skip


def test_what_lies_outside_is_cut_to_what_there_is() -> None:
    assert window(WHOLE, NOON - 900 * S, NOON + 9_000 * S).zoomed is False
    assert window(WHOLE, NOON + 1_500 * S, NOON + 1_600 * S).span == Span(NOON + 900 * S, NOON + 1_000 * S)


def test_nothing_is_seen_closer_than_a_second() -> None:
    assert window(WHOLE, NOON, NOON + 1).span == Span(NOON, NOON + S)


def test_an_end_before_its_begin_is_refused() -> None:
    with pytest.raises(BadFilter):
        window(WHOLE, NOON + 5 * S, NOON)


def test_a_query_says_milliseconds() -> None:
    assert _query(0, 1.5) == "?from=2026-11-24T12:00:00.000Z&to=2026-11-24T12:00:01.500Z"
