"""A room without I/O: signals with their time go in, events come out, and a deadline is handed out.

    events = room.begin(at)              then
    events = room.receive(signal, at)    for everything that is seen, in the order of time, and
    events = room.advance(at)            when `deadline_us` has come and nothing else has

The room acts on the rows of transitions.py; it holds the links, the roster, the attempts and the accounts that these
need. It starts no attempt, sleeps for nothing and publishes nothing: whoever drives it does.

Rules:
1. What was due before a signal came happens first, at the time when it was due: a window is never longer than the
   policy says, however late somebody looks.
2. The local participant moves before the room when something is lost, and after it when it is back.
3. After `disconnected` (or `connect_failed`) nothing happens any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

import msgspec

from session_core import signals, transitions
from session_core.attempts import Attempts
from session_core.bounds import DAY_LATEST, DAY_MS, WORD_MAX, clip, clip_fields, within
from session_core.causes import ENDINGS, Ending, SdkSignal, WithCode, link_error, sdk_word, trigger_error
from session_core.events import LEAVE_REASONS, Client, Event, Moment, Outage, Reason, RoomState, Session, Token, Totals
from session_core.instants import EPOCH, us_from_utc
from session_core.journal import Journal
from session_core.ledger import Ledger, OpenOutage
from session_core.media import Peers
from session_core.participant import Change, LocalParticipant, RemoteParticipant, Roster
from session_core.policy import ReconnectPolicy, WindowCode
from session_core.shapes import is_moment, is_whole
from session_core.timers import ALIVE, FORESIGHT, NEVER, WINDOW, Timers
from session_core.transitions import CONNECTING, DISCONNECTED, DOWN, LIVE, STARTS, STOPPED, UP, LinkRow, Trigger

ALIVE_US: Final = 30_000_000
"""A session gives a sign of life this often."""

FORESIGHT_US: Final = 300_000_000
"""An application hears this long before its access token expires."""

IGNORED_WORDS_MAX: Final = 64
"""Different words that `ignored` tells apart; what comes after them is counted as "other"."""

_FACTS: Final = ("room_sid", "participant_sid", "identity", "room_name")


class Room:
    """One participant's life in one room.

    `jitter` gives a number from 0 to 1 for each delay. `token` is what telemetry says of the access token; the token
    itself never comes here. Raises nothing.

    Specification: Room Reconnection States and Events
    """

    __slots__ = (
        "_attempts", "_begun", "_cause", "_ignored", "_journal", "_ledger", "_now", "_peers", "_roster", "_signaling",
        "_state", "_timers", "_token", "_window_ms", "local_participant", "policy",
    )  # fmt: skip

    def __init__(
        self,
        session: Session,
        *,
        policy: ReconnectPolicy,
        client: Client | None = None,
        jitter: Callable[[], float] = lambda: 0.5,
        token: Token | None = None,
    ) -> None:
        self.policy = policy
        self._ignored: Counter[str] | None = None  # until there is something to count
        self._state = CONNECTING
        self._signaling = DOWN
        ignore = self._ignore
        self._peers = Peers(ignore)
        self._roster = Roster(ignore, like_the_sdk=policy.sdk_participants)
        self._attempts = Attempts(policy, jitter)
        self._ledger = Ledger()
        self._timers = Timers()
        known_client = None if client is None else clip_fields(client, WORD_MAX)
        self._journal = Journal(clip_fields(session), known_client, self._ledger, self._roster)
        self.local_participant = LocalParticipant(self.session.identity)
        self._token = None if token is None else _within_bounds(token)
        self._window_ms = policy.window_ms
        self._cause: int | None = None
        self._begun = False
        self._now = Moment(0, 0)

    @property
    def state(self) -> RoomState:
        """The room's state; `disconnected` is final."""
        return self._state

    @property
    def session(self) -> Session:
        """The session, as far as it is known: before the join only the room's name is."""
        return self._journal.session

    @property
    def participants(self) -> dict[str, RemoteParticipant]:
        """Who else is in the room, by sid. After `disconnected` it stays as it was."""
        return self._roster.present

    @property
    def ignored(self) -> Counter[str]:
        """What came from outside and means nothing to us: how often, by its word or kind."""
        return Counter() if self._ignored is None else self._ignored

    @property
    def outage(self) -> Outage | None:
        """The outage that is open, as it stood when the room was last told the time."""
        return self._ledger.outage.facts(self._now.steady_us) if self._ledger.outage else None

    @property
    def deadline_us(self) -> int | None:
        """When, by the steady clock, advance() must be called next; None: never."""
        return None if self._timers.next_us == NEVER else int(self._timers.next_us)

    @property
    def attempt_at_us(self) -> int | None:
        """From when on, by the steady clock, an attempt to bring signaling back should be started; None: not at all."""
        return self._attempts.wanted_at_us

    def totals(self, at: Moment) -> Totals:
        """The session's totals at a moment."""
        return self._ledger.totals(at)

    def begin(self, at: Moment) -> list[Event]:
        """The application wants in. To begin twice, or when the room is joined or over, changes nothing."""
        if not self._begun and self._state is CONNECTING:
            self._begun = True
            self._now = self._never_back(at)
            self._journal.tell("room.connecting", self._now, self._state, policy=self.policy.facts())
        return self._journal.take()

    def receive(self, signal: signals.Signal, at: Moment) -> list[Event]:
        """Take a signal. What was due before it and what happened because of it, in order. Ignores what is none."""
        self._catch_up(self._never_back(at))
        if self._state is not DISCONNECTED:
            if is_whole(signal):
                self.HANDLERS[type(signal)](self, signal)
            else:
                self._ignore(f"{type(signal).__name__} of a wrong shape")
            self._catch_up(self._now)
        return self._journal.take()

    def advance(self, at: Moment) -> list[Event]:
        """Time has passed. What was due by now, in order."""
        self._catch_up(self._never_back(at))
        return self._journal.take()

    # Time

    def _never_back(self, at: Moment) -> Moment:
        if not is_moment(at):
            self._ignore("a moment of a wrong shape")
            return self._now
        return at if at.steady_us >= self._now.steady_us else at._replace(steady_us=self._now.steady_us)

    def _catch_up(self, at: Moment) -> None:
        if self._timers.next_us <= at.steady_us:
            self._meet_what_is_due(at)
        self._now = at

    def _meet_what_is_due(self, at: Moment) -> None:
        for timer, due_us in self._timers.take_due(at.steady_us):
            self._now = at if timer is ALIVE else at.later(due_us - at.steady_us)
            if timer is WINDOW:
                self._end_window()
            elif timer is FORESIGHT:
                self._journal.tell("token.expiring", self._now, self._state, token=self._token)
            else:
                self._timers.set(timer, at.steady_us + ALIVE_US)
                self._journal.tell("session.alive", self._now, self._state)

    def _end_window(self) -> None:
        if self.policy.window_code is WindowCode.CAUSE:
            self._end(Trigger.WINDOW_OVER_CAUSE)
        elif self._signaling is DOWN:
            self._end(Trigger.WINDOW_OVER_SIGNALING)
        else:
            self._end(Trigger.WINDOW_OVER_MEDIA)

    def _watch_token(self) -> None:
        if self._token is not None:
            left_us = us_from_utc(self._token.expires_at) - FORESIGHT_US - self._now.utc_us
            self._timers.set(FORESIGHT, self._now.steady_us + max(left_us, 0))

    def _replace_token(self, signal: signals.TokenReplaced) -> None:
        token = _within_bounds(signal.token)
        if token != self._token:
            self._token = token
            if self._state in LIVE:
                self._watch_token()

    # The join and the end

    def _join(self, signal: signals.Joined) -> None:
        row = transitions.trigger(self._state, Trigger.JOINED)
        if row.becomes is None or row.emits is None:
            return
        self._learn(signal)
        self._roster.fill(signal.participants)
        self._set_window(signal.session_timeout_ms)
        self._signaling = UP
        self._ledger.joined(self._now)
        self._timers.set(ALIVE, self._now.steady_us + ALIVE_US)
        self._watch_token()
        before, self._state = self._state, row.becomes
        self._move_local()
        self._journal.tell(row.emits, self._now, self._state, before=before, token=self._token)
        self._tell_of(self._roster.release())
        self._move_room()

    def _learn(self, signal: signals.Joined | signals.SessionLearned) -> None:
        """Who we are in this room, and what it is called."""
        told = {name: value for name in _FACTS if (value := getattr(signal, name, None)) is not None}
        self._journal.session = clip_fields(msgspec.structs.replace(self.session, **told))
        self.local_participant.sid = self._roster.own_sid = self.session.participant_sid or ""
        self.local_participant.identity = self.session.identity

    def _set_window(self, session_timeout_ms: int | None) -> None:
        """The server may set the window of the outages to come, where there is one."""
        if session_timeout_ms is not None and not session_timeout_ms >= 0:  # so written, a NaN is none either
            self._ignore("a window that is none")
        elif session_timeout_ms is not None and self._window_ms is not None:
            self._window_ms = int(within(session_timeout_ms, DAY_MS))

    def _end(self, trigger: Trigger, told: WithCode | None = None, reason: Reason | None = None) -> None:
        row = transitions.trigger(self._state, trigger)
        if row.becomes is None or row.emits is None:
            return
        error = trigger_error(row, self._cause, told)
        self._timers.clear()
        self._attempts.stop()
        self._move_local(room_over=True)
        before, self._state = self._state, row.becomes
        self._journal.tell(row.emits, self._now, self._state, before=before, error=error, reason=reason)
        self._ledger.end(self._now)

    # The links

    def _lose_signaling(self, _: signals.SignalingLost) -> None:
        self._end(Trigger.CONNECT_UNANSWERED)
        if self._signaling is UP:
            self._signaling = DOWN
            self._attempts.schedule(self._now.steady_us)
            self._move_local()
            self._move_room()

    def _resynchronise(self, signal: signals.Resynchronised) -> None:
        if self._state in LIVE:
            self._set_window(signal.session_timeout_ms)
            self._tell_of(self._roster.resynchronise(signal.participants))
            self._attempts.succeed()
            self._signaling = UP
            self._move_room()
            self._move_local()

    def _update(self, signal: signals.ParticipantsUpdated) -> None:
        if self._signaling is DOWN:
            self._roster.hold(signal.participants)
        else:
            self._tell_of(self._roster.update(signal.participants))

    def _start_attempt(self, _: signals.AttemptStarted) -> None:
        outage = self._ledger.outage
        if outage is not None and self._signaling is DOWN and not self._attempts.in_flight:
            outage.attempts += 1
            self._attempts.start()

    def _refuse_attempt(self, _: signals.AttemptRefused) -> None:
        if self._attempts.in_flight:
            self._attempts.refuse(self._now.steady_us)
            if self._attempts.used_up:
                self._end(Trigger.ATTEMPTS_USED_UP)

    def _reach_nobody(self, _: signals.AttemptUnreached) -> None:
        if self._attempts.in_flight:
            self._attempts.schedule(self._now.steady_us)

    def _hear_ice(self, signal: signals.IceState) -> None:
        self._peers.take(signal.peer, signal.state)
        self._move_room()

    def _close_peer(self, signal: signals.PeerClosed) -> None:
        self._peers.forget(signal.peer)
        self._move_room()

    def _fail_dtls(self, signal: signals.DtlsFailed) -> None:
        self._end(Trigger.DTLS_AFTER_ICE if self._peers.ice_is_down(signal.peer) else Trigger.DTLS_FAILED)

    def _hear_sdk(self, signal: SdkSignal) -> None:
        row = transitions.sdk(self._state, sdk_word(signal))
        if row.media is not None:
            self._peers.overrule(row.media)
        if row.signaling is DOWN and self._signaling is UP:
            self._signaling = DOWN
            self._attempts.schedule(self._now.steady_us)
            self._move_local()
        if row.signaling is UP:
            self._tell_of(self._roster.release())
            self._attempts.succeed()
            self._signaling = UP
        self._move_room(signal)
        self._move_local()

    # What the rows say

    def _move_local(self, *, room_over: bool = False) -> None:
        change = self.local_participant.follow(self._signaling, room_over=room_over)
        if change is not None:
            self._journal.tell_of(change, self._now)

    def _move_room(self, told: SdkSignal | None = None) -> None:
        outage = self._ledger.outage
        was_failed = outage is not None and outage.media_failed
        row = transitions.link(self._state, self._signaling, self._peers.summary, was_failed)
        before, self._state = self._state, row.becomes
        if row.window is STARTS:
            outage = self._open_outage(row)
        if outage is not None:
            counts = self._signaling is UP or self.policy.remembers_hidden_failure
            outage.note_links(self._now.steady_us, self._signaling, self._peers.summary, failure_counts=counts)
        if row.emits is not None:
            self._journal.tell(row.emits, self._now, self._state, before=before, error=link_error(row, told))
        if row.window is STOPPED:
            self._timers.stop(WINDOW)
            self._ledger.close_outage(self._now)

    def _open_outage(self, row: LinkRow) -> OpenOutage:
        self._cause = row.code
        if self._window_ms is not None:
            self._timers.set(WINDOW, self._now.steady_us + self._window_ms * 1000)
        return self._ledger.open_outage(self._now, "signaling" if self._signaling is DOWN else "media")

    def _tell_of(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._journal.tell_of(change, self._now)

    def _ignore(self, word: str) -> None:
        ignored = self._ignored = self.ignored
        name = clip(word, WORD_MAX)
        fits = name in ignored or len(ignored) < IGNORED_WORDS_MAX
        ignored[name if fits else "other"] += 1

    def _end_as_told(self, signal: Ending) -> None:
        if isinstance(signal, WithCode):
            self._end(ENDINGS[type(signal)], signal)
        elif isinstance(signal, signals.ConnectCancelled | signals.Leave):
            self._end(ENDINGS[type(signal)], reason=self._known_reason(signal))
        else:
            self._end(ENDINGS[type(signal)])

    def _known_reason(self, signal: signals.ConnectCancelled | signals.Leave) -> Reason:
        """The signal's reason, or its plain one for a word that the wire would refuse the whole event for."""
        if signal.reason in LEAVE_REASONS:
            return signal.reason
        self._ignore(signal.reason)
        return type(signal)().reason

    # Every signal has its entry; a test sees to it.
    HANDLERS: ClassVar[dict[type[signals.Signal], Callable[[Room, Any], None]]] = {
        signals.Joined: _join,
        signals.SignalingLost: _lose_signaling,
        signals.AttemptStarted: _start_attempt,
        signals.AttemptRefused: _refuse_attempt,
        signals.AttemptUnreached: _reach_nobody,
        signals.Resynchronised: _resynchronise,
        signals.ParticipantsUpdated: _update,
        signals.IceState: _hear_ice,
        signals.PeerClosed: _close_peer,
        signals.DtlsFailed: _fail_dtls,
        signals.TokenReplaced: _replace_token,
        signals.SessionLearned: _learn,
        **dict.fromkeys((signals.SdkReconnecting, signals.SdkReconnected), _hear_sdk),
        **dict.fromkeys(ENDINGS, _end_as_told),
    }


def _within_bounds(token: Token) -> Token:
    return Token(expires_at=min(max(token.expires_at, EPOCH), DAY_LATEST), ttl_s=within(token.ttl_s))
