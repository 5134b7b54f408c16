"""Where reading begins in a partition that became ours: what the store says, held against what the log has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from collector.errors import OffsetBeyondEnd


class Start(NamedTuple):
    """`tracked`: the offset that the store stands at, which the first batch moves. `seek`: the record to read first.

    They differ where the log was cut off above what is stored; `lost` counts the offsets between, which nobody will
    ever read. `end` is the offset that the log's next record will have.
    """

    tracked: int
    seek: int
    end: int

    @property
    def lost(self) -> int:
        """Offsets that went before they were read."""
        return self.seek - self.tracked


def starting_points(
    topic: str,
    partitions: Iterable[int],
    stored: Mapping[int, int],
    log_start: Mapping[int, int],
    log_end: Mapping[int, int],
) -> dict[int, Start]:
    """Where to begin in each partition: at the stored offset, at the log's start without one.

    Raises OffsetBeyondEnd where the store is ahead of the log.
    """
    starts: dict[int, Start] = {}
    for partition in partitions:
        first, end = log_start[partition], log_end[partition]
        tracked = stored.get(partition, first)
        if tracked > end:
            raise OffsetBeyondEnd(topic, partition, tracked, end)
        starts[partition] = Start(tracked, max(tracked, first), end)
    return starts
