"""Times of filters as people read them: a moment as one, so that a page shows it in its reader's zone. Pure.

-1h..   from 1 h ago on          2025-11-24T16:00:00Z..2025-11-24T16:30:00Z   from <moment> to <moment>
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

from collector.api.words import day_clock

_RELATIVE: Final = re.compile(r"(?:now)?-(?P<count>[0-9]+)(?P<unit>[smhdw])")
_UNITS: Final = {"s": "s", "m": "min", "h": "h", "d": "d", "w": "weeks"}


class Piece(NamedTuple):
    """A piece of what is said. `at`: the moment, where it is one; `text` says it in UTC."""

    text: str
    at: datetime | None = None


class Words(NamedTuple):
    """A value of a filter. `pieces`: for the eye; `text`: as one text, with times in UTC."""

    pieces: tuple[Piece, ...]
    text: str


def moment_pieces(value: str) -> tuple[Piece, ...]:
    """A time of a filter. What is relative, or meant by clocks that are told elsewhere, is no moment."""
    if relative := _RELATIVE.fullmatch(value):
        return (Piece(f"{relative['count']} {_UNITS[relative['unit']]} ago"),)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return (Piece(value),)
    if at.tzinfo is None:
        return (Piece(value.replace("T", " ")),)
    at = at.astimezone(UTC)
    return (Piece(day_clock(at), at),)


def range_pieces(value: str) -> tuple[Piece, ...]:
    """A range of times of a filter."""
    since, _, until = value.partition("..")
    if not until:
        return (Piece("from "), *moment_pieces(since), Piece(" on"))
    if not since:
        return (Piece("before "), *moment_pieces(until))
    return (Piece("from "), *moment_pieces(since), Piece(" to "), *moment_pieces(until))


def words_of(*pieces: Piece) -> Words:
    """All of it, also as one text."""
    return Words(pieces, "".join(f"{one.text} UTC" if one.at else one.text for one in pieces))
