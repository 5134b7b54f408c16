"""The root of the collector's errors, and how they word what comes from outside."""

from __future__ import annotations

from typing import ClassVar, Final
from uuid import UUID

LISTED_MAX: Final = 5
"""A text that would list more names than this says how many there are."""


class CollectorError(Exception):
    """Something the collector cannot do, for a reason that it knows."""

    code: ClassVar[str] = "collector"
    remedy: ClassVar[str] = "Read the sentence that comes with it."
    exit_code: ClassVar[int] = 2


def named(noun: str, names: list[int] | list[UUID]) -> str:
    """Names with their noun, or how many there are."""
    if len(names) > LISTED_MAX:
        return f"{len(names)} {noun}s"
    return f"{noun}{'s' if len(names) != 1 else ''} {', '.join(map(str, names))}"


def short(text: str) -> str:
    """Text from outside, short and printable enough for an error."""
    return ascii(text if len(text) <= 120 else text[:117] + "...")


def one_line(text: str) -> str:
    """What a library says of a failure, often over several lines, as a part of ours."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:297] + "..."
