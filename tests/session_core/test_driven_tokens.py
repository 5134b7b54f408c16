"""A driven room and its access token: asked for at each attempt, known, and told of before it expires."""

from __future__ import annotations

import asyncio

import pytest

from session_core.token import AccessToken
from tests.session_core.telling import BEGIN
from tests.session_core.world import World, noted, turns
from tests.waiting import eventually


def minted(ttl_s: int) -> AccessToken:
    return AccessToken.mint("AC1", "SK1", "s" * 32, identity="alice", ttl_s=ttl_s, at=BEGIN)


@pytest.mark.parametrize("how", ["plain", "coroutine"])
async def test_a_fresh_token_is_asked_for_at_each_attempt_and_is_known_from_then_on(how: str) -> None:
    tokens = iter([minted(600), minted(3_600), minted(7_200)])

    def give() -> AccessToken:
        return next(tokens)

    async def fetch() -> AccessToken:
        return next(tokens)

    world = World()
    transport = world.transport()
    room = await world.connect(transport=transport, token=give if how == "plain" else fetch)
    lives = [room.token_ttl_s]
    for _ in range(2):
        world.server.drop()
        world.clock.advance(0.08)
        await eventually(lambda: room.state == "connected")
        lives.append(room.token_ttl_s)
    assert transport.tokens == [minted(life).jwt for life in (600, 3_600, 7_200)]
    assert lives == [600, 3_599, 7_199]


async def test_a_token_that_cannot_be_had_is_an_attempt_that_reached_nobody(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter(["first", "", "second"])

    def give() -> str:
        answer = next(answers)
        if not answer:
            raise LookupError("no token server")
        return answer

    world = World()
    transport = world.transport()
    room = await world.connect(transport=transport, token=give)
    world.server.drop()
    world.clock.advance(0.08)
    await turns()
    assert room.state == "reconnecting"
    world.clock.advance(0.12)
    await eventually(lambda: room.state == "connected")
    assert transport.tokens == ["first", "second"]
    assert "an access token for a reconnection could not be had" in caplog.text


async def test_a_token_that_takes_too_long_is_not_waited_for() -> None:
    tokens = iter(["token 1", "token 2", "token 3"])
    late = asyncio.Event()

    async def give() -> str:
        given = next(tokens)
        if given == "token 2":
            await late.wait()
        return given

    world = World()
    transport = world.transport()
    room = await world.connect(transport=transport, token=give, attempt_timeout_s=1)
    world.server.drop()
    world.clock.advance(0.08)
    await turns()
    world.clock.advance(1.2)
    late.set()
    await eventually(lambda: room.state == "connected")
    assert transport.tokens == ["token 1", "token 3"]


async def test_a_token_that_comes_as_the_room_is_left_brings_nobody_back() -> None:
    tokens = iter(["token 1", "token 2"])
    late = asyncio.Event()

    async def give() -> str:
        given = next(tokens)
        if given == "token 2":
            await late.wait()
        return given

    world = World()
    transport = world.transport()
    room = await world.connect(transport=transport, token=give)
    world.server.drop()
    world.clock.advance(0.08)
    await turns()
    late.set()
    room.disconnect()
    await turns()
    world.clock.advance(1)
    assert transport.tokens == ["token 1"]
    assert world.server.participants("daily") == {"alice": "reconnecting"}


async def test_an_application_hears_that_its_token_expires_before_it_does() -> None:
    world = World()
    room = await world.connect(token=minted(3_600))
    notes = noted(room, "tokenExpiring")
    world.clock.advance(3_299)
    assert notes == []
    world.clock.advance(2)
    assert (notes, room.token_ttl_s) == (["tokenExpiring connected"], 299)
