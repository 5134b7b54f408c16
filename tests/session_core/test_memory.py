"""The memory server: it does to its clients what a real one does, and breaks where it is told to."""

from __future__ import annotations

import asyncio

import pytest

from session_core.clock import VirtualClock
from session_core.signals import (
    AttemptRefused,
    AttemptUnreached,
    ConnectRefused,
    ConnectUnanswered,
    DtlsFailed,
    IceState,
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
from session_core.transports.memory import FaultKind, MemoryServer, MemoryTransport
from tests.session_core.telling import BEGIN


class Client:
    """A transport and what it delivered."""

    def __init__(
        self, server: MemoryServer, identity: str = "alice", room: str = "daily", region: str | None = None
    ) -> None:
        self.transport = MemoryTransport(server, identity=identity, room=room, region=region)
        self.heard: list[Signal] = []

    async def join(self, room_name: str | None = None) -> Client:
        self.transport.join("token", room_name, self.heard.append)
        await asyncio.sleep(0)
        return self

    async def attempt(self) -> Signal | None:
        """The answer to an attempt."""
        before = len(self.heard)
        self.transport.attempt("token")
        await asyncio.sleep(0)
        return self.heard[-1] if len(self.heard) > before else None


def a_server() -> MemoryServer:
    return MemoryServer(clock=VirtualClock(BEGIN), session_timeout_ms=9_000)


def bob(state: str, revision: int) -> ParticipantState:
    return ParticipantState("PA3", "bob", state, revision)


async def test_who_joins_learns_who_is_there_and_those_learn_who_joins() -> None:
    server = a_server()
    alice = await Client(server).join()
    other = await Client(server, "bob").join()
    first = ParticipantState("PA2", "alice", "connected", 1)
    assert alice.heard == [
        Joined("RM1", "PA2", (), 9_000, "alice", "daily"),
        ParticipantsUpdated((bob("connected", 1),)),
    ]
    assert other.heard == [Joined("RM1", "PA3", (first,), 9_000, "bob", "daily")]


async def test_the_name_that_the_join_gives_is_the_rooms() -> None:
    server = a_server()
    await Client(server).join("another")
    assert (server.participants("another"), server.participants("daily")) == ({"alice": "connected"}, {})


async def test_others_see_a_client_reconnecting_back_and_gone_each_with_a_greater_revision() -> None:
    server = a_server()
    alice, other = await Client(server).join(), await Client(server, "bob").join()
    del alice.heard[:]
    assert server.drop(identity="bob") == 1
    assert await other.attempt() == Resynchronised((ParticipantState("PA2", "alice", "connected", 1),), 9_000)
    other.transport.leave()
    assert alice.heard == [
        ParticipantsUpdated((bob("reconnecting", 2),)),
        ParticipantsUpdated((bob("connected", 3),)),
        ParticipantsUpdated((bob("disconnected", 4),)),
    ]
    assert isinstance(other.heard[1], SignalingLost)


async def test_a_client_that_stays_away_loses_its_place() -> None:
    clock = VirtualClock(BEGIN)
    server = MemoryServer(clock=clock, keep_s=10)
    alice, other = await Client(server).join(), await Client(server, "bob").join()
    server.drop(identity="bob")
    clock.advance(9)
    assert server.participants("daily") == {"alice": "connected", "bob": "reconnecting"}
    clock.advance(2)
    assert server.participants("daily") == {"alice": "connected"}
    assert alice.heard[-1] == ParticipantsUpdated((bob("disconnected", 3),))
    assert await other.attempt() == ServerError(53204)


async def test_a_client_that_is_back_keeps_its_place() -> None:
    clock = VirtualClock(BEGIN)
    server = MemoryServer(clock=clock, keep_s=10)
    alice = await Client(server).join()
    server.drop()
    await alice.attempt()
    clock.advance(20)
    assert server.participants("daily") == {"alice": "connected"}


async def test_who_is_away_cannot_say_that_it_leaves_and_hears_nothing() -> None:
    server = a_server()
    alice, other = await Client(server).join(), await Client(server, "bob").join()
    server.drop(identity="bob")
    heard = len(other.heard)
    alice.transport.leave()
    other.transport.leave()
    assert (server.participants("daily"), len(other.heard)) == ({"bob": "reconnecting"}, heard)


async def test_an_identity_that_comes_twice_supersedes_itself() -> None:
    server = a_server()
    first = await Client(server).join()
    second = await Client(server).join()
    assert first.heard[-1] == ServerError(53205)
    assert isinstance(second.heard[0], Joined)
    assert server.participants("daily") == {"alice": "connected"}
    first.transport.leave()
    assert server.participants("daily") == {"alice": "connected"}


@pytest.mark.parametrize(
    ("kind", "join", "attempt"),
    [
        ("unreachable", ConnectUnanswered(), AttemptUnreached()),
        ("silent", None, None),
        ("refusing", ConnectUnanswered(), AttemptRefused()),
        ("busy", ConnectRefused(53006), AttemptRefused()),
        ("join", ConnectRefused(7, "why"), Resynchronised((), 9_000)),
        ("resync", Joined("RM3", "PA4", (), 9_000, "bob", "other"), ServerError(7, "why")),
    ],
)
async def test_a_fault_is_there_for_whom_it_names_until_it_is_ended(
    kind: FaultKind, join: Signal | None, attempt: Signal | None
) -> None:
    server = a_server()
    alice = await Client(server, region="de1").join()
    fault = server.fail(kind, code=7, message="why", region="de1")
    assert (len(alice.heard), server.drop(region="us1"), server.drop(region="de1")) == (1, 0, 1)
    newcomer = await Client(server, "bob", "other", region="de1").join()
    elsewhere = await Client(server, "carol", "third", region="us1").join()
    assert ([*newcomer.heard, None][0], await alice.attempt()) == (join, attempt)
    assert isinstance(elsewhere.heard[0], Joined)
    fault.end()
    server.drop(identity="alice")
    assert (await alice.attempt()) == Resynchronised((), 9_000)


async def test_a_room_that_is_completed_is_over_for_all_also_for_who_was_away() -> None:
    server = a_server()
    alice, other = await Client(server).join(), await Client(server, "bob").join()
    server.drop(identity="bob")
    server.complete("daily")
    server.complete("daily")
    assert (alice.heard[-1], await other.attempt()) == (RoomCompleted(), RoomCompleted())
    assert server.participants("daily") == {}


@pytest.mark.parametrize("away", [False, True])
async def test_who_is_removed_or_ended_hears_it_now_or_when_coming_back(*, away: bool) -> None:
    server = a_server()
    clients = [await Client(server, name).join() for name in ("alice", "bob")]
    if away:
        server.drop()
    server.remove("daily", "alice")
    server.end_session("daily", "bob", 53216, "too long")
    heard = [await it.attempt() if away else it.heard[-1] for it in clients]
    assert (heard, server.participants("daily")) == ([Removed(), ServerError(53216, "too long")], {})


async def test_media_fails_for_whom_it_is_named_for() -> None:
    server = a_server()
    clients = [await Client(server, name, region=region).join() for name, region in (("a", "de1"), ("b", "us1"))]
    assert server.ice("failed", region="de1") + server.fail_dtls(identity="b", peer="P2") == 2
    assert [it.heard[-1] for it in clients] == [IceState("peer", "failed"), DtlsFailed("P2")]


async def test_an_answer_that_was_given_up_does_not_come() -> None:
    clock = VirtualClock(BEGIN)
    server = MemoryServer(clock=clock, latency_s=1)
    alice = await Client(server).join()
    alice.transport.abort()
    clock.advance(5)
    assert (alice.heard, server.participants("daily")) == ([], {})
