"""How pages say times, durations, shares and the vocabulary of rooms to people."""

from __future__ import annotations

from datetime import datetime
from typing import Final

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


def day_clock(at: datetime) -> str:
    """Day and time."""
    return f"{at:%d %b %H:%M:%S}"


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
    return identity or participant_sid or f"session {str(session_id)[:8]}"


def outcome(word: str) -> str:
    """What became of an outage."""
    return OUTCOMES.get(word, word)


def origin(word: str) -> str:
    """Who decided that a session ended."""
    return ORIGINS.get(word, word)


def fate(word: str) -> str:
    """How a session stands, or how it ended."""
    return FATES.get(word, word)
