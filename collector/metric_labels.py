"""The values that labels of metrics may take: closed lists, and bounds for what comes from outside.

Rules:
1. A label's values are bounded: never a room, a participant, a session or the text of an error.
2. What is legal is known before it happens: a series that first shows with its first failure hides that failure from
   `increase()`, so legal label sets start at 0.
3. What a client tells (region, SDK) is bounded by number, the first ones seen; the rest is `other`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from session_core.errors import CATALOGUE, Appears, EndsAs
from session_core.events import PUBLISHED_TYPES
from session_core.wire import REASONS as WIRE_REASONS

OTHER: Final = "other"
"""What is beyond a bound or outside a list."""
UNKNOWN: Final = "unknown"
"""What nobody told."""

REGIONS_MAX: Final = 20
SDKS_MAX: Final = 5
PARTITIONS_MAX: Final = 64
"""More partitions than this share no gauges of lag: with so many, lag is read from the broker."""

JOIN: Final = "join"
SESSION: Final = "session"
PHASES: Final = (JOIN, SESSION)
"""When a session failed: before it had joined, or after."""

NOT_JOINED: Final = "not_joined"
FATES: Final = (*sorted(EndsAs), NOT_JOINED)
"""How a session can end."""
FAILED_FATES: Final = frozenset({EndsAs.DROPPED.value, NOT_JOINED})
"""The fates that are somebody's failure when they come with a code."""

CAUSES: Final = ("signaling", "media", UNKNOWN)
OUTCOMES: Final = ("recovered", "failed", "abandoned", "superseded", "closed", "lost")
"""How an outage can end; `open` is none of them."""

DIMENSIONS: Final = ("region", "sdk", "sdk_version", "app_version")
"""What a client tells of itself and rollups are split by."""
VALUES_REMEMBERED: Final = 2_000
"""Values of a dimension that are told from new ones; with more, all of them are new again."""

STATES: Final = ("connected", "reconnecting")
TRANSITIONS: Final = (
    ("room", "connecting", "connected"),
    ("room", "connecting", "disconnected"),
    ("room", "connected", "reconnecting"),
    ("room", "reconnecting", "connected"),
    ("room", "connected", "disconnected"),
    ("room", "reconnecting", "disconnected"),
    ("participant", "connected", "reconnecting"),
    ("participant", "reconnecting", "connected"),
    ("participant", "connected", "disconnected"),
    ("participant", "reconnecting", "disconnected"),
)
"""The documented moves; any other is counted as `other`, `other`, `other`."""

QUESTIONS: Final = ("question", "export")
ANSWERS: Final = ("answered", "too-long", "gone", "refused")
TABLES_THAT_AGE: Final = ("events", "sessions", "outages", "rollups", "dead_letters", "incidents")
"""Whose rows are deleted when they are old."""

MET: Final = ("held", "read", "new")
"""Where a session was that a batch met."""

RESULTS: Final = ("stored", "duplicate", "late", "expired", "refused")
EVENT_TYPES: Final = (*sorted(PUBLISHED_TYPES), UNKNOWN)
"""Of a refused record the type may be unknown."""

DEAD_LETTER_REASONS: Final = (
    *WIRE_REASONS,
    "wrong-key",
    "clock-out-of-range",
    "too-many-events",
    "too-many-gaps",
    "too-many-outages",
    "store-refused",
)
"""Why a record is refused: what the wire says, and what collector/ingest/decode.py adds."""

LOSS_REASONS: Final = ("overflow", "refused", "numbers_used_up")
"""Why an outbox of a client lost an event: docs/events.md."""

# An application's mistakes while it is being written (names, identities, token headers): many codes, rare in
# production. The API tells them apart; here they are `other`, so that codes times regions stay within the budget.
_MISTAKES: Final = frozenset({20102, 20103, 53100, 53101, 53102, 53124, 53125, 53200, 53201, 53202})


def _codes(may_appear: Appears, ends: Callable[[EndsAs], bool]) -> tuple[str, ...]:
    rows = CATALOGUE.values()
    return tuple(
        str(row.code) for row in rows if may_appear in row.appears and ends(row.ends_as) and row.code not in _MISTAKES
    )


FAILURE_CODES: Final = {
    JOIN: _codes(Appears.CONNECT, lambda ends_as: ends_as in EndsAs),
    SESSION: _codes(Appears.DISCONNECTED, lambda ends_as: ends_as is EndsAs.DROPPED),
}
"""Which codes can end a join, and which can drop a session that had joined, by the catalogue."""


def failure_code(code: int, phase: str) -> str:
    """The label of a code, `other` where it is not one that can end this phase."""
    label = str(code)
    return label if label in FAILURE_CODES[phase] else OTHER


class Bounded:
    """Values from outside as labels: the first `limit` seen, then `other`. `on_new` hears of each first."""

    def __init__(self, limit: int, on_new: Callable[[str], object], expected: Iterable[str] = ()) -> None:
        self._limit = limit
        self._on_new = on_new
        self.seen: list[str] = []
        for value in (OTHER, *expected):
            self(value)

    def __call__(self, value: str | None) -> str:
        """The label of a value; `unknown` where there is none."""
        label = value or UNKNOWN
        if label in self.seen:
            return label
        if len(self.seen) > self._limit:  # OTHER is one more
            return OTHER
        self.seen.append(label)
        self._on_new(label)
        return label


class FirstSeen:
    """Values from outside, told from those seen before: as many as `limit`, then all are forgotten."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: set[str] = set()

    def __call__(self, value: str) -> bool:
        """Whether the value is new. What nobody told is none."""
        if not value or value in self._seen:
            return False
        if len(self._seen) >= self._limit:
            self._seen.clear()
        self._seen.add(value)
        return True
