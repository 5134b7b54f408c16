"""The room against 100 transitions of the real SDK's room, under the policy that behaves as the SDK does.

A room is brought to the state that a row begins in by signals alone, is told the row's event, and must then be what the
SDK's room was and have said what it said. The window and the cause that a room keeps are asked from outside: what would
it do if nothing else came?

Nobody can see whether a room that is disconnected still has a timer or a cause: what the SDK leaves lying there is not
compared. What rule R8 leaves behind in the SDK can be seen, and we do not copy it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import pytest

from session_core.events import Event, RoomState
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.signals import (
    DtlsFailed,
    IceState,
    Leave,
    Removed,
    Resynchronised,
    ServerError,
    Signal,
    SignalingLost,
)
from tests.session_core.playing import a_joined_room, at

FILE: Final = Path(__file__).parents[1] / "data" / "sdk_room_transitions.json"

PEER: Final = "P1"
BACK: Final = Resynchronised(())
LOST: Final = SignalingLost()

WINDOW_MS: Final = 30_000
EVENT_MS: Final = 1_000
"""When a row's event comes. What leads to the state before it comes at 0 ms."""
END_OF_TIME_MS: Final = 200_000


class State(msgspec.Struct, frozen=True, rename="camel"):
    """The state of the SDK's room. `media_reconnecting`: media must be well again before the room is reconnected."""

    room: str
    sig: str
    ice: str
    media_reconnecting: bool
    cause: int | None
    timer: bool


OVER: Final = State("disconnected", "", "", media_reconnecting=False, cause=None, timer=False)


class Emitted(msgspec.Struct, frozen=True):
    """What the room said: the state that it came to, and why."""

    state: str
    error: int | None


class Row(msgspec.Struct, frozen=True):
    """One transition."""

    before: State
    event: str
    after: State
    emitted: list[Emitted]


class Table(msgspec.Struct, frozen=True):
    """The file."""

    about: str
    rows: list[Row]


Story = list[tuple[int, Signal | None]]
"""What happens to a joined room, with the ms when it does; None: time passes."""


def is_left_by_r8(state: State) -> bool:
    """A room that is connected while its window still runs."""
    return state.room == "connected" and state.timer


ROWS: Final = msgspec.json.decode(FILE.read_bytes(), type=Table).rows
PLAIN: Final = [row for row in ROWS if not is_left_by_r8(row.before) and not is_left_by_r8(row.after)]
INTO_R8: Final = [row for row in ROWS if is_left_by_r8(row.after)]
OUT_OF_R8: Final = [row for row in ROWS if is_left_by_r8(row.before)]


def named(row: Row) -> str:
    was = row.before
    media = ", media not well" if was.media_reconnecting else ""
    return f"{was.room} ({was.cause}{media}), signaling {was.sig}, ICE {was.ice}: {row.event}"


def way_to(state: State) -> Story:
    """What brings a joined room whose media is well to this state."""
    failed, here = IceState(PEER, "failed"), IceState(PEER, state.ice)
    way: list[Signal]
    if is_left_by_r8(state):
        way = [LOST, here, BACK]
    elif state.cause is None:
        way = [here]
    elif state.cause == 53405:
        way = [failed, LOST, here] if state.sig == "reconnecting" else [failed, here]
    elif not state.media_reconnecting:
        way = [LOST, here]
    else:
        way = [LOST, failed, BACK, LOST, here] if state.sig == "reconnecting" else [LOST, failed, BACK, here]
    return [(0, signal) for signal in way]


def event_of(row: Row) -> Story:
    """The row's event."""
    kind, _, value = row.event.partition(":")
    if kind == "ice":
        return [(EVENT_MS, IceState(PEER, value))]
    if kind == "timeout":
        return [(WINDOW_MS, None)]
    signals: dict[str, Signal] = {
        "sig:connected": BACK,
        "sig:reconnecting": LOST,
        "sig:disconnected(20104)": ServerError(20104),
        "sig:disconnected(null)": Removed(),
        "pc:failed": DtlsFailed(PEER),
        "disconnect()": Leave(),
    }
    return [(EVENT_MS, signals[row.event])]


def after(story: Story) -> tuple[Room, list[Event]]:
    """A joined room to which this happened, and what it said of itself."""
    room = a_joined_room(ReconnectPolicy.twilio_js())
    events: list[Event] = []
    for ms, signal in story:
        events += room.advance(at(ms)) if signal is None else room.receive(signal, at(ms))
    return room, [event for event in events if event.type.startswith("room.")]


def end_of_window(story: Story) -> tuple[float, int | None] | None:
    """When and with which code the room is disconnected to which nothing else happens; None: it stays."""
    room, _ = after(story)
    for event in room.advance(at(END_OF_TIME_MS)):
        if event.type == "room.disconnected":
            return (event.at.steady_us - at(0).steady_us) / 1000, event.error.code if event.error else None
    return None


def waits_for_media(story: Story) -> bool:
    """Whether the room is still reconnecting with signaling up and media on its way."""
    room, _ = after([*story, (EVENT_MS, IceState(PEER, "checking")), (EVENT_MS, BACK)])
    return room.state is RoomState.RECONNECTING


def seen(story: Story, ice: str) -> State:
    """The state of the room to which this happened, as far as it can be seen from outside."""
    room, _ = after(story)
    if room.state is RoomState.DISCONNECTED:
        return OVER
    end = end_of_window(story)
    return State(
        room=str(room.state),
        sig=str(room.local_participant.state),
        ice=ice,
        media_reconnecting=room.state is RoomState.RECONNECTING and waits_for_media(story),
        cause=None if end is None else end[1],
        timer=end is not None,
    )


def visible(state: State) -> State:
    """What can be seen of a state."""
    return OVER if state.room == OVER.room else state


def without_timer(state: State) -> State:
    """The same, had the SDK not forgotten to stop its timer."""
    return msgspec.structs.replace(state, cause=None, timer=False)


def said(story: Story, since: int) -> list[Emitted]:
    """What the room said after so many steps of the story."""
    _, before = after(story[:since])
    _, events = after(story)
    told = events[len(before) :]
    return [Emitted(str(event.state), event.error.code if event.error else None) for event in told]


def test_the_rows_are_those_that_were_recorded() -> None:
    assert (len(ROWS), len(PLAIN), len(INTO_R8), len(OUT_OF_R8)) == (100, 92, 2, 6)


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_a_room_does_what_the_room_of_the_real_sdk_does(row: Row) -> None:
    way = way_to(row.before)
    story = way + event_of(row)
    assert seen(way, row.before.ice) == row.before
    assert seen(story, row.after.ice) == visible(row.after)
    assert said(story, len(way)) == row.emitted


@pytest.mark.parametrize("row", INTO_R8, ids=named)
def test_a_room_that_is_reconnected_with_media_on_its_way_stops_its_window_which_the_real_sdk_forgets(row: Row) -> None:
    way = way_to(row.before)
    story = way + event_of(row)
    assert (row.after.timer, row.after.cause) == (True, 53001)
    assert seen(way, row.before.ice) == row.before
    assert seen(story, row.after.ice) == without_timer(row.after)
    assert said(story, len(way)) == row.emitted


@pytest.mark.parametrize("row", OUT_OF_R8, ids=named)
def test_what_comes_after_a_forgotten_timer_is_as_if_it_had_been_stopped(row: Row) -> None:
    way = way_to(row.before)
    story = way + event_of(row)
    assert seen(way, row.before.ice) == without_timer(row.before)
    assert seen(story, row.after.ice) == visible(row.after)
    assert said(story, len(way)) == row.emitted


def test_an_outage_after_a_forgotten_timer_has_a_window_of_its_own_which_in_the_real_sdk_it_has_not() -> None:
    rows = [row for row in OUT_OF_R8 if row.after.room == "reconnecting"]
    ends = [end_of_window(way_to(row.before) + event_of(row)) for row in rows]
    assert [row.before.timer for row in rows] == [True, True]
    assert ends == [(EVENT_MS + WINDOW_MS, 53405)] * 2
