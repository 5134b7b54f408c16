"""What a store promises to its one writer, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from collector.errors import Fenced, RowRefused, SchemaMismatch, StaleSession
from collector.ingest.live import standing
from collector.ingest.partitions import Holder
from collector.ingest.taking import refusals
from collector.store.changes import (
    EVENT_COLUMNS,
    OUTAGE_COLUMNS,
    SESSION_COLUMNS,
    Changes,
    DeadLetter,
    OffsetMove,
    RollupKey,
    Row,
    Sums,
)
from collector.store.dead_letters import KEY_BYTES_MAX, VALUE_BYTES_MAX
from collector.store.tables import outages, sessions
from tests.contract.stored import NOW_US, Stored
from tests.histories import START_US, Life, fleet, log_of, records, session_id
from tests.reference_store import ReferenceStore

HALF_A_PAIR = "\ud800"
DAY_US = 86_400_000_000
KEY = RollupKey(29_000_000, 0, "ended", 53002, "", "", "dropped", "ie1", "sdk", "1", "2")


def changes_of(*lives: Life, partitions: int = 1) -> Changes:
    """What one owner makes of these lives in one batch."""
    holder = Holder("topic", lambda _: {})
    holder.assign(dict.fromkeys(range(partitions), 0))
    return holder.take(records(lives, partitions), NOW_US).changes


def a_life(number: int = 1, at_us: int = START_US) -> Life:
    """A session with an outage, which ends well."""
    life = Life(session_id(number, at_us), at_us).connecting().later(300).connected().later(9_000)
    return life.reconnecting().later(500).attempted().reconnected().later(20_000).disconnected(reason="leave")


def spoilt(row: Row, columns: tuple[str, ...], column: str, value: Any) -> Row:
    """The row with another value."""
    at = columns.index(column)
    return (*row[:at], value, *row[at + 1 :])


def test_a_batch_is_stored_as_it_is(store: Stored) -> None:
    changes = changes_of(*fleet(60), partitions=3)
    reference = ReferenceStore()
    reference.write(copy.deepcopy(changes))
    store.write(changes)
    assert store.tables() == reference.tables()
    assert store.rollups == reference.rollups
    assert store.stored_offsets == reference.stored_offsets


def test_what_is_loaded_merges_on_as_if_it_had_never_been_stored(store: Stored) -> None:
    lives = fleet(700)
    changes = changes_of(*lives)
    store.write(changes)
    ids = [life.session_id for life in lives]
    reference = ReferenceStore()
    reference.write(changes)
    loaded, expected = store.load([*ids, session_id(9999)]), reference.load(ids)
    assert {one: _facts(session) for one, session in loaded.items()} == {
        one: _facts(session) for one, session in expected.items()
    }


def _facts(session: Any) -> dict[str, Any]:
    facts = {field.name: getattr(session, field.name) for field in dataclasses.fields(session)}
    facts["outage_rows"] = (
        {number: _facts(one) for number, one in facts["outage_rows"].items()} if facts.get("outage_rows") else {}
    )
    return facts


def test_nothing_is_loaded_for_nothing(store: Stored) -> None:
    assert store.load([]) == {}


def test_a_batch_that_is_written_twice_is_fenced_and_changes_nothing(store: Stored) -> None:
    changes = changes_of(a_life())
    store.write(changes)
    before = store.everything()
    with pytest.raises(Fenced) as fenced:
        store.write(changes)
    assert fenced.value.partitions == {0}
    assert store.everything() == before


def test_a_collector_that_lost_some_partitions_is_told_which(store: Stored) -> None:
    zombie, heir = store, Stored(store.engine)
    zombie.write(Changes(offsets=[OffsetMove(p, 0, 10) for p in range(4)]))
    heir.write(Changes(offsets=[OffsetMove(1, 10, 15), OffsetMove(3, 10, 11)]))
    with pytest.raises(Fenced) as fenced:
        zombie.write(Changes(offsets=[OffsetMove(p, 10, 20) for p in range(4)], rollups={KEY: Sums(1)}))
    assert fenced.value.partitions == {1, 3}
    assert store.stored_offsets == {0: 10, 1: 15, 2: 10, 3: 11}
    assert store.rollups == {}


def test_two_collectors_that_begin_a_partition_at_once_do_not_both_have_it(store: Stored) -> None:
    other = Stored(store.engine)
    store.write(Changes(offsets=[OffsetMove(0, 5, 9)]))
    with pytest.raises(Fenced):
        other.write(Changes(offsets=[OffsetMove(0, 5, 7)]))
    assert store.stored_offsets == {0: 9}


def test_a_sweep_moves_no_offset_and_applies_only_while_the_partition_is_ours(store: Stored) -> None:
    store.write(Changes(offsets=[OffsetMove(0, 0, 10)]))
    store.write(Changes(offsets=[OffsetMove(0, 10, 10)], rollups={KEY: Sums(1)}))
    with pytest.raises(Fenced):
        store.write(Changes(offsets=[OffsetMove(0, 9, 9)], rollups={KEY: Sums(1)}))
    assert store.rollups == {KEY: [1, 0, 0, 0, 0]}


def test_offsets_of_another_group_topic_or_cluster_are_not_ours(store: Stored) -> None:
    store.write(Changes(offsets=[OffsetMove(0, 0, 10)]))
    store.writer._place = store.writer._place._replace(consumer_group="another")
    assert store.offsets([0]) == {}


def test_a_batch_without_rows_still_moves_its_offsets(store: Stored) -> None:
    store.write(Changes(offsets=[OffsetMove(2, 7, 9)]))
    assert store.offsets([1, 2]) == {2: 9}


def test_a_session_that_someone_else_wrote_is_named_and_nothing_is_stored(store: Stored) -> None:
    fresh, changed = a_life(1), a_life(2)
    store.write(changes_of(changed))
    before = store.everything()
    changes = changes_of(fresh, changed)
    changes.offsets = [OffsetMove(0, store.offsets([0])[0], 100)]
    changes.events = [row for row in changes.events if row[0] == fresh.session_id]
    with pytest.raises(StaleSession) as stale:
        store.write(changes)
    assert stale.value.session_ids == {changed.session_id}
    assert store.everything() == before


def test_a_session_that_was_erased_meanwhile_does_not_come_back(store: Stored) -> None:
    life = a_life()
    changes = changes_of(life)
    store.write(changes)
    with store.engine.begin() as connection:
        connection.execute(sessions.delete())
    version = SESSION_COLUMNS.index("version")
    next_version = spoilt(changes.sessions[0], SESSION_COLUMNS, "version", changes.sessions[0][version] + 1)
    with pytest.raises(StaleSession) as stale:
        store.write(Changes(sessions=[next_version], offsets=[OffsetMove(0, store.offsets([0])[0], 100)]))
    assert stale.value.session_ids == {life.session_id}
    assert store.sessions == {}


def test_a_session_is_written_again_at_the_version_that_was_read(store: Stored) -> None:
    first = changes_of(a_life()).sessions[0]
    second = spoilt(spoilt(first, SESSION_COLUMNS, "version", 2), SESSION_COLUMNS, "identity", "somebody else")
    store.write(Changes(sessions=[first]))
    store.write(Changes(sessions=[second]))
    assert list(store.sessions.values()) == [second]


def test_sums_are_added_and_those_that_cancel_each_other_make_no_row(store: Stored) -> None:
    other = KEY._replace(minute=1)
    store.write(Changes(rollups={KEY: Sums(1, 20, 3), other: Sums(0)}))
    store.write(Changes(rollups={KEY: Sums(-1, -5, 0)}))
    assert store.rollups == {KEY: [0, 15, 3, 0, 0]}


def test_a_row_of_sums_that_comes_to_nothing_is_gone_and_may_come_again(store: Stored) -> None:
    other = KEY._replace(kafka_partition=1)
    store.write(Changes(rollups={KEY: Sums(1, 20, 3), other: Sums(-1)}))
    store.write(Changes(rollups={KEY: Sums(-1, -20, 0)}))
    assert store.rollups == {KEY: [0, 0, 3, 0, 0], other: [-1, 0, 0, 0, 0]}
    store.write(Changes(rollups={KEY: Sums(0, 0, -3), other: Sums(1)}))
    assert store.rollups == {}
    store.write(Changes(rollups={KEY: Sums(1, 2, 3, 4, 5)}))
    assert store.rollups == {KEY: [1, 2, 3, 4, 5]}


def test_a_dead_letter_is_stored_once_cut_to_a_bound_and_whatever_its_words(store: Stored) -> None:
    letter = DeadLetter("t", 1, 7, START_US, "not-json", "$\x00", f"{HALF_A_PAIR}é", b"k" * 2000, b"\x00" * 20_000)
    plain = DeadLetter("t", 1, 8, START_US, "empty", "$", "no value", None, None)
    store.write(Changes(dead_letters=[letter], offsets=[OffsetMove(1, 7, 8)]))
    store.write(Changes(dead_letters=[letter._replace(detail="again"), plain]))
    key, value = b"k" * KEY_BYTES_MAX, b"\x00" * VALUE_BYTES_MAX
    assert store.dead_letters == [
        ("t", 1, 7, START_US, NOW_US, "not-json", "$\\x00", "\\ud800é", key, value, None),
        ("t", 1, 8, START_US, NOW_US, "empty", "$", "no value", None, None, None),
    ]


@pytest.mark.parametrize("days", [-400, -31, -1, 0, 2, 3, 400])
def test_events_of_any_day_are_stored(store: Stored, days: int) -> None:
    life = a_life(1, NOW_US + days * DAY_US)
    store.write(changes_of(life))
    assert len(store.tables()["events"]) == 5


def test_an_event_that_the_store_refuses_is_named_by_its_record_and_the_rest_can_be_stored(store: Stored) -> None:
    lives = fleet(40)
    log = records(lives)
    holder = Holder("topic", store.load)
    holder.assign({0: 0})
    batch = holder.take(log, NOW_US)
    at = 23
    batch.changes.events[at] = spoilt(batch.changes.events[at], EVENT_COLUMNS, "reason", HALF_A_PAIR)
    poisoned = batch.changes.events[at]
    with pytest.raises(RowRefused) as refused:
        store.write(batch.changes)
    offset = poisoned[EVENT_COLUMNS.index("kafka_offset")]
    assert refused.value.records == {(0, offset)}
    assert refused.value.session_ids == frozenset()
    assert store.stored_offsets == {}

    holder.drop([0])
    store.write(holder.take(log, NOW_US, refusals(refused.value)).changes)
    assert [row[:3] + row[5:6] for row in store.dead_letters] == [("topic", 0, offset, "store-refused")]
    assert len(store.tables()["events"]) == len(batch.changes.events) - 1
    assert store.stored_offsets == {0: len(log)}


def test_two_events_of_one_seq_in_a_batch_are_refused_but_for_the_first(store: Stored) -> None:
    changes = changes_of(a_life())
    twin = spoilt(changes.events[2], EVENT_COLUMNS, "kafka_offset", 77)
    changes.events.append(twin)
    with pytest.raises(RowRefused) as refused:
        store.write(changes)
    assert refused.value.records == {(0, 77)}


@pytest.mark.parametrize(("table", "columns"), [("sessions", SESSION_COLUMNS), ("outages", OUTAGE_COLUMNS)])
@pytest.mark.parametrize("value", [HALF_A_PAIR, None])
def test_a_session_whose_rows_the_store_refuses_is_named(
    store: Stored, table: str, columns: tuple[str, ...], value: Any
) -> None:
    good, bad = a_life(1), a_life(2)
    changes = changes_of(good, bad)
    column = {"sessions": "state", "outages": "outcome"}[table]
    rows = getattr(changes, table)
    rows[:] = [spoilt(row, columns, column, value) if row[0] == bad.session_id else row for row in rows]
    with pytest.raises(RowRefused) as refused:
        store.write(changes)
    assert refused.value.session_ids == {bad.session_id}
    assert refused.value.records == frozenset()
    assert [rows for rows in store.everything().values() if rows] == []


def test_a_number_beyond_its_column_is_refused_and_never_wrapped(store: Stored) -> None:
    changes = changes_of(a_life())
    row = spoilt(changes.sessions[0], SESSION_COLUMNS, "connected_ms", 2**63)
    with pytest.raises(RowRefused):
        store.write(replace(changes, sessions=[row]))
    assert store.sessions == {}


def test_sums_that_the_store_refuses_name_the_sessions_of_the_batch(store: Stored) -> None:
    changes = changes_of(a_life())
    bad = {KEY._replace(region=HALF_A_PAIR): Sums(1)}
    with pytest.raises(RowRefused) as refused:
        store.write(replace(changes, rollups=bad))
    assert refused.value.session_ids == {row[0] for row in changes.sessions}


def test_a_table_that_is_not_as_expected_stops_the_writer_with_the_command_that_mends_it(store: Stored) -> None:
    with store.engine.begin() as connection:
        outages.drop(connection)
    with pytest.raises(SchemaMismatch, match="roomwatch migrate"):
        store.write(changes_of(a_life()))
    assert store.stored_offsets == {}


def test_silent_sessions_are_those_that_have_not_ended_longest_silent_first(store: Stored) -> None:
    ended = a_life(1)
    older = Life(session_id(2)).connecting().later(100).connected()
    newer = Life(session_id(3)).connecting().later(5_000).connected()
    store.write(changes_of(ended, newer, older))
    assert store.writer.silent_sessions(0, START_US + 60_000_000) == [older.session_id, newer.session_id]
    assert store.writer.silent_sessions(0, START_US + 1_000_000) == [older.session_id]
    assert store.writer.silent_sessions(0, START_US + 60_000_000, limit=1) == [older.session_id]
    assert store.writer.silent_sessions(1, START_US + 60_000_000) == []


def test_live_sessions_are_counted_by_what_they_count_as(store: Stored) -> None:
    lives = [Life(session_id(number)).connecting() for number in range(9)]
    for number, life in enumerate(lives[1:]):
        life.connected(ttl_s=60 * (1 + number % 2))
    lives[7].reconnecting()
    lives[8].disconnected(reason="leave")
    log = log_of([sent for life in lives for sent in life.sent], 3)
    store.write(changes_of(*lives, partitions=3))
    mine = {UUID((record.key or b"").decode()) for record in log if record.partition == 1}
    read = [standing(one) for one in store.load([life.session_id for life in lives]).values()]
    expected = Counter(one for one in read if one is not None and one.partition == 1)
    assert Counter(dict(store.live_sessions(1))) == expected
    assert 0 < expected.total() <= len(mine)
