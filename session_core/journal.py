"""What a room says: events that are complete as of the moment they tell of.

It collects the events of one step in order and adds to each what every event carries: the session as far as it is
known, the outage that is open, the totals, how many are in the room. When something is worth an event is for the rows
of transitions.py to say.
"""

from __future__ import annotations

from session_core.errors import RoomError
from session_core.events import Client, Event, EventType, Moment, Outage, Policy, Reason, RoomState, Session, Token
from session_core.ledger import Ledger
from session_core.participant import Change, Roster


class Journal:
    """The events of one session."""

    __slots__ = ("_client", "_events", "_ledger", "_roster", "session")

    def __init__(self, session: Session, client: Client | None, ledger: Ledger, roster: Roster) -> None:
        self.session = session
        self._client = client
        self._ledger = ledger
        self._roster = roster
        self._events: list[Event] = []

    def take(self) -> list[Event]:
        """The events since the last call, in order."""
        taken, self._events = self._events, []
        return taken

    def tell(
        self,
        kind: EventType,
        at: Moment,
        state: RoomState,
        *,
        before: RoomState | None = None,
        error: RoomError | None = None,
        reason: Reason | None = None,
        token: Token | None = None,
        policy: Policy | None = None,
    ) -> None:
        """Say something of the room, which is in this `state` now; `before` another one, where that has changed."""
        of_room = kind.startswith("room.")
        self._events.append(
            Event(
                type=kind,
                at=at,
                session=self.session,
                state=state,
                from_state=before,
                to_state=state if of_room else None,
                participants=self._headcount(),
                error=error,
                reason=reason,
                outage=self._outage(at),
                totals=self._ledger.totals(at),
                token=token,
                policy=policy,
                client=self._client if of_room else None,
            )
        )

    def tell_of(self, change: Change, at: Moment) -> None:
        """Say what happened to a participant."""
        self._events.append(
            Event(
                type=change.emits,
                at=at,
                session=self.session,
                state=change.participant.state,
                from_state=change.before,
                to_state=change.participant.state,
                participant=change.participant,
                participants=self._headcount(),
                outage=self._outage(at),
                totals=self._ledger.totals(at),
            )
        )

    def _headcount(self) -> int:
        return len(self._roster.present) + 1

    def _outage(self, at: Moment) -> Outage | None:
        return self._ledger.outage.facts(at.steady_us) if self._ledger.outage else None
