"""A signaling server in this process, and the transport to it: for tests, trials and simulations.

It behaves as a real one does as far as a client can tell: who is in a room hears of the others with revisions, a client
whose connection drops is `reconnecting` to the others and gone after a while, an identity that comes twice supersedes
itself. And it can be broken on purpose: by region, by room, by identity.

    server = MemoryServer()
    room = await connect("token", transport=MemoryTransport(server, identity="alice", region="de1"))
    outage = server.fail("unreachable", region="de1")
    server.drop(region="de1")
    ...
    outage.end()

Rules:
1. Nothing here has a task or a thread. Answers come from the clock, so a clock moved by hand moves the server too.
2. A fault changes what joins and attempts are answered; it touches no connection that stands. `drop` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Final, Literal

from session_core.clock import Clock, SystemClock, Timer
from session_core.errors import SERVER_BUSY
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
from session_core.transport import Deliver

FaultKind = Literal["unreachable", "silent", "refusing", "busy", "join", "resync"]
"""unreachable: no route, told at once · silent: no answer ever · refusing: somebody refuses the connection · busy: the
server says so · join: joins are refused with a code · resync: attempts are answered with a code, which ends them."""

KEEP_S: Final = 60.0
"""How long the server keeps the place of a client that is gone. Longer than a client's window, which ends first."""

PARTICIPANT_NOT_FOUND: Final = 53204
DUPLICATE_IDENTITY: Final = 53205
PEER: Final = "peer"


class Fault:
    """Something that is broken, for whom it names, until it is ended."""

    def __init__(
        self, kind: FaultKind, code: int, message: str, region: str | None, room: str | None, identity: str | None
    ) -> None:
        self.kind = kind
        self.code = code
        self.message = message
        self._whom = (region, room, identity)
        self.has_ended = False

    def end(self) -> None:
        """Mends it."""
        self.has_ended = True

    def meets(self, transport: MemoryTransport) -> bool:
        """Whether it is there for this client."""
        return not self.has_ended and transport.is_among(*self._whom)


class _Member:
    """A client's place in a room, also while its connection is gone."""

    __slots__ = ("gone", "identity", "revision", "sid", "state", "transport")

    def __init__(self, sid: str, transport: MemoryTransport) -> None:
        self.sid = sid
        self.identity = transport.identity
        self.transport = transport
        self.state = "connected"
        self.revision = 1
        self.gone: Timer | None = None

    def told(self) -> ParticipantState:
        return ParticipantState(self.sid, self.identity, self.state, self.revision)


class _Room:
    def __init__(self, sid: str, name: str) -> None:
        self.sid = sid
        self.name = name
        self.members: dict[str, _Member] = {}

    def others(self, than: _Member) -> tuple[ParticipantState, ...]:
        return tuple(member.told() for member in self.members.values() if member is not than)


class MemoryServer:
    """Rooms and who is in them. `session_timeout_ms` is the window that it sets for its clients; None: their own."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        latency_s: float = 0.0,
        keep_s: float = KEEP_S,
        session_timeout_ms: int | None = None,
        numbers_from: int = 1,
    ) -> None:
        """`numbers_from`: where the numbers in its SIDs begin, for several servers whose rooms must not be one."""
        self.clock: Clock = clock if clock is not None else SystemClock()
        self._latency_us = int(latency_s * 1_000_000)
        self._keep_us = int(keep_s * 1_000_000)
        self._session_timeout_ms = session_timeout_ms
        self._rooms: dict[str, _Room] = {}
        self._faults: list[Fault] = []
        self._numbers = count(numbers_from)

    def participants(self, room: str) -> dict[str, str]:
        """The identities in a room and their states, as the server sees them."""
        members = self._rooms[room].members.values() if room in self._rooms else ()
        return {member.identity: member.state for member in members}

    # What can go wrong

    def fail(
        self,
        kind: FaultKind,
        *,
        code: int = 0,
        message: str = "",
        region: str | None = None,
        room: str | None = None,
        identity: str | None = None,
    ) -> Fault:
        """Breaks something for the clients of a region, a room, an identity, or all, until the fault is ended.

        `code` and `message` are what `join` and `resync` answer with.
        """
        fault = Fault(kind, code, message, region, room, identity)
        self._faults = [old for old in self._faults if not old.has_ended] + [fault]
        return fault

    def drop(self, *, region: str | None = None, room: str | None = None, identity: str | None = None) -> int:
        """Cuts the signaling connections of whom it names; how many."""
        hit = [member for member in self._members(region, room, identity) if member.state == "connected"]
        for member in hit:
            self._lose(member)
        return len(hit)

    def complete(self, room: str) -> None:
        """Ends a room for all who are in it; who is away hears of it when coming back."""
        closed = self._rooms.pop(room, None)
        for member in list(closed.members.values()) if closed else ():
            self._release(member)
            member.transport.verdict = RoomCompleted()
            if member.state == "connected":
                member.transport.deliver(RoomCompleted())

    def remove(self, room: str, identity: str) -> None:
        """Throws one participant out, without a reason."""
        self._expel(room, identity, Removed())

    def end_session(self, room: str, identity: str, code: int, message: str = "") -> None:
        """Ends one participant's session with a code."""
        self._expel(room, identity, ServerError(code, message))

    def ice(
        self,
        state: str,
        *,
        region: str | None = None,
        room: str | None = None,
        identity: str | None = None,
        peer: str = PEER,
    ) -> int:
        """Moves the ICE state of a peer connection of whom it names; how many."""
        return self._tell(IceState(peer, state), region, room, identity)

    def fail_dtls(
        self, *, region: str | None = None, room: str | None = None, identity: str | None = None, peer: str = PEER
    ) -> int:
        """Fails the DTLS of a peer connection of whom it names; how many."""
        return self._tell(DtlsFailed(peer), region, room, identity)

    # What clients ask, by their transports

    def answer_join(self, transport: MemoryTransport) -> Signal | None:
        """Lets a client in, or says why not; None: says nothing."""
        for fault in self._of(transport):
            if fault.kind in {"unreachable", "refusing"}:
                return ConnectUnanswered()
            if fault.kind == "busy":
                return ConnectRefused(SERVER_BUSY)
            if fault.kind == "join":
                return ConnectRefused(fault.code, fault.message)
            if fault.kind == "silent":
                return None
        return self._admit(transport)

    def answer_attempt(self, transport: MemoryTransport) -> Signal | None:
        """Gives a client its place back, or says why not; None: says nothing."""
        for fault in self._of(transport):
            if fault.kind == "unreachable":
                return AttemptUnreached()
            if fault.kind in {"refusing", "busy"}:
                return AttemptRefused()
            if fault.kind == "resync":
                return ServerError(fault.code, fault.message)
            if fault.kind == "silent":
                return None
        return self._restore(transport)

    def forget(self, transport: MemoryTransport) -> None:
        """A client says that it leaves. One whose connection is gone cannot say it: it stays until `keep_s` is over."""
        member = self._member(transport)
        if member is not None and member.state == "connected":
            self._dismiss(member)

    def _of(self, transport: MemoryTransport) -> Iterator[Fault]:
        return (fault for fault in reversed(self._faults) if fault.meets(transport))

    def _admit(self, transport: MemoryTransport) -> Joined:
        self._expel(transport.room, transport.identity, ServerError(DUPLICATE_IDENTITY))
        room = self._rooms.get(transport.room)
        if room is None:
            room = self._rooms[transport.room] = _Room(f"RM{next(self._numbers)}", transport.room)
        member = _Member(f"PA{next(self._numbers)}", transport)
        room.members[member.sid] = member
        transport.sid = member.sid
        self._announce(room, member)
        return Joined(
            room_sid=room.sid,
            participant_sid=member.sid,
            participants=room.others(member),
            session_timeout_ms=self._session_timeout_ms,
            identity=member.identity,
            room_name=room.name,
        )

    def _restore(self, transport: MemoryTransport) -> Signal:
        member = self._member(transport)
        if member is None:
            return transport.verdict or ServerError(PARTICIPANT_NOT_FOUND)
        self._release(member)
        self._move(member, "connected")
        return Resynchronised(self._rooms[transport.room].others(member), self._session_timeout_ms)

    def _lose(self, member: _Member) -> None:
        due_us = self.clock.now().steady_us + self._keep_us
        member.gone = self.clock.call_at(due_us, lambda: self._dismiss(member))
        self._move(member, "reconnecting")
        member.transport.deliver(SignalingLost("the memory server dropped it"))

    def _expel(self, room: str, identity: str, verdict: Signal) -> None:
        for member in list(self._members(None, room, identity)):
            was_there = member.state == "connected"
            self._dismiss(member)
            member.transport.verdict = verdict
            if was_there:
                member.transport.deliver(verdict)

    def _dismiss(self, member: _Member) -> None:
        self._release(member)
        room = self._rooms.get(member.transport.room)
        if room is not None and room.members.pop(member.sid, None) is not None:
            member.state = "disconnected"
            member.revision += 1
            self._announce(room, member)
            if not room.members:
                del self._rooms[room.name]

    def _move(self, member: _Member, state: str) -> None:
        if member.state != state:
            member.state = state
            member.revision += 1
            self._announce(self._rooms[member.transport.room], member)

    def _announce(self, room: _Room, news: _Member) -> None:
        told = ParticipantsUpdated((news.told(),))
        for member in list(room.members.values()):
            if member is not news and member.state == "connected":
                member.transport.deliver(told)

    def _tell(self, signal: Signal, region: str | None, room: str | None, identity: str | None) -> int:
        whom = list(self._members(region, room, identity))
        for member in whom:
            member.transport.deliver(signal)
        return len(whom)

    def _members(self, region: str | None, room: str | None, identity: str | None) -> Iterator[_Member]:
        rooms = list(self._rooms.values()) if room is None else [self._rooms[room]] if room in self._rooms else []
        for found in rooms:
            yield from [it for it in found.members.values() if it.transport.is_among(region, room, identity)]

    def _member(self, transport: MemoryTransport) -> _Member | None:
        room = self._rooms.get(transport.room)
        return None if room is None else room.members.get(transport.sid)

    def _release(self, member: _Member) -> None:
        gone, member.gone = member.gone, None
        if gone is not None:
            gone.cancel()

    def later(self, call: Callable[[], None]) -> Timer:
        """Calls after the network's latency."""
        return self.clock.call_at(self.clock.now().steady_us + self._latency_us, call)


class MemoryTransport:
    """One client of a MemoryServer, for one room."""

    def __init__(
        self, server: MemoryServer, *, identity: str = "alice", room: str = "room", region: str | None = None
    ) -> None:
        """`room` unless the join names another; `region` is what faults may go by."""
        self.identity = identity
        self.room = room
        self.region = region
        self.sid = ""
        self.verdict: Signal | None = None
        self.tokens: list[str] = []
        self.is_closed = False
        self._server = server
        self._deliver: Deliver | None = None
        self._under_way: Timer | None = None

    def join(self, token: str, room_name: str | None, deliver: Deliver) -> None:
        """Begins to join."""
        self.room = room_name or self.room
        self.tokens.append(token)
        self._deliver = deliver
        self._ask(self._server.answer_join)

    def attempt(self, token: str) -> None:
        """Makes one attempt."""
        self.tokens.append(token)
        self._ask(self._server.answer_attempt)

    def abort(self) -> None:
        """Gives up what is under way."""
        if self._under_way is not None:
            self._under_way.cancel()

    def leave(self) -> None:
        """Leaves the server at once."""
        self.abort()
        self._deliver = None
        self._server.forget(self)

    async def close(self) -> None:
        """Has nothing to free, and remembers that it was asked to."""
        self.is_closed = True

    def deliver(self, signal: Signal) -> None:
        """What the server has to say."""
        if self._deliver is not None:
            self._deliver(signal)

    def is_among(self, region: str | None, room: str | None, identity: str | None) -> bool:
        """Whether this client is of those; None means any."""
        mine = (self.region, self.room, self.identity)
        return all(named is None or named == own for named, own in zip((region, room, identity), mine, strict=True))

    def _ask(self, question: Callable[[MemoryTransport], Signal | None]) -> None:
        def answer() -> None:
            self._under_way = None
            signal = question(self)
            if signal is not None:
                self.deliver(signal)

        self.abort()
        self._under_way = self._server.later(answer)
