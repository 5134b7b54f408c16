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
from typing import Any, Literal

import msgspec
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

FIRST_FRAME_S = 10
FRAME_BYTES_MAX = 65_536
INVALID, NOT_FOUND, DUPLICATE = 53004, 53204, 53205
Frame = dict[str, Any]


class Join(msgspec.Struct, tag="join", tag_field="type"):
    """A client that is new."""

    version: Literal[1]
    token: str
    room: str | None = None
    heartbeat_ms: int = 5_000


class Sync(msgspec.Struct, tag="sync", tag_field="type"):
    """A client that was here before."""

    version: Literal[1]
    token: str
    session: str


class Refusal(Exception):  # noqa: N818 - it is an answer
    """Why a client is not let in, or not back in: `frame` is what it is told."""

    def __init__(self, code: int, message: str = "") -> None:
        self.frame: Frame = {"type": "error", "code": code, "message": message}
        super().__init__(code)


class Member:
    """Somebody's place in a room, also while the connection is gone. `session` is the key to it."""

    def __init__(self, sid: str, identity: str, room: str, heartbeat_ms: int) -> None:
        self.sid, self.identity, self.room, self.heartbeat_ms = sid, identity, room, heartbeat_ms
        self.session, self.state, self.revision = secrets.token_urlsafe(), "connected", 1
        self.connection: ServerConnection | None = None
        self.verdict: Frame | None = None
        self.forgotten: asyncio.TimerHandle | None = None


class SignalingServer:
    """Rooms and who is in them. `admit(token, room)` answers with the identity, or raises Refusal."""

    def __init__(self, admit: Callable[[str, str], str] | None = None, keep_s: float = 60) -> None:
        """`keep_s`: how long the place of a client that is gone is kept; longer than a client's window."""
        self.admit = admit if admit is not None else lambda token, _room: token
        self.keep_s = keep_s
        self._rooms: dict[str, str] = {}  # name to sid
        self._sessions: dict[str, Member] = {}
        self._numbers = count(1)

    async def start(self, port: int = 0) -> Server:
        """Listens on 127.0.0.1. The caller closes what it gets."""
        return await serve(self._meet, "127.0.0.1", port, max_size=FRAME_BYTES_MAX, ping_interval=None)

    def members(self, room: str) -> list[Member]:
        """Who is in a room, connected or away."""
        return [it for it in self._sessions.values() if it.room == room and it.state != "disconnected"]

    def end(self, member: Member, verdict: Frame) -> None:
        """Ends a session by a frame `error`, `ended` or `removed`; who is away hears of it when coming back."""
        member.verdict = verdict
        self._say(member, verdict)
        self._move(member, "disconnected")

    async def _meet(self, connection: ServerConnection) -> None:
        member = None
        try:
            async with asyncio.timeout(FIRST_FRAME_S):
                first = msgspec.json.decode(await connection.recv(), type=Join | Sync)
            member = self._let_in(first, connection) if isinstance(first, Join) else self._take_back(first, connection)
            await self._listen(member, connection)
        except Refusal as refusal:
            broadcast([connection], json.dumps(refusal.frame))
        except (msgspec.MsgspecError, RecursionError):
            broadcast([connection], json.dumps(Refusal(INVALID, "not a frame of this protocol").frame))
        except (ConnectionClosed, TimeoutError):
            connection.transport.abort()
        if member is not None and member.connection is connection and member.state == "connected":
            self._move(member, "reconnecting")

    async def _listen(self, member: Member, connection: ServerConnection) -> None:
        while member.state == "connected" and member.connection is connection:
            async with asyncio.timeout(3 * member.heartbeat_ms / 1000):
                frame = msgspec.json.decode(await connection.recv())
            match frame:
                case {"type": "heartbeat"}:
                    self._say(member, {"type": "heartbeat"})
                case {"type": "leave"}:
                    self._move(member, "disconnected")

    def _let_in(self, join: Join, connection: ServerConnection) -> Member:
        room = join.room or "room"
        identity = self.admit(join.token, room)
        for namesake in [it for it in self.members(room) if it.identity == identity]:
            self.end(namesake, Refusal(DUPLICATE).frame)
        room_sid = self._rooms[room] = self._rooms.get(room) or f"RM{next(self._numbers)}"
        heartbeat_ms = min(max(join.heartbeat_ms, 100), 60_000)
        member = Member(f"PA{next(self._numbers)}", identity, room, heartbeat_ms)
        self._sessions[member.session] = member
        member.connection = connection
        me = {"participant_sid": member.sid, "identity": identity, "session": member.session}
        there = {"room_sid": room_sid, "room_name": room, "participants": self._others(member)}
        self._say(member, {"type": "joined", **me, **there, "heartbeat_ms": heartbeat_ms})
        self._announce(member)
        return member

    def _take_back(self, sync: Sync, connection: ServerConnection) -> Member:
        member = self._sessions.get(sync.session)
        if member is None:
            raise Refusal(NOT_FOUND)
        if member.verdict is not None:
            broadcast([connection], json.dumps(member.verdict))
            return member
        if self.admit(sync.token, member.room) != member.identity or member.state == "disconnected":
            raise Refusal(NOT_FOUND)
        member.connection = connection
        self._move(member, "connected")
        self._say(member, {"type": "synced", "participants": self._others(member)})
        return member

    def _move(self, member: Member, state: str) -> None:
        if member.forgotten is not None:
            member.forgotten.cancel()
        if state != "connected":
            member.forgotten = asyncio.get_running_loop().call_later(self.keep_s, self._forget, member)
        if member.state != state:
            member.state, member.revision = state, member.revision + 1
            self._announce(member)

    def _forget(self, member: Member) -> None:
        if member.state != "disconnected":
            self._move(member, "disconnected")
        if self._sessions.pop(member.session, None) and not self.members(member.room):
            self._rooms.pop(member.room, None)

    def _others(self, member: Member) -> list[Frame]:
        return [_told(it) for it in self.members(member.room) if it is not member]

    def _announce(self, news: Member) -> None:
        for member in self.members(news.room):
            if member is not news:
                self._say(member, {"type": "participants", "participants": [_told(news)]})

    def _say(self, member: Member, frame: Frame) -> None:
        if member.connection is not None:
            broadcast([member.connection], json.dumps(frame))


def _told(member: Member) -> Frame:
    return {"sid": member.sid, "identity": member.identity, "state": member.state, "revision": member.revision}


async def main(port: int) -> None:
    server = await SignalingServer().start(port)
    print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 0))
