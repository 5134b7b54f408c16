"""A room that lives through a scenario, on a clock that nobody waits for.

It does what drives a room: it asks for the deadline and for the next attempt, makes the attempts on a model of the
SDK's transport, and tells the room what became of them. With the policy `twilio_js` it also tells of events as that SDK
does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from session_core.events import Event, Moment, RoomState, Session
from session_core.policy import ReconnectPolicy, WindowCode
from session_core.room import Room
from session_core.signals import (
    AttemptStarted,
    IceState,
    Joined,
    Leave,
    Signal,
)
from session_core.trace.peers import PeerConnections
from session_core.trace.policies import ONE_PEER
from session_core.trace.scenario import SESSION_TIMEOUT_S, Scenario, Stimulus
from session_core.trace.timeline import Line, Timeline
from session_core.trace.transport import Transport, states_of

CONNECTING_MS: Final = -510
JOINED_MS: Final = -10
"""Every scenario begins in a room that is connected, with media that is well."""

IDENTITY: Final = "alice"
BEGINNING: Final = Moment(5_000_000, 5_000_000)
SESSION_ID: Final = UUID(int=0)


def plain() -> float:
    """No jitter."""
    return 0.5


class Player:
    """One session that lives through a scenario. `base` is the moment of 0 ms."""

    def __init__(
        self,
        scenario: Scenario,
        policy: ReconnectPolicy,
        *,
        jitter: Callable[[], float] = plain,
        base: Moment = BEGINNING,
        session_id: UUID = SESSION_ID,
    ) -> None:
        self.scenario = scenario
        self.session_id = session_id
        self.room_sid = f"RM-{session_id}"
        session = Session(session_id=session_id, room_name=scenario.id or "room", identity=IDENTITY)
        self.room = Room(session, policy=policy, jitter=jitter)
        self.events: list[Event] = []
        self._base = base
        self._now = self.at(0)
        self._like_the_sdk = policy.window_code is WindowCode.CAUSE
        self._timeline = Timeline(scenario.id, self.room, base.steady_us, as_the_sdk=self._like_the_sdk)
        self._peers = PeerConnections(as_the_sdk=self._like_the_sdk)
        self._transport = Transport(
            self.at(JOINED_MS).steady_us,
            scenario.session_timeout_s,
            None if scenario.silent else self._now.steady_us,
            keeps_window=self._like_the_sdk,
        )

    @property
    def lines(self) -> list[Line]:
        """What the application was told, in order."""
        return self._timeline.lines

    def at(self, ms: float) -> Moment:
        """The moment so many milliseconds after the beginning."""
        return self._base.later(round(ms * 1000))

    def play(self) -> list[Event]:
        """Lives through it all, and returns everything that the room said."""
        self._take(self.room.begin(self.at(CONNECTING_MS)))
        self._tell([IceState(ONE_PEER, "connected"), self._joined()], self.at(JOINED_MS))
        for stimulus in self.scenario.stimuli:
            self._pass(self.at(stimulus.ms))
            self._do(stimulus)
        self._end_step()
        return self.events

    def _joined(self) -> Joined:
        timeout_s = self.scenario.session_timeout_s
        return Joined(
            room_sid=self.room_sid,
            participant_sid=f"PA-{self.session_id}",
            participants=states_of(self.scenario.initial_participants),
            session_timeout_ms=round((SESSION_TIMEOUT_S if timeout_s is None else timeout_s) * 1000),
        )

    def _do(self, stimulus: Stimulus) -> None:
        kind, value = stimulus.kind, stimulus.value
        match kind:
            case "ice":
                self._tell(self._peers.hear_ice(*value), self._now)
            case "pc_connection_state":
                self._tell(self._peers.hear(*value), self._now)
            case "app_room_disconnect":
                self._tell([Leave()], self._now)
            case "policy":
                self._transport.follow(value, self._now.steady_us)
            case "advance_ms":
                self._end_step()
                self._pass(self.at(stimulus.ms + value))
            case _:
                self._tell(self._transport.do(kind, value, self._now.steady_us), self._now)

    def _pass(self, until: Moment) -> None:
        """Lets everything happen that is due by then, each at its own time."""
        while (due_us := self._next_us()) is not None and due_us <= until.steady_us:
            self._turn_to(until.later(due_us - until.steady_us))
            if due_us == self.room.deadline_us:
                self._take(self.room.advance(self._now))
            elif due_us == self._transport.next_us:
                self._tell(self._transport.come_due(due_us), self._now)
            else:
                self._tell([AttemptStarted()], self._now)
                self._transport.attempt(due_us)
        self._turn_to(until)
        self._take(self.room.advance(until))

    def _next_us(self) -> int | None:
        due = (self.room.deadline_us, self._transport.next_us, self.room.attempt_at_us)
        return min((us for us in due if us is not None), default=None)

    def _turn_to(self, now: Moment) -> None:
        if now.steady_us > self._now.steady_us:
            self._end_step()
            self._now = now

    def _end_step(self) -> None:
        self._timeline.end_step(local_first=self._transport.has_told_of_us)

    def _tell(self, signals: Iterable[Signal], at: Moment) -> None:
        for signal in signals:
            self._take(self.room.receive(signal, at))

    def _take(self, events: list[Event]) -> None:
        self.events += events
        self._timeline.take(events)
        if self.room.state is RoomState.DISCONNECTED:
            self._transport.close()


def final(room: Room) -> dict[str, Any]:
    """How everything stands at last."""
    others = [(one.identity or one.sid, str(one.state)) for one in room.participants.values()]
    return {"room": str(room.state), "local": str(room.local_participant.state), "participants": others}
