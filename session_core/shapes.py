"""Whether what is told to a room has the shape that it claims: a signal, and a moment.

Types are promised to type checkers alone: an adapter passes on what a server sent, and a number may come as text. A
room that took half of such a signal would be neither as before nor as after it. What is not whole is not taken.

Not here: words and values that mean nothing (the room counts those), and texts that are too long (bounds.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from session_core import signals
from session_core.events import EPOCH, Moment, Token
from session_core.signals import ParticipantState

Check = Callable[[Any], bool]

UTC_US_MAX: Final = (datetime.max.replace(tzinfo=EPOCH.tzinfo) - EPOCH).days * 86_400_000_000
UTC_US_MIN: Final = (datetime.min.replace(tzinfo=EPOCH.tzinfo) - EPOCH).days * 86_400_000_000
"""What a calendar can tell. Beyond it no event could say when it happened."""


def is_whole(signal: object) -> bool:
    """Whether it is one of the signals, and each of its fields of the type that the signal says."""
    check = _CHECKS.get(type(signal))
    return check is not None and check(signal)


def is_moment(at: object) -> bool:
    """Whether it is a reading of both clocks, in whole microseconds, of a time that a calendar has."""
    return (
        isinstance(at, Moment)
        and _is_number(at.steady_us)
        and _is_number(at.utc_us)
        and UTC_US_MIN <= at.utc_us <= UTC_US_MAX
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _may_be_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _may_be_number(value: object) -> bool:
    return value is None or isinstance(value, int | float)


def _are_participants(value: object) -> bool:
    return isinstance(value, tuple | list) and all(map(_is_participant, value))


def _is_participant(value: object) -> bool:
    return (
        isinstance(value, ParticipantState)
        and _is_text(value.sid)
        and _may_be_text(value.identity)
        and _is_text(value.state)
        and _is_number(value.revision)
    )


def _is_joined(signal: signals.Joined) -> bool:
    return (
        _is_text(signal.room_sid)
        and _is_text(signal.participant_sid)
        and _are_participants(signal.participants)
        and _may_be_number(signal.session_timeout_ms)
        and _may_be_text(signal.identity)
        and _may_be_text(signal.room_name)
    )


def _is_answer_with_a_code(signal: signals.ConnectRefused | signals.ServerError) -> bool:
    return _is_number(signal.code) and _is_text(signal.message)


def _has_a_reason(signal: signals.ConnectCancelled | signals.Leave) -> bool:
    return _is_text(signal.reason)


def _has_a_peer(signal: signals.PeerClosed | signals.DtlsFailed) -> bool:
    return _is_text(signal.peer)


def _has_a_token(signal: signals.TokenReplaced) -> bool:
    token: object = signal.token
    if not isinstance(token, Token) or not _is_number(token.ttl_s):
        return False
    expires_at: object = token.expires_at
    return isinstance(expires_at, datetime) and expires_at.tzinfo is not None


def _says_all_by_its_name(_: object) -> bool:
    return True


_CHECKS: Final[dict[type[Any], Check]] = {
    signals.Joined: _is_joined,
    signals.ConnectRefused: _is_answer_with_a_code,
    signals.ServerError: _is_answer_with_a_code,
    signals.ConnectCancelled: _has_a_reason,
    signals.Leave: _has_a_reason,
    signals.Resynchronised: lambda it: _are_participants(it.participants) and _may_be_number(it.session_timeout_ms),
    signals.ParticipantsUpdated: lambda it: _are_participants(it.participants),
    signals.IceState: lambda it: _is_text(it.peer) and _is_text(it.state),
    signals.PeerClosed: _has_a_peer,
    signals.DtlsFailed: _has_a_peer,
    signals.TokenReplaced: _has_a_token,
    # The reason of a loss is for the transport's own logs, and not looked at.
    signals.SignalingLost: _says_all_by_its_name,
    signals.ConnectUnanswered: _says_all_by_its_name,
    signals.AttemptStarted: _says_all_by_its_name,
    signals.AttemptRefused: _says_all_by_its_name,
    signals.AttemptUnreached: _says_all_by_its_name,
    signals.RoomCompleted: _says_all_by_its_name,
    signals.Removed: _says_all_by_its_name,
}
