"""What can be asked of the store: a stretch of time and filters. Plain values; no SQL, no HTTP.

An empty tuple asks for everything. The empty word in a tuple asks for what was not told: sessions whose client never
said its region, say. Several values of a field mean "or", several fields "and".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args
from uuid import UUID

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

By = Literal["region", "sdk", "sdk_version", "app_version", "platform", "network_type", "code", "phase"]
"""What breakdowns can be split by. The code is that which the session ended with, or which closed the outage."""

Words = Literal["causes", "outcomes", "fates"]
"""What is broken down by a word of a closed list."""

Among = Literal["room", "region", "elsewhere", "version", "other_versions"]
"""Which of the others beside a session: its room, its region in other rooms, other regions; its app version, others."""

Spread = Literal["room_sid", "region", "sdk", "sdk_version", "app_version"]
"""Within what trouble may spread."""

SessionSort = Literal["-started_at", "started_at"]
RoomSort = Literal["-started_at", "started_at"]
OutageSort = Literal["-started_at", "started_at", "-downtime_ms"]
"""The orders that an index carries; `-` is the greatest first."""

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
class Clients(Who):
    """The same, with what rollups do not keep."""

    platform: tuple[str, ...] = ()
    network_type: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """From `least` to `most`, both of which belong to it; None: without end. Times are µs since 1970."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class NamedFilters(Clients):
    """Filters by what a session runs on, by its names and by its fate. `not_…`: none of these; the empty word: told."""

    not_region: tuple[str, ...] = ()
    not_sdk: tuple[str, ...] = ()
    not_sdk_version: tuple[str, ...] = ()
    not_app_version: tuple[str, ...] = ()
    media_region: tuple[str, ...] = ()
    fate: tuple[str, ...] = ()
    room_sid: tuple[str, ...] = ()
    room_name: tuple[str, ...] = ()
    participant_sid: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """Others whom the verdict on a session compares it with: some of them, or only those that were hit too."""

    session_id: UUID
    among: Among | None = None
    hit: bool = False


@dataclass(frozen=True, slots=True)
class OfIncident:
    """Whom an incident could have hit, or only whom it did; an incident that goes on reaches up to `now_us`."""

    fingerprint: str
    started_at: int
    now_us: int
    hit: bool = False


@dataclass(frozen=True, slots=True)
class SessionFilters(NamedFilters):
    """Filters of the list of sessions. `code` and `origin` are those that the session ended with.

    `cancelled`, yes or no: whoever began to join gave up. `beside` and `incident` are looked up: meets() takes them.
    """

    code: tuple[int | Literal[""], ...] = ()
    origin: tuple[str, ...] = ()
    outages: tuple[Range, ...] = ()
    reconnecting_ms: tuple[Range, ...] = ()
    connected_ms: tuple[Range, ...] = ()
    joined_at: tuple[Range, ...] = ()
    ended_at: tuple[Range, ...] = ()
    cancelled: tuple[str, ...] = ()
    beside: Beside | None = None
    incident: OfIncident | None = None


@dataclass(frozen=True, slots=True)
class OutageFilters(NamedFilters):
    """Filters of the list of outages. `code` and `origin` are those that the outage was closed with.

    One that nothing closed ended, by `ended_at`, when it was last known to last, as counts have it.
    """

    cause: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    code: tuple[int | Literal[""], ...] = ()
    origin: tuple[str, ...] = ()
    attempts: tuple[Range, ...] = ()
    downtime_ms: tuple[Range, ...] = ()
    signaling_down_ms: tuple[Range, ...] = ()
    media_down_ms: tuple[Range, ...] = ()
    ended_at: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentFilters:
    """Filters of the list of incidents. `open`: whether they go on; None: either."""

    alertname: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    open: bool | None = None


EVERYONE: Final = Who()
ANY_NAME: Final = NamedFilters()
ANY_SESSION: Final = SessionFilters()
ANY_OUTAGE: Final = OutageFilters()
ANY_INCIDENT: Final = IncidentFilters()
