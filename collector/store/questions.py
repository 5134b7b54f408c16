"""What can be asked of the store: a stretch of time and filters. Plain values; no SQL, no HTTP.

An empty tuple asks for everything. The empty word in a tuple asks for what was not told: sessions whose client never
said its region, say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Fate = Literal[
    "connecting",
    "live",
    "left",
    "completed",
    "removed",
    "superseded",
    "abandoned",
    "dropped",
    "lost",
    "not_joined",
]
Outcome = Literal["recovered", "failed", "abandoned", "superseded", "closed", "lost", "open"]
Cause = Literal["signaling", "media"]
Phase = Literal["join", "session"]
Dimension = Literal["region", "sdk", "sdk_version", "app_version"]
"""What breakdowns and KPIs can be split and filtered by: the dimensions that the rollups keep."""

Spread = Literal["room_sid", "region", "sdk", "sdk_version", "app_version"]
"""Within what trouble may spread."""

FATES: Final[tuple[str, ...]] = get_args(Fate)
OUTCOMES: Final[tuple[str, ...]] = get_args(Outcome)
DIMENSIONS: Final[tuple[str, ...]] = get_args(Dimension)


@dataclass(frozen=True, slots=True)
class Span:
    """From `since_us`, which belongs to it, to `until_us`, which does not: µs since 1970."""

    since_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Who:
    """Filters by what the client said it runs on."""

    region: tuple[str, ...] = ()
    sdk: tuple[str, ...] = ()
    sdk_version: tuple[str, ...] = ()
    app_version: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionFilters(Who):
    """Filters of the list of sessions. `code` is the code that the session ended with."""

    platform: tuple[str, ...] = ()
    network_type: tuple[str, ...] = ()
    fate: tuple[str, ...] = ()
    room_sid: tuple[str, ...] = ()
    room_name: tuple[str, ...] = ()
    participant_sid: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    code: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentFilters:
    """Filters of the list of incidents. `open`: whether they go on; None: either."""

    alertname: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    open: bool | None = None


EVERYONE: Final = Who()
ANY_SESSION: Final = SessionFilters()
ANY_INCIDENT: Final = IncidentFilters()
