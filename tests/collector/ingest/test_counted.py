"""What an owner of partitions counts: the live sessions, and where it found those that it met."""

import pytest

from collector.ingest.decode import Record
from collector.ingest.partitions import Holder
from collector.ingest.taking import Met
from collector.metrics import LATE_AFTER_US, Held
from tests.histories import SECOND_US, START_US, Life, ended_us, fleet, log_of, records, session_id
from tests.holding import TOPIC, a_life, holder, put
from tests.reference_store import ReferenceStore


def test_what_is_held_is_counted_by_partition_and_region() -> None:
    store = ReferenceStore()
    one = holder(store, partitions=2, token_window_us=300 * SECOND_US)
    connected = Life(session_id(1)).connecting().connected(ttl_s=60)
    away = Life(session_id(2)).connecting().connected().reconnecting()
    log = [r._replace(partition=1) for r in records([connected, away, a_life(3), Life(session_id(4)).connecting()])]
    batch = one.take(log, START_US)
    assert one.held(START_US) == {0: {}, 1: {}}
    put(store, one, batch)
    assert one.held(START_US) == {0: {}, 1: {"ie1": Held(live=2, reconnecting=1, token_risk=1)}}


def test_what_is_not_written_counts_for_nothing() -> None:
    store, log = ReferenceStore(), records([Life(session_id(1)).connecting().connected()])
    one = holder(store)
    one.take(log, START_US)
    one.drop([0])
    put(store, one, one.take(log, START_US))
    assert one.held(START_US) == {0: {"ie1": Held(live=1)}}


def test_the_new_owner_of_a_partition_begins_with_what_the_store_counts() -> None:
    store = ReferenceStore()
    life = Life(session_id(1)).connecting().connected()
    store.write(holder(store).take(records([life]), START_US).changes)
    heir = Holder(TOPIC, store.load)
    heir.assign(store.offsets([0]), {0: store.live_sessions(0)})
    assert heir.held(START_US) == {0: {"ie1": Held(live=1)}}
    put(store, heir, heir.take(records([life.disconnected(reason="leave")]), START_US))
    assert heir.held(START_US) == {0: {}}


def test_live_sessions_are_counted_though_memory_holds_few_of_them() -> None:
    store = ReferenceStore()
    one = holder(store, sessions_max=3)
    for record in records([Life(session_id(number)).connecting().connected() for number in range(40)]):
        put(store, one, one.take([record], START_US))
    assert len(one.sessions(0)) <= 3
    assert one.held(START_US) == {0: {"ie1": Held(live=40)}}


def test_what_somebody_else_changed_is_counted_anew() -> None:
    store = ReferenceStore()
    one = holder(store)
    put(store, one, one.take(records([Life(session_id(1)).connecting().connected()]), START_US))
    del store.sessions[session_id(1)]
    one.count_anew(0, store.live_sessions(0))
    one.count_anew(1, store.live_sessions(0))
    assert one.held(START_US) == {0: {}}


def test_a_batch_says_where_the_sessions_were_that_it_met() -> None:
    store = ReferenceStore()
    one = holder(store, sessions_max=1)
    log = records([a_life(1), a_life(2)])
    assert put(store, one, one.take(log[:4], START_US)).met == Met(held=0, read=0, new=2)
    assert put(store, one, one.take(log[4:6], START_US)).met == Met(held=2, read=0, new=0)
    heir = holder(store)
    assert heir.take(log[6:8], START_US).met == Met(held=0, read=2, new=0)


def seqs(log: list[Record], size: int, now_us: int) -> tuple[int, int]:
    """What batches of `size` make of a log: events received of those that were sent, as far as anybody knows."""
    one = holder(ReferenceStore())
    batches = [one.take(log[start : start + size], now_us) for start in range(0, len(log), size)]
    return sum(batch.seqs_received for batch in batches), sum(batch.seqs_expected for batch in batches)


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_what_came_and_what_was_sent_are_those_of_the_sessions_however_they_are_split(size: int) -> None:
    lives = fleet(60)
    log = log_of(
        [sent for place, life in enumerate(lives) for sent in life.sent if (sent.message.data.seq + place) % 5]
    )
    one = holder(ReferenceStore())
    one.take(log, ended_us(lives))
    held = [(session.received_to, session.received_more) for session in one.sessions(0)]
    received = sum(to + sum(more[1::2]) - sum(more[::2]) for to, more in held)
    expected = sum(more[-1] if more else to for to, more in held)
    assert seqs(log, size, log[0].append_at_us) == (received, expected)
    assert 0.7 * expected < received < 0.9 * expected


def test_an_event_that_comes_after_the_next_one_fills_its_hole_once() -> None:
    first, second, third = a_life().sent[:3]
    log = log_of([first, third, second, second.again(SECOND_US)])
    assert [seqs(log[:count], 1, START_US) for count in (1, 2, 3, 4)] == [(1, 1), (2, 3), (3, 3), (3, 3)]


def test_what_takes_no_seq_is_neither_received_nor_sent() -> None:
    life = Life(session_id(1)).connecting().connected()
    assert seqs(records([life.alive().alive()]), 1, START_US) == seqs(records([life])[:2], 1, START_US) == (2, 2)


def test_what_is_late_is_neither_received_nor_sent() -> None:
    life = Life(session_id(1)).connecting().connected()
    told_late = len(life.sent)
    log = records([life.later(LATE_AFTER_US // 1000).reconnecting().reconnected()])
    now_us = log[-1].append_at_us
    assert seqs(log, 1, now_us) == (2, 2)
    assert seqs(log[:told_late], 1, now_us) == (0, 0)
