"""Sessions in memory, and how much they are allowed to take."""

import gc
import tracemalloc
from uuid import UUID

from collector.ingest.cache import Bounds, Cache, weigh
from collector.ingest.partitions import Holder, key_of
from collector.store.changes import Outage, Session
from tests.histories import START_US, fleet, records, session_id


def a_session(number: int, outages: int = 0, fate: str = "live") -> tuple[bytes, Session]:
    session = Session(session_id(number))
    session.fate, session.kafka_partition = fate, number % 3
    session.outage_rows = {one: Outage(one, START_US) for one in range(outages)}
    return key_of(session.session_id), session


def filled(bounds: Bounds, *sessions: tuple[bytes, Session]) -> Cache:
    cache = Cache(bounds)
    cache.add(dict(sessions))
    return cache


def test_the_bytes_are_the_sum_of_what_is_held_whatever_comes_and_goes() -> None:
    some = [a_session(number, outages=number) for number in range(9)]
    cache = filled(Bounds(), *some)
    some[1][1].outage_rows[99] = Outage(99, START_US)
    cache.touch(dict(some[:3]))
    cache.forget([some[0][0], key_of(UUID(int=7))])
    cache.forget_partitions({2})
    assert {session.kafka_partition for session in cache.sessions.values()} == {0, 1}
    assert cache.bytes == sum(map(weigh, cache.sessions.values())) > 0


def test_a_few_huge_sessions_are_bounded_by_their_bytes() -> None:
    some = [a_session(number, outages=100) for number in range(20)]
    cache = filled(Bounds(sessions=1_000, bytes=5 * weigh(some[0][1])), *some)
    cache.touch(dict(some[:1]))
    cache.shrink([])
    assert cache.bytes <= 5 * weigh(some[0][1])
    assert some[0][0] in cache.sessions  # the last to be touched


def test_those_that_ended_go_first_and_what_is_not_written_stays() -> None:
    ended = [a_session(number, fate="left") for number in range(4)]
    live = [a_session(number) for number in range(4, 8)]
    cache = filled(Bounds(sessions=4), *live, *ended)
    cache.shrink([{ended[0][0]}])
    assert cache.sessions.keys() == {key for key, _ in (ended[0], *live[2:])}


def test_a_session_that_was_forgotten_meanwhile_stays_away() -> None:
    one = a_session(1)
    cache = filled(Bounds(), one)
    cache.forget([one[0]])
    cache.touch(dict([one]))
    assert (cache.sessions, cache.bytes) == ({}, 0)


def test_the_estimate_is_near_what_sessions_really_take() -> None:
    log = records(fleet(400))
    holder = Holder("t", lambda _: {}, bounds=Bounds(10**6, 10**12))
    holder.assign({0: 0})
    gc.collect()
    tracemalloc.start()
    holder.wrote(holder.take(log, START_US))
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.6 < holder.cached[1] / taken < 1.6
