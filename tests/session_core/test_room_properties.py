"""Whatever a room is told, in whatever order and at whatever times, some things always hold."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from session_core.errors import Origin
from session_core.events import Event, Moment, RoomState, Token
from session_core.policy import ReconnectPolicy, WindowCode
from session_core.room import Room
from session_core.signals import (
    AttemptRefused,
    AttemptStarted,
    AttemptUnreached,
    ConnectCancelled,
    ConnectRefused,
    ConnectUnanswered,
    DtlsFailed,
    IceState,
    Joined,
    Leave,
    ParticipantState,
    ParticipantsUpdated,
    PeerClosed,
    Removed,
    Resynchronised,
    RoomCompleted,
    SdkDisconnected,
    SdkReconnected,
    SdkReconnecting,
    ServerError,
    SessionLearned,
    Signal,
    SignalingLost,
    TokenReplaced,
)
from tests.session_core.playing import DOCUMENTED, a_room, at
from tests.session_core.story import Story

POLICIES = (
    DOCUMENTED,
    ReconnectPolicy.documented(window_ms=1_500, attempts_max=2),
    ReconnectPolicy.observed(),
    ReconnectPolicy(
        name="kept", window_code=WindowCode.CAUSE, attempts_max=None, jitter=1.0, remembers_hidden_failure=False
    ),
)
WORDS = ("connected", "reconnecting", "disconnected", "asleep")
ICE = ("new", "checking", "connected", "completed", "disconnected", "failed", "closed", "asleep")

texts = st.text(max_size=9) | st.sampled_from(("x" * 257, '"' * 300, "\x00\ud800\n" * 90, "\N{PILE OF POO}" * 300))
windows = st.none() | st.integers(-5, 40_000)
own_words, own_codes = st.none() | texts, st.none() | st.integers()
peers = st.sampled_from(("P1", "P2"))
crowds = st.lists(
    st.builds(ParticipantState, st.sampled_from("abc"), st.none() | texts, st.sampled_from(WORDS), st.integers(0, 30)),
    max_size=4,
).map(tuple)
tokens = st.integers(-600, 7200).map(
    lambda left_s: Token(expires_at=at(0).utc + timedelta(seconds=left_s), ttl_s=left_s)
)

links: st.SearchStrategy[Signal] = st.one_of(
    st.builds(SignalingLost, texts),
    st.builds(Resynchronised, crowds, windows),
    st.builds(IceState, peers, st.sampled_from(ICE)),
    st.builds(PeerClosed, peers),
    st.builds(SdkReconnecting, st.sampled_from(("signaling", "media")), own_words, own_codes),
    st.just(SdkReconnected()),
    st.sampled_from((AttemptStarted(), AttemptRefused(), AttemptUnreached())),
)
others: st.SearchStrategy[Signal] = st.one_of(
    st.builds(ParticipantsUpdated, crowds),
    st.builds(Joined, texts, texts, crowds, windows, st.none() | texts, st.none() | texts),
    st.builds(TokenReplaced, tokens),
    st.builds(SessionLearned, st.none() | texts, st.none() | texts),
)
ends: st.SearchStrategy[Signal] = st.one_of(
    st.builds(ServerError, st.integers(), texts),
    st.builds(
        SdkDisconnected, st.integers(), texts, st.sampled_from(Origin), st.none() | texts, st.none() | st.integers()
    ),
    st.builds(ConnectRefused, st.integers(), texts),
    st.builds(DtlsFailed, peers),
    st.builds(Leave, st.sampled_from(("leave", "cancelled", "signal", "exit", "exception"))),
    st.sampled_from((ConnectUnanswered(), ConnectCancelled(), RoomCompleted(), Removed())),
)


class AnyRoom(RuleBasedStateMachine):
    """A room, a clock, and a reader of all that the room says who believes nothing."""

    room: Room
    story: Story

    @initialize(policy=st.sampled_from(POLICIES), joins=st.booleans(), jitter=st.floats(0, 1))
    def begin(self, policy: ReconnectPolicy, jitter: float, *, joins: bool) -> None:
        self.now = at(0)
        self.room = a_room(policy, jitter=lambda: jitter)
        self.story = Story(policy)
        self.hear(self.room.begin(self.now))
        if joins:
            self.tell(Joined("RM1", "PA0"))

    @rule(us=st.integers(0, 3_000_000))
    def wait(self, us: int) -> None:
        self.now = self.now.later(us)

    @rule(us=st.integers(1, 90_000_000))
    def look_late(self, us: int) -> None:
        self.now = self.now.later(us)
        self.look()

    @precondition(lambda self: self.room.deadline_us is not None)
    @rule(early_us=st.sampled_from((0, 1)))
    def look_in_time(self, early_us: int) -> None:
        due_us = self.room.deadline_us or 0
        self.now = self.now.later(max(due_us - early_us - self.now.steady_us, 0))
        self.look()

    @precondition(lambda self: self.room.attempt_at_us is not None)
    @rule(outcome=st.sampled_from((AttemptRefused(), AttemptUnreached())), us=st.integers(0, 50_000))
    def attempt(self, outcome: Signal, us: int) -> None:
        wanted_us = self.room.attempt_at_us or 0
        self.now = self.now.later(max(wanted_us - self.now.steady_us, 0))
        self.tell(AttemptStarted())
        self.now = self.now.later(us)
        self.tell(outcome)

    @rule(signal=links)
    def tell_of_links(self, signal: Signal) -> None:
        self.tell(signal)

    @rule(signal=others)
    def tell_of_others(self, signal: Signal) -> None:
        self.tell(signal)

    @precondition(lambda self: self.story.steps > 15)
    @rule(signal=ends)
    def tell_of_the_end(self, signal: Signal) -> None:
        self.tell(signal)

    @rule(back_us=st.integers(1, 1000), signal=links)
    def tell_by_a_clock_that_is_behind(self, back_us: int, signal: Signal) -> None:
        behind = Moment(self.now.utc_us, self.now.steady_us - back_us)
        self.story.told(signal, behind)
        self.hear(self.room.receive(signal, behind))

    def look(self) -> None:
        self.story.looked(self.now)
        self.hear(self.room.advance(self.now))

    def tell(self, signal: Signal) -> None:
        self.story.told(signal, self.now)
        self.hear(self.room.receive(signal, self.now))

    def hear(self, events: list[Event]) -> None:
        for event in events:
            self.story.hear(event)

    @invariant()
    def the_room_is_as_it_said(self) -> None:
        assert self.room.state is self.story.state
        assert (self.room.outage is not None) is (self.room.state is RoomState.RECONNECTING)

    @invariant()
    def time_in_states_adds_up_to_its_life(self) -> None:
        self.story.check_time(self.room, self.now)

    @invariant()
    def nobody_waits_for_a_room_that_is_over(self) -> None:
        if self.room.state is RoomState.DISCONNECTED:
            assert (self.room.deadline_us, self.room.attempt_at_us, self.room.outage) == (None, None, None)

    @invariant()
    def the_local_participant_follows_signaling_only(self) -> None:
        self.story.check_local(self.room)


TestAnyRoom = AnyRoom.TestCase
TestAnyRoom.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
