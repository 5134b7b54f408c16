"""A driven room: it reconnects by its policy, ends as the page says, and tells its handlers as things were."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from session_core import wire
from session_core.driven import DrivenRoom
from session_core.events import Event, Moment
from session_core.policy import ReconnectPolicy
from session_core.transports.memory import FaultKind, MemoryTransport
from tests.session_core.telling import BEGIN, event
from tests.session_core.world import SHORT, World, noted, turns


async def test_signaling_that_drops_comes_back_by_itself() -> None:
    world = World()
    room = await world.connect()
    notes = noted(room)
    world.server.drop()
    assert (notes, world.server.participants("daily")) == (
        ["reconnecting reconnecting 53001"],
        {"alice": "reconnecting"},
    )
    world.clock.advance(1)
    assert notes == ["reconnecting reconnecting 53001", "reconnected connected"]
    assert (room.state, world.server.participants("daily")) == ("connected", {"alice": "connected"})
    assert (room.totals.outages, room.totals.reconnecting_ms) == (1, 80)


async def test_media_that_fails_and_comes_back_needs_no_attempt() -> None:
    world = World()
    transport = world.transport()
    room = await world.connect(transport=transport)
    notes = noted(room)
    world.server.ice("failed")
    world.clock.advance(1)
    world.server.ice("connected")
    assert notes == ["reconnecting reconnecting 53405", "reconnected connected"]
    assert len(transport.tokens) == 1


@pytest.mark.parametrize(
    ("kind", "code", "ended"),
    [
        ("unreachable", 0, 53002),
        ("silent", 0, 53002),
        ("refusing", 0, 53000),
        ("busy", 0, 53000),
        ("resync", 20104, 20104),
        ("resync", 53204, 53204),
        ("resync", 53205, 53205),
    ],
)
async def test_a_room_that_cannot_come_back_ends_with_the_code_that_says_why(
    kind: FaultKind, code: int, ended: int
) -> None:
    world = World()
    transport = world.transport()
    room = await world.connect(policy=SHORT, transport=transport)
    notes = noted(room)
    world.server.fail(kind, code=code)
    world.server.drop()
    world.clock.advance(60)
    await turns()
    assert notes == ["reconnecting reconnecting 53001", f"disconnected disconnected {ended}"]
    assert transport.is_closed
    assert await world.told() == [
        "room.connecting",
        "room.connected",
        "room.reconnecting 53001",
        f"room.disconnected {ended}",
    ]


async def test_a_window_that_ends_with_media_alone_away_is_53405() -> None:
    world = World()
    notes = noted(await world.connect(policy=SHORT))
    world.server.ice("failed")
    world.clock.advance(2)
    assert notes == ["reconnecting reconnecting 53405", "disconnected disconnected 53405"]


async def test_what_the_server_ends_is_over_at_once() -> None:
    world = World()
    notes = []
    notes.append(noted(await world.connect("user 0")))
    world.server.complete("daily")
    notes.append(noted(await world.connect("user 1")))
    world.server.remove("daily", "user 1")
    notes.append(noted(await world.connect("user 2")))
    world.server.fail_dtls()
    assert notes == [
        ["disconnected disconnected 53118"],
        ["disconnected disconnected"],
        ["disconnected disconnected 53407"],
    ]


async def test_attempts_follow_each_other_by_the_delays_of_the_policy() -> None:
    world = World()
    made: list[float] = []

    class Noting(MemoryTransport):
        def attempt(self, token: str) -> None:
            made.append(world.clock.now().steady_us / 1000)
            super().attempt(token)

    await world.connect(transport=Noting(world.server))
    world.server.fail("refusing")
    world.server.drop()
    world.clock.advance(1.2)
    assert made == [80, 200, 380, 650, 1055]


async def test_an_attempt_that_nobody_answers_is_given_up_and_another_made() -> None:
    world = World()
    transport = world.transport()
    room = await world.connect(transport=transport, attempt_timeout_s=1)
    silence = world.server.fail("silent")
    world.server.drop()
    world.clock.advance(1.1)
    silence.end()
    assert (room.state, len(transport.tokens)) == ("reconnecting", 2)
    world.clock.advance(0.2)
    assert (room.state, len(transport.tokens)) == ("connected", 3)


async def test_an_answer_that_comes_after_its_attempt_was_given_up_is_not_heard() -> None:
    world = World(latency_s=3)
    joining = asyncio.ensure_future(joined(world, attempt_timeout_s=1))
    await turns()
    world.clock.advance(3)
    room = await joining
    world.server.drop()
    world.clock.advance(20)
    assert (room.state, world.server.participants("daily")) == ("reconnecting", {"alice": "reconnecting"})


async def joined(world: World, **how: Any) -> DrivenRoom:
    return await world.connect(**how)


async def test_leaving_while_reconnecting_ends_all_attempts() -> None:
    world = World()
    transport = world.transport()
    room = await world.connect(transport=transport)
    world.server.fail("unreachable")
    world.server.drop()
    room.disconnect()
    world.clock.advance(60)
    await turns()
    assert (room.state, len(transport.tokens), transport.is_closed) == ("disconnected", 1, True)
    room.disconnect()
    assert (await world.told())[-1] == "room.disconnected"


async def test_a_wall_clock_that_steps_changes_no_window() -> None:
    world = World()
    notes = noted(await world.connect(policy=SHORT))
    world.server.fail("unreachable")
    world.server.drop()
    world.clock.step_wall(-86_400)
    world.clock.advance(1.9)
    assert notes == ["reconnecting reconnecting 53001"]
    world.clock.advance(0.2)
    assert notes[1:] == ["disconnected disconnected 53002"]


async def test_a_handler_that_raises_a_cancellation_stops_neither_the_room_nor_the_other_handlers() -> None:
    world = World()
    room = await world.connect()

    def fail(_: Event) -> None:
        raise asyncio.CancelledError

    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    room.on("disconnected", fail)
    notes = noted(room, "disconnected")
    room.disconnect()
    assert notes == ["disconnected disconnected"]


async def test_others_are_seen_coming_reconnecting_and_going() -> None:
    world = World()
    room = await world.connect("alice")
    seen: list[tuple[str, str | None, str, list[str]]] = []

    def see(told: Event) -> None:
        assert told.participant is not None
        states = [it.state.value for it in room.participants.values()]
        seen.append((told.type, told.participant.identity, told.participant.state.value, states))

    for name in ("connected", "reconnecting", "reconnected", "disconnected"):
        room.on(f"participant_{name}", see)
    other = await world.connect("bob")
    world.server.drop(identity="bob")
    world.clock.advance(1)
    other.disconnect()
    assert seen == [
        ("participant.connected", "bob", "connected", ["connected"]),
        ("participant.reconnecting", "bob", "reconnecting", ["reconnecting"]),
        ("participant.reconnected", "bob", "connected", ["connected"]),
        ("participant.disconnected", "bob", "disconnected", []),
    ]


async def test_the_local_participant_goes_first_and_comes_back_last() -> None:
    world = World()
    room = await world.connect()
    order: list[tuple[str, str]] = []
    for name in ("reconnecting", "reconnected"):
        room.on(name, lambda told: order.append(("room", told.type)))
        room.local_participant.on(name, lambda told: order.append((room.local_participant.state.value, told.type)))
    world.server.drop()
    world.clock.advance(1)
    assert order == [
        ("reconnecting", "local.reconnecting"),
        ("room", "room.reconnecting"),
        ("room", "room.reconnected"),
        ("connected", "local.reconnected"),
    ]


async def test_what_a_handler_sets_off_is_told_after_what_it_was_called_for() -> None:
    world = World()
    room = await world.connect()
    room.on("reconnecting", lambda _: room.disconnect())
    notes = noted(room)
    world.server.drop()
    assert notes == ["reconnecting reconnecting 53001", "disconnected disconnected"]


async def test_a_handler_that_raises_is_reported_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    room = await world.connect()
    reported: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(str(context["exception"])))

    def fail(_: Event) -> None:
        raise LookupError("the application's fault")

    async def fail_later(_: Event) -> None:
        raise LookupError("its other fault")

    room.on("reconnecting", fail)
    room.on("reconnecting", fail_later)
    notes = noted(room)
    world.server.drop()
    world.clock.advance(1)
    await turns()
    assert notes == ["reconnecting reconnecting 53001", "reconnected connected"]
    assert reported == ["the application's fault", "its other fault"]
    assert caplog.text.count("raised LookupError for room.reconnecting; the room goes on") == 2


async def test_a_coroutine_function_runs_beside_the_room_and_is_waited_for_at_the_end() -> None:
    world = World()
    done: list[str] = []
    async with world.connect() as room:

        @room.on("disconnected")
        async def note(told: Event) -> None:
            await turns(3)
            done.append(told.type)

    assert done == ["room.disconnected"]


async def test_what_a_room_publishes_is_what_it_tells_and_a_sign_of_life() -> None:
    world = World()
    async with world.connect() as room:
        stream = room.events()
        world.clock.advance(30)
        world.server.drop()
        world.clock.advance(1)
    assert [told.type async for told in stream] == [
        "local.reconnecting",
        "room.reconnecting",
        "room.reconnected",
        "local.reconnected",
        "local.disconnected",
        "room.disconnected",
    ]
    assert await world.told() == [
        "room.connecting",
        "room.connected",
        "session.alive",
        "room.reconnecting 53001",
        "room.reconnected",
        "room.disconnected",
    ]


async def test_a_room_that_ended_ignores_what_still_arrives() -> None:
    world = World()
    transport = world.transport()
    room = await world.connect(transport=transport)
    room.disconnect()
    transport.deliver(wire.message(event("room.connecting"), 0))  # type: ignore[arg-type]  # whatever it is
    world.clock.advance(600)
    assert room.state == "disconnected"
    assert (await world.told())[-1] == "room.disconnected"


async def test_the_open_outage_and_the_totals_can_be_asked_for() -> None:
    world = World()
    room = await world.connect(policy=ReconnectPolicy.documented())
    world.server.fail("unreachable")
    world.server.drop()
    world.clock.advance(0.25)
    outage = room.outage
    assert outage is not None
    assert (outage.number, outage.cause, outage.attempts, outage.started_at) == (1, "signaling", 2, BEGIN)
    assert (room.totals.outages, room.totals.reconnecting_ms) == (1, 250)
    assert world.clock.now() == Moment(world.clock.now().utc_us, 250_000)
