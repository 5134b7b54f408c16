"""What a process left behind, and how the next one goes on with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_core import wire
from session_core.errors import Origin
from session_core.events import EventType
from session_core.kept import Left, Leftovers, Standing, ended_by_restart
from session_core.outbox import Outbox
from tests.session_core.telling import BEGIN, event, session_id
from tests.session_core.test_outbox import SENT, SOME_KINDS, drained, told


class Paper:
    """A keeper that writes in memory, and gives back what a dead process would have left."""

    def __init__(self) -> None:
        self.values: dict[int, bytes] = {}
        self.standings: dict[UUID, Standing] = {}
        self.lost: dict[UUID, wire.Lost] = {}

    def keep(self, ordinal: int, value: bytes) -> None:
        self.values[ordinal] = value

    def let_go(self, ordinal: int) -> None:
        del self.values[ordinal]

    def remember(self, standing: Standing) -> None:
        self.standings[standing.session_id] = standing

    def lose(self, session_id: UUID, lost: Mapping[str, Mapping[str, int]]) -> None:
        self.lost[session_id] = {reason: dict(counts) for reason, counts in lost.items()}

    def forget(self, session_id: UUID) -> None:
        self.standings.pop(session_id, None)
        self.lost.pop(session_id, None)

    def left(self, *, ends_sessions: bool = True) -> Leftovers:
        sessions = (
            Left(standing, wire.decode(standing.last).message, self.lost.get(one, {}))
            for one, standing in self.standings.items()
        )
        waiting = ((wire.decode(value).message, value) for _, value in sorted(self.values.items()))
        return Leftovers("outbox-dead.db", tuple(sessions), tuple(waiting), ends_sessions)


def written(*kinds: EventType, number: int = 1, events_max: int = 100) -> tuple[Outbox, Paper]:
    outbox, paper = Outbox(events_max=events_max), Paper()
    outbox.keeper = paper
    for second, kind in enumerate(kinds):
        outbox.put(event(kind, number, at_s=second))
    return outbox, paper


def adopted(paper: Paper, *, ends_sessions: bool = True) -> Outbox:
    outbox = Outbox()
    exhaust(outbox.adopt(paper.left(ends_sessions=ends_sessions)))
    return outbox


def exhaust(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def test_what_waited_is_sent_by_the_next_process_which_ends_the_session_with_the_next_number() -> None:
    _, paper = written("room.connecting", "room.connected", "room.reconnecting")
    outbox = adopted(paper)
    assert told(drained(outbox)) == [
        "room.connecting#0",
        "room.connected#1",
        "room.reconnecting#2",
        "room.disconnected#3",
    ]
    assert outbox.sessions == 0


def test_an_end_by_a_restart_has_no_code_and_carries_the_outage_that_was_open() -> None:
    _, paper = written("room.connecting", "room.connected", "room.reconnecting")
    end = wire.decode(drained(adopted(paper))[-1].value).message
    before = wire.message(event("room.reconnecting"), 2).data
    assert end == wire.Message(
        id="3",
        source=f"/sessions/{session_id()}",
        type="room.disconnected",
        time=BEGIN + timedelta(seconds=2),
        data=wire.Data(
            session_id=session_id(),
            seq=3,
            previous_session_id=before.previous_session_id,
            room_sid="RM1",
            room_name="daily",
            participant_sid="PA1",
            identity="alice",
            from_state="reconnecting",
            to_state="disconnected",
            origin=Origin.RESTART,
            outage=before.outage,
            totals=before.totals,
            client=before.client,
            sent_at=SENT,
        ),
    )


@pytest.mark.parametrize(
    ("kinds", "end"),
    [
        (("room.connecting",), ("room.connect_failed", "connecting", False)),
        (("room.connecting", "room.connected"), ("room.disconnected", "connected", False)),
        (("room.connected", "room.reconnecting"), ("room.disconnected", "reconnecting", True)),
        (("room.reconnecting", "room.reconnected"), ("room.disconnected", "connected", False)),
        (("token.expiring",), ("room.connect_failed", "connecting", False)),
    ],
)
def test_a_restart_ends_a_session_where_it_stood(kinds: tuple[EventType, ...], end: tuple[str, str, bool]) -> None:
    (left,) = written(*kinds)[1].left().sessions
    message = ended_by_restart(left)
    assert (message.type, message.data.from_state, message.data.outage is not None) == end


def test_a_session_that_had_ended_is_not_ended_again() -> None:
    _, paper = written("room.connected", "room.disconnected")
    assert told(drained(adopted(paper))) == ["room.connected#0", "room.disconnected#1"]


def test_a_session_of_which_all_was_sent_is_ended_and_one_that_is_over_is_forgotten() -> None:
    outbox, paper = written("room.connected")
    outbox.put(event("room.disconnected", 2))
    drained(outbox)
    assert told(drained(adopted(paper))) == ["room.disconnected#1"]


def test_a_file_that_was_cut_short_tells_what_waited_and_ends_no_session() -> None:
    _, paper = written("room.connected", "room.reconnecting")
    assert told(drained(adopted(paper, ends_sessions=False))) == ["room.connected#0", "room.reconnecting#1"]


def test_what_was_lost_before_the_restart_is_told_after_it() -> None:
    _, paper = written("room.connecting", "room.connected", "room.reconnecting", events_max=2)
    records = drained(adopted(paper))
    assert told(records)[-1] == "session.events_lost#3.1"
    losses = {str(wire.decode(record.value).message.data.lost) for record in records}
    assert losses == {"{'overflow': {'room.connecting': 1}}"}


def test_what_is_adopted_queues_behind_what_waits_and_is_bounded_alike() -> None:
    _, paper = written("room.connected", "token.expiring")
    outbox = Outbox(events_max=3)
    outbox.put(event("room.connecting", 2))
    left = paper.left()
    assert (outbox.fits(left), Outbox(events_max=1).fits(left)) == (False, True)
    exhaust(outbox.adopt(left))
    assert told(drained(outbox)) == [
        "2:room.connecting#0",
        "room.connected#0",
        "room.disconnected#2",
        "session.events_lost#2.1",
    ]


@given(st.data(), st.integers(1, 6))
def test_a_keeper_keeps_what_the_outbox_does_and_a_restart_at_any_time_loses_no_number(
    data: st.DataObject, events_max: int
) -> None:
    outbox, paper = written(events_max=events_max)
    arrived = []
    for _ in range(data.draw(st.integers(1, 25))):
        if data.draw(st.booleans()):
            outbox.put(event(data.draw(st.sampled_from(SOME_KINDS))))
            continue
        batch = outbox.take(data.draw(st.integers(1, 4)), SENT)
        delivered = {place for place in range(len(batch)) if data.draw(st.booleans())}
        outbox.settle(delivered=delivered)
        arrived += [batch[place] for place in sorted(delivered)]
        assert len(paper.values) == len(outbox)
    arrived += drained(adopted(paper))
    if not arrived:
        return
    said = [wire.decode(record.value).message for record in arrived]
    numbers = {message.data.seq for message in said if "." not in message.id}
    losses = max((message.data.lost or {} for message in said), key=lambda lost: sum(map(sum_of, lost.values())))
    dropped = sum(n for counts in losses.values() for kind, n in counts.items() if kind != "session.alive")
    assert len(numbers) + dropped == max(message.data.seq for message in said) + 1


def sum_of(counts: Mapping[str, int]) -> int:
    return sum(counts.values())
