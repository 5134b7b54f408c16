"""The websocket transport where it differs from others: heartbeats, frames that are none, TLS, secrets, refusals.

What every transport does alike is in tests/contract/test_transport.py.
"""

from __future__ import annotations

import asyncio
import http
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from session_core.clock import VirtualClock
from session_core.errors import TransportError
from session_core.signals import (
    AttemptRefused,
    ConnectRefused,
    ConnectUnanswered,
    Joined,
    ParticipantState,
    ParticipantsUpdated,
    Resynchronised,
    ServerError,
    Signal,
    SignalingLost,
)
from session_core.transports.websocket import HEARTBEAT_S, HEARTBEATS_LOST, WebSocketTransport
from tests.contract.signaling import Client, WebSocketSignaling
from tests.servers.certificates import contexts
from tests.session_core.telling import BEGIN
from tests.waiting import eventually

JOINED = {"type": "joined", "session": "the-key", "room_sid": "RM1", "participant_sid": "PA2", "participants": []}
SYNCED = {"type": "synced", "participants": []}
BEAT = {"type": "heartbeat"}
IN = Joined("RM1", "PA2")

Handler = Callable[[ServerConnection], Awaitable[None]]


class Script:
    """A server that says what it is told to and remembers what it hears."""

    def __init__(self, *answers: object) -> None:
        self.answers = answers
        self.heard: list[dict[str, Any]] = []
        self.connections: list[ServerConnection] = []
        self.url = ""

    async def meet(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        async for message in connection:
            self.heard.append(json.loads(message))
            if len(self.heard) == 1:
                for answer in self.answers:
                    await connection.send(answer if isinstance(answer, str | bytes) else json.dumps(answer))

    async def say(self, *frames: object) -> None:
        for frame in frames:
            await self.connections[-1].send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    @property
    def words(self) -> list[str]:
        return [frame["type"] for frame in self.heard]


@asynccontextmanager
async def serving(handler: Handler, **how: Any) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, ping_interval=None, **how) as server:
        scheme = "wss" if "ssl" in how else "ws"
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/room"


@asynccontextmanager
async def joined(script: Script, **how: Any) -> AsyncIterator[tuple[Client, VirtualClock]]:
    """A client that has asked to be let in by that server, and its clock."""
    clock = VirtualClock(BEGIN)
    async with serving(script.meet) as url:
        client = Client(WebSocketTransport(url, clock=clock, proxy=None, **how))
        await client.join("the-token")
        yield client, clock
        await client.transport.close()


def ignored(client: Client) -> dict[str, int]:
    assert isinstance(client.transport, WebSocketTransport)
    return dict(client.transport.ignored)


async def test_the_first_frame_holds_the_token_and_the_url_does_not() -> None:
    script = Script(JOINED)
    async with joined(script) as (client, _):
        assert client.heard == [IN]
    request = script.connections[0].request
    assert request is not None
    assert "the-token" not in request.path + str(request.headers)
    assert script.heard[0] == {
        "type": "join",
        "version": 1,
        "token": "the-token",
        "room": "daily",
        "heartbeat_ms": 5_000,
    }


async def test_heartbeats_keep_a_connection_that_is_silent_otherwise() -> None:
    script = Script(JOINED)
    async with joined(script) as (client, clock):
        for beats in range(1, 6):
            clock.advance(HEARTBEAT_S)
            await eventually(lambda beats=beats: script.words.count("heartbeat") == beats)  # type: ignore[misc]
            await script.say(BEAT, {"type": "participants", "participants": []})
            await eventually(lambda beats=beats: len(client.heard) == 1 + beats)  # type: ignore[misc]
        assert client.heard == [IN, *[ParticipantsUpdated(())] * 5]


async def test_a_connection_over_which_nothing_came_for_three_heartbeats_is_lost_and_resumed() -> None:
    script = Script({**JOINED, "heartbeat_ms": 200})
    async with joined(script) as (client, clock):
        clock.advance(0.2 * HEARTBEATS_LOST - 0.001)
        assert client.heard == [IN]
        clock.advance(0.001)
        assert client.heard[1:] == [SignalingLost("nothing heard for 3 heartbeats")]
        await eventually(lambda: script.words == ["join", "heartbeat", "heartbeat"])
        client.transport.attempt("another-token")
        await eventually(lambda: len(script.heard) == 4)
        await script.say(SYNCED)
        assert await client.hears(Resynchronised(()))
    assert script.heard[3] == {
        "type": "sync",
        "version": 1,
        "token": "another-token",
        "session": "the-key",
        "heartbeat_ms": 5_000,
    }


async def test_a_network_that_passes_nothing_on_is_noticed_at_both_ends_by_the_heartbeats() -> None:
    signaling = WebSocketSignaling()
    await signaling.start("alice", "bob")
    url = f"ws://127.0.0.1:{signaling.relays['alice'].port}"
    stalled = await Client(WebSocketTransport(url, heartbeat_s=0.1, proxy=None)).join("alice")
    witness = await signaling.client("bob").join("bob")
    signaling.relays["alice"].stall()
    await eventually(lambda: isinstance(stalled.heard[-1], SignalingLost))
    assert await witness.hears(ParticipantsUpdated((ParticipantState("PA2", "alice", "reconnecting", 2),)))
    await signaling.relays["alice"].mend()
    assert await stalled.attempt("alice") == Resynchronised((ParticipantState("PA3", "bob", "connected", 1),))
    for client in (stalled, witness):
        await client.transport.close()
    await signaling.stop()


async def test_what_is_unknown_or_out_of_place_is_ignored_and_counted() -> None:
    strange = [{"type": f"word-{number}"} for number in range(70)]
    script = Script({"type": "participants", "participants": []}, SYNCED, JOINED, JOINED, b"\x00", *strange, SYNCED)
    async with joined(script) as (client, _):
        await script.say({"type": "participants", "participants": []})
        assert await client.hears(ParticipantsUpdated(()))
        assert client.heard[0] == IN
        counts = ignored(client)
    assert (counts["JoinedFrame out of place"], counts["SyncedFrame out of place"], counts["binary"]) == (1, 2, 1)
    assert (len(counts), sum(counts.values())) == (65, 75)


@pytest.mark.parametrize("answer", ["no json", {"type": "joined"}, "[]", {**JOINED, "participants": [{"sid": 1}]}])
async def test_an_answer_of_a_wrong_shape_refuses_the_join_with_53003(answer: object) -> None:
    script = Script(answer)
    async with joined(script) as (client, _):
        await script.connections[0].wait_closed()
        assert (client.heard, script.connections[0].close_code) == ([ConnectRefused(53003)], 1002)


async def test_a_frame_of_a_wrong_shape_is_a_loss_while_the_connection_is_up_and_a_refusal_of_an_attempt() -> None:
    script = Script(JOINED)
    async with joined(script) as (client, _):
        await script.say({"type": "participants"}, {"type": "participants", "participants": []})
        detail = "a frame of the wrong shape: Object missing required field `participants`"
        assert await client.hears(SignalingLost(detail))
        await script.connections[0].wait_closed()
        client.transport.attempt("the-token")
        await eventually(lambda: len(script.connections) == 2 and script.words[-1] == "sync")
        await script.say({"type": "synced", "participants": 3})
        assert await client.hears(AttemptRefused())
    assert script.connections[0].close_code == 1002


async def test_a_frame_that_is_too_long_is_a_loss() -> None:
    script = Script(JOINED)
    async with joined(script, frame_bytes_max=500) as (client, _):
        await script.say({"type": "news", "text": "x" * 500})
        await eventually(lambda: isinstance(client.heard[-1], SignalingLost))
        await script.connections[0].wait_closed()
    assert script.connections[0].close_code == 1009


@pytest.mark.parametrize(
    ("code", "signal"),
    [
        (1000, ConnectUnanswered()),
        (1001, ConnectUnanswered()),
        (4000, ConnectUnanswered()),
        (1013, ConnectRefused(53006)),
    ],
)
async def test_a_close_before_we_are_let_in_is_no_answer_or_says_busy(code: int, signal: Signal) -> None:
    async def meet(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(code)

    async with serving(meet) as url:
        client = await Client(WebSocketTransport(url, proxy=None)).join("the-token")
        await client.transport.close()
    assert client.heard == [signal]


@pytest.mark.parametrize("code", [1000, 1001, 4000])
async def test_no_close_code_ends_a_session(code: int) -> None:
    script = Script(JOINED)
    async with joined(script) as (client, _):
        await script.connections[0].close(code)
        assert await client.hears(SignalingLost(f"closed with {code}"))


@pytest.mark.parametrize(
    ("status", "signal"),
    [(http.HTTPStatus.FORBIDDEN, ConnectUnanswered()), (http.HTTPStatus.SERVICE_UNAVAILABLE, ConnectRefused(53006))],
)
async def test_an_http_answer_refuses_or_says_busy(status: http.HTTPStatus, signal: Signal) -> None:
    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(status, "no\n")

    async with serving(Script().meet, process_request=refuse) as url:
        client = await Client(WebSocketTransport(url, proxy=None)).join("the-token")
        await client.transport.close()
    assert client.heard == [signal]


async def test_a_redirect_is_not_followed_with_a_token() -> None:
    elsewhere = Script(JOINED)
    async with serving(elsewhere.meet) as there:

        def redirect(connection: ServerConnection, _: Request) -> Response:
            response = connection.respond(http.HTTPStatus.FOUND, "there\n")
            response.headers["Location"] = there
            return response

        async with serving(Script().meet, process_request=redirect) as url:
            client = await Client(WebSocketTransport(url, proxy=None)).join("the-token")
            await client.transport.close()
    assert (client.heard, elsewhere.heard) == ([ConnectUnanswered()], [])


async def test_a_certificate_that_the_system_does_not_know_is_refused_unless_a_context_knows_it(
    tmp_path: Path,
) -> None:
    server_tls, client_tls = contexts(tmp_path)
    script = Script(JOINED)
    async with serving(script.meet, ssl=server_tls) as url:
        by_default = await Client(WebSocketTransport(url, proxy=None)).join("the-token")
        knowing = await Client(WebSocketTransport(url, proxy=None, ssl=client_tls)).join("the-token")
        knowing.transport.leave()
        await eventually(lambda: script.words == ["join", "leave"])
        for client in (by_default, knowing):
            await client.transport.close()
    assert (by_default.heard, knowing.heard) == ([ConnectUnanswered()], [IN])


async def test_a_join_that_is_given_up_after_it_was_sent_leaves() -> None:
    script = Script()
    clock = VirtualClock(BEGIN)
    async with serving(script.meet) as url:
        client = Client(WebSocketTransport(url, clock=clock, proxy=None))
        client.transport.join("the-token", None, client.heard.append)
        await eventually(lambda: script.words == ["join"])
        client.transport.abort()
        await eventually(lambda: script.words == ["join", "leave"])
        await client.transport.close()
    assert client.heard == []


async def test_a_join_that_nobody_answers_in_time_is_unanswered() -> None:
    script = Script()
    clock = VirtualClock(BEGIN)
    async with serving(script.meet) as url:
        client = Client(WebSocketTransport(url, clock=clock, proxy=None, answer_timeout_s=3))
        client.transport.join("the-token", None, client.heard.append)
        await eventually(lambda: script.words == ["join"])
        clock.advance(3)
        assert client.heard == [ConnectUnanswered()]
        await client.transport.close()


async def test_leave_is_written_before_it_returns_and_nothing_is_told_any_more() -> None:
    script = Script(JOINED)
    async with joined(script) as (client, _):
        client.transport.leave()
        client.transport.leave()
        await script.say({"type": "error", "code": 7})
        await client.transport.close()
        await script.connections[0].wait_closed()
        assert (script.words, script.connections[0].close_code) == (["join", "leave"], 1000)
    assert client.heard == [IN]


async def test_leaving_before_anybody_answered_gives_up() -> None:
    async with serving(Script().meet) as url:
        client = Client(WebSocketTransport(url, proxy=None))
        client.transport.leave()
        client.transport.abort()
        client.transport.join("the-token", None, client.heard.append)
        client.transport.leave()
        await client.transport.close()
    assert client.heard == []


async def test_a_server_that_does_not_answer_a_close_holds_nobody_up() -> None:
    script = Script(JOINED)
    async with joined(script) as (client, _):
        script.connections[0].transport.pause_reading()
        async with asyncio.timeout(5):
            await client.transport.close()
        assert isinstance(client.transport, WebSocketTransport)
        assert client.transport.is_idle
        script.connections[0].transport.abort()


async def test_a_verdict_is_told_once_and_the_connection_closed_in_order() -> None:
    script = Script(JOINED)
    async with joined(script) as (client, _):
        await script.say({"type": "error", "code": 7, "message": "why"}, {"type": "removed"})
        await script.connections[0].wait_closed()
        assert (client.heard, script.connections[0].close_code) == ([IN, ServerError(7, "why")], 1000)


async def test_no_log_and_no_repr_shows_a_token_or_a_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = Script(JOINED)
    servers_own = logging.getLogger("tests.server")
    servers_own.setLevel(logging.INFO)
    async with serving(script.meet, logger=servers_own) as url:
        client = Client(WebSocketTransport(url.replace("ws://", "ws://me:password@") + "?k=v", proxy=None))
        await client.join("the-token")
        client.transport.attempt("the-token")
        await client.transport.close()
    shown = caplog.text + repr(client.transport) + repr(vars(client.transport)["_line"])
    assert [word for word in ("the-token", "the-key", "password", "k=v") if word in shown] == []


@pytest.mark.parametrize("url", ["http://a.example", "ws://", "a.example", "ws://a:b:c", "ws://[::1", "ws://a:99999"])
def test_a_url_that_does_not_do_is_refused_at_once(url: str) -> None:
    with pytest.raises(TransportError, match="give ws://… or wss://…"):
        WebSocketTransport(url)


@pytest.mark.parametrize("heartbeat_s", [0.09, 61, -1])
def test_a_heartbeat_that_cannot_be_is_refused_at_once(heartbeat_s: float) -> None:
    with pytest.raises(TransportError, match=r"it must be from 0\.1 to 60"):
        WebSocketTransport("ws://a.example", heartbeat_s=heartbeat_s)


def test_without_the_extra_the_error_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    with pytest.raises(TransportError, match=r"pip install 'roomwatch\[websocket\]'"):
        WebSocketTransport("ws://a.example")
