"""How long each kind of row is kept, and what follows from it. Plain values; no SQL.

Rules:
1. An event ages by the day its session began: a session's events go together. One whose id tells a day that only a
   wrong clock can mean ages by when the broker appended it.
2. A session ages by when it was last told of, and never while it goes on. Its outages stay as long as it does, since
   it is counted with them; so do the rollups that count it.
3. A session stays GRACE_US longer than events may still bring one like it into being. So whatever comes again finds
   the session, which knows what it received, or is older than what is taken: it is never counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

DAY_US: Final = 86_400_000_000
DAYS_AHEAD: Final = 2
"""Days of events that are made before they come."""
ORDINARY_DAYS_MAX: Final = 3_653
"""Where events are kept forever, an id that tells an earlier day comes from a wrong clock all the same."""
GRACE_US: Final = DAY_US
"""For clocks of collectors that differ, and for events that were long on their way."""

KINDS: Final = ("events", "sessions", "outages", "rollups", "dead_letters", "incidents")

NO_DAY: Final = "the id says that the session began on a day that only a wrong clock can mean; too many such days"
"""Why an event has no place, as a dead letter says it."""

_VERSION_OF_IDS_WITH_TIME: Final = 7


@dataclass(frozen=True, slots=True)
class Retention:
    """Whole days that rows are kept; 0: forever. Of dead letters, at most so many rows beside."""

    events_days: int = 35
    sessions_days: int = 180
    outages_days: int = 180
    rollups_days: int = 800
    dead_letters_days: int = 35
    dead_letters_max: int = 100_000
    incidents_days: int = 800

    def days(self, kind: str) -> int:
        """Of one of KINDS."""
        days: int = getattr(self, f"{kind}_days")
        return days

    def before_us(self, kind: str, now_us: int) -> int | None:
        """Rows from before this moment go; None: none do."""
        days = self.days(kind)
        grace_us = GRACE_US if kind == "sessions" else 0
        return now_us - days * DAY_US - grace_us if days else None

    def days_of_events(self, now_us: int) -> range:
        """The days, counted from 1970, that events of right clocks can be of and that are kept."""
        first = (now_us - (self.events_days or ORDINARY_DAYS_MAX) * DAY_US) // DAY_US
        return range(first, now_us // DAY_US + DAYS_AHEAD + 1)

    @property
    def events_us(self) -> int | None:
        """How long an event is kept; None: forever."""
        return self.events_days * DAY_US or None

    @property
    def sessions_us(self) -> int | None:
        """How long ago a session may have begun that comes into being; None: as long as you like."""
        return self.sessions_days * DAY_US or None

    def may_have_aged_out(self, session_id: UUID, now_us: int) -> bool:
        """Whether a session of this id, where the store has none, may have had one."""
        if self.sessions_us is None or session_id.version != _VERSION_OF_IDS_WITH_TIME:
            return False
        return (session_id.int >> 80) * 1000 + self.sessions_us <= now_us


class Due(NamedTuple):
    """What of a kind has outlived its days. `rows` is an estimate where whole days go; `size` in bytes, if known."""

    kind: str
    days: int
    before_us: int | None
    rows: int
    whole_days: tuple[str, ...] = ()
    size: int | None = None
    oldest_us: int | None = None


class Gone(NamedTuple):
    """What one short transaction did away with; `rows` as in Due."""

    kind: str
    rows: int
    day: str = ""
