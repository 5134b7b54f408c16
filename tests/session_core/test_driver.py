"""connect(): what joins, what does not, and how a room is left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from session_core import wire
from session_core.errors import ConnectError, Origin
from session_core.events import Client, Session
from session_core.kafka import KafkaSink
from session_core.live import new_session_id
from session_core.outbox import Record
from session_core.publisher import MemorySink, Publisher
from session_core.signals import Joined
from session_core.token import AccessToken
from session_core.transport import Deliver
from session_core.transports.memory import FaultKind, MemoryTransport
from tests.servers.processes import free_port
from tests.session_core.telling import BEGIN, moment, session_id
from tests.session_core.world import World, turns
from tests.waiting import eventually


def test_a_session_is_named_by_the_moment_it_began_at_and_by_chance() -> None:
    name = new_session_id(moment(), lambda bits: (1 << bits) - 1)
    assert (name.version, name.variant, name.int >> 80) == (7, "specified in RFC 4122", moment().utc_us // 1000)
    assert new_session_id(moment()) != new_session_id(moment())


async def test_awaiting_gives_a_connected_room_that_knows_who_it_is() -> None:
    world = World()
    room = await world.connect(previous_session_id=session_id(7), random_bits=lambda _: 0)
    assert (room.state, room.local_participant.state) == ("connected", "connected")
    assert room.session == Session(
        session_id=new_session_id(moment(), lambda _: 0),
        previous_session_id=session_id(7),
        room_sid="RM1",
        room_name="daily",
        participant_sid="PA2",
        identity="alice",
    )


async def test_who_is_in_the_room_already_is_there_and_no_news() -> None:
    world = World()
    await world.connect("bob")
    room = await world.connect("alice")
    assert {(it.identity, it.state.value) for it in room.participants.values()} == {("bob", "connected")}
    assert await world.told() == [
        *("room.connecting", "room.connected"),
        *("room.connecting", "participant.connected", "room.connected"),
    ]


async def test_a_context_manager_leaves_at_its_end() -> None:
    world = World()
    transport = world.transport()
    async with world.connect(transport=transport) as room:
        assert world.server.participants("daily") == {"alice": "connected"}
    assert (room.state, world.server.participants("daily"), transport.is_closed) == ("disconnected", {}, True)
    assert await last_told(world) == (None, "leave", None)


async def last_told(world: World) -> tuple[int | None, str | None, Origin | None]:
    """Code, reason and origin of what was published last."""
    await world.publisher.flush()
    data = wire.decode(world.sink.records[-1].value).message.data
    return (data.error.code if data.error else None, data.reason, data.error.origin if data.error else None)


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (ValueError("ours"), "exception"),
        (asyncio.CancelledError(), "cancelled"),
        (SystemExit(), "exit"),
        (KeyboardInterrupt(), "exit"),
    ],
)
async def test_a_body_that_raises_leaves_with_that_reason(raised: BaseException, reason: str) -> None:
    world = World()
    with pytest.raises(type(raised)):
        async with world.connect():
            raise raised
    assert await last_told(world) == (None, reason, None)


async def test_a_task_that_is_cancelled_leaves_as_cancelled() -> None:
    world = World()

    async def stay() -> None:
        async with world.connect():
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await eventually(lambda: world.server.participants("daily"))
    await turns()
    task.cancel()
    await asyncio.wait({task})
    assert (task.cancelled(), world.server.participants("daily")) == (True, {})
    assert await last_told(world) == (None, "cancelled", None)


@pytest.mark.parametrize(
    ("kind", "code", "raised"),
    [
        ("unreachable", 0, (53000, "Signaling connection error")),
        ("refusing", 0, (53000, "Signaling connection error")),
        ("busy", 0, (53006, "Video server is busy")),
        ("join", 20104, (20104, "Access Token expired or expiration date invalid")),
        ("join", 53105, (53105, "Room contains too many Participants")),
        ("join", 60001, (60001, "the moon is full")),
    ],
)
async def test_a_join_that_fails_raises_its_code_and_is_published(
    kind: FaultKind, code: int, raised: tuple[int, str]
) -> None:
    world = World()
    world.server.fail(kind, code=code, message="the moon is full")
    with pytest.raises(ConnectError) as caught:
        await world.connect()
    assert (caught.value.error.code, caught.value.error.message) == raised
    assert await world.told() == ["room.connecting", f"room.connect_failed {raised[0]}"]


async def test_a_join_that_nobody_answers_is_53000_in_time() -> None:
    world = World()
    world.server.fail("silent")
    joining = asyncio.ensure_future(joined(world, connect_timeout_s=5))
    await turns()
    world.clock.advance(4.9)
    await turns()
    assert not joining.done()
    world.clock.advance(0.2)
    with pytest.raises(ConnectError, match="53000"):
        await joining


async def joined(world: World, **how: Any) -> object:
    return await world.connect(**how)


async def test_a_join_that_is_cancelled_is_published_as_such_and_leaves_nothing() -> None:
    world = World(latency_s=1)
    joining = asyncio.ensure_future(joined(world))
    await turns()
    joining.cancel()
    await asyncio.wait({joining})
    world.clock.advance(60)
    assert (joining.cancelled(), world.server.participants("daily")) == (True, {})
    assert await world.told() == ["room.connecting", "room.connect_failed"]
    assert await last_told(world) == (None, "cancelled", None)


async def test_a_join_that_is_cancelled_when_it_had_just_succeeded_leaves() -> None:
    world = World(latency_s=1)
    joining = asyncio.ensure_future(joined(world))
    await turns()
    world.clock.advance(1)
    joining.cancel()
    await asyncio.wait({joining})
    assert world.server.participants("daily") == {}
    assert await world.told() == ["room.connecting", "room.connected", "room.disconnected"]


async def test_a_transport_that_raises_is_a_server_that_does_not_answer() -> None:
    class Broken(MemoryTransport):
        def join(self, *_: object) -> None:
            raise OSError("no network at all")

        def leave(self) -> None:
            raise OSError("no network at all")

        async def close(self) -> None:
            raise OSError("no network at all")

    world = World()
    with pytest.raises(ConnectError, match="53000"):
        await world.connect(transport=Broken(world.server))
    assert await world.told() == ["room.connecting", "room.connect_failed 53000"]


async def test_a_transport_that_answers_at_once_is_heard() -> None:
    class Prompt(MemoryTransport):
        def join(self, _token: str, _room_name: str | None, deliver: Deliver) -> None:
            deliver(Joined("RM1", "PA1"))

    world = World()
    room = await world.connect(transport=Prompt(world.server))
    assert room.state == "connected"


@pytest.mark.parametrize("given", ["text", "object", "plain", "coroutine"])
async def test_a_token_is_given_as_text_as_an_object_or_by_who_is_asked(given: str) -> None:
    token = AccessToken.mint("AC1", "SK1", "s" * 32, identity="alice", room="daily", ttl_s=3_600, at=BEGIN)

    async def ask() -> AccessToken:
        return token

    world = World()
    transport = world.transport()
    sources = {"text": token.jwt, "object": token, "plain": lambda: token.jwt, "coroutine": ask}
    room = await world.connect(transport=transport, token=sources[given])
    world.clock.advance(600)
    assert (transport.tokens, room.token_ttl_s) == ([token.jwt], 3_000)
    assert "token.expiring" not in await world.told()
    connected = wire.decode(world.sink.records[1].value).message
    assert connected.data.token == wire.TokenData(expires_at=token.expires_at, ttl_s=3_600)


def test_an_object_tells_its_life_where_no_library_can_read_tokens() -> None:
    program = """
import asyncio, sys
sys.modules["jwt"] = None
from datetime import timedelta
from session_core.token import AccessToken
from tests.session_core.telling import BEGIN
from tests.session_core.world import World

token = AccessToken(jwt="x", identity="alice", room=None, issued_at=None, expires_at=BEGIN + timedelta(hours=1))

async def main():
    print((await World().connect(token=token)).token_ttl_s, (await World().connect(token="x")).token_ttl_s)

asyncio.run(main())
"""
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "3600 None\n"


async def test_a_token_that_cannot_be_read_is_used_all_the_same() -> None:
    room = await World().connect(token="opaque")  # noqa: S106
    assert (room.state, room.token_ttl_s) == ("connected", None)


async def test_what_the_token_giver_raises_comes_out_and_nothing_was_attempted() -> None:
    def give() -> str:
        raise LookupError("the token server is down")

    world = World()
    with pytest.raises(LookupError):
        await world.connect(token=give)
    assert await world.told() == []


async def test_what_the_client_runs_on_is_published() -> None:
    world = World()
    await world.connect(client=Client(sdk="ours", region="de1"))
    await world.publisher.flush()
    clients = {wire.decode(record.value).message.data.client for record in world.sink.records}
    assert clients == {wire.ClientData(sdk="ours", region="de1")}


class Hanging(MemorySink):
    """A sink that takes what it is sent and never says so."""

    async def send(self, _: Sequence[Record]) -> None:
        self.sends += 1
        await asyncio.Event().wait()


async def test_a_room_lives_its_whole_life_while_its_sink_hangs() -> None:
    world, sink = World(), Hanging()
    publisher = Publisher(sink, clock=world.clock)
    async with world.connect(publisher=publisher) as room:
        await eventually(lambda: sink.sends)
        world.server.drop()
        assert room.state == "reconnecting"
        world.clock.advance(1)
        assert room.state == "connected"
    assert publisher.counts.published == 0
    assert (await publisher.close(within_s=0.01)).pending == 5


async def test_connecting_takes_no_longer_with_kafka_down() -> None:
    """No time passes on the clock, and the event loop turns no oftener."""
    turned = []
    for publisher in (None, Publisher(KafkaSink(f"127.0.0.1:{free_port()}"), retry_max_s=0.1)):
        joining = asyncio.ensure_future(joined(World(), publisher=publisher))
        count = 0
        while not joining.done():
            await asyncio.sleep(0)
            count += 1
        turned.append(count)
        if publisher is not None:
            assert (await publisher.close(within_s=0.01)).pending == 2
    assert turned[0] == turned[1]


async def test_two_hundred_rooms_have_no_task_of_their_own() -> None:
    world = World()
    before = len(asyncio.all_tasks())
    rooms = [await world.connect(f"user {number}", publisher=None) for number in range(200)]
    world.clock.advance(60)
    assert {room.state.value for room in rooms} == {"connected"}
    assert len(asyncio.all_tasks()) == before
