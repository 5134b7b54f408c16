"""Ranges as callers write them: two ends with two dots between, either of which may be left out.

3   3..   ..7   3..7       numbers, both ends included
-1h..   2026-11-24..2026-11-25   times, the end not included, as it is for since and until
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from typing import Final

from collector.store.questions import Range
from collector.times import moment_us

NUMBERS: Final = r"^([0-9]{1,18}(\.\.[0-9]{0,18})?|\.\.[0-9]{1,18})$"
"""A number, or a range of numbers, as a pattern; that its ends are in order is for range_of() to say."""
TIMES: Final = r"\.\."
"""What every range of times holds, as a pattern."""
ENDS_FIRST: Final = "ends before it begins: the {} comes first"
_NUMBERS: Final = re.compile(NUMBERS)


def readable_range(text: str) -> str:
    """Text that range_of() understands. Raises ValueError."""
    range_of(text)
    return text


def readable_times(text: str) -> str:
    """Text that times_of() understands where a zone is told. Raises ValueError."""
    times_of(text, 0, UTC)
    return text


def range_of(text: str) -> Range:
    """A number, or a range of numbers. Raises ValueError with what is allowed."""
    if not _NUMBERS.fullmatch(text):
        raise ValueError("is no range of numbers: take 3, 3.., ..7 or 3..7")
    first, dots, last = text.partition("..")
    least = int(first) if first else None
    most = int(last) if last else None if dots else least
    if least is not None and most is not None and least > most:
        raise ValueError(ENDS_FIRST.format("smaller number"))
    return Range(least, most)


def times_of(text: str, now_us: int, zone: tzinfo | None) -> Range:
    """A range of times. Raises ValueError with what is allowed."""
    since, dots, until = text.partition("..")
    if not dots or not (since or until):
        raise ValueError("is no range of times: take -1h.., ..yesterday, or 2026-11-24..2026-11-25")
    least = moment_us(since, now_us, zone) if since else None
    most = moment_us(until, now_us, zone) - 1 if until else None
    if least is not None and most is not None and least > most:
        raise ValueError(ENDS_FIRST.format("earlier time"))
    return Range(least, most)
