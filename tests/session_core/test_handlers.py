"""Handlers and iterators: who is told, in which order, and what is shown meanwhile."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from session_core.events import Event, EventType, ParticipantView, RoomState
from session_core.handlers import ROOM_NAMES, EventStream, Participant, Teller
from tests.session_core.telling import event

CONNECTED = RoomState.CONNECTED


def a_note() -> list[Event]:
    return []


def about(kind: EventType, sid: str = "PA9") -> Event:
    told = event(kind)
    return msgspec.structs.replace(told, participant=ParticipantView(sid=sid, identity="bob", state=told.state))


def a_teller() -> Teller:
    """A room that is joined, with one other in it."""
    teller = Teller()
    others = [ParticipantView(sid="PA9", identity="bob", state=CONNECTED)]
    teller.introduce(ParticipantView(sid="PA1", identity="alice", state=CONNECTED), others)
    teller.tell([event("room.connected")])
    return teller


@pytest.mark.parametrize(("name", "kind"), ROOM_NAMES.items())
def test_each_name_has_its_event_in_both_spellings(name: str, kind: EventType) -> None:
    camel = "".join(word.capitalize() if at else word for at, word in enumerate(name.split("_")))
    teller, told = a_teller(), a_note()
    for spelling in (name, camel):
        teller.on(spelling, told.append)
    teller.tell([event(kind)])
    assert [it.type for it in told] == [kind, kind]


@pytest.mark.parametrize("name", ["", "connected", "Reconnecting", "participant_Reconnecting", "trackSubscribed"])
def test_a_name_that_is_no_events_is_refused_with_those_that_are(name: str) -> None:
    known = "reconnecting, reconnected, disconnected, participant_connected"
    for act in (a_teller().on, a_teller().off):
        with pytest.raises(ValueError, match=f"no event {name!r}; there are {known}"):
            act(name, print)


def test_a_participant_has_three_names() -> None:
    with pytest.raises(ValueError, match="there are reconnecting, reconnected, disconnected"):
        a_teller().participants["PA9"].on("participant_reconnecting", print)


def test_a_decorator_registers_and_gives_the_handler_back() -> None:
    teller, told = a_teller(), []

    @teller.on("reconnecting")
    def note(it: Event) -> None:
        told.append(it.type)

    teller.tell([event("room.reconnecting")])
    teller.off("reconnecting", note)
    teller.off("reconnecting", note)
    teller.tell([event("room.reconnecting")])
    assert told == ["room.reconnecting"]


def test_room_first_then_the_participant_each_in_order_of_registration() -> None:
    teller, order = a_teller(), []
    bob = teller.participants["PA9"]
    bob.on("reconnecting", lambda _: order.append("bob 1"))
    teller.on("participant_reconnecting", lambda _: order.append("room 1"))
    bob.on("reconnecting", lambda _: order.append("bob 2"))
    teller.on("participantReconnecting", lambda _: order.append("room 2"))
    teller.tell([about("participant.reconnecting")])
    assert order == ["room 1", "room 2", "bob 1", "bob 2"]


def test_participants_of_other_rooms_and_other_names_hear_nothing() -> None:
    teller, told = a_teller(), a_note()
    teller.participants["PA9"].on("reconnected", told.append)
    teller.on("reconnecting", told.append)
    teller.tell([about("participant.reconnecting"), about("participant.reconnected", "PA8")])
    assert told == []


def test_while_a_transition_is_told_every_state_shown_is_of_that_transition() -> None:
    teller, shown = a_teller(), []

    def note(it: Event) -> None:
        shown.append(
            (it.type, teller.state.value, sorted((p.sid, p.state.value) for p in teller.participants.values()))
        )

    for name in ROOM_NAMES:
        teller.on(name, note)
    teller.on("reconnecting", lambda _: teller.tell([event("room.disconnected")]))
    teller.on("reconnecting", note)
    teller.tell([about("participant.reconnecting"), about("participant.disconnected"), event("room.reconnecting")])
    assert shown == [
        ("participant.reconnecting", "connected", [("PA9", "reconnecting")]),
        ("participant.disconnected", "connected", []),
        ("room.reconnecting", "reconnecting", []),
        ("room.reconnecting", "reconnecting", []),
        ("room.disconnected", "disconnected", []),
    ]


def test_a_participant_stays_the_same_object_and_one_that_returns_is_another() -> None:
    teller = a_teller()
    first = teller.participants["PA9"]
    teller.tell([about("participant.reconnecting"), about("participant.reconnected")])
    assert teller.participants["PA9"] is first
    teller.tell([about("participant.disconnected"), about("participant.connected")])
    assert (teller.participants["PA9"] is first, first.state) == (False, "disconnected")


def test_a_participant_says_who_it_is() -> None:
    assert repr(Participant("PA9", "bob", CONNECTED)) == "Participant(sid='PA9', identity='bob', state='connected')"


def test_a_handler_that_is_added_meanwhile_hears_of_the_next_event() -> None:
    teller, told = a_teller(), a_note()
    teller.on("reconnecting", lambda _: teller.on("reconnecting", told.append))
    teller.tell([event("room.reconnecting")])
    assert told == []


def test_a_coroutine_function_without_a_loop_is_reported_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    teller = a_teller()

    @teller.on("reconnecting")
    async def note(_: Event) -> None:
        raise AssertionError

    teller.tell([event("room.reconnecting")])
    assert "no event loop runs any more" in caplog.text


def test_a_plain_handler_that_raises_without_a_loop_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    teller = a_teller()
    teller.on("reconnecting", lambda _: 1 / 0)
    teller.tell([event("room.reconnecting")])
    assert "raised ZeroDivisionError for room.reconnecting; the room goes on" in caplog.text


async def kinds(stream: EventStream) -> list[str]:
    return [it.type async for it in stream]


async def test_an_iterator_gives_what_is_told_from_now_on_and_ends_with_the_room() -> None:
    teller = a_teller()
    teller.tell([event("room.reconnecting")])
    stream = teller.stream(10)
    reading = asyncio.create_task(kinds(stream))
    await asyncio.sleep(0)
    teller.tell([event("room.reconnected"), event("session.alive"), event("room.disconnected")])
    assert await reading == ["room.reconnected", "room.disconnected"]
    assert await kinds(teller.stream(10)) == []


async def test_an_iterator_that_lags_loses_the_oldest_and_counts_them() -> None:
    teller = a_teller()
    stream, other = teller.stream(2), teller.stream(10)
    for _ in range(3):
        teller.tell([event("room.reconnecting"), event("room.reconnected")])
    teller.tell([event("room.disconnected")])
    assert (await kinds(stream), stream.missed) == (["room.reconnected", "room.disconnected"], 5)
    assert (len(await kinds(other)), other.missed) == (7, 0)


def test_an_iterator_of_a_loop_that_is_gone_is_no_fault() -> None:
    teller = a_teller()
    stream = teller.stream(10)

    async def wait() -> None:
        reading = asyncio.create_task(kinds(stream))
        await asyncio.sleep(0)
        reading.cancel()

    asyncio.run(wait())
    teller.tell([event("room.disconnected")])
    assert teller.state == "disconnected"
