"""Lives of sessions as the wire tells them, and the records of Kafka that they become. No I/O, no chance of its own.

`Life` is a builder: it is told what happens, keeps the accounts as the session core would (seq, totals, outage), and
lists what is sent. `records()` puts lives into a log. The hypothesis strategies draw lives that go wrong in every way
lives do: outages, losses, wrong clocks, rejoins, joins that fail, ends of every kind, and silence.

    life = Life(session_id(1))
    life.connecting().later(300).connected().later(20_000).reconnecting().later(4_000).reconnected()
    life.later(60_000).disconnected(reason="leave")
    batch = holder.take(records([life]), now_us=life.now_us)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from collector.ingest.decode import Record
from session_core import wire
from session_core.errors import CATALOGUE, Origin
from session_core.instants import utc_from_us

START_US: Final = 1_764_000_000_000_000
"""2025-11-24T16:00:00Z."""
SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
YEAR_US: Final = 365 * 86_400 * SECOND_US

CLIENT: Final = wire.ClientData(
    sdk="roomwatch-python",
    sdk_version="1.4.0",
    app_version="7.2",
    platform="linux",
    network_type="wifi",
    region="ie1",
    media_region="ie1",
)


def session_id(number: int, at_us: int = START_US) -> UUID:
    """The UUIDv7 of a session that began at `at_us`; `number` tells sessions apart."""
    digest = int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:10])
    bits = (at_us // 1000) << 80 | digest
    return UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


class Sent(NamedTuple):
    """One sending of an event: what was said, when by the client's clock, and when the broker appended it."""

    message: wire.Message
    sent_at_us: int
    append_at_us: int
    lost: wire.Lost | None = None

    def value(self) -> bytes:
        """Its bytes."""
        return wire.encode(self.message, utc_from_us(self.sent_at_us), self.lost)

    def key(self) -> bytes:
        """The record's key."""
        return str(self.message.data.session_id).encode()

    def again(self, after_us: int, lost: wire.Lost | None = None) -> Sent:
        """The same event sent again, later; by then more may be lost."""
        sent_at_us, append_at_us = self.sent_at_us + after_us, self.append_at_us + after_us
        return Sent(self.message, sent_at_us, append_at_us, lost or self.lost)


@dataclass
class Life:
    """One session, told step by step. `skew_us` is how far its clock is ahead of the broker's."""

    session_id: UUID
    now_us: int = START_US
    skew_us: int = 0
    delay_us: int = 20_000
    room_name: str = "lesson"
    room_sid: str = "RM" + "0" * 32
    participant_sid: str = "PA" + "0" * 32
    identity: str | None = "someone"
    previous_session_id: UUID | None = None
    client: wire.ClientData = CLIENT
    sent: list[Sent] = field(default_factory=list)
    state: str | None = None
    seq: int = -1
    joined: bool = False
    _n: int = 0
    _outage: wire.OutageData | None = None
    _outage_from_us: int = 0
    _outage_to_us: int | None = None
    _connected_ms: int = 0
    _reconnecting_ms: int = 0
    _outages: int = 0
    _lost: wire.Lost = field(default_factory=dict)

    def later(self, ms: int) -> Self:
        """Time passes."""
        if self.state == "connected":
            self._connected_ms += ms
        if self.state == "reconnecting":
            self._reconnecting_ms += ms
        self.now_us += ms * 1000
        return self

    def connecting(self) -> Self:
        """The application asks for the room."""
        policy = wire.PolicyData(name="documented", window_ms=30_000, attempts_max=12)
        return self._move("room.connecting", "connecting", policy=policy, client=self.client)

    def connected(self, ttl_s: int = 3600) -> Self:
        """The room is joined."""
        self.joined = True
        token = wire.TokenData(expires_at=utc_from_us(self._clock_us() + ttl_s * SECOND_US), ttl_s=ttl_s)
        return self._move("room.connected", "connected", token=token, client=self.client)

    def connect_failed(self, code: int | None, origin: Origin = Origin.SERVER) -> Self:
        """The room could not be joined; without a code, the application gave up."""
        reason = "cancelled" if code is None else None
        return self._move("room.connect_failed", "disconnected", error=_error(code, origin), reason=reason)

    def reconnecting(self, cause: str = "signaling") -> Self:
        """An outage begins."""
        code, origin = (53001, Origin.TRANSPORT) if cause == "signaling" else (53405, Origin.MEDIA)
        since = None if self._outage_to_us is None else (self.now_us - self._outage_to_us) // 1000
        self._outages += 1
        self._outage_from_us = self.now_us
        self._outage = wire.OutageData(
            number=self._outages,
            started_at=utc_from_us(self._clock_us()),
            cause="signaling" if cause == "signaling" else "media",
            since_previous_ms=since,
        )
        return self._move("room.reconnecting", "reconnecting", error=_error(code, origin), client=self.client)

    def attempted(self) -> Self:
        """A signaling attempt of this outage begins."""
        if self._outage is not None:
            self._outage = msgspec.structs.replace(self._outage, attempts=self._outage.attempts + 1)
        return self

    def reconnected(self) -> Self:
        """The outage ends well."""
        self._move("room.reconnected", "connected", client=self.client)
        self._outage, self._outage_to_us = None, self.now_us
        return self

    def disconnected(self, code: int | None = None, origin: Origin | None = None, reason: str | None = None) -> Self:
        """The session ends: with a code, by leaving for a `reason`, or, with neither, because the server removed it."""
        return self._move(
            "room.disconnected",
            "disconnected",
            error=_error(code, origin or Origin.SERVER),
            reason=reason,
            origin=origin if code is None else None,
            client=self.client,
        )

    def participant(self, move: str = "connected", sid: str = "PA" + "1" * 32) -> Self:
        """Something happens to another participant."""
        states = {"connected": None, "reconnecting": "connected", "reconnected": "reconnecting"}
        to_state = "connected" if move == "reconnected" else move
        return self._say(f"participant.{move}", subject_sid=sid, from_state=states.get(move), to_state=to_state)

    def token_expiring(self) -> Self:
        """The token will end in five minutes."""
        token = wire.TokenData(expires_at=utc_from_us(self._clock_us() + 300 * SECOND_US), ttl_s=3600)
        return self._say("token.expiring", token=token)

    def alive(self) -> Self:
        """Proof of life."""
        return self._say("session.alive", takes_seq=False)

    def loses(self, count: int = 1) -> Self:
        """The outbox drops the last events it was given, and says so."""
        for dropped in self.sent[len(self.sent) - count :] if count else ():
            kinds = self._lost.setdefault("overflow", {})
            kinds[dropped.message.type] = kinds.get(dropped.message.type, 0) + 1
        del self.sent[len(self.sent) - count :]
        self._n += 1
        data = wire.Data(session_id=self.session_id, seq=max(self.seq, 0), room_name=self.room_name)
        return self._send("session.events_lost", data, f"{max(self.seq, 0)}.{self._n}")

    def _move(self, kind: str, to_state: str, **data: Any) -> Self:
        from_state, self.state = self.state, to_state
        self._say(kind, from_state=from_state, to_state=to_state, **data)
        return self

    def _say(self, kind: str, *, takes_seq: bool = True, **data: Any) -> Self:
        if takes_seq:
            self.seq += 1
            self._n = 0
        else:
            self._n += 1
        known: dict[str, Any] = {
            "room_sid": self.room_sid,
            "participant_sid": self.participant_sid,
            "identity": self.identity,
        }
        totals = wire.TotalsData(
            outages=self._outages, reconnecting_ms=self._reconnecting_ms, connected_ms=self._connected_ms
        )
        body = wire.Data(
            session_id=self.session_id,
            previous_session_id=self.previous_session_id,
            seq=max(self.seq, 0),
            room_name=self.room_name,
            outage=self._outage_now(),
            totals=totals,
            **(known if self.joined else {}),
            **data,
        )
        return self._send(kind, body, f"{body.seq}.{self._n}" if self._n else str(body.seq))

    def _send(self, kind: str, data: wire.Data, name: str) -> Self:
        source = f"/sessions/{self.session_id}"
        time = utc_from_us(self._clock_us())
        message = wire.Message(id=name, source=source, type=kind, time=time, data=data)  # type: ignore[arg-type]
        lost = {reason: dict(counts) for reason, counts in self._lost.items()} or None
        self.sent.append(Sent(message, self._clock_us() + 1_000, self.now_us + self.delay_us, lost))
        return self

    def _outage_now(self) -> wire.OutageData | None:
        if self._outage is None:
            return None
        down_ms = (self.now_us - self._outage_from_us) // 1000
        link = f"{self._outage.cause}_down_ms"
        return msgspec.structs.replace(self._outage, downtime_ms=down_ms, **{link: down_ms})

    def _clock_us(self) -> int:
        return self.now_us + self.skew_us


def _error(code: int | None, origin: Origin) -> wire.WireErrorData | None:
    if code is None:
        return None
    known = CATALOGUE.get(code)
    text = None if known is not None else "a server's own words"
    return wire.WireErrorData(code=code, name=known.name if known else "RoomError", message=text, origin=origin)


def partition_of(session: UUID, partitions: int) -> int:
    """The partition of a session's records."""
    return int.from_bytes(hashlib.sha256(session.bytes).digest()[:4]) % partitions


def records(lives: Iterable[Life], partitions: int = 1) -> list[Record]:
    """The log of these lives: in order of append time, offsets counted from 0 in each partition."""
    return log_of(sorted((sent for life in lives for sent in life.sent), key=lambda s: s.append_at_us), partitions)


def log_of(sendings: Sequence[Sent], partitions: int = 1) -> list[Record]:
    """The log that these sendings make in this order; append times stay those of the sendings."""
    offsets = [0] * partitions
    log = []
    for sent in sendings:
        partition = partition_of(sent.message.data.session_id, partitions)
        log.append(Record(partition, offsets[partition], sent.append_at_us, sent.key(), sent.value()))
        offsets[partition] += 1
    return log


def ended_us(lives: Iterable[Life]) -> int:
    """The last append time of these lives."""
    return max((sent.append_at_us for life in lives for sent in life.sent), default=START_US)


SKEWS_US: Final = (0, 0, 0, 900_000, -1_500_000, 5 * SECOND_US, -8 * SECOND_US, 3600 * SECOND_US, -40 * YEAR_US)
ENDS: Final[tuple[dict[str, Any], ...]] = (
    {"reason": "leave"},
    {"code": 53000, "origin": Origin.ATTEMPTS},
    {"code": 53002, "origin": Origin.WINDOW},
    {"code": 53405, "origin": Origin.MEDIA},
    {"code": 20104, "origin": Origin.SERVER},
    {"code": 53205, "origin": Origin.SERVER},
    {"code": 53118, "origin": Origin.SERVER},
    {"code": 59999, "origin": Origin.SERVER},
    {"origin": Origin.RESTART},
    {},
)
CLIENTS: Final = (
    CLIENT,
    wire.ClientData(sdk="livekit", sdk_version="1.0", app_version="7.3", region="us1", network_type="cellular"),
    wire.ClientData(sdk="roomwatch-python", region="de1"),
)


def _whole_outage(life: Life, cause: str, ms: int) -> None:
    if life.state == "reconnecting":
        life.attempted().later(200).reconnected().later(300)
    life.reconnecting(cause).later(ms).attempted().reconnected()


def _turn(life: Life) -> None:
    """An outage begins, or ends."""
    if life.state == "reconnecting":
        life.attempted().later(700).reconnected()
    else:
        life.reconnecting("media").later(900)


def _slow(life: Life) -> None:
    """Sending takes longer from here on, or no longer."""
    life.delay_us = 20_000 if life.delay_us > 20_000 else 3 * SECOND_US


def _roam(life: Life) -> None:
    life.client = CLIENTS[(CLIENTS.index(life.client) + 1) % len(CLIENTS)]


STEPS: Final[dict[str, Callable[[Life], object]]] = {
    "a while": lambda life: life.later(20_000),
    "alive": lambda life: life.later(30_000).alive(),
    "outage of signaling": lambda life: _whole_outage(life, "signaling", 1_300),
    "outage of media": lambda life: _whole_outage(life, "media", 8_000),
    "outage begins or ends": _turn,
    "somebody joins": lambda life: life.later(150).participant("connected"),
    "token expires soon": lambda life: life.token_expiring(),
    "another network": _roam,
    "sending is slow": _slow,
    "events are lost": lambda life: life.loses(2),
}


@st.composite
def lives(draw: st.DrawFn, number: int = 0, *, steps_max: int = 12) -> Life:
    """One life, from the first word to an end, or to silence; some of what it said never reached the log."""
    begun_us = START_US + draw(st.integers(0, 120)) * SECOND_US
    skew_us = draw(st.sampled_from(SKEWS_US))
    life = Life(session_id(number, begun_us + skew_us), begun_us, skew_us)
    life.client = draw(st.sampled_from(CLIENTS))
    life.identity = draw(st.sampled_from(("ann", None)))
    life.previous_session_id = draw(st.sampled_from((None, session_id(number + 1000))))
    life.connecting().later(draw(st.integers(10, 3000)))
    beginning = draw(st.sampled_from(("joined",) * 9 + ("failed", "cancelled", "silent")))
    if beginning == "failed":
        life.connect_failed(draw(st.sampled_from((53000, 20101, 53105))))
    elif beginning == "cancelled":
        life.connect_failed(None)
    elif beginning == "joined":
        life.connected(draw(st.sampled_from((600, 3600))))
        for step in draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=min(3, steps_max), max_size=steps_max)):
            STEPS[step](life)
        if draw(st.integers(0, 3)):
            life.later(draw(st.sampled_from((5, 40_000)))).disconnected(**draw(st.sampled_from(ENDS)))
            if not draw(st.integers(0, 4)):
                life.later(10_000).disconnected(**draw(st.sampled_from(ENDS)))
    gone = draw(st.sets(st.integers(0, max(0, len(life.sent) - 1)), max_size=3))
    return replace(life, sent=[sent for place, sent in enumerate(life.sent) if place not in gone])


def histories(sessions_max: int = 4, *, steps_max: int = 12) -> st.SearchStrategy[list[Life]]:
    """Lives of several sessions, told at the same time."""
    return st.integers(1, sessions_max).flatmap(
        lambda count: st.tuples(*(lives(number, steps_max=steps_max) for number in range(count))).map(list)
    )


def fleet(count: int, *, begun_us: int = START_US, every_us: int = SECOND_US, first: int = 0) -> list[Life]:
    """`count` varied lives, one begun every `every_us`, eight to a room; the same every time."""
    names = sorted(STEPS)
    told = []
    for number in range(first, first + count):
        choice = hashlib.sha256(b"%d" % number).digest()
        at_us = begun_us + (number - first) * every_us
        life = Life(session_id(number, at_us), at_us, room_name=f"lesson-{number // 8}")
        life.room_sid, life.participant_sid = f"RM{number // 8:032x}", f"PA{number:032x}"
        life.identity, life.client = f"user-{number}", CLIENTS[choice[0] % len(CLIENTS)]
        life.connecting().later(100 + choice[1] * 5)
        if choice[2] < 8:
            told.append(life.connect_failed((53000, 20104, 53105)[choice[3] % 3]))
            continue
        life.connected()
        for byte in choice[4 : 5 + choice[3] % 8]:
            STEPS[names[byte % len(names)]](life)
        if choice[20] >= 8:
            life.later(choice[21] * 200).disconnected(**ENDS[choice[22] % 16 if choice[22] % 16 < len(ENDS) else 0])
        told.append(life)
    return told
