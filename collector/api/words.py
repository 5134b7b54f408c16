"""How pages say times, durations, shares and the vocabulary of rooms to people."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from collector.store.views import RoomEvent, SessionView

ORIGINS: Final[dict[str, str]] = {
    "window": "the reconnection window was over",
    "attempts": "the attempts were used up",
    "server": "the server said so",
    "media": "the media connection failed",
    "transport": "the signaling connection failed",
    "local": "this side left",
    "restart": "the process had died",
}
EMPTY: Final = "\u2013"

OUTCOMES: Final[dict[str, str]] = {
    "recovered": "came back",
    "failed": "did not come back",
    "abandoned": "left while waiting",
    "superseded": "joined elsewhere",
    "closed": "room ended meanwhile",
    "lost": "went silent",
    "open": "still reconnecting",
}
FATES: Final[dict[str, str]] = {
    "connecting": "joining",
    "live": "in the room",
    "left": "left",
    "completed": "room completed",
    "removed": "removed by the server",
    "superseded": "joined elsewhere",
    "abandoned": "left while reconnecting",
    "dropped": "dropped",
    "lost": "went silent",
    "not_joined": "could not join",
}


def clock(at: datetime) -> str:
    """The time of day."""
    return f"{at:%H:%M:%S}"


def minute_clock(at: datetime) -> str:
    """The time of day to the minute."""
    return f"{at:%H:%M}"


def day_clock(at: datetime) -> str:
    """Day and time."""
    return f"{at:%d %b %H:%M:%S}"


def fine_clock(at: datetime) -> str:
    """The time of day to the millisecond."""
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"


def year_clock(at: datetime) -> str:
    """Day, year and time, for what may be read long after."""
    return f"{at:%d %b %Y %H:%M:%S}"


def iso(at: datetime) -> str:
    """A moment of UTC for programs, scripts and addresses, to the millisecond: as text in the order of time."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_minute(at: datetime) -> str:
    """Day and time, to the minute."""
    return f"{at:%d %b %H:%M}"


def duration(ms: float | None) -> str:
    """A duration as people say it, never finer than it matters."""
    if ms is None:
        return EMPTY
    seconds = ms / 1000
    if seconds < 1:
        return f"{ms:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def share(value: float | None) -> str:
    """A share in percent. One that is nearly whole never reads as whole."""
    if value is None:
        return EMPTY
    percent = value * 100
    if 99 < percent < 100:
        return f"{min(percent, 99.99):.2f} %"
    if 0 < percent < 1:
        return f"{max(percent, 0.01):.2f} %"
    return f"{percent:.0f} %" if percent in {0, 100} else f"{percent:.1f} %"


def number(value: float) -> str:
    """A count, with thin spaces between thousands."""
    return f"{value:,.0f}".replace(",", "\u202f")


def who(identity: str | None, participant_sid: str | None, session_id: object = None) -> str:
    """A participant by the best name that was told."""
    return identity or participant_sid or nameless(session_id)


def nameless(session_id: object) -> str:
    """A session that told no name: by the end of its id, since what began within a minute begins alike."""
    return f"session …{str(session_id)[-8:]}"


def said_more(told: RoomEvent) -> str:
    """What an event said beside its state and code."""
    one = told.event
    told_more = (
        ("outage {}", one.outage_number),
        ("{} attempts", one.attempts or None),
        ("gone for {}", duration(one.downtime_ms) if one.downtime_ms else None),
        ("network {}", one.network_type),
        ("{}", None if one.origin is None else origin(one.origin)),
        ("reason {}", one.reason),
        ("about {}", one.subject_sid),
    )
    return ", ".join(words.format(value) for words, value in told_more if value is not None)


def outcome(word: str) -> str:
    """What became of an outage."""
    return OUTCOMES.get(word, word)


def origin(word: str) -> str:
    """Who decided that a session ended."""
    return ORIGINS.get(word, word)


def fate(word: str) -> str:
    """How a session stands, or how it ended."""
    return FATES.get(word, word)


def standing(session: SessionView) -> str:
    """How a session stands: whoever is reconnecting is in no room for the others."""
    return "reconnecting now" if is_reconnecting(session) else fate(session.fate)


def looks(session: SessionView) -> str:
    """The same as the name of a look."""
    return "reconnecting" if is_reconnecting(session) else session.fate


def is_reconnecting(session: SessionView) -> bool:
    """Whether it has lost connection and may come back."""
    return session.fate == "live" and session.state == "reconnecting"
