"""How the server behaves from some moment on, said in a sentence: the `policy` of a scenario."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

NEGOTIATED_MS: Final = 5_000
ONE_PEER: Final = "the one peer connection"

FORMS: Final = (
    'write "every new client WebSocket is closed with 1006 5 ms after creation", "… stays unopened", '
    '"… is opened and welcomed 5 ms after creation", "… is answered with busy, retryAfter -1, 5 ms after creation", '
    '"the server sends no heartbeats" or "the server sends heartbeats again"'
)

_SOCKET: Final = re.compile(r"\b(?:web ?)?sockets?\b", re.IGNORECASE)
_CLOSED: Final = re.compile(r"\bclosed with (?:code )?(\d{4})\b", re.IGNORECASE)
_AFTER: Final = re.compile(r"(\d+) ?ms after", re.IGNORECASE)
_BUSY: Final = re.compile(r"\bbusy\b.*?\bretryAfter:? ?(-?\d+)", re.IGNORECASE)
_WELCOMED: Final = re.compile(r"\bwelcomed?\b", re.IGNORECASE)
_UNOPENED: Final = re.compile(r"\b(?:unopened|never open\w*|not opened|hangs?|pending|unanswered)\b", re.IGNORECASE)
_STOPS: Final = r"stop\w*|ceas\w*|withheld|withholds|paus\w*|suspend\w*|never|off"
_SILENT: Final = re.compile(
    rf"\b(?:no(?: more| longer)?|without|{_STOPS})\b.*\bheartbeats?\b"
    rf"|\bheartbeats?\b.*\b(?:no longer|lost|missing|{_STOPS})\b"
    r"|\bserver\b.*\b(?:silent|silence|mute|quiet)\b",
    re.IGNORECASE,
)
_HEARTBEAT: Final = re.compile(r"\bheartbeats?\b", re.IGNORECASE)


class NewSockets(NamedTuple):
    """What becomes of a WebSocket that the client makes: so long after that it is closed, or opened and answered.

    Neither: it stays as it is until a stimulus opens it.
    """

    after_us: int = 0
    close_code: int | None = None
    answer: dict[str, Any] | None = None


class Heartbeats(NamedTuple):
    """Whether the server sends them."""

    sent: bool


Policy = NewSockets | Heartbeats


def understood(sentence: str) -> Policy | None:
    """What a sentence says; None: nothing that can be played."""
    if _SOCKET.search(sentence):
        return _new_sockets(sentence)
    if is_silent(sentence):
        return Heartbeats(sent=False)
    return Heartbeats(sent=True) if _HEARTBEAT.search(sentence) else None


def is_silent(sentence: str) -> bool:
    """Whether this says that the server sends no heartbeats."""
    return _SILENT.search(sentence) is not None


def _new_sockets(sentence: str) -> NewSockets | None:
    after = _AFTER.search(sentence)
    after_us = int(after[1]) * 1000 if after else 0
    if closed := _CLOSED.search(sentence):
        return NewSockets(after_us, close_code=int(closed[1]))
    if busy := _BUSY.search(sentence):
        return NewSockets(after_us, answer={"type": "busy", "retryAfter": int(busy[1])})
    if _UNOPENED.search(sentence):
        return NewSockets()
    if _WELCOMED.search(sentence):
        return NewSockets(after_us, answer={"type": "welcome", "negotiatedTimeout": NEGOTIATED_MS})
    return None
