"""Owners of partitions that take them from each other, for tests that compare what different runs leave in a store.

A store is anything that keeps the store's contract: the reference in plain dictionaries, SQLite, PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, Literal, NamedTuple, Protocol
from uuid import UUID

from hypothesis import strategies as st

from collector.errors import Fenced, StaleSession, StoreUnavailable
from collector.ingest.cache import Bounds
from collector.ingest.decode import Record
from collector.ingest.live import LiveSessions
from collector.ingest.partitions import Holder
from collector.ingest.taking import Batch
from collector.store.changes import Changes, Row, Session, Standing
from tests.histories import SECOND_US, Life, Sent, fleet, histories, log_of

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
    act: Literal["steal", "work", "work ahead", "sweep", "restart"]
    partition: int
    records: int
    trouble: Trouble


TURNS: Final = st.lists(
    st.builds(
        Turn,
        st.sampled_from((0, 0, *range(OWNERS))),
        st.sampled_from(("steal", "work", "work", "work ahead", "work ahead", "sweep", "sweep", "restart")),
        st.integers(0, PARTITIONS - 1),
        st.integers(1, 9),
        st.sampled_from(("none", "none", "none", "away", "unheard")),
    ),
    min_size=8,
    max_size=40,
)


class Store(Protocol):
    """What an owner needs of a store. While it is `away` it writes nothing and says so."""

    away: bool

    @property
    def sessions(self) -> Mapping[UUID, Row]:
        """Rows of sessions, by id."""

    def load(self, session_ids: Collection[UUID]) -> dict[UUID, Session]:
        """Those of the sessions that there are."""

    def offsets(self, partitions: Collection[int]) -> dict[int, int]:
        """How far partitions are stored."""

    def live_sessions(self, partition: int) -> list[tuple[Standing, int]]:
        """How many are live there, by what they count as."""

    def write(self, changes: Changes) -> None:
        """Applies a batch, or raises what the writer raises."""


class Owner:
    """A collector: a Holder, and the loop around it that the contract asks for."""

    def __init__(
        self, store: Store, log: list[Record], sessions_max: int, latest: dict[int, Owner] | None = None
    ) -> None:
        """`latest` is shared by all owners: who was the last to take each partition or to write of it."""
        self.store, self.log = store, log
        self.holder = Holder("t", store.load, bounds=Bounds(sessions_max))
        self.latest: dict[int, Owner] = {} if latest is None else latest

    def steal(self, partition: int) -> None:
        self.latest[partition] = self
        stored = {partition: 0, **self.store.offsets([partition])}
        self.holder.assign(stored, {partition: self.store.live_sessions(partition)})

    def records(self, count: int) -> list[Record]:
        ours = self.holder.positions
        fresh = [r for r in self.log if r.partition in ours and r.offset >= ours[r.partition]]
        return fresh[:count]

    def work(self, count: int, trouble: Trouble) -> None:
        records = self.records(count)
        self.write(self.holder.take(records, now_us=10**16), trouble)

    def work_ahead(self, count: int, trouble: Trouble) -> None:
        """Takes a second batch before the first is written; when that fails, what was built upon it is void."""
        first = self.holder.take(self.records(count), now_us=10**16)
        second = self.holder.take(self.records(count), now_us=10**16)
        if self.write(first, trouble, with_it=second):
            self.write(second)

    def read_up_to(self, partition: int) -> int:
        """The newest append time that was read of a partition; 0 when nothing was."""
        position = self.holder.positions.get(partition, 0)
        return max((r.append_at_us for r in self.log if r.partition == partition and r.offset < position), default=0)

    def sweep(self, partition: int, stream_us: int, trouble: Trouble = "none") -> None:
        silent = [one for one, row in self.store.sessions.items() if row[2] == partition]
        self.write(self.holder.sweep(partition, stream_us, 10**16, silent), trouble)

    def write(self, batch: Batch, trouble: Trouble = "none", with_it: Batch | None = None) -> bool:
        """Whether it is written; else it is dropped, and with it what was taken after it."""
        changes = batch.changes
        if not changes.offsets:
            self.holder.wrote(batch)
            return True
        partitions = {*batch.partitions, *(with_it.partitions if with_it is not None else ())}
        self.store.away = trouble == "away"
        try:
            self.store.write(changes)
            # Also where the answer is never heard: what is stored has changed under whoever had the partition before.
            inherited = [partition for partition in batch.partitions if self.latest.get(partition) is not self]
            self.latest.update(dict.fromkeys(inherited, self))
            if trouble == "unheard":
                self.store.write(changes)
        except StoreUnavailable:
            return self.write(batch, with_it=with_it)
        except Fenced as fenced:
            self.holder.drop(partitions)
            self.holder.revoke(fenced.partitions)
            return False
        except StaleSession:
            self.holder.drop(partitions)
            for partition in partitions:
                self.holder.count_anew(partition, self.store.live_sessions(partition))
            return False
        self.holder.wrote(batch)
        for partition in inherited:
            # A sweep moves no offset: that of whoever had the partition before applies until its heir has written.
            self.holder.count_anew(partition, self.store.live_sessions(partition))
        self.require_counts(batch.partitions)
        return True

    def require_counts(self, partitions: Iterable[int]) -> None:
        """What is counted as sessions come and go is what the store counts when it looks at all of them."""
        fresh = LiveSessions(0)
        for partition in partitions:
            fresh.begin(partition, self.store.live_sessions(partition))
        held = self.holder.held(0)
        counted = {partition: held[partition] for partition in partitions}
        assert counted == fresh.held(0), f"counted {counted}, stored {fresh.held(0)}"


def orderly_run(store: Store, sendings: list[Sent]) -> None:
    """One owner, one batch, in the order of append times."""
    owner = Owner(store, log_of(sorted(sendings, key=lambda s: s.append_at_us), PARTITIONS), 1000)
    finish(owner, sendings)


def finish(owner: Owner, sendings: list[Sent]) -> None:
    """Reads what is left, and looks for silence an hour after the last word."""
    for partition in range(PARTITIONS):
        owner.steal(partition)
    while owner.records(1):
        owner.work(len(owner.log), "none")
    end_us = max(sent.append_at_us for sent in sendings) + 3600 * SECOND_US
    for partition in range(PARTITIONS):
        owner.sweep(partition, end_us)


def disorderly_run(
    open_store: Callable[[], Store], sendings: list[Sent], turns: Iterable[Turn], sessions_max: int
) -> None:
    """Owners take turns, in every kind of trouble. `open_store` opens the one store, once for each owner."""
    log = log_of(sendings, PARTITIONS)
    latest: dict[int, Owner] = {}
    owners = [Owner(open_store(), log, sessions_max, latest) for _ in range(OWNERS)]
    for partition in range(PARTITIONS):
        owners[0].steal(partition)
    for turn in turns:
        owner = owners[turn.owner]
        match turn.act:
            case "steal":
                owner.steal(turn.partition)
            case "work":
                owner.work(turn.records, turn.trouble)
            case "work ahead":
                owner.work_ahead(turn.records, turn.trouble)
            case "sweep":
                later_us = turn.records * 20 * SECOND_US
                owner.sweep(turn.partition, owner.read_up_to(turn.partition) + later_us, turn.trouble)
            case "restart":
                owners[turn.owner] = Owner(open_store(), log, sessions_max, latest)
    finish(owners[0], sendings)


@st.composite
def disorder(draw: st.DrawFn) -> tuple[list[Sent], list[Sent]]:
    """What was sent, some of it twice; and the same in another order."""
    lives = draw(histories(3)) + fleet(draw(st.integers(0, 3)), first=draw(st.integers(100, 10_000)))
    once = [sent for life in lives for sent in life.sent]
    if not once:
        once = Life(lives[0].session_id).connecting().sent
    twice = draw(st.lists(st.sampled_from(range(len(once))), max_size=8))
    delays = st.sampled_from((0, 1_000, 5 * SECOND_US, 200 * SECOND_US))
    losses = st.sampled_from((None, {"overflow": {"session.alive": 3}}, {"shutdown": {"room.connected": 1}}))
    everything = once + [once[place].again(draw(delays), draw(losses)) for place in twice]
    shuffled = list(everything)
    draw(st.randoms(use_true_random=False)).shuffle(shuffled)
    return everything, shuffled
