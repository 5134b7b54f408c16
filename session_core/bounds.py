"""How much of what comes from outside is taken: the bounds of the wire, and how a value is brought inside them.

What a server, an SDK or an application says may be of any length and hold any character. It is cut to size once, where
it enters a room, so that every event a room makes can be sent, decoded and stored. Nothing here raises.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

TEXT_MAX: Final = 256
"""Characters of a name, an id or a message."""

WORD_MAX: Final = 64
"""Characters of a word: a version, a region, a vendor."""

DETAIL_MAX: Final = 200
"""Characters of a sentence about what was wrong."""

INT_MAX: Final = 2**31 - 1
"""The greatest code, count or number of seconds."""

DAY_MS: Final = 86_400_000
"""The longest window: no session lives longer."""

DAY_LATEST: Final = datetime(2099, 12, 31, tzinfo=UTC)
"""The latest day that is told of: what says that it never expires expires then."""

S = TypeVar("S", bound=msgspec.Struct)


def clip(text: str, most: int = TEXT_MAX) -> str:
    """The text without what no store takes (control characters, halves of surrogate pairs), and not too long."""
    if len(text) <= most and text.isprintable():
        return text
    cut = text[:most].encode(errors="replace").decode()
    return "".join(letter if letter >= " " and letter != "\x7f" else " " for letter in cut)


def storable(text: str) -> bool:
    """Whether databases take it: no null character, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def clip_fields(value: S, most: int = TEXT_MAX) -> S:
    """The same value with every text in it clipped."""
    texts = {name: clip(field, most) for name, field in msgspec.structs.asdict(value).items() if isinstance(field, str)}
    return msgspec.structs.replace(value, **texts)


def within(number: int, most: int = INT_MAX) -> int:
    """The number, or the nearest one between 0 and `most`."""
    return min(max(number, 0), most)


def short(text: str) -> str:
    """Text from outside in quotes, short and printable enough for an error."""
    return ascii(text if len(text) <= WORD_MAX else text[: WORD_MAX - 3] + "...")


def printable(text: str) -> str:
    """A sentence that may hold text from outside, short and printable enough for an error."""
    return ascii(text if len(text) <= DETAIL_MAX else text[: DETAIL_MAX - 3] + "...")[1:-1]
