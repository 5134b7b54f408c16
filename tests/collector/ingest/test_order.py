"""Whatever the order, however often, however split, whoever owns: all tables say the same.

hypothesis makes lossy lives of several sessions. The reference run is one owner, one batch, in order. Every other run
shuffles and repeats what was sent, splits it, and hands its partitions between owners that keep small caches, fail to
write, write without hearing of it, and try to go on with partitions that are no longer theirs.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.errors import Fenced
from collector.ingest.derive import OUTCOMES
from session_core.errors import Origin
from tests.histories import Life, Sent, log_of, session_id
from tests.owners import MAY_DIFFER, TURNS, Owner, Turn, disorder, disorderly_run, orderly_run
from tests.reference_store import ReferenceStore, rollups_of


def told(store: ReferenceStore) -> dict[str, Any]:
    """All that must not depend on order."""
    return {**store.tables(without=MAY_DIFFER), "rollups": store.rollups, "offsets": store.stored_offsets}


def counted_from_scratch(store: ReferenceStore) -> dict[tuple[Any, ...], list[int]]:
    tables = store.tables()
    return rollups_of(tables["sessions"].values(), tables["outages"].values())


@given(disorder(), TURNS, st.integers(1, 4))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_order_repetition_split_and_ownership_gives_the_same_tables(
    sent: tuple[list[Sent], list[Sent]], turns: list[Turn], sessions_max: int
) -> None:
    in_order, shuffled = sent
    reference, other = ReferenceStore(), ReferenceStore()
    orderly_run(reference, in_order)
    disorderly_run(lambda: other, shuffled, turns, sessions_max)
    assert told(other) == told(reference)


@given(disorder(), TURNS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_rollups_are_the_group_by_of_sessions_and_outages(
    sent: tuple[list[Sent], list[Sent]], turns: list[Turn]
) -> None:
    store = ReferenceStore()
    disorderly_run(lambda: store, sent[1], turns, sessions_max=2)
    assert store.rollups == counted_from_scratch(store)


@given(disorder(), TURNS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_outage_that_opened_has_one_outcome_and_the_rollups_agree(
    sent: tuple[list[Sent], list[Sent]], turns: list[Turn]
) -> None:
    store = ReferenceStore()
    disorderly_run(lambda: store, sent[1], turns, sessions_max=2)
    outcomes = Counter(row["outcome"] for row in store.tables()["outages"].values())
    rolled = Counter[tuple[str, str]]()
    for key, (n, *_) in store.rollups.items():
        rolled[key[2], key[5]] += n
    assert set(outcomes) <= set(OUTCOMES)
    assert {o: rolled["outage", o] for o in OUTCOMES} == {o: outcomes[o] for o in OUTCOMES}
    assert {o: rolled["outage_ended", o] for o in OUTCOMES} == {o: outcomes[o] * (o != "open") for o in OUTCOMES}


def test_an_owner_that_lost_its_partition_changes_nothing() -> None:
    life = Life(session_id(1)).connecting().later(300).connected().later(20_000).disconnected(reason="leave")
    store, log = ReferenceStore(), log_of(life.sent)
    zombie, heir = Owner(store, log, 10), Owner(store, log, 10)
    zombie.steal(0)
    zombie.work(1, "none")
    heir.steal(0)
    heir.work(1, "none")
    before = told(store)
    late = zombie.holder.take(zombie.records(2), now_us=10**16)
    with pytest.raises(Fenced) as fenced:
        store.write(late.changes)
    assert fenced.value.partitions == {0}
    assert told(store) == before


def test_a_session_that_moves_to_a_new_partition_goes_on_and_is_counted_once() -> None:
    life = Life(session_id(1)).connecting().later(300).connected().later(9_000).reconnecting().later(500).reconnected()
    life.later(20_000).disconnected(53002, Origin.WINDOW)
    log = [r._replace(partition=r.offset % 2, offset=r.offset // 2) for r in log_of(life.sent)]
    store = ReferenceStore()
    first, second = Owner(store, log, 10), Owner(store, log, 10)
    for partition, owner in enumerate((first, second)):
        owner.steal(partition)
    while first.records(1) or second.records(1):
        first.work(1, "none")
        second.work(1, "none")
    sums = Counter[tuple[Any, ...]]()
    for key, (n, *_) in store.rollups.items():
        sums[key[2], key[5] or key[6]] += n
    assert +sums == {
        ("started", ""): 1,
        ("joined", ""): 1,
        ("outage", "recovered"): 1,
        ("outage_ended", "recovered"): 1,
        ("ended", "dropped"): 1,
    }
