"""A signaling server that speaks the protocol of docs/websocket.md: to read, to try and to test against.

    python examples/signaling_server.py 8765        then give clients ws://127.0.0.1:8765 and their name as the token

Not for production: it has no TLS, keeps its rooms in memory, and takes a token for the identity unless told otherwise.
"""

import asyncio
import json
import secrets
import sys
from collections.abc import Callable
from itertools import count
from typing import Annotated, Any, Literal

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import decode
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

INVALID, NOT_FOUND, DUPLICATE = 53004, 53204, 53205
Frame = dict[str, Any]


class First(Struct):
    """The first frame of a connection: somebody new, or, with the key of its session, somebody who was here before."""

    type: Literal["join", "sync"]
    version: Literal[1]
    token: str
    room: str | None = None
    session: str = ""
    heartbeat_ms: Annotated[int, Meta(ge=100, le=60_000)] = 5_000


class Refusal(Exception):  # noqa: N818 - it is an answer
    """Why a client is not let in, or not back in: `frame` is what it is told."""

    def __init__(self, code: int, message: str = "") -> None:
        self.frame: Frame = {"type": "error", "code": code, "message": message}
        super().__init__(code)


class Member:
    """Somebody's place in a room, also while the connection is gone. `session` is the key to it."""

    def __init__(self, sid: str, identity: str, room: str, room_sid: str) -> None:
        self.sid, self.identity, self.room, self.room_sid = sid, identity, room, room_sid
        self.session, self.state, self.revision = secrets.token_urlsafe(), "connected", 1
        self.connection: ServerConnection | None = None
        self.verdict: Frame | None = None
        self.forgotten: asyncio.TimerHandle | None = None

    def told(self) -> Frame:
        """What the others hear of it."""
        return {"sid": self.sid, "identity": self.identity, "state": self.state, "revision": self.revision}


class SignalingServer:
    """Rooms and who is in them. `admit(token, room)` answers with the identity, or raises Refusal."""

    def __init__(self, admit: Callable[[str, str], str] | None = None, keep_s: float = 60) -> None:
        """`keep_s`: how long the place of a client that is gone is kept; longer than a client's window."""
        self.admit = admit if admit is not None else lambda token, _room: token
        self.keep_s = keep_s
        self._sessions: dict[str, Member] = {}
        self._numbers = count(1)

    async def start(self, port: int = 0) -> Server:
        """Listens on 127.0.0.1. The caller closes what it gets."""
        return await serve(self._meet, "127.0.0.1", port, max_size=65_536, ping_interval=None)

    def members(self, room: str) -> list[Member]:
        """Who is in a room, connected or away."""
        return [it for it in self._sessions.values() if it.room == room and it.state != "disconnected"]

    def end(self, member: Member, verdict: Frame) -> None:
        """Ends a session by a frame `error`, `ended` or `removed`; who is away hears of it when coming back."""
        member.verdict = verdict
        _say(member.connection, verdict)
        self._move(member, "disconnected")

    async def _meet(self, connection: ServerConnection) -> None:
        member = None
        try:
            async with asyncio.timeout(10):
                first = decode(await connection.recv(), type=First)
            member = self._let_in(first) if first.type == "join" else self._take_back(first)
            self._answer(first, member, connection)
            await self._listen(member, connection, 3 * first.heartbeat_ms / 1000)
        except Refusal as refusal:
            _say(connection, refusal.frame)
        except (MsgspecError, RecursionError):
            _say(connection, Refusal(INVALID, "not a frame of this protocol").frame)
        except (ConnectionClosed, TimeoutError):
            connection.transport.abort()
        if member is not None and member.connection is connection and member.state == "connected":
            self._move(member, "reconnecting")

    async def _listen(self, member: Member, connection: ServerConnection, silence_s: float) -> None:
        while member.state == "connected" and member.connection is connection:
            async with asyncio.timeout(silence_s):
                frame = decode(await connection.recv())
            match frame:
                case {"type": "heartbeat"}:
                    _say(connection, {"type": "heartbeat"})
                case {"type": "leave"}:
                    self._move(member, "disconnected")

    def _let_in(self, join: First) -> Member:
        room = join.room or "room"
        identity = self.admit(join.token, room)
        for namesake in [it for it in self.members(room) if it.identity == identity]:
            self.end(namesake, Refusal(DUPLICATE).frame)
        room_sid = next((it.room_sid for it in self.members(room)), None) or f"RM{next(self._numbers)}"
        member = Member(f"PA{next(self._numbers)}", identity, room, room_sid)
        self._sessions[member.session] = member
        self._announce(member)
        return member

    def _take_back(self, sync: First) -> Member:
        member = self._sessions.get(sync.session)
        if member is None or self.admit(sync.token, member.room) != member.identity:
            raise Refusal(NOT_FOUND)
        if member.state == "disconnected":
            refusal = Refusal(NOT_FOUND)
            refusal.frame = member.verdict or refusal.frame
            raise refusal
        self._move(member, "connected")
        return member

    def _answer(self, first: First, member: Member, connection: ServerConnection) -> None:
        member.connection = connection
        others = [it.told() for it in self.members(member.room) if it is not member]
        answer: Frame = {"type": "synced", "participants": others, "heartbeat_ms": first.heartbeat_ms}
        if first.type == "join":
            room = {"room_sid": member.room_sid, "room_name": member.room}
            me = {"participant_sid": member.sid, "identity": member.identity, "session": member.session}
            answer |= {"type": "joined", **room, **me}
        _say(connection, answer)

    def _move(self, member: Member, state: str) -> None:
        if member.forgotten is not None:
            member.forgotten.cancel()
        if state != "connected":
            member.forgotten = asyncio.get_running_loop().call_later(self.keep_s, self._forget, member)
        if member.state != state:
            member.state, member.revision = state, member.revision + 1
            self._announce(member)

    def _forget(self, member: Member) -> None:
        member.connection = None
        self._sessions.pop(member.session, None)
        if member.state != "disconnected":
            member.state, member.revision = "disconnected", member.revision + 1
            self._announce(member)

    def _announce(self, news: Member) -> None:
        for member in self.members(news.room):
            if member is not news:
                _say(member.connection, {"type": "participants", "participants": [news.told()]})


def _say(connection: ServerConnection | None, frame: Frame) -> None:
    if connection is not None:
        broadcast([connection], json.dumps(frame))


async def main(port: int) -> None:
    server = await SignalingServer().start(port)
    print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 0))
