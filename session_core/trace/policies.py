"""How the server behaves from some moment on, said in a sentence: the `policy` of a scenario."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

NEGOTIATED_MS: Final = 5_000
CLOSED_ABNORMALLY: Final = 1006
ONE_PEER: Final = "the one peer connection"

FORMS: Final = (
    'write "every new client WebSocket is closed with 1006 5 ms after creation", "… stays unopened", "… is opened but '
    'never welcomed", "… is opened and welcomed 5 ms after creation", "… is answered with bad", "… is answered with '
    'busy, retryAfter -1, 5 ms after creation", '
    '"the server sends no heartbeats" or "the server sends heartbeats again"'
)

_SOCKET: Final = re.compile(r"\b(?:web ?)?sockets?\b", re.IGNORECASE)
_CLOSED: Final = re.compile(r"\b(?:closed|refused|rejected|fails)\b", re.IGNORECASE)
_CODE: Final = re.compile(r"\b([1-4]\d{3})\b(?! ?ms)")
_AFTER: Final = re.compile(r"(\d+) ?ms after", re.IGNORECASE)
_BUSY: Final = re.compile(r"\bbusy\b.*?\bretryAfter\W{0,3}?(-?\d+)", re.IGNORECASE)
_KEEPS: Final = re.compile(r"\bkeepAlive\W{0,3}true\b", re.IGNORECASE)
_BAD: Final = re.compile(r"\bbad\b", re.IGNORECASE)
_UNWELCOMED: Final = re.compile(r"\b(?:no|not|never|without(?: a| any)?) welcomed?\b|\bunwelcomed\b", re.IGNORECASE)
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
    opens: bool = False
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
    if busy := _BUSY.search(sentence):
        frame = {"type": "busy", "retryAfter": int(busy[1]), "keepAlive": _KEEPS.search(sentence) is not None}
        return NewSockets(after_us, opens=True, answer=frame)
    if _BAD.search(sentence):
        return NewSockets(after_us, opens=True, answer={"type": "bad"})
    if _UNOPENED.search(sentence):
        return NewSockets()
    if _UNWELCOMED.search(sentence):
        return NewSockets(after_us, opens=True)
    if _WELCOMED.search(sentence):
        return NewSockets(after_us, opens=True, answer={"type": "welcome", "negotiatedTimeout": NEGOTIATED_MS})
    if _CLOSED.search(sentence):
        code = _CODE.search(sentence)
        return NewSockets(after_us, close_code=int(code[1]) if code else CLOSED_ABNORMALLY)
    return None
