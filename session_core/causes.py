"""Why a room is reconnecting or has ended, as the error of its event: a row's code and origin, or those told with it.

The words of an SDK that is observed, its vendor and its own code, are kept beside ours. It decides nothing: that is for
the rows of transitions.py.
"""

from __future__ import annotations

from typing import Final

import msgspec

from session_core.bounds import INT_MAX, WORD_MAX, clip, within
from session_core.errors import Origin, RoomError, room_error
from session_core.signals import (
    ConnectCancelled,
    ConnectRefused,
    ConnectUnanswered,
    Leave,
    Removed,
    RoomCompleted,
    SdkDisconnected,
    SdkReconnected,
    SdkReconnecting,
    ServerError,
    Signal,
    SignalingGivenUp,
)
from session_core.transitions import CodeFrom, LinkRow, SdkWord, Trigger, TriggerRow

WithCode = ConnectRefused | SignalingGivenUp | ServerError | SdkDisconnected
SdkSignal = SdkReconnecting | SdkReconnected

Ending = (
    ConnectRefused
    | ConnectUnanswered
    | ConnectCancelled
    | SignalingGivenUp
    | ServerError
    | RoomCompleted
    | Removed
    | SdkDisconnected
    | Leave
)
ENDINGS: Final[dict[type[Signal], Trigger]] = {
    ConnectRefused: Trigger.CONNECT_REFUSED,
    ConnectUnanswered: Trigger.CONNECT_UNANSWERED,
    ConnectCancelled: Trigger.CONNECT_CANCELLED,
    SignalingGivenUp: Trigger.GIVEN_UP,
    ServerError: Trigger.SERVER_ERROR,
    RoomCompleted: Trigger.COMPLETED,
    Removed: Trigger.REMOVED,
    SdkDisconnected: Trigger.SDK_DISCONNECTED,
    Leave: Trigger.LEAVE,
}


def sdk_word(signal: SdkSignal) -> SdkWord:
    """What the SDK says, as the rows know it."""
    if isinstance(signal, SdkReconnected):
        return SdkWord.BACK
    return SdkWord.LOST_MEDIA if signal.cause == "media" else SdkWord.LOST_SIGNALING


def link_error(row: LinkRow, told: SdkSignal | None) -> RoomError | None:
    """Why the room is reconnecting, if that is what the row emits."""
    if row.code is None or row.origin is None:
        return None
    return _with_words(room_error(row.code, row.origin), told)


def trigger_error(row: TriggerRow, cause: int | None, told: WithCode | None) -> RoomError | None:
    """Why the room has ended, if there is a code for it. `cause`: what it began reconnecting with."""
    origin = row.origin
    if origin is CodeFrom.SDK and isinstance(told, SdkDisconnected):
        origin = told.origin
    number = row.code
    if row.code is CodeFrom.CAUSE:
        number = cause
    elif isinstance(row.code, CodeFrom) and told is not None:
        number = within(told.code)
    if not isinstance(number, int) or not isinstance(origin, Origin):
        return None
    return _with_words(room_error(number, origin, clip(told.message) if told is not None else None), told)


def _with_words(error: RoomError, told: WithCode | SdkSignal | None) -> RoomError:
    """The SDK's own words are kept as far as the wire takes them: a code that is negative or too great is left out."""
    if not isinstance(told, SdkDisconnected | SdkReconnecting):
        return error
    own = told.vendor_code
    return msgspec.structs.replace(
        error,
        vendor=None if told.vendor is None else clip(told.vendor, WORD_MAX),
        vendor_code=own if own is not None and 0 <= own <= INT_MAX else None,
    )
