"""The outbox: numbers without gaps, a bounded queue, and every loss told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from session_core import wire
from session_core.events import EventType
from session_core.identity import Telling, as_it_is, hashed, left_out
from session_core.outbox import Counts, Outbox, Record
from tests.session_core.telling import BEGIN, event, session_id

SENT = BEGIN + timedelta(minutes=5)


def told(records: list[Record]) -> list[str]:
    """What was sent, as `session:type#id`; the session only when it is not the first."""
    lines = []
    for key, value in records:
        message = wire.decode(value).message
        assert key == str(message.data.session_id).encode()
        number = message.data.session_id.int & 0xFFFF
        lines.append(f"{'' if number == 1 else f'{number}:'}{message.type}#{message.id}")
    return lines


def lost(record: Record) -> object:
    return wire.decode(record.value).message.data.lost


def drained(outbox: Outbox) -> list[Record]:
    records: list[Record] = []
    while batch := outbox.take(100, SENT):
        outbox.settle(delivered=range(len(batch)))
        records += batch
    return records


def filled(*kinds: EventType, **bounds: Any) -> Outbox:
    outbox = Outbox(**bounds)
    for second, kind in enumerate(kinds):
        outbox.put(event(kind, at_s=second))
    return outbox


def test_events_are_numbered_without_gaps_and_handed_out_in_order() -> None:
    outbox = filled("room.connecting", "room.connected", "participant.connected", "token.expiring", "room.disconnected")
    assert told(drained(outbox)) == [
        "room.connecting#0",
        "room.connected#1",
        "participant.connected#2",
        "token.expiring#3",
        "room.disconnected#4",
    ]


def test_each_session_has_numbers_of_its_own() -> None:
    outbox = Outbox()
    for number in (1, 2, 1, 2):
        outbox.put(event("room.reconnecting", number))
    assert told(drained(outbox)) == [
        "room.reconnecting#0",
        "2:room.reconnecting#0",
        "room.reconnecting#1",
        "2:room.reconnecting#1",
    ]


def test_a_proof_of_life_takes_no_number_and_follows_the_event_before_it() -> None:
    outbox = filled("room.connecting", "room.connected")
    first = drained(outbox)
    for second in (30, 60):
        outbox.put(event("session.alive", at_s=second))
        first += drained(outbox)
    outbox.put(event("room.disconnected"))
    assert told(first + drained(outbox)) == [
        "room.connecting#0",
        "room.connected#1",
        "session.alive#1.1",
        "session.alive#1.2",
        "room.disconnected#2",
    ]


def test_a_proof_of_life_that_waits_is_replaced_by_the_next() -> None:
    outbox = filled("room.connected", "session.alive", "session.alive", "session.alive")
    records = drained(outbox)
    assert told(records) == ["room.connected#0", "session.alive#0.3"]
    assert lost(records[1]) is None
    assert outbox.counts == Counts(published=2, replaced=2)


def test_a_proof_of_life_under_way_is_not_replaced_until_it_comes_back_unsent() -> None:
    outbox = filled("room.connected", "session.alive")
    under_way = outbox.take(10, SENT)
    outbox.put(event("session.alive", at_s=30))
    assert told(under_way) == ["room.connected#0", "session.alive#0.1"]
    outbox.settle(delivered=())
    assert told(drained(outbox)) == ["room.connected#0", "session.alive#0.2"]


@pytest.mark.parametrize("kind", ["local.reconnecting", "session.events_lost"])
def test_what_is_not_for_telling_takes_no_number(kind: EventType) -> None:
    outbox = filled("room.connecting", kind, "room.connected")
    assert told(drained(outbox)) == ["room.connecting#0", "room.connected#1"]


@pytest.mark.parametrize(
    ("telling", "told"), [(as_it_is, "alice"), (left_out, None), (hashed(b"k" * 16), hashed(b"k" * 16)("alice"))]
)
def test_an_identity_is_told_as_it_was_asked_for_also_by_a_loss_report(telling: Telling, told: str | None) -> None:
    outbox = Outbox(events_max=1, identity=telling)
    for kind in SOME_KINDS[:2]:
        outbox.put(event(kind))
    records = drained(outbox)
    assert [wire.decode(record.value).message.data.identity for record in records] == [told, told]
    assert (b"alice" in b"".join(record.value for record in records)) is (told == "alice")


def test_participants_of_large_rooms_are_withheld_and_counted_and_no_loss() -> None:
    outbox = Outbox()
    for people in (16, 17, 18, 16):
        outbox.put(event("participant.connected", participants=people))
    outbox.put(event("room.reconnecting", participants=17))
    records = drained(outbox)
    assert told(records) == ["participant.connected#0", "participant.connected#1", "room.reconnecting#2"]
    assert lost(records[2]) is None
    assert outbox.counts == Counts(published=3, withheld=2)


def test_what_is_not_delivered_comes_again_in_front_and_in_order() -> None:
    outbox = filled("room.connecting", "room.connected", "room.reconnecting")
    outbox.take(3, SENT)
    outbox.put(event("room.reconnected"))
    outbox.settle(delivered={1})
    assert told(drained(outbox)) == ["room.connecting#0", "room.reconnecting#2", "room.reconnected#3"]


def test_what_is_sent_again_says_when_it_is_sent_again() -> None:
    outbox = filled("room.connecting")
    outbox.take(1, SENT)
    outbox.settle(delivered=())
    (again,) = outbox.take(1, SENT + timedelta(seconds=9))
    assert wire.decode(again.value).message.data.sent_at == SENT + timedelta(seconds=9)


def test_nothing_is_taken_twice_at_a_time() -> None:
    outbox = filled("room.connecting", "room.connected")
    outbox.take(1, SENT)
    with pytest.raises(RuntimeError, match="settle"):
        outbox.take(1, SENT)


def test_the_least_telling_is_dropped_first_and_of_equals_the_oldest() -> None:
    kinds: tuple[EventType, ...] = (
        "room.connecting",
        "session.alive",
        "participant.connected",
        "participant.disconnected",
        "token.expiring",
        "room.reconnecting",
    )
    left = []
    for bound in range(6, 0, -1):
        records = drained(filled(*kinds, events_max=bound))
        left.append([line.partition("#")[0] for line in told(records)])
    report = "session.events_lost"
    assert left == [
        [*kinds],
        [kinds[0], kinds[2], kinds[3], kinds[4], kinds[5], report],
        [kinds[0], kinds[3], kinds[4], kinds[5], report],
        [kinds[0], kinds[4], kinds[5], report],
        [kinds[0], kinds[5], report],
        [kinds[5], report],
    ]


def test_a_queue_without_room_for_an_event_drops_that_event_when_it_tells_least() -> None:
    outbox = filled("room.connecting", "room.connected", "participant.connected", events_max=2)
    assert told(drained(outbox)) == ["room.connecting#0", "room.connected#1", "session.events_lost#2.1"]


def test_the_queue_is_bounded_in_bytes_too() -> None:
    one = len(drained(filled("room.connecting"))[0].value)
    outbox = Outbox(bytes_max=3 * one)
    for _ in range(5):
        outbox.put(event("room.connecting"))
    assert told(drained(outbox)) == [
        "room.connecting#2",
        "room.connecting#3",
        "room.connecting#4",
        "session.events_lost#4.1",
    ]


def test_what_is_under_way_is_not_dropped() -> None:
    outbox = filled("room.connecting", "room.connected", events_max=2)
    outbox.take(1, SENT)
    outbox.put(event("room.reconnecting"))
    outbox.settle(delivered=())
    assert told(drained(outbox)) == ["room.connecting#0", "room.reconnecting#2", "session.events_lost#2.1"]


def test_a_loss_is_told_by_every_later_message_of_its_session_and_by_a_report() -> None:
    outbox = filled("room.connecting", "participant.connected", "participant.connected", "room.connected", events_max=2)
    records = drained(outbox)
    what = {"overflow": {"participant.connected": 2}}
    assert told(records) == ["room.connecting#0", "room.connected#3", "session.events_lost#3.1"]
    outbox.put(event("room.disconnected"))
    outbox.put(event("room.disconnected", 2))
    later, of_another = drained(outbox)
    assert [lost(record) for record in [*records, later, of_another]] == [what, what, what, what, None]
    assert outbox.counts == Counts(published=5, dropped=2)


def test_a_loss_report_says_who_lost_and_when_and_nothing_of_the_event_before() -> None:
    outbox = filled("room.connecting", "room.reconnecting", events_max=1)
    _, report = drained(outbox)
    made = wire.decode(report.value).message
    assert made == wire.Message(
        id="1.1",
        source=f"/sessions/{session_id()}",
        type="session.events_lost",
        time=BEGIN + timedelta(seconds=1),
        data=wire.Data(
            session_id=session_id(),
            seq=1,
            previous_session_id=session_id(1_000_001),
            room_sid="RM1",
            room_name="daily",
            participant_sid="PA1",
            identity="alice",
            totals=wire.TotalsData(outages=1, reconnecting_ms=1_500, connected_ms=60_000),
            lost={"overflow": {"room.connecting": 1}},
            sent_at=SENT,
        ),
    )


def test_a_loss_report_that_did_not_arrive_is_made_again() -> None:
    outbox = filled("room.connecting", "room.connected", events_max=1)
    outbox.take(10, SENT)
    outbox.settle(delivered={0})
    assert (outbox.is_empty, outbox.counts.pending) == (False, 1)
    assert told(drained(outbox)) == ["session.events_lost#1.2"]
    assert outbox.is_empty


def test_what_is_lost_while_a_report_is_under_way_is_told_by_another() -> None:
    outbox = filled("room.connecting", "room.connected", events_max=1)
    first = outbox.take(10, SENT)
    outbox.put(event("room.reconnecting"))
    outbox.put(event("room.reconnected"))
    outbox.settle(delivered={0, 1})
    assert [lost(first[-1]), lost(drained(outbox)[-1])] == [
        {"overflow": {"room.connecting": 1}},
        {"overflow": {"room.connecting": 1, "room.reconnecting": 1, "room.reconnected": 1}},
    ]


def test_what_the_sink_refuses_is_a_loss_too() -> None:
    outbox = filled("room.connecting", "room.connected")
    outbox.take(10, SENT)
    outbox.settle(delivered={1}, refused={0})
    assert [lost(record) for record in drained(outbox)] == [{"refused": {"room.connecting": 1}}]
    assert outbox.counts == Counts(published=2, dropped=1)


def test_a_session_is_forgotten_when_its_end_was_sent_and_its_losses_were_told() -> None:
    outbox = filled("room.connecting", "room.disconnected", events_max=1)
    remembered = [outbox.sessions]
    for _ in range(2):
        outbox.take(1, SENT)
        outbox.settle(delivered={0})
        remembered.append(outbox.sessions)
    assert remembered == [1, 1, 0]


def test_an_end_that_cannot_be_encoded_leaves_a_gap_and_no_session_behind() -> None:
    outbox = filled("room.connecting")
    drained(outbox)
    end = event("room.disconnected")
    with pytest.raises(UnicodeEncodeError):
        outbox.put(replace(end, session=replace(end.session, identity="\ud800")))
    assert (outbox.sessions, outbox.is_empty) == (0, True)


@pytest.mark.parametrize("end", ["room.disconnected", "room.connect_failed"])
def test_a_thousand_sessions_that_came_and_went_leave_nothing(end: EventType) -> None:
    outbox = Outbox()
    for number in range(1_000):
        outbox.put(event("room.connecting", number))
        outbox.put(event(end, number))
    assert len(drained(outbox)) == 2_000
    assert (outbox.sessions, len(outbox), outbox.is_empty) == (0, 0, True)


def test_one_session_more_than_are_numbered_publishes_nothing_and_is_counted() -> None:
    outbox = Outbox(sessions_max=1)
    for number in (1, 2, 1):
        outbox.put(event("room.connecting", number))
    assert told(drained(outbox)) == ["room.connecting#0", "room.connecting#1"]
    assert outbox.counts == Counts(published=2, refused=1)


def test_the_last_number_of_a_session_is_kept_for_its_end() -> None:
    outbox = Outbox(events_max=1)
    for _ in range(wire.SEQ_MAX + 5):
        outbox.put(event("room.reconnecting"))
    drained(outbox)
    outbox.put(event("room.reconnected"))
    outbox.put(event("room.disconnected"))
    records = drained(outbox)
    assert told(records) == [f"room.disconnected#{wire.SEQ_MAX}", f"session.events_lost#{wire.SEQ_MAX}.1"]
    found = wire.decode(records[0].value).message.data.lost
    assert found is not None
    assert found["numbers_used_up"] == {"room.reconnecting": 5, "room.reconnected": 1}


@pytest.mark.parametrize("bound", ["events_max", "bytes_max", "sessions_max"])
def test_an_outbox_without_room_is_refused(bound: str) -> None:
    with pytest.raises(ValueError, match=f"{bound} must be at least 1, not 0"):
        filled(**{bound: 0})


SOME_KINDS: tuple[EventType, ...] = (
    "room.reconnecting",
    "room.reconnected",
    "participant.connected",
    "token.expiring",
    "session.alive",
)
KINDS = st.sampled_from(SOME_KINDS)


@given(st.data(), st.integers(1, 6))
def test_every_number_arrives_or_is_told_as_lost(data: st.DataObject, events_max: int) -> None:
    """Whatever is put, taken, delivered, refused or dropped in whatever order."""
    outbox = Outbox(events_max=events_max)
    arrived: list[Record] = []
    for _ in range(data.draw(st.integers(1, 30))):
        if data.draw(st.booleans()):
            outbox.put(event(data.draw(KINDS)))
            continue
        batch = outbox.take(data.draw(st.integers(1, 4)), SENT)
        fates = [data.draw(st.sampled_from(["delivered", "refused", "again"])) for _ in batch]
        delivered, refused = ({n for n, it in enumerate(fates) if it == fate} for fate in ("delivered", "refused"))
        outbox.settle(delivered=delivered, refused=refused)
        arrived += [batch[n] for n in sorted(delivered)]
    arrived += drained(outbox)
    outbox.put(event("room.disconnected"))
    (last,) = drained(outbox)
    numbers = {(said.message.data.seq, said.n) for said in (wire.decode(it.value) for it in (*arrived, last))}
    losses = wire.decode(last.value).message.data.lost or {}
    lost_numbers = sum(n for counts in losses.values() for kind, n in counts.items() if kind != "session.alive")
    end = wire.decode(last.value).message.data.seq
    assert len({seq for seq, n in numbers if n == 0}) + lost_numbers == end + 1
    assert (outbox.sessions, outbox.counts.pending) == (0, 0)


def test_what_befell_the_outbox_is_told_by_one_session_and_is_no_loss_by_itself() -> None:
    empty = Outbox()
    assert (empty.note("not_on_disk"), empty.is_empty) == (False, True)
    outbox = filled("room.connecting", "room.connected")
    drained(outbox)
    assert outbox.note("not_on_disk")
    (report,) = drained(outbox)
    assert (told([report]), lost(report)) == (
        ["session.events_lost#1.1"],
        {"not_on_disk": {"session.events_lost": 0}},
    )
    assert outbox.counts.dropped == 0
