"""Names as people know them and as clients told them: where these are hashed, a question is about both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from collector.store.questions import NamedFilters

Hashed = Callable[[str], str | None]
"""What a client tells in place of a name; the key is its maker's secret."""

Filters = TypeVar("Filters", bound=NamedFilters)


def meant_by(word: str, hashed: Hashed | None) -> tuple[str, ...]:
    """The word, and its hash where there is a key: not every client need hash, and none did before it began to."""
    told = hashed(word) if hashed is not None and word else None
    return (word,) if told is None else (word, told)


def as_told(filters: Filters, hashed: Hashed | None) -> Filters:
    """The filters, with identities and names of rooms as clients may have told them."""
    if hashed is None or not (filters.identity or filters.room_name):
        return filters
    identity, room_name = (
        tuple(dict.fromkeys(told for word in words for told in meant_by(word, hashed)))
        for words in (filters.identity, filters.room_name)
    )
    return replace(filters, identity=identity, room_name=room_name)
