"""Tokens and secrets are in no text: no repr, no encoding, no error, no log, no event."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from session_core.driver import connect
from session_core.errors import ConnectError, TokenError
from session_core.kafka import KafkaSecurity
from session_core.token import AccessToken
from session_core.token_source import TokenSource
from session_core.transports.memory import MemoryTransport
from tests.session_core.telling import BEGIN
from tests.session_core.world import World, turns

SECRET = "the-secret-of-an-api-key-32-bytes-and-more"  # noqa: S105 - made up, for these tests
TOKEN = AccessToken.mint("AC1", "SK1", SECRET, identity="alice", room="daily", at=BEGIN)
SIGNATURE = TOKEN.jwt.rpartition(".")[2]
OTHER = "another-secret-of-an-api-key-that-is-long"


def is_told_in(text: str) -> bool:
    return any(part in text for part in (*TOKEN.jwt.split("."), SECRET, OTHER))


@pytest.mark.parametrize(
    "shown",
    [repr, str, "{!r:}".format, "{}".format, ascii, pprint.pformat, lambda it: f"{[it]} { ({1: it}) }"],
)
def test_no_way_to_show_a_token_shows_it(shown: Callable[[object], str]) -> None:
    assert "AccessToken" in shown(TOKEN)
    assert not is_told_in(shown(TOKEN))


def test_a_token_shows_whom_it_admits_and_until_when() -> None:
    assert repr(TOKEN) == "AccessToken(identity='alice', room='daily', expires_at=2026-11-25T12:00:00+00:00)"
    assert TOKEN.__rich_repr__() == [("identity", "alice"), ("room", "daily"), ("expires_at", TOKEN.expires_at)]


@pytest.mark.parametrize(
    "encoded",
    [
        pickle.dumps,
        msgspec.to_builtins,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.structs.asdict,
        dataclasses.asdict,
        vars,
    ],
)
def test_no_encoder_gives_a_token_away(encoded: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError) as refused:
        encoded(TOKEN)
    assert not is_told_in(str(refused.value))


def test_a_copy_of_a_token_is_the_token() -> None:
    assert copy.copy(TOKEN) is TOKEN
    assert copy.deepcopy([TOKEN])[0] is TOKEN


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: AccessToken.verify(TOKEN.jwt, OTHER, at=BEGIN),
        lambda: AccessToken.verify(TOKEN.jwt, SECRET, at=BEGIN.replace(year=2030)),
        lambda: AccessToken.verify(TOKEN.jwt, SECRET, at=BEGIN.replace(year=2020)),
        lambda: AccessToken.verify(TOKEN.jwt, SECRET, at=BEGIN, room="board"),
        lambda: AccessToken.verify(TOKEN.jwt + "\ud800", SECRET, at=BEGIN),
        lambda: AccessToken.verify(TOKEN.jwt * 100, SECRET, at=BEGIN),
        lambda: AccessToken.verify(TOKEN.jwt.replace(".", ""), SECRET, at=BEGIN),
        lambda: AccessToken.verify(TOKEN.jwt, SECRET + "\ud800", at=BEGIN),
        lambda: AccessToken.read(TOKEN.jwt[1:]),
        lambda: AccessToken.mint("AC1", "SK1", SECRET[:31], identity="alice", at=BEGIN),
        lambda: AccessToken.mint("AC1", "SK1", SECRET + "\ud800", identity="alice", at=BEGIN),
    ],
)
def test_no_error_tells_a_token_or_a_secret_nor_holds_another_that_does(wrong: Callable[[], object]) -> None:
    with pytest.raises(TokenError) as refused:
        wrong()
    error = refused.value
    assert (error.__cause__, error.__context__) == (None, None)
    assert not is_told_in(f"{error} {error!r} {error.args} {vars(error)}")
    # The lines of this file are part of a traceback, and none of them holds the values.
    assert not is_told_in("".join(traceback.format_exception(error)))


def test_what_holds_a_token_or_a_credential_does_not_show_it() -> None:
    world = World()

    async def made() -> object:
        return connect(TOKEN, transport=world.transport(), clock=world.clock)

    holders = (TokenSource(TOKEN), TokenSource(TOKEN.jwt), KafkaSecurity(password=SECRET), asyncio.run(made()))
    for holder in holders:
        assert not is_told_in(f"{holder} {holder!r}")


class Indiscreet(MemoryTransport):
    """A transport whose library puts the whole URL into its errors, as they do."""

    def attempt(self, token: str) -> None:
        raise OSError(f"wss://example.org/?access_token={token} is not there")

    async def close(self) -> None:
        raise OSError(f"wss://example.org/?access_token={TOKEN.jwt} is not open")


@pytest.mark.parametrize("given", [TOKEN, TOKEN.jwt, lambda: TOKEN.jwt])
async def test_a_transport_that_tells_the_token_in_its_errors_brings_it_into_no_log_and_no_event(
    given: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = World()
    room = await world.connect(transport=Indiscreet(world.server, identity="alice", room="daily"), token=given)
    world.server.drop()
    world.clock.advance(0.08)
    await turns()
    world.clock.advance(60)
    await room.closed()
    assert room.state == "disconnected"
    await world.told()
    sent = b"".join(record.value for record in world.sink.records).decode()
    assert "access_token=<access token> is not there" in caplog.text
    assert not is_told_in(caplog.text + sent + repr([vars(record) for record in caplog.records]))


async def test_a_join_that_fails_tells_no_token(caplog: pytest.LogCaptureFixture) -> None:
    class Refusing(Indiscreet):
        def join(self, token: str, *_: object) -> None:
            self.attempt(token)

    world = World()
    with pytest.raises(ConnectError) as refused:
        await world.connect(transport=Refusing(world.server, identity="alice", room="daily"), token=TOKEN)
    await turns()
    assert "access_token=<access token> is not there" in caplog.text
    assert not is_told_in(caplog.text + str(refused.value))
