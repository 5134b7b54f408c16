"""What is whole and what is not, field by field."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from session_core import shapes
from session_core.errors import Origin
from session_core.events import Moment, Token
from session_core.room import Room
from session_core.shapes import is_moment, is_whole
from session_core.signals import (
    SIGNALS,
    AttemptRefused,
    AttemptStarted,
    AttemptUnreached,
    ConnectCancelled,
    ConnectRefused,
    ConnectUnanswered,
    DtlsFailed,
    IceState,
    Joined,
    Leave,
    ParticipantState,
    ParticipantsUpdated,
    PeerClosed,
    Removed,
    Resynchronised,
    RoomCompleted,
    ServerError,
    SignalingLost,
    TokenReplaced,
)
from tests.session_core.telling import BEGIN

BOB = ParticipantState("PA1", "bob", "connected", 1)
TOKEN = Token(expires_at=BEGIN, ttl_s=60)

WHOLE = [
    Joined("RM1", "PA0"),
    Joined("RM1", "PA0", (BOB,), 30_000, "ada", "standup"),
    ConnectRefused(53105),
    ConnectRefused(53105, "full"),
    ConnectUnanswered(),
    ConnectCancelled(),
    SignalingLost(),
    AttemptStarted(),
    AttemptRefused(),
    AttemptUnreached(),
    Resynchronised(()),
    Resynchronised((BOB, ParticipantState("PA2", None, "gone", -1)), 1),
    ParticipantsUpdated((BOB,)),
    IceState("P1", "failed"),
    PeerClosed("P1"),
    DtlsFailed("P1"),
    ServerError(1, "why"),
    RoomCompleted(),
    Removed(),
    Leave(),
    TokenReplaced(TOKEN),
]


def test_every_signal_has_its_check() -> None:
    assert set(Room.HANDLERS) == set(SIGNALS)
    assert [signal for signal in SIGNALS if shapes._check_of(signal) is None] == []
    assert {type(signal) for signal in WHOLE} <= set(SIGNALS)


@pytest.mark.parametrize("signal", WHOLE)
def test_what_a_signal_says_that_it_is_is_whole(signal: object) -> None:
    assert is_whole(signal)


def test_a_list_of_participants_a_window_with_a_fraction_and_words_of_an_enumeration_will_do() -> None:
    some: Any = [BOB]
    window: Any = 1.5
    assert is_whole(ParticipantsUpdated(some))
    assert is_whole(Resynchronised(some, window))
    assert is_whole(IceState("P1", Origin.MEDIA))


BAD: Any = object()
FIELDS: list[tuple[Any, str]] = [
    (signal, name)
    for signal in WHOLE
    for name in signal.__struct_fields__
    # Told for the transport's own logs: the room does not look at it.
    if not isinstance(signal, SignalingLost)
]


@pytest.mark.parametrize(("signal", "field"), FIELDS)
def test_one_field_of_another_type_makes_a_signal_none(signal: Any, field: str) -> None:
    assert not is_whole(
        type(signal)(**{name: getattr(signal, name) for name in signal.__struct_fields__} | {field: BAD})
    )


@pytest.mark.parametrize("field", ["sid", "identity", "state", "revision"])
def test_one_field_of_one_participant_does_too(field: str) -> None:
    fields: dict[str, Any] = {"sid": "PA1", "identity": "bob", "state": "connected", "revision": 1, field: BAD}
    assert not is_whole(ParticipantsUpdated((BOB, ParticipantState(**fields))))


@pytest.mark.parametrize(
    "token",
    [
        None,
        Token(expires_at=BAD, ttl_s=60),
        Token(expires_at=BEGIN, ttl_s=BAD),
        Token(expires_at=datetime(2026, 1, 1), ttl_s=60),  # noqa: DTZ001 - that is the point
    ],
)
def test_a_token_without_a_moment_or_a_life_is_none(token: Any) -> None:
    assert not is_whole(TokenReplaced(token))


def test_a_loss_is_one_whatever_reason_is_given() -> None:
    assert is_whole(SignalingLost(BAD))


def test_a_kind_of_field_that_nobody_said_how_to_check_stops_the_build() -> None:
    with pytest.raises(TypeError, match="which nobody said how to check"):
        shapes._of_kind(bytes)


@pytest.mark.parametrize("thing", [None, 7, "Leave", Leave, {}, BOB])
def test_what_is_no_signal_is_not_whole(thing: object) -> None:
    assert not is_whole(thing)


@pytest.mark.parametrize(
    "moment", [Moment(0, 0), Moment(-1, -1), Moment(shapes.UTC_US_MIN, 0), Moment(shapes.UTC_US_MAX, 2**70)]
)
def test_a_moment_has_a_day_in_a_calendar(moment: Moment) -> None:
    assert is_moment(moment)
    assert moment.utc.tzinfo is UTC


@pytest.mark.parametrize(
    "moment",
    [
        None,
        (0, 0),
        Moment(0, BAD),
        Moment(BAD, 0),
        Moment(math.nan, 0),  # type: ignore[arg-type]
        Moment(0, math.inf),  # type: ignore[arg-type]
        Moment(shapes.UTC_US_MIN - 1, 0),
        Moment(shapes.UTC_US_MAX + 1, 0),
    ],
)
def test_what_has_none_is_no_moment(moment: object) -> None:
    assert not is_moment(moment)
