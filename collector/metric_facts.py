"""What the collector's metrics are counted from. The metrics themselves are in metrics.py."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class Difference(Protocol):
    """What one batch changed about one session, as the rollups and the counters see it.

    `kind`: started, joined, outage, outage_ended or ended. `sign` +1 tells a fact, -1 takes back what was told before;
    `restates` marks such pairs that tell the same fact with another date, sum or dimension. `at_us` is corrected time.
    `code` is -1, the others are empty where there is none. `a` of outage: 1 where it is a flap; of outage_ended: ms of
    downtime; of ended: ms connected, and `b` ms reconnecting.
    """

    # Each is explained above.
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def sign(self) -> int: ...  # noqa: D102
    @property
    def restates(self) -> bool: ...  # noqa: D102
    @property
    def at_us(self) -> int: ...  # noqa: D102
    @property
    def code(self) -> int: ...  # noqa: D102
    @property
    def cause(self) -> str: ...  # noqa: D102
    @property
    def outcome(self) -> str: ...  # noqa: D102
    @property
    def fate(self) -> str: ...  # noqa: D102
    @property
    def region(self) -> str: ...  # noqa: D102
    @property
    def sdk(self) -> str: ...  # noqa: D102
    @property
    def sdk_version(self) -> str: ...  # noqa: D102
    @property
    def app_version(self) -> str: ...  # noqa: D102
    @property
    def a(self) -> int: ...  # noqa: D102
    @property
    def b(self) -> int: ...  # noqa: D102
    @property
    def session_id(self) -> UUID: ...  # noqa: D102
