"""A batch before it is taken: what bounds it, its records, and what came with them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from collector.ingest.decode import Record
from collector.ingest.sending import Header
from collector.ingest.yielding import let_go

_offset: Final = attrgetter("offset")


@dataclass(frozen=True)
class Limits:
    """What bounds a batch, and the group's patience with a silent member."""

    records_max: int = 50_000
    bytes_max: int = 64 * 1024 * 1024
    wait_s: float = 0.1
    session_timeout_s: float = 30.0


class Gathered:
    """Records of a batch, and what came with them."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._bytes = 0
        self._raws: dict[int, list[Any]] = {}

    def has_room(self, limits: Limits) -> bool:
        """Whether more may be added."""
        return len(self.records) < limits.records_max and self._bytes < limits.bytes_max

    def add(self, partition: int, raws: Sequence[Any], records: Sequence[Record]) -> None:
        """Records of a partition that follow those that were added, as they came and as they are stored."""
        self.records += records
        self._bytes += sum(len(record.value) for record in records if record.value is not None)
        self._raws.setdefault(partition, []).extend(raws)

    def headers(self, partition: int, offset: int) -> Sequence[Header]:
        """The headers that a record came with."""
        raws = self._raws.get(partition, ())
        at = bisect_left(raws, offset, key=_offset)
        return tuple(raws[at].headers) if at < len(raws) and raws[at].offset == offset else ()

    def let_go(self) -> None:
        """Lets all of it go, which may take a thread of its own: see yielding.py."""
        let_go(self.records)
        for raws in self._raws.values():
            let_go(raws)
