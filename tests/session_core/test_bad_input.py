"""What a room makes of what no room should be told; docs/bad-input.md says it in words."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from datetime import datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_core.events import Event, Moment, Token
from session_core.outbox import Outbox
from session_core.publisher import MemorySink, Publisher
from session_core.signals import (
    SIGNALS,
    ConnectRefused,
    DtlsFailed,
    IceState,
    Joined,
    Leave,
    ParticipantState,
    ParticipantsUpdated,
    PeerClosed,
    Resynchronised,
    ServerError,
    SignalingLost,
    TokenReplaced,
)
from tests.session_core.playing import a_joined_room, a_room, at, play, said
from tests.session_core.telling import BEGIN
from tests.session_core.world import World, noted, turns

NAN: Any = math.nan
NONE: Any = None
SEVEN: Any = 7
TEXT: Any = "7"


class Lookalike(SignalingLost, frozen=True):
    """Not one of the closed list, though it is made of one."""


@pytest.mark.parametrize("thing", [None, 7, "SignalingLost", object(), SignalingLost, {"code": 53118}, Lookalike()])
def test_an_object_that_is_no_signal_changes_nothing_and_is_counted(thing: Any) -> None:
    room = a_joined_room()
    assert room.receive(thing, at(1)) == []
    assert (room.state, room.ignored) == ("connected", Counter({f"{type(thing).__name__} of a wrong shape": 1}))


@pytest.mark.parametrize(
    "signal",
    [
        ServerError(TEXT, "why"),
        ServerError(NAN, "why"),
        ServerError(53204, NONE),
        ConnectRefused(NONE),
        Leave(NONE),
        Leave(cast("Any", ["leave"])),
        IceState(NONE, "failed"),
        IceState("P1", SEVEN),
        PeerClosed(SEVEN),
        DtlsFailed(NONE),
        Resynchronised(NONE),
        Resynchronised(cast("Any", "PA1")),
        Resynchronised((NONE,)),
        Resynchronised((), TEXT),
        ParticipantsUpdated((ParticipantState(SEVEN, "bob", "connected", 1),)),
        ParticipantsUpdated((ParticipantState("PA1", SEVEN, "connected", 1),)),
        ParticipantsUpdated((ParticipantState("PA1", "bob", NONE, 1),)),
        ParticipantsUpdated((ParticipantState("PA1", "bob", "connected", NAN),)),
        TokenReplaced(TEXT),
        TokenReplaced(Token(expires_at=TEXT, ttl_s=1)),
        TokenReplaced(Token(expires_at=BEGIN, ttl_s=NAN)),
        TokenReplaced(Token(expires_at=datetime(2026, 1, 1), ttl_s=1)),  # noqa: DTZ001 - that is the point
        Joined(SEVEN, "PA0"),
    ],
)
@pytest.mark.parametrize("lost", [False, True])
def test_a_message_of_a_wrong_shape_is_not_taken_by_half(signal: Any, *, lost: bool) -> None:
    room = a_joined_room(participants=[ParticipantState("PA9", "eve", "connected", 1)])
    if lost:
        play(room, (1, SignalingLost()))
    before = (room.state, dict(room.participants), room.deadline_us, room.attempt_at_us)
    assert play(room, (2, signal)) == []
    assert (room.state, dict(room.participants), room.deadline_us, room.attempt_at_us) == before
    assert room.ignored == Counter({f"{type(signal).__name__} of a wrong shape": 1})


@pytest.mark.parametrize("joined", [Joined("RM1", NONE), Joined("RM1", "PA0", NONE), Joined("RM1", "PA0", (), TEXT)])
def test_a_join_of_a_wrong_shape_is_none_and_a_whole_one_may_follow(joined: Joined) -> None:
    room = a_room()
    room.begin(at(0))
    assert play(room, (1, joined)) == []
    assert play(room, (2, Joined("RM1", "PA0")))[-1] == "2 room.connected"


VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)


@given(st.data())
def test_whatever_the_fields_of_a_signal_hold_a_room_takes_it_or_not_and_never_raises(data: st.DataObject) -> None:
    room = a_joined_room()
    for ms in range(1, 6):
        kind: Any = data.draw(st.sampled_from(SIGNALS))
        room.receive(kind(*(data.draw(VALUES) for _ in kind.__struct_fields__)), at(ms))
    room.advance(at(100_000))
    assert room.state in {"connected", "reconnecting", "disconnected"}


@pytest.mark.parametrize("code", [-1, 0, 42, 2**31 - 1, 2**70])
def test_an_unknown_code_ends_a_room_as_any_code_does(code: int) -> None:
    room = a_joined_room()
    (_, end) = room.receive(ServerError(code, "why"), at(1))
    assert (end.type, end.error and (end.error.name, end.error.message, end.error.origin)) == (
        "room.disconnected",
        ("RoomError", "why", "server"),
    )
    assert end.error is not None
    assert end.error.code == min(max(code, 0), 2**31 - 1)


@pytest.mark.parametrize("window", [-1, -(2**70), NAN, -math.inf])
def test_a_window_that_is_none_leaves_the_one_that_there_was(window: Any) -> None:
    room = a_joined_room(session_timeout_ms=window)
    play(room, (0, SignalingLost()))
    assert room.deadline_us == at(30_000).steady_us
    play(room, (1, Resynchronised((), window)), (10, SignalingLost()))
    assert room.deadline_us == at(30_000).steady_us  # the next sign of life comes first
    assert room.ignored == Counter({"a window that is none": 2})


@pytest.mark.parametrize("window", [2**70, math.inf, 86_400_001])
def test_a_window_beyond_a_day_is_a_day(window: Any) -> None:
    room = a_joined_room(session_timeout_ms=window)
    play(room, (0, SignalingLost()))
    assert play(room, (86_399_999, None)) == []
    assert play(room, (86_400_000, None))[-1] == "8.64e+07 room.disconnected 53002 window"


@pytest.mark.parametrize("back_ms", [1, 999, 10**9])
def test_a_steady_clock_that_goes_back_prolongs_no_window(back_ms: int) -> None:
    room = a_joined_room()
    play(room, (1_000, SignalingLost()))
    room.advance(at(1_000 - back_ms))
    assert room.outage is not None
    assert room.outage.downtime_ms == 0
    assert play(room, (31_000, None))[-1] == "31000 room.disconnected 53002 window"


@pytest.mark.parametrize(
    "moment",
    [
        Moment(NAN, 5_000_000),
        Moment(1, NAN),
        Moment(1, cast("Any", math.inf)),
        Moment(cast("Any", 1.5), 5_000_000),
        Moment(2**70, 5_000_000),
        Moment(-(2**70), 5_000_000),
        Moment(TEXT, TEXT),
        (1, 2),
        None,
    ],
)
def test_a_moment_that_is_none_is_the_one_before(moment: Any) -> None:
    room = a_joined_room()
    assert said(room.receive(SignalingLost(), moment))[-1] == "0 room.reconnecting 53001 transport"
    assert room.advance(moment) == []
    assert room.ignored == Counter({"a moment of a wrong shape": 2})


def test_a_room_that_begins_at_no_moment_begins_all_the_same() -> None:
    room = a_room()
    assert [event.type for event in room.begin(NONE)] == ["room.connecting"]


# The driver


@pytest.mark.parametrize("name", ["connect_timeout_s", "attempt_timeout_s"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, 86_401])
async def test_a_time_that_is_none_is_refused_before_anything_is_begun(name: str, value: float) -> None:
    world = World()
    how: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=rf"connect: {name} is .*; it must be above 0 and at most 86400 seconds"):
        world.connect(**how)
    assert await world.told() == []


@pytest.mark.parametrize("thing", [None, 7, b"bytes", {"token": "x"}])
async def test_what_is_no_token_is_refused_by_its_type(thing: Any) -> None:
    world = World()
    with pytest.raises(Exception, match=f"a string or an AccessToken is expected, found {type(thing).__name__}"):
        await world.connect(token=lambda: thing)
    assert await world.told() == []


async def test_a_token_source_that_gives_no_token_later_is_an_attempt_that_reached_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers: list[Any] = ["first", None, "third"]
    world = World()
    room = await world.connect(token=lambda: answers.pop(0))
    world.server.drop()
    for _ in range(3):
        world.clock.advance(0.2)
        await turns()
    assert (room.state, answers) == ("connected", [])
    assert "expected, found NoneType" in caplog.text


@pytest.mark.parametrize("bound", [0, -1, math.nan])
async def test_an_iterator_without_room_for_an_event_is_refused(bound: Any) -> None:
    room = await World().connect()
    with pytest.raises(ValueError, match="events: events_max must be at least 1"):
        room.events(bound)


async def test_a_handler_that_never_returns_holds_up_neither_the_room_nor_its_end_for_long() -> None:
    world = World()
    never = asyncio.Event()
    ended: list[str] = []
    async with world.connect() as room:

        @room.on("reconnecting")
        async def wait(told: Event) -> None:
            try:
                await never.wait()
            finally:
                ended.append(told.type)

        notes = noted(room)
        world.server.drop()
        world.clock.advance(1)
        await turns()
    assert notes == ["reconnecting reconnecting 53001", "reconnected connected", "disconnected disconnected"]
    assert ended == []
    never.set()
    await turns()
    assert ended == ["room.reconnecting"]


async def test_a_handler_that_disconnects_is_told_of_after_every_other_handler_has_heard() -> None:
    world = World()
    room = await world.connect()
    notes: list[str] = []

    def leave(_: Event) -> None:
        room.disconnect()
        notes.append(f"left, and shown as {room.state.value}")

    room.on("reconnecting", leave)
    room.on("reconnecting", lambda _: notes.append(f"heard as {room.state.value}"))
    room.on("disconnected", lambda _: notes.append(f"ended as {room.state.value}"))
    world.server.drop()
    assert notes == ["left, and shown as reconnecting", "heard as reconnecting", "ended as disconnected"]
    world.clock.advance(60)
    assert (await world.told())[-1] == "room.disconnected"


async def test_a_handler_may_wait_for_the_end_of_the_room_that_calls_it() -> None:
    world = World()
    done: list[str] = []
    async with world.connect() as room:

        @room.on("reconnecting")
        async def leave(_: Event) -> None:
            room.disconnect()
            await room.closed()
            done.append("closed")

        world.server.drop()
        await room.closed()
    assert done == ["closed"]


async def test_a_handler_that_ends_the_program_does_and_the_room_can_still_be_left() -> None:
    world = World()
    room = await world.connect()

    def leave(_: Event) -> None:
        raise SystemExit(3)

    room.on("reconnecting", leave)
    notes = noted(room)
    with pytest.raises(SystemExit):
        world.server.drop()
    room.off("reconnecting", leave)
    room.disconnect()
    assert notes == ["disconnected disconnected"]


@pytest.mark.parametrize("name", ["batch_events_max", "retry_max_s"])
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_a_publisher_that_could_send_nothing_is_refused(name: str, value: float) -> None:
    how: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"publisher: {name} must be above 0, not {value}"):
        Publisher(MemorySink(), **how)


@pytest.mark.parametrize("name", ["events_max", "bytes_max", "sessions_max"])
def test_an_outbox_whose_bound_is_no_number_is_refused(name: str) -> None:
    how: dict[str, Any] = {name: math.nan}
    with pytest.raises(ValueError, match=f"outbox: {name} must be at least 1, not nan"):
        Outbox(**how)
