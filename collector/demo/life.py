"""One simulated session, from its join to its end, played through the real session core in simulated time.

A `Plan` says what the world does to a session; what the session makes of it, its states, codes and outages, is for the
core alone to say. Nothing here waits: six hours take as long as the core takes to think.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from random import Random
from typing import Final, Literal, NamedTuple

from session_core.events import Client, Event, Moment, Session, Token
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.signals import (
    AttemptRefused,
    AttemptStarted,
    AttemptUnreached,
    ConnectRefused,
    ConnectUnanswered,
    IceState,
    Joined,
    Leave,
    ParticipantState,
    Resynchronised,
    RoomCompleted,
    ServerError,
    Signal,
    SignalingLost,
)

SECOND_US: Final = 1_000_000
REFUSAL_US: Final = 40_000
UNREACHED_US: Final = 2_500_000
RESYNC_US: Final = 180_000
PEER: Final = "pc-1"


class Trouble(NamedTuple):
    """Something that happens to a link: from when, how long, and what an attempt meets while it lasts.

    `verdict` is answered by the server: the session is over with `code`, whenever the first attempt gets through.
    """

    at_us: int
    lasts_us: int
    kind: Literal["unreachable", "refused", "verdict", "media"]
    code: int = 0

    @property
    def ends_us(self) -> int:
        """When it is over."""
        return self.at_us + self.lasts_us


class Plan(NamedTuple):
    """What the world does to one session. Times are µs of both clocks, which agree in simulation."""

    session: Session
    client: Client
    token: Token
    room_sid: str
    participant_sid: str
    others: tuple[ParticipantState, ...]
    joins_us: int
    ends_us: int
    ending: Literal["leave", "completed"] = "leave"
    join_code: int | None = None  # 0: nobody answers
    troubles: tuple[Trouble, ...] = ()


def moment(at_us: int) -> Moment:
    """A simulated time: both clocks read the same."""
    return Moment(at_us, at_us)


def play(plan: Plan, policy: ReconnectPolicy, rng: Random) -> Iterator[Event]:
    """Every event of the session, in order."""
    room = Room(plan.session, policy=policy, client=plan.client, jitter=rng.random, token=plan.token)
    yield from room.begin(moment(plan.joins_us))
    joined_us = plan.joins_us + rng.randrange(250_000, 1_400_000)
    if plan.join_code is not None:
        refusal = ConnectRefused(plan.join_code) if plan.join_code else ConnectUnanswered()
        yield from room.receive(refusal, moment(joined_us))
        return
    yield from room.receive(Joined(plan.room_sid, plan.participant_sid, plan.others), moment(joined_us))
    yield from room.receive(IceState(PEER, "connected"), moment(joined_us + 300_000))
    yield from _Agenda(plan).run(room)


class _Agenda:
    """What is still to happen to one session, soonest first."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._order = count()
        ending: Signal = Leave() if plan.ending == "leave" else RoomCompleted()
        self._due: list[tuple[int, int, Signal]] = [(plan.ends_us, next(self._order), ending)]
        for trouble in plan.troubles:
            if trouble.kind == "media":
                self._add(trouble.at_us, IceState(PEER, "failed"))
                self._add(trouble.ends_us, IceState(PEER, "checking"))
                self._add(trouble.ends_us + RESYNC_US, IceState(PEER, "connected"))
            else:
                self._add(trouble.at_us, SignalingLost("simulated"))
        heapify(self._due)

    def run(self, room: Room) -> Iterator[Event]:
        """Plays on until nothing is due, which is soon after the room has ended."""
        while self._due:
            due_us = self._due[0][0]
            own_us = min((at for at in (room.deadline_us, room.attempt_at_us) if at is not None), default=due_us + 1)
            if own_us > due_us:
                _, _, signal = heappop(self._due)
                yield from room.receive(signal, moment(due_us))
            elif room.attempt_at_us is not None and room.attempt_at_us <= own_us:
                yield from room.receive(AttemptStarted(), moment(own_us))
                self._answer(own_us)
            else:
                yield from room.advance(moment(own_us))

    def _answer(self, at_us: int) -> None:
        """What an attempt that starts now will meet."""
        met = next((t for t in self._plan.troubles if t.kind != "media" and t.at_us <= at_us < t.ends_us), None)
        if met is None:
            self._add(at_us + RESYNC_US, Resynchronised(self._plan.others))
        elif met.kind == "refused":
            self._add(at_us + REFUSAL_US, AttemptRefused())
        elif met.kind == "verdict":
            self._add(at_us + RESYNC_US, ServerError(met.code))
        else:
            self._add(at_us + UNREACHED_US, AttemptUnreached())

    def _add(self, at_us: int, signal: Signal) -> None:
        heappush(self._due, (at_us, next(self._order), signal))
