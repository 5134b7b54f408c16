"""The owner of partitions: what it takes, keeps, forgets and says of a batch."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import pytest

from collector.errors import RowRefused, StaleSession, StoreUnavailable
from collector.ingest.decode import Record, Refusal
from collector.ingest.derive import SILENCE_US
from collector.ingest.merge import GAPS_MAX
from collector.ingest.partitions import Holder
from collector.ingest.taking import UNREADABLE, Batch, refusals
from collector.metrics import LATE_AFTER_US
from collector.store.changes import SESSION_COLUMNS, Changes, DeadLetter, OffsetMove, Session
from session_core.errors import Origin
from tests.histories import SECOND_US, START_US, YEAR_US, Life, ended_us, fleet, log_of, records, session_id
from tests.holding import TOPIC, a_life, holder, put
from tests.reference_store import ReferenceStore

FATE = SESSION_COLUMNS.index("fate")


def test_a_batch_says_what_changed_what_moved_and_what_to_count() -> None:
    store, log = ReferenceStore(), records([a_life()])
    batch = holder(store).take(log, ended_us([a_life()]))
    assert batch.changes.offsets == [OffsetMove(0, 0, 5)]
    assert batch.partitions == [0]
    assert [row[1] for row in batch.changes.events] == [0, 1, 2, 3, 4]
    assert [(row[0], row[1]) for row in batch.changes.sessions] == [(session_id(1), 1)]
    assert len(batch.changes.outages) == 1
    assert batch.results == {(record_type, "stored"): 1 for record_type in (
        "room.connecting", "room.connected", "room.reconnecting", "room.reconnected", "room.disconnected")}  # fmt: skip
    assert batch.transitions == {
        ("room", "connecting", "connected"): 1,
        ("room", "connected", "reconnecting"): 1,
        ("room", "reconnecting", "connected"): 1,
        ("room", "connected", "disconnected"): 1,
    }
    assert [(d.kind, d.sign) for d in batch.differences] == [
        (kind, 1) for kind in ("started", "joined", "outage", "outage_ended", "ended")
    ]


def test_rows_are_in_the_order_of_their_sessions_and_events_of_one_in_that_of_the_topic() -> None:
    numbers = [3, 1, 2]
    log = log_of([sent for told in zip(*(a_life(number).sent for number in numbers), strict=True) for sent in told])
    changes = holder(ReferenceStore()).take(log, ended_us([a_life()])).changes
    in_order = sorted(map(session_id, numbers))
    assert [row[:2] for row in changes.events] == [(one, seq) for one in in_order for seq in range(5)]
    assert [row[0] for row in changes.sessions] == [row[0] for row in changes.outages] == in_order


def test_a_second_batch_writes_the_version_that_follows_and_only_the_outages_that_changed() -> None:
    store, log = ReferenceStore(), records([a_life()])
    one = holder(store)
    put(store, one, one.take(log[:4], START_US))
    changes = one.take(log[4:], START_US).changes
    assert [row[1] for row in changes.sessions] == [2]
    assert changes.outages == []
    assert changes.offsets == [OffsetMove(0, 4, 5)]


def test_a_copy_is_a_duplicate_and_moves_the_offset_only() -> None:
    life = Life(session_id(1)).connecting()
    store, log = ReferenceStore(), log_of([*life.sent, *life.sent])
    one = holder(store)
    put(store, one, one.take(log[:1], START_US))
    batch = one.take(log[1:], START_US)
    assert batch.results == {("room.connecting", "duplicate"): 1}
    assert (batch.changes.events, batch.changes.rollups, batch.differences) == ([], {}, [])
    assert batch.changes.offsets == [OffsetMove(0, 1, 2)]


def test_records_below_the_position_or_of_other_partitions_are_passed_over() -> None:
    log = records([a_life()])
    one = holder(ReferenceStore())
    one.take(log[:3], START_US)
    again = one.take([*log, log[0]._replace(partition=9)], START_US)
    assert [row[1] for row in again.changes.events] == [3, 4]
    assert again.changes.offsets == [OffsetMove(0, 3, 5)]


def test_offsets_may_have_gaps() -> None:
    log = [record._replace(offset=record.offset * 10 + 3) for record in records([a_life()])]
    assert holder(ReferenceStore()).take(log, START_US).changes.offsets == [OffsetMove(0, 0, 44)]


def test_a_refused_record_becomes_a_dead_letter_and_the_offset_moves_over_it() -> None:
    log = records([a_life()])
    poison = log[1]._replace(value=b"\xff", key=b"k")
    batch = holder(ReferenceStore()).take([log[0], poison, *log[2:]], START_US)
    (letter,) = batch.changes.dead_letters
    assert letter == DeadLetter(TOPIC, 0, 1, poison.append_at_us, "not-utf8", "$", "byte 0 is not UTF-8", b"k", b"\xff")
    assert batch.results[UNREADABLE, "refused"] == 1
    assert [row[1] for row in batch.changes.events] == [0, 2, 3, 4]
    assert batch.changes.offsets == [OffsetMove(0, 0, 5)]


def test_a_batch_of_nothing_but_refusals_still_moves_the_offset() -> None:
    batch = holder(ReferenceStore()).take([Record(0, 0, START_US, None, None)], START_US)
    assert batch.changes.offsets == [OffsetMove(0, 0, 1)]
    assert batch.changes.sessions == []


def test_a_hole_too_many_is_a_dead_letter() -> None:
    life = Life(session_id(1)).connecting()
    for _ in range(GAPS_MAX + 1):
        life.seq += 1
        life.participant()
    batch = holder(ReferenceStore()).take(records([life]), START_US)
    assert [letter.reason for letter in batch.changes.dead_letters] == ["too-many-gaps"]
    assert batch.results["participant.connected", "stored"] == GAPS_MAX
    assert batch.results["participant.connected", "refused"] == 1


@pytest.mark.parametrize("refused", [{(0, 2)}, {session_id(1)}], ids=["a record", "a session"])
def test_what_the_store_refused_becomes_dead_letters_when_the_batch_is_taken_again(
    refused: set[tuple[int, int]] | set[UUID],
) -> None:
    store, log = ReferenceStore(), records([a_life(1), a_life(2)])
    one = holder(store)
    batch = one.take(log, START_US)
    ids = {r for r in refused if isinstance(r, UUID)}
    places = {r for r in refused if not isinstance(r, UUID)}
    one.drop(batch.partitions)
    again = one.take(log, START_US, refusals(RowRefused(ids, "value out of range", records=places)))
    put(store, one, again)
    expected = {r.offset for r in log if (0, r.offset) in places or UUID((r.key or b"").decode()) in ids}
    assert {letter.offset for letter in again.changes.dead_letters} == expected
    assert {(d.reason, d.place, d.detail) for d in again.changes.dead_letters} == {
        ("store-refused", "$", "value out of range")
    }
    assert len(store.events) == len(log) - len(expected)


def test_fields_of_the_future_are_counted() -> None:
    (one,) = records([Life(session_id(1)).connecting()])
    value = (one.value or b"").replace(b'"seq":0', b'"seq":0,"mood":"good"')
    assert holder(ReferenceStore()).take([one._replace(value=value)], START_US).unknown_fields == 1


def test_an_event_older_than_the_live_counters_is_late_and_stored() -> None:
    life = Life(session_id(1)).connecting().connected()
    batch = holder(ReferenceStore()).take(records([life]), START_US + LATE_AFTER_US + SECOND_US)
    assert batch.results == {("room.connecting", "late"): 1, ("room.connected", "late"): 1}
    assert len(batch.changes.events) == 2
    assert batch.transitions == {}


def test_a_wrong_clock_makes_nothing_late() -> None:
    life = Life(session_id(1, START_US - YEAR_US), skew_us=-YEAR_US).connecting()
    batch = holder(ReferenceStore()).take(records([life]), START_US + SECOND_US)
    assert batch.results == {("room.connecting", "stored"): 1}


def test_an_event_of_a_session_older_than_the_retention_changes_nothing_but_the_offset() -> None:
    one = holder(ReferenceStore(), retention_us=YEAR_US)
    batch = one.take(records([a_life()]), START_US + YEAR_US + SECOND_US)
    assert {result for _, result in batch.results} == {"expired"}
    assert batch.changes == Changes(offsets=[OffsetMove(0, 0, 5)])


def test_a_session_whose_clock_was_never_set_is_not_expired() -> None:
    life = Life(session_id(1, 0), skew_us=-START_US).connecting()
    one = holder(ReferenceStore(), retention_us=YEAR_US)
    assert one.take(records([life]), START_US + SECOND_US).results == {("room.connecting", "stored"): 1}


def test_after_a_failed_write_the_same_records_can_be_taken_again() -> None:
    store, log = ReferenceStore(), records([a_life()])
    one = holder(store)
    put(store, one, one.take(log[:2], START_US))
    failed = one.take(log[2:], START_US)
    one.drop(failed.partitions)
    assert one.positions == {0: 2}
    again = one.take(log[2:], START_US)
    assert again == failed
    put(store, one, again)


def test_a_batch_may_be_taken_before_the_one_before_is_written_and_is_void_with_it() -> None:
    store, log = ReferenceStore(), records([a_life()])
    one = holder(store)
    put(store, one, one.take(log[:1], START_US))
    first, second = one.take(log[1:3], START_US), one.take(log[3:], START_US)
    one.drop([*first.partitions, *second.partitions])
    assert one.positions == {0: 1}
    again = [one.take(log[1:3], START_US), one.take(log[3:], START_US)]
    assert again == [first, second]
    for batch in again:
        put(store, one, batch)
    one.drop([0])
    assert one.positions == {0: 5}


def test_what_is_not_written_yet_stays_in_memory_whatever_the_bound() -> None:
    store = ReferenceStore()
    one = holder(store, sessions_max=1)
    lives = [Life(session_id(number)).connecting().connected() for number in range(3)]
    batches = [one.take([record], START_US) for record in log_of([sent for life in lives for sent in life.sent])]
    assert len(one.sessions(0)) == 3
    for batch in batches:
        put(store, one, batch)
    put(
        store,
        one,
        one.take([log_of([*lives[2].sent, *lives[2].later(10).alive().sent])[-1]._replace(offset=6)], START_US),
    )
    assert len(one.sessions(0)) == 1


def test_when_loading_fails_nothing_has_changed() -> None:
    log = records([a_life()])
    away = True

    def load(session_ids: Collection[UUID]) -> dict[UUID, Session]:
        if away:
            raise StoreUnavailable("no connection")
        return ReferenceStore().load(session_ids)

    one = Holder(TOPIC, load)
    one.assign({0: 0})
    with pytest.raises(StoreUnavailable):
        one.take(log, START_US)
    away = False
    assert one.take(log, START_US) == holder(ReferenceStore()).take(log, START_US)


def test_a_stale_session_is_read_anew_and_the_batch_goes_on() -> None:
    store, log = ReferenceStore(), records([a_life()])
    one = holder(store)
    put(store, one, one.take(log[:2], START_US))
    row = store.sessions[session_id(1)]
    store.sessions[session_id(1)] = (row[0], 7, *row[2:])
    batch = one.take(log[2:], START_US)
    with pytest.raises(StaleSession):
        store.write(batch.changes)
    one.drop(batch.partitions)
    put(store, one, one.take(log[2:], START_US))
    assert store.sessions[session_id(1)][1] == 8


def test_a_revoked_partition_is_forgotten_with_its_sessions() -> None:
    one = holder(ReferenceStore())
    one.take(records([a_life()]), START_US)
    one.revoke([0])
    assert one.positions == {}
    assert one.sessions(0) == []
    assert one.take(records([a_life()]), START_US) == Batch()


def test_the_cache_is_bounded_and_lets_sessions_that_ended_go_first() -> None:
    store = ReferenceStore()
    one = holder(store, sessions_max=4)
    live = [Life(session_id(number)).connecting().connected() for number in range(3)]
    ended = [a_life(number) for number in range(3, 9)]
    log = log_of([sent for life in live + ended for sent in life.sent])
    for record in log:
        put(store, one, one.take([record], START_US))
        assert len(one.sessions(0)) <= 4
    assert {life.session_id for life in live} <= {session.session_id for session in one.sessions(0)}


def test_a_batch_keeps_all_it_touches_even_beyond_the_bound() -> None:
    one = holder(ReferenceStore(), sessions_max=2)
    one.take(records([a_life(number) for number in range(5)]), START_US)
    assert len(one.sessions(0)) == 5


def test_silent_sessions_are_lost_and_the_sweep_proves_that_the_partition_is_ours() -> None:
    store = ReferenceStore()
    one = holder(store)
    life = Life(session_id(1)).connecting().later(300).connected()
    put(store, one, one.take(records([life, a_life(2)]), START_US))
    batch = one.sweep(0, ended_us([life]) + SILENCE_US, START_US)
    assert batch.changes.offsets == [OffsetMove(0, 7, 7)]
    assert [(row[0], row[FATE]) for row in batch.changes.sessions] == [(session_id(1), "lost")]
    assert [(d.kind, d.sign, d.fate) for d in batch.differences] == [("ended", 1, "lost")]
    store.write(batch.changes)
    assert one.sweep(0, ended_us([life]) + 2 * SILENCE_US, START_US) == Batch()


def test_a_sweep_reads_in_the_sessions_that_the_store_names() -> None:
    store = ReferenceStore()
    life = Life(session_id(1)).connecting().later(300).connected()
    store.write(holder(store).take(records([life]), START_US).changes)
    heir = holder(store)
    assert heir.sweep(0, ended_us([life]) + SILENCE_US, START_US) == Batch()
    batch = heir.sweep(0, ended_us([life]) + SILENCE_US, START_US, [session_id(1), session_id(9)])
    assert [row[0] for row in batch.changes.sessions] == [session_id(1)]


def test_a_lost_session_that_speaks_again_is_taken_back() -> None:
    store = ReferenceStore()
    one = holder(store)
    life = Life(session_id(1)).connecting().later(300).connected()
    put(store, one, one.take(records([life]), START_US))
    put(store, one, one.sweep(0, ended_us([life]) + SILENCE_US, START_US))
    life.later(80_000).alive()
    batch = one.take(records([life]), START_US)
    assert [(d.kind, d.sign, d.fate, d.restates) for d in batch.differences] == [("ended", -1, "lost", False)]
    assert batch.changes.sessions[0][FATE : FATE + 2] == ("live", None)


def test_nobody_is_lost_in_a_partition_that_is_not_ours() -> None:
    assert Holder(TOPIC, ReferenceStore().load).sweep(3, START_US, START_US, [session_id(1)]) == Batch()


def test_a_fleet_makes_the_same_tables_whatever_the_size_of_batches() -> None:
    log = records(fleet(60), 3)
    stores = []
    for size in (1, 50, len(log)):
        store = ReferenceStore()
        one = holder(store, 3, sessions_max=10)
        counted = 0
        for begin in range(0, len(log), size):
            batch = one.take(log[begin : begin + size], START_US)
            counted += batch.results.total()
            store.write(batch.changes)
        assert counted == len(log)
        stores.append(store.tables(without={"sessions": {"version"}}))
    assert stores[0] == stores[1] == stores[2]


def test_refusals_name_records_and_sessions_with_the_stores_own_reason() -> None:
    error = RowRefused([session_id(1)], "no room", records=[(2, 7)], reason="clock-out-of-range")
    refusal = Refusal("clock-out-of-range", "$", "no room")
    assert refusals(error) == {(2, 7): refusal, session_id(1): refusal}


def test_a_terminal_code_reaches_the_row_of_its_event() -> None:
    life = Life(session_id(1)).connecting().connected().disconnected(59999, Origin.SERVER)
    row = holder(ReferenceStore()).take(records([life]), START_US).changes.events[-1]
    assert row[15:18] == (59999, "server", None)
    assert '"error":{"name":"RoomError","message":"a server\'s own words"}' in row[21]
