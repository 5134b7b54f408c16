"""Whatever the order, however often, however split, whoever owns: all tables say the same.

hypothesis makes lossy lives of several sessions. The reference run is one owner, one batch, in order. Every other run
shuffles and repeats what was sent, splits it, and hands its partitions between owners that keep small caches, fail to
write, write without hearing of it, and try to go on with partitions that are no longer theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.errors import Fenced, StaleSession, StoreUnavailable
from collector.ingest.decode import Record
from collector.ingest.derive import OUTCOMES
from collector.ingest.partitions import Batch, Holder
from session_core.errors import Origin
from tests.histories import SECOND_US, Life, Sent, histories, log_of, session_id
from tests.reference_store import ReferenceStore, rollups_of

PARTITIONS: Final = 3
OWNERS: Final = 3
MAY_DIFFER: Final = {
    "events": {"stored_at", "append_at", "kafka_offset"},
    "sessions": {"version", "lost_at"},
}


Trouble = Literal["none", "away", "unheard"]


class Turn(NamedTuple):
    """What one owner does: take a partition from whoever has it, or work on what it believes to be its own."""

    owner: int
    act: Literal["steal", "work", "sweep", "restart"]
    partition: int
    records: int
    trouble: Trouble


TURNS: Final = st.lists(
    st.builds(
        Turn,
        st.integers(0, OWNERS - 1),
        st.sampled_from(("steal", "work", "work", "work", "sweep", "restart")),
        st.integers(0, PARTITIONS - 1),
        st.integers(1, 9),
        st.sampled_from(("none", "none", "none", "away", "unheard")),
    ),
    max_size=40,
)


class Owner:
    """A collector: a Holder, and the loop around it that the contract asks for."""

    def __init__(self, store: ReferenceStore, log: list[Record], sessions_max: int) -> None:
        self.store, self.log = store, log
        self.holder = Holder("t", store.load, sessions_max=sessions_max)

    def steal(self, partition: int) -> None:
        self.holder.assign({partition: 0, **self.store.offsets([partition])})

    def records(self, count: int) -> list[Record]:
        ours = self.holder.positions
        fresh = [r for r in self.log if r.partition in ours and r.offset >= ours[r.partition]]
        return fresh[:count]

    def work(self, count: int, trouble: Trouble) -> None:
        records = self.records(count)
        self.write(self.holder.take(records, now_us=10**16), trouble)

    def sweep(self, partition: int, trouble: Trouble, stream_us: int | None = None) -> None:
        if stream_us is None:
            position = self.holder.positions.get(partition, 0)
            read = [r.append_at_us for r in self.log if r.partition == partition and r.offset < position]
            if not read:
                return
            stream_us = max(read)
        silent = [one for one, row in self.store.sessions.items() if row[2] == partition]
        self.write(self.holder.sweep(partition, stream_us, 10**16, silent), trouble)

    def write(self, batch: Batch, trouble: Trouble = "none") -> None:
        changes = batch.changes
        if not changes.offsets:
            return
        self.store.away = trouble == "away"
        try:
            self.store.write(changes)
            if trouble == "unheard":
                self.store.write(changes)
        except StoreUnavailable:
            self.write(batch)
        except Fenced as fenced:
            self.holder.drop(batch.partitions)
            self.holder.revoke(fenced.partitions)
        except StaleSession:
            self.holder.drop(batch.partitions)


def reference_run(sendings: list[Sent]) -> ReferenceStore:
    """One owner, one batch, in the order of append times."""
    store = ReferenceStore()
    owner = Owner(store, log_of(sorted(sendings, key=lambda s: s.append_at_us), PARTITIONS), 1000)
    finish(owner, sendings)
    return store


def finish(owner: Owner, sendings: list[Sent]) -> None:
    """Reads what is left, and looks for silence an hour after the last word."""
    for partition in range(PARTITIONS):
        owner.steal(partition)
    while owner.records(1):
        owner.work(len(owner.log), "none")
    end_us = max(sent.append_at_us for sent in sendings) + 3600 * SECOND_US
    for partition in range(PARTITIONS):
        owner.sweep(partition, "none", end_us)


def disorderly_run(sendings: list[Sent], turns: Iterable[Turn], sessions_max: int) -> ReferenceStore:
    """Owners take turns, in every kind of trouble."""
    store, log = ReferenceStore(), log_of(sendings, PARTITIONS)
    owners = [Owner(store, log, sessions_max) for _ in range(OWNERS)]
    for turn in turns:
        owner = owners[turn.owner]
        match turn.act:
            case "steal":
                owner.steal(turn.partition)
            case "work":
                owner.work(turn.records, turn.trouble)
            case "sweep":
                owner.sweep(turn.partition, turn.trouble)
            case "restart":
                owners[turn.owner] = Owner(store, log, sessions_max)
    finish(owners[0], sendings)
    return store


def told(store: ReferenceStore) -> dict[str, Any]:
    """All that must not depend on order."""
    rollups = {key: sums for key, sums in store.rollups.items() if any(sums)}
    return {**store.tables(without=MAY_DIFFER), "rollups": rollups, "offsets": store.stored_offsets}


def counted_from_scratch(store: ReferenceStore) -> dict[tuple[Any, ...], list[int]]:
    tables = store.tables()
    return rollups_of(tables["sessions"].values(), tables["outages"].values())


@st.composite
def disorder(draw: st.DrawFn) -> tuple[list[Sent], list[Sent]]:
    """What was sent, some of it twice; and the same in another order."""
    lives = draw(histories(4))
    once = [sent for life in lives for sent in life.sent]
    if not once:
        once = Life(lives[0].session_id).connecting().sent
    twice = draw(st.lists(st.sampled_from(range(len(once))), max_size=6))
    delays = st.sampled_from((0, 1_000, 5 * SECOND_US, 200 * SECOND_US))
    losses = st.sampled_from((None, {"overflow": {"session.alive": 3}}, {"shutdown": {"room.connected": 1}}))
    everything = once + [once[place].again(draw(delays), draw(losses)) for place in twice]
    return everything, draw(st.permutations(everything))


@given(disorder(), TURNS, st.integers(1, 4))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_order_repetition_split_and_ownership_gives_the_same_tables(
    sent: tuple[list[Sent], list[Sent]], turns: list[Turn], sessions_max: int
) -> None:
    in_order, shuffled = sent
    reference = reference_run(in_order)
    other = disorderly_run(shuffled, turns, sessions_max)
    assert told(other) == told(reference)


@given(disorder(), TURNS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_rollups_are_the_group_by_of_sessions_and_outages(
    sent: tuple[list[Sent], list[Sent]], turns: list[Turn]
) -> None:
    store = disorderly_run(sent[1], turns, sessions_max=2)
    assert {k: v for k, v in store.rollups.items() if any(v)} == counted_from_scratch(store)


@given(disorder(), TURNS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_outage_that_opened_has_one_outcome_and_the_rollups_agree(
    sent: tuple[list[Sent], list[Sent]], turns: list[Turn]
) -> None:
    store = disorderly_run(sent[1], turns, sessions_max=2)
    outcomes = Counter(row["outcome"] for row in store.tables()["outages"].values())
    rolled = Counter[str]()
    for key, (n, _, _) in store.rollups.items():
        rolled["opened" if key[2] == "outage" else key[5]] += n if key[2].startswith("outage") else 0
    assert set(outcomes) <= set(OUTCOMES)
    assert rolled["opened"] == sum(outcomes.values())
    assert {o: rolled[o] for o in OUTCOMES if o != "open"} == {o: outcomes[o] for o in OUTCOMES if o != "open"}


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
    for key, (n, _, _) in store.rollups.items():
        sums[key[2], key[5] or key[6]] += n
    assert +sums == {
        ("started", ""): 1,
        ("joined", ""): 1,
        ("outage", ""): 1,
        ("outage_ended", "recovered"): 1,
        ("ended", "dropped"): 1,
    }
