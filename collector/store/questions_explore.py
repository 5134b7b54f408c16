"""What can be asked of outages by whoever explores them. Plain values; no SQL, no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from collector.store.questions import OutageFilters, Range, Who

EXPLORED_BY: Final = (
    "region",
    "app_version",
    "sdk",
    "sdk_version",
    "platform",
    "network_type",
    "cause",
    "outcome",
    "code",
)
"""What outages are counted by, and filtered by."""

OF_CLIENTS: Final = EXPLORED_BY[:6]
"""Those of them that a client says of itself."""


@dataclass(frozen=True, slots=True)
class ExploreFilters(Who):
    """Filters of outages; the empty word asks for what was not told, of codes for outages without one.

    `lasted`: how long they were open, in ms: from the first number, which belongs to it, to the second, which does not.
    `ended_at`: when they ended, as lists of outages have it.
    """

    platform: tuple[str, ...] = ()
    network_type: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    lasted: tuple[tuple[int, int], ...] = ()
    ended_at: tuple[Range, ...] = ()

    def who(self) -> Who:
        """Those that rollups know."""
        return Who(self.region, self.sdk, self.sdk_version, self.app_version)

    def listed(self) -> OutageFilters:
        """The same, for the list of outages."""
        return OutageFilters(
            region=self.region,
            sdk=self.sdk,
            sdk_version=self.sdk_version,
            app_version=self.app_version,
            platform=self.platform,
            network_type=self.network_type,
            cause=self.cause,
            outcome=self.outcome,
            code=tuple(int(word) if word else "" for word in self.code),
            downtime_ms=tuple(Range(least, beyond - 1) for least, beyond in self.lasted),
            ended_at=self.ended_at,
        )

    @property
    def any(self) -> bool:
        """Whether anything is filtered."""
        return self != ANY_OUTAGE


ANY_OUTAGE: Final = ExploreFilters()
