"""The events that benchmarks write: what a fleet tells, ten events a session, some 750 bytes each, on our wire.

Everything is drawn from a seed, so two runs tell the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID
from zlib import crc32

from session_core import wire
from session_core.instants import utc_from_us
from session_core.wire import ClientData, Data, Message, OutageData, PolicyData, TokenData, TotalsData, WireErrorData

S: Final = 1_000_000
MEAN_LIFE_S: Final = 105
PARTITIONS: Final = 12
POLICY: Final = PolicyData(
    name="documented", window_ms=30_000, attempts_max=12, delay_first_ms=80, delay_factor=1.5, delay_max_ms=10_000,
    jitter=0.2,
)  # fmt: skip
SDKS: Final = (("twilio-video.js", "2.34.0"), ("twilio-video.js", "2.35.0"), ("twilio-video-android", "7.6.1"))
REGIONS: Final = ("ie1", "us1", "us1", "de1")
NETWORKS: Final = ("wifi", "wifi", "cellular", "ethernet")
CAUSES: Final = ((53001, "SignalingConnectionDisconnectedError", "signaling"), (53405, "MediaConnectionError", "media"))


class Told(NamedTuple):
    """A record: when the broker got it (µs since 1970), its partition, key and value."""

    append_at_us: int
    partition: int
    key: bytes
    value: bytes


class Share(NamedTuple):
    """The part of a fleet's partitions that one of several processes tells: those that leave `rest` over `of`."""

    rest: int = 0
    of: int = 1


def fleet(
    sessions: int,
    live: int,
    begins_us: int,
    *,
    opens_us: int = 0,
    closes_us: int | None = None,
    share: Share = Share(),  # noqa: B008 - frozen
    seed: int = 7,
) -> Iterator[Told]:
    """What so many sessions tell, in the order of time, while `live` of them live at once.

    What is told before `opens_us` or from `closes_us` on is left out, and the former hardly costs anything: so begins a
    window onto a fleet that lives already. Its sessions number what they tell in the window, so that nothing of them is
    missing.
    """
    rng = Random(seed)
    pending: list[_Pending] = []
    at_us = float(begins_us)
    for number in range(sessions):
        at_us += rng.expovariate(live / MEAN_LIFE_S) * S
        if closes_us is not None and at_us >= closes_us:
            break
        own = Random(rng.getrandbits(64))
        one = _Teller(number, int(at_us), own, opens_us)
        if one.partition % share.of != share.rest:
            continue
        yield from _until(pending, int(at_us))
        life = (told for told in _life(one) if told.value)
        first = next(life, None)
        if first is not None:
            heapq.heappush(pending, (first.append_at_us, number, first, life))
    yield from _until(pending, closes_us)


_Pending = tuple[int, int, Told, Iterator[Told]]
"""What a session tells next, and when; its number tells sessions apart that tell at the same time."""


def _until(pending: list[_Pending], until_us: int | None) -> Iterator[Told]:
    """What those that live tell before that time; all that they still tell, where there is none."""
    while pending and (until_us is None or pending[0][0] < until_us):
        _, number, told, life = pending[0]
        yield told
        following = next(life, None)
        if following is None:
            heapq.heappop(pending)
        else:
            heapq.heapreplace(pending, (following.append_at_us, number, following, life))


class _Teller:
    """One session's voice: what all its events say, and its counts."""

    def __init__(self, number: int, begins_us: int, rng: Random, opens_us: int) -> None:
        self.rng = rng
        self.at_us = begins_us
        self._opens_us = opens_us
        self.seq = -1
        self.n = self.reconnecting_ms = self.connected_ms = self.outages = 0
        self._appended_us = begins_us
        self._skew_us = 0 if rng.random() > 0.02 else rng.randrange(-9 * S, 9 * S)
        random_bits = (rng.getrandbits(12) | 7 << 12) << 64 | 2 << 62 | rng.getrandbits(62)
        self._id = UUID(int=(begins_us // 1000) << 80 | random_bits)
        self._key = str(self._id).encode()
        self.partition = crc32(self._key) % PARTITIONS
        room = number // 8
        self.joined = {"room_sid": f"RM{room * 7919:032x}", "participant_sid": f"PA{number * 104729:032x}"}
        self._named = {"room_name": f"lesson-{room}", "identity": f"user-{number:07d}@school.example"}
        sdk, version = SDKS[min(number % 5, 2)]
        region = REGIONS[number % 4]
        self.client = ClientData(
            sdk=sdk, sdk_version=version, app_version=f"4.{room // 900 % 3}.0", platform="web/chrome-126",
            network_type=NETWORKS[rng.getrandbits(2)], region=region, media_region=region,
        )  # fmt: skip

    def tell(self, kind: str, *, takes_seq: bool = True, **fields: Any) -> Told:
        """The record of an event that happens now; without a value when that is before the window opens."""
        self._appended_us = max(self._appended_us + 1, self.at_us + self.rng.randrange(8_000, 60_000))
        nothing_yet = self.seq < 0 and not takes_seq
        if self._appended_us < self._opens_us or nothing_yet:
            return Told(self._appended_us, self.partition, self._key, b"")
        if takes_seq:
            self.seq, self.n = self.seq + 1, 0
        else:
            self.n += 1
        names = self._named if kind in {"room.connecting", "room.connect_failed"} else {**self._named, **self.joined}
        told_us = self.at_us + self._skew_us
        totals = TotalsData(outages=self.outages, reconnecting_ms=self.reconnecting_ms, connected_ms=self.connected_ms)
        data = Data(session_id=self._id, seq=self.seq, totals=totals, **names, **fields)
        event = Message(
            id=str(self.seq) if takes_seq else f"{self.seq}.{self.n}",
            source=f"/sessions/{self._id}",
            type=kind,  # type: ignore[arg-type]
            time=utc_from_us(told_us),
            data=data,
        )
        value = wire.encode(event, utc_from_us(told_us + 4000))
        return Told(self._appended_us, self.partition, self._key, value)


def _life(one: _Teller) -> Iterator[Told]:
    rng = one.rng
    yield one.tell("room.connecting", to_state="connecting", policy=POLICY, client=one.client)
    one.at_us += rng.randrange(200_000, 2_500_000)
    if rng.random() < 0.02:
        error = WireErrorData(code=53000, name="SignalingConnectionError", origin="server")  # type: ignore[arg-type]
        moved: dict[str, Any] = {"from_state": "connecting", "to_state": "disconnected"}
        yield one.tell("room.connect_failed", error=error, client=one.client, **moved)
        return
    token = TokenData(expires_at=utc_from_us(one.at_us + 3600 * S), ttl_s=3600)
    yield one.tell("room.connected", from_state="connecting", to_state="connected", token=token, client=one.client)
    yield from _stay(one)


def _stay(one: _Teller) -> Iterator[Told]:
    """From the join to the end: outages, others that come and go, signs of life of most."""
    rng, joined_us = one.rng, one.at_us
    life_us = int(rng.uniform(0.3, 1.7) * 100 * S)
    happens = sorted(
        [(rng.random(), True) for _ in range((0, 1, 1, 2, 3)[rng.randrange(5)])]
        + [(rng.random(), False) for _ in range(rng.randrange(5))]
    )
    says_alive, alive_us, back_us = rng.random() < 0.75, one.at_us + 30 * S, 0
    for when, is_outage in [*happens, (1.0, None)]:
        then_us = max(one.at_us + 1000, joined_us + int(when * life_us))
        while says_alive and alive_us < then_us:
            one.connected_ms += max(0, alive_us - one.at_us) // 1000
            one.at_us = max(one.at_us, alive_us)
            alive_us += 30 * S
            yield one.tell("session.alive", takes_seq=False)
        one.connected_ms += (then_us - one.at_us) // 1000
        one.at_us = then_us
        if is_outage is None:
            break
        if not is_outage:
            kind = ("participant.connected", "participant.disconnected")[rng.getrandbits(1)]
            yield one.tell(kind, subject_sid=f"PA{rng.getrandbits(128):032x}")
            continue
        ended = yield from _outage(one, back_us)
        if ended:
            return
        back_us = one.at_us
    if rng.random() > 0.03:
        moved: dict[str, Any] = {"from_state": "connected", "to_state": "disconnected"}
        yield one.tell("room.disconnected", reason="leave", client=one.client, **moved)


def _outage(one: _Teller, before_us: int) -> Generator[Told, None, bool]:
    """An outage; whether it ends the session is what the iterator returns."""
    rng, began_us = one.rng, one.at_us
    code, name, cause = CAUSES[rng.randrange(2)]
    down_ms = rng.randrange(300, 12_000)
    one.outages += 1

    def outage(attempts: int, down: int) -> OutageData:
        return OutageData(
            number=one.outages, started_at=utc_from_us(began_us), cause=cause, attempts=attempts,  # type: ignore[arg-type]
            signaling_down_ms=down if cause == "signaling" else 0, media_down_ms=down, downtime_ms=down,
            since_previous_ms=(began_us - before_us) // 1000 if before_us else None,
        )  # fmt: skip

    error = WireErrorData(code=code, name=name, origin="transport")  # type: ignore[arg-type]
    lost: dict[str, Any] = {"from_state": "connected", "to_state": "reconnecting"}
    yield one.tell("room.reconnecting", error=error, outage=outage(0, 0), client=one.client, **lost)
    one.at_us += down_ms * 1000
    one.reconnecting_ms += down_ms
    if rng.random() < 0.05:
        error = WireErrorData(code=53002, name="SignalingConnectionTimeoutError", origin="window")  # type: ignore[arg-type]
        moved: dict[str, Any] = {"from_state": "reconnecting", "to_state": "disconnected"}
        yield one.tell("room.disconnected", error=error, outage=outage(4, down_ms), client=one.client, **moved)
        return True
    moved = {"from_state": "reconnecting", "to_state": "connected"}
    yield one.tell("room.reconnected", outage=outage(1 + rng.getrandbits(1), down_ms), client=one.client, **moved)
    return False
