"""The contract of transport.py, kept by every transport alike: in memory, and over a wire that really breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from session_core.driver import connect
from session_core.signals import (
    AttemptRefused,
    AttemptUnreached,
    ConnectRefused,
    ConnectUnanswered,
    Joined,
    ParticipantState,
    ParticipantsUpdated,
    Removed,
    Resynchronised,
    RoomCompleted,
    ServerError,
    Signal,
    SignalingLost,
)
from tests.contract.signaling import ROOM, MemorySignaling, Signaling, WebSocketSignaling
from tests.waiting import eventually


@pytest.fixture(params=["memory", "websocket"])
async def signaling(request: pytest.FixtureRequest) -> AsyncIterator[Signaling]:
    if request.param == "memory":
        yield MemorySignaling()
        return
    over_a_wire = WebSocketSignaling()
    await over_a_wire.start("alice", "bob")
    yield over_a_wire
    await over_a_wire.stop()


def alice(state: str, revision: int) -> ParticipantState:
    return ParticipantState("PA2", "alice", state, revision)


def bob(state: str, revision: int) -> ParticipantState:
    return ParticipantState("PA3", "bob", state, revision)


def is_lost(signal: Signal) -> bool:
    return isinstance(signal, SignalingLost)


async def test_who_joins_learns_who_is_there_and_those_learn_who_joins(signaling: Signaling) -> None:
    first = await signaling.client("alice").join("alice")
    second = await signaling.client("bob").join("bob")
    assert first.heard[0] == Joined("RM1", "PA2", (), None, "alice", ROOM)
    assert second.heard == [Joined("RM1", "PA3", (alice("connected", 1),), None, "bob", ROOM)]
    assert await first.hears(ParticipantsUpdated((bob("connected", 1),)))
    for client in (first, second):
        await client.transport.close()


async def test_a_join_that_the_server_refuses_says_its_code_and_its_words(signaling: Signaling) -> None:
    signaling.deny(20104, "expired")
    client = await signaling.client("alice").join("alice")
    await client.transport.close()
    assert (client.heard, signaling.states()) == ([ConnectRefused(20104, "expired")], {})


async def test_a_join_that_somebody_refuses_is_not_answered(signaling: Signaling) -> None:
    client = signaling.client("alice")
    await signaling.refuse("alice")
    await client.join("alice")
    await client.transport.close()
    assert client.heard == [ConnectUnanswered()]


async def test_who_is_lost_is_reconnecting_to_the_others_and_connected_when_back(signaling: Signaling) -> None:
    first = await signaling.client("alice").join("alice")
    second = await signaling.client("bob").join("bob")
    await signaling.lose("bob")
    await eventually(lambda: is_lost(second.heard[-1]))
    assert await first.hears(ParticipantsUpdated((bob("reconnecting", 2),)))
    assert await second.attempt("bob") == Resynchronised((alice("connected", 1),))
    assert await first.hears(ParticipantsUpdated((bob("connected", 3),)))
    assert signaling.states() == {"alice": "connected", "bob": "connected"}
    for client in (first, second):
        await client.transport.close()


async def test_an_attempt_is_refused_by_somebody_and_reaches_nobody_until_it_succeeds(signaling: Signaling) -> None:
    client = await signaling.client("alice").join("alice")
    await signaling.refuse("alice")
    await eventually(lambda: is_lost(client.heard[-1]))
    heard = [await client.attempt("alice")]
    await signaling.mend("alice")
    await signaling.silence("alice")
    await signaling.unanswered(client, "alice")
    heard.append(client.heard[-1])
    await signaling.mend("alice")
    heard.append(await client.attempt("alice"))
    await client.transport.close()
    assert heard == [AttemptRefused(), AttemptUnreached(), Resynchronised(())]


async def test_what_was_missed_is_told_by_the_resynchronisation_with_its_revisions(signaling: Signaling) -> None:
    first = await signaling.client("alice").join("alice")
    second = await signaling.client("bob").join("bob")
    await signaling.lose("alice")
    await eventually(lambda: is_lost(first.heard[-1]))
    await signaling.lose("bob")
    await eventually(lambda: is_lost(second.heard[-1]))
    await eventually(lambda: set(signaling.states().values()) == {"reconnecting"})
    assert await first.attempt("alice") == Resynchronised((bob("reconnecting", 2),))
    for client in (first, second):
        await client.transport.close()


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (lambda it: it.remove("alice"), Removed()),
        (lambda it: it.complete(), RoomCompleted()),
        (lambda it: it.end_session("alice", 53216, "too long"), ServerError(53216, "too long")),
    ],
    ids=["removed", "completed", "ended"],
)
@pytest.mark.parametrize("away", [False, True])
async def test_who_is_ended_hears_it_now_or_as_the_verdict_when_coming_back(
    signaling: Signaling, end: Callable[[Signaling], None], told: Signal, *, away: bool
) -> None:
    client = await signaling.client("alice").join("alice")
    if away:
        await signaling.lose("alice")
        await eventually(lambda: is_lost(client.heard[-1]))
    end(signaling)
    assert await client.attempt("alice") == told if away else await client.hears(told)
    assert signaling.states() == {}
    await client.transport.close()


async def test_the_verdict_on_a_resynchronisation_is_the_servers_own(signaling: Signaling) -> None:
    client = await signaling.client("alice").join("alice")
    await signaling.lose("alice")
    await eventually(lambda: is_lost(client.heard[-1]))
    signaling.deny(20104, "expired")
    assert await client.attempt("alice") == ServerError(20104, "expired")
    await client.transport.close()


async def test_an_identity_that_comes_twice_supersedes_itself(signaling: Signaling) -> None:
    first = await signaling.client("alice").join("alice")
    second = await signaling.client("alice").join("alice")
    assert await first.hears(ServerError(53205))
    assert isinstance(second.heard[0], Joined)
    for client in (first, second):
        await client.transport.close()


async def test_the_others_see_who_leaves_at_once(signaling: Signaling) -> None:
    first = await signaling.client("alice").join("alice")
    second = await signaling.client("bob").join("bob")
    second.transport.leave()
    assert await first.hears(ParticipantsUpdated((bob("disconnected", 2),)))
    assert signaling.states() == {"alice": "connected"}
    for client in (first, second):
        await client.transport.close()


async def test_an_attempt_that_is_given_up_tells_nothing(signaling: Signaling) -> None:
    client = await signaling.client("alice").join("alice")
    await signaling.lose("alice")
    await eventually(lambda: is_lost(client.heard[-1]))
    client.transport.attempt("alice")
    client.transport.abort()
    client.transport.abort()
    before = len(client.heard)
    assert await client.attempt("alice") == Resynchronised(())
    assert len(client.heard) == before + 1
    await client.transport.close()


@pytest.mark.parametrize("state", ["joined", "lost", "left"])
async def test_closing_frees_everything(signaling: Signaling, state: str) -> None:
    client = await signaling.client("alice").join("alice")
    if state == "lost":
        await signaling.refuse("alice")
        await eventually(lambda: is_lost(client.heard[-1]))
        client.transport.attempt("alice")
    if state == "left":
        client.transport.leave()
    heard = list(client.heard)
    await client.transport.close()
    assert (signaling.is_free(client), client.heard) == (True, heard)


async def test_a_room_comes_back_by_itself_after_a_loss(signaling: Signaling) -> None:
    transport = signaling.client("alice").transport
    async with connect("alice", transport=transport, room_name=ROOM) as room:
        events = room.events()
        await signaling.lose("alice")
        told = []
        while "room.reconnected" not in told:
            told.append((await anext(events)).type)
    assert [name for name in told if name.startswith("room.")] == ["room.reconnecting", "room.reconnected"]
    await eventually(lambda: signaling.states() == {})
