"""The address of a list that is asked for with filters and a time, and the addresses that ask something near it. Pure.

An address is always the same for the same question: its filters stand in one order, and what is so by default is left
out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, Self
from urllib.parse import urlencode

UNTIL: Final = "now"


class Address:
    """The filters and the time of one address; `path`, `names` of filters in order, and `usual` time are the list's.

    `kept`: what goes along unchanged, such as by whose clocks days are meant.
    """

    path: ClassVar[str]
    names: ClassVar[tuple[str, ...]]
    usual: ClassVar[str]

    def __init__(
        self,
        filters: Iterable[tuple[str, str]],
        since: str | None = None,
        until: str = UNTIL,
        kept: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.filters = tuple(dict.fromkeys(filters))
        self.since, self.until = self.usual if since is None else since, until
        self.kept = tuple(kept)

    @property
    def time(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """What another one of the same time is made of, beside its filters."""
        return self.since, self.until, self.kept

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What stands in the address, in order, without what is so by default."""
        said = [(name, value) for place in self.names for name, value in self.filters if name == place]
        said += [("since", self.since)] if self.since != self.usual else []
        said += [("until", self.until)] if self.until != UNTIL else []
        return [*said, *self.kept]

    @property
    def href(self) -> str:
        """The address itself."""
        return f"{self.path}?{urlencode(self.pairs)}" if self.pairs else self.path

    def adding(self, name: str, *values: str) -> str:
        """The same, and only those with one of these values."""
        others = (one for one in self.filters if one[0] != name)
        return self._with([*others, *((name, value) for value in values)]).href

    def also(self, name: str, value: str) -> str:
        """The same, and those with this value too."""
        return self._with([*self.filters, (name, value)]).href

    def without(self, name: str, value: str) -> str:
        """The same without this filter."""
        return self._with(one for one in self.filters if one != (name, value)).href

    def over(self, since: str, until: str = UNTIL) -> str:
        """The same of another time."""
        return type(self)(self.filters, since, until, self.kept).href

    def of_anyone(self) -> str:
        """The same time without filters."""
        return self._with(()).href

    def has(self, name: str, value: str) -> bool:
        """Whether this is filtered by already."""
        return (name, value) in self.filters

    def _with(self, filters: Iterable[tuple[str, str]]) -> Self:
        return type(self)(filters, self.since, self.until, self.kept)
