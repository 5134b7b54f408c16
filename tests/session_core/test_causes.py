"""A row and what came with it make the error of an event."""

from __future__ import annotations

from typing import get_args

import pytest

from session_core import transitions
from session_core.causes import ENDINGS, Ending, SdkSignal, WithCode, link_error, sdk_word, trigger_error
from session_core.errors import Origin, RoomError, room_error
from session_core.events import TERMINAL_TYPES, RoomState, ended_by
from session_core.room import Room
from session_core.signals import (
    ConnectCancelled,
    ConnectRefused,
    Leave,
    Removed,
    SdkDisconnected,
    SdkReconnected,
    SdkReconnecting,
    ServerError,
    SignalingGivenUp,
    SignalingLost,
)
from session_core.transitions import CodeFrom, Media, SdkWord, Signaling, Trigger
from tests.session_core.playing import a_joined_room, a_room, at

CONNECTED, RECONNECTING = RoomState.CONNECTED, RoomState.RECONNECTING


@pytest.mark.parametrize(
    ("signal", "word"),
    [
        (SdkReconnecting(), SdkWord.LOST_SIGNALING),
        (SdkReconnecting("media"), SdkWord.LOST_MEDIA),
        (SdkReconnected(), SdkWord.BACK),
    ],
)
def test_a_signal_of_an_sdk_is_a_word_of_the_rows(signal: SdkSignal, word: SdkWord) -> None:
    assert sdk_word(signal) is word


def test_every_signal_that_ends_a_room_has_its_trigger() -> None:
    assert set(ENDINGS) == set(get_args(Ending))


def test_a_row_that_says_nothing_has_no_error() -> None:
    row = transitions.link(CONNECTED, Signaling.UP, Media.OK, was_failed=False)
    assert link_error(row, SdkReconnecting("media", "ours", 1)) is None


def test_a_link_that_is_lost_has_the_rows_error_and_the_words_of_the_sdk_if_there_are_any() -> None:
    row = transitions.link(CONNECTED, Signaling.DOWN, Media.OK, was_failed=False)
    plain = room_error(53001, Origin.TRANSPORT)
    assert [link_error(row, told) for told in (None, SdkReconnecting(), SdkReconnected())] == [plain] * 3
    named = link_error(row, SdkReconnecting("signaling", "o\x00" * 99, 2**31))
    assert named is not None
    assert (named.vendor, named.vendor_code) == ("o " * 32, None)


TOLD: list[tuple[Trigger, RoomState, WithCode | None, RoomError | None]] = [
    (Trigger.LEAVE, CONNECTED, None, None),
    (Trigger.COMPLETED, CONNECTED, None, room_error(53118, Origin.SERVER)),
    (Trigger.WINDOW_OVER_CAUSE, RECONNECTING, None, room_error(53405, Origin.WINDOW)),
    (Trigger.SERVER_ERROR, CONNECTED, ServerError(7, "odd"), room_error(7, Origin.SERVER, "odd")),
    (Trigger.SERVER_ERROR, CONNECTED, ServerError(-7), room_error(0, Origin.SERVER)),
    (Trigger.CONNECT_REFUSED, RoomState.CONNECTING, ConnectRefused(53006), room_error(53006, Origin.SERVER)),
    (Trigger.SDK_DISCONNECTED, CONNECTED, SdkDisconnected(53405, "", Origin.MEDIA), room_error(53405, Origin.MEDIA)),
    (Trigger.JOINED, CONNECTED, None, None),
]


@pytest.mark.parametrize(("trigger", "state", "told", "error"), TOLD)
def test_an_end_has_the_code_and_origin_of_its_row_or_those_that_were_told(
    trigger: Trigger, state: RoomState, told: WithCode | None, error: RoomError | None
) -> None:
    assert trigger_error(transitions.trigger(state, trigger), 53405, told) == error


def test_a_code_that_is_no_constant_is_the_cause_or_comes_with_a_signal_and_is_said_to_be_its_senders() -> None:
    said = {row.trigger: row.code for row in transitions.TRIGGERS if isinstance(row.code, CodeFrom)}
    senders: dict[type[WithCode], CodeFrom] = {
        ConnectRefused: CodeFrom.SERVER,
        ServerError: CodeFrom.SERVER,
        SignalingGivenUp: CodeFrom.TRANSPORT,
        SdkDisconnected: CodeFrom.SDK,
    }
    by_signal = {ENDINGS[signal]: sender for signal, sender in senders.items()}
    assert said == {Trigger.WINDOW_OVER_CAUSE: CodeFrom.CAUSE, **by_signal}
    rows = [row for row in transitions.TRIGGERS if row.trigger in by_signal and row.becomes is not None]
    assert [row.code for row in rows] == [by_signal[row.trigger] for row in rows]


def test_who_ends_a_room_without_a_code_is_told_as_the_row_says() -> None:
    signals = {ENDINGS[type(signal)]: signal for signal in (Leave(), ConnectCancelled(), Removed())}
    found = []
    for row in transitions.TRIGGERS:
        if row.emits in TERMINAL_TYPES and row.code is None:
            for state in row.room:
                event = a_room_in(state).receive(signals[row.trigger], at(2))[-1]
                found.append((row.trigger, state, event.error, ended_by(event) is row.origin))
    assert found == [
        (Trigger.CONNECT_CANCELLED, RoomState.CONNECTING, None, True),
        (Trigger.LEAVE, RoomState.CONNECTING, None, True),
        (Trigger.LEAVE, CONNECTED, None, True),
        (Trigger.LEAVE, RECONNECTING, None, True),
        (Trigger.REMOVED, CONNECTED, None, True),
        (Trigger.REMOVED, RECONNECTING, None, True),
    ]


def a_room_in(state: RoomState) -> Room:
    room = a_room() if state is RoomState.CONNECTING else a_joined_room()
    room.begin(at(0))
    if state is RECONNECTING:
        room.receive(SignalingLost(), at(1))
    assert room.state is state
    return room


@pytest.mark.parametrize(("own", "kept"), [(0, 0), (2**31 - 1, 2**31 - 1), (2**31, None), (-1, None), (None, None)])
def test_an_sdks_own_code_is_kept_if_the_wire_takes_it(own: int | None, kept: int | None) -> None:
    row = transitions.trigger(CONNECTED, Trigger.SDK_DISCONNECTED)
    error = trigger_error(row, None, SdkDisconnected(53000, vendor="ours", vendor_code=own))
    assert error is not None
    assert (error.vendor, error.vendor_code) == ("ours", kept)
