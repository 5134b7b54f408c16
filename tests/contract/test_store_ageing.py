"""What has outlived its days leaves the store, and nothing that comes again is counted again. On both stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import pytest
from sqlalchemy import func, select

from collector.errors import SessionNotFound, StaleSession
from collector.ingest.decode import Record
from collector.ingest.derive import SILENCE_US
from collector.ingest.partitions import Holder
from collector.ingest.taking import Batch
from collector.store.ageing import Ageing
from collector.store.changes import Changes, DeadLetter, RollupKey, Sums
from collector.store.incidents import Alert, Incidents
from collector.store.reader import Reader
from collector.store.retention import DAY_US, GRACE_US, KINDS, Retention
from collector.store.tables import dead_letters, events, incidents, outages, rollups, sessions
from collector.store.writer import Writer
from tests.contract.stored import CLUSTER, GROUP, TOPIC, Stored
from tests.histories import SECOND_US, YEAR_US, Life, records, session_id

NOW_US: Final = 1_795_000_000_000_000
KEEPS: Final = Retention(events_days=35, sessions_days=180, outages_days=180, rollups_days=800, dead_letters_days=35)
FOREVER: Final = Retention(0, 0, 0, 0, 0, incidents_days=0)


class Collector:
    """A collector that keeps what a retention says, at whatever time it is told."""

    def __init__(self, store: Stored, keeps: Retention = KEEPS) -> None:
        self.store = store
        self.writer = Writer(store.engine, CLUSTER, TOPIC, GROUP, keeps)
        self.holder = Holder(TOPIC, self.writer.load, retention_us=keeps.sessions_us, events_us=keeps.events_us)
        self.holder.assign({0: 0, **self.writer.offsets([0])})
        self.ageing = Ageing(store.engine, keeps)

    def read(self, log: Iterable[Record], now_us: int) -> Batch:
        """Reads these records as the next ones of the log."""
        at = self.holder.positions[0]
        batch = self.holder.take([one._replace(offset=at + place) for place, one in enumerate(log)], now_us)
        self.writer.write(batch.changes, now_us)
        self.holder.wrote(batch)
        return batch

    def age(self, now_us: int) -> dict[str, int]:
        """Does away with what is old; how many rows of each kind went."""
        gone: Counter[str] = Counter()
        assert self.ageing.run(now_us, lambda _: False, lambda one: gone.update({one.kind: one.rows}))
        return {kind: rows for kind, rows in gone.items() if rows}

    def due(self, now_us: int) -> dict[str, int]:
        """How many rows would go."""
        return {one.kind: one.rows for one in self.ageing.due(now_us) if one.rows}


def a_life(number: int, days_ago: float) -> Life:
    """A session of an hour ago, or of days ago, that had an outage and ended; five events."""
    at_us = NOW_US - int(days_ago * DAY_US)
    life = Life(session_id(number, at_us), at_us).connecting().later(300).connected().later(9_000)
    return life.reconnecting().later(500).attempted().reconnected().later(20_000).disconnected(reason="leave")


def held(store: Stored) -> dict[str, int]:
    """How many rows of each kind there are."""
    with store.engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (events, sessions, outages, rollups, dead_letters)
        }


def test_events_leave_by_the_day_their_session_began_and_its_other_rows_stay(store: Stored) -> None:
    one = Collector(store, FOREVER)
    one.read(records([a_life(1, 40), a_life(2, 34.5), a_life(3, 0.1)]), NOW_US)
    before = held(store)
    aged = Collector(store)
    aged.age(NOW_US)
    assert held(store) == {**before, "events": 10}
    assert {row[0] for row in store.rows(events)} == {
        session_id(2, NOW_US - int(34.5 * DAY_US)),
        a_life(3, 0.1).session_id,
    }


def test_sessions_leave_with_their_outages_a_day_after_nothing_like_them_may_come_again(store: Stored) -> None:
    one = Collector(store, FOREVER)
    lives = [a_life(1, 181.5), a_life(2, 180.5), a_life(3, 1)]
    one.read(records(lives), NOW_US)
    aged = Collector(store)
    assert aged.due(NOW_US)["sessions"] == aged.due(NOW_US)["outages"] == 1
    assert {**aged.age(NOW_US), "events": 0} == {"events": 0, "sessions": 1, "outages": 1}
    assert set(store.sessions) == {lives[1].session_id, lives[2].session_id}
    assert {row[0] for row in store.rows(outages)} == {lives[1].session_id, lives[2].session_id}
    assert aged.age(NOW_US) == {}


def test_a_session_that_goes_on_stays_however_long_ago_it_began(store: Stored) -> None:
    at_us = NOW_US - 400 * DAY_US
    life = Life(session_id(1, at_us), at_us).connecting().connected().reconnecting()
    Collector(store, FOREVER).read(records([life]), NOW_US)
    assert Collector(store).age(NOW_US).keys() <= {"events"}
    assert (len(store.sessions), len(store.rows(outages))) == (1, 1)


def test_outages_may_stay_longer_than_their_sessions_and_leave_by_when_they_began(store: Stored) -> None:
    Collector(store, FOREVER).read(records([a_life(1, 500), a_life(2, 200), a_life(3, 1)]), NOW_US)
    longer = Collector(store, Retention(35, 180, 400, 800, 35))
    assert {kind: rows for kind, rows in longer.due(NOW_US).items() if kind != "events"} == {
        "sessions": 2,
        "outages": 1,
    }
    assert {kind: rows for kind, rows in longer.age(NOW_US).items() if kind != "events"} == {
        "sessions": 2,
        "outages": 1,
    }
    later_us = NOW_US + 220 * DAY_US
    assert longer.due(later_us)["outages"] == longer.age(later_us)["outages"] == 1
    assert store.sessions == {}
    assert [row[0] for row in store.rows(outages)] == [a_life(3, 1).session_id]


def test_rollups_and_dead_letters_leave_by_their_minute_and_by_when_they_were_stored(store: Stored) -> None:
    minute = NOW_US // 60_000_000
    key = RollupKey(minute, 0, "ended", 53002, "", "", "dropped", "ie1", "sdk", "1", "2")
    sums = {key._replace(minute=minute - 1440 * days): Sums(1) for days in (0, 799, 801, 5_000)}
    letters = [DeadLetter(TOPIC, 0, number, NOW_US, "not-json", "$", "x", None, None) for number in range(3)]
    store.writer.write(Changes(rollups=sums, dead_letters=letters[:2]), NOW_US - 36 * DAY_US)
    store.writer.write(Changes(dead_letters=letters), NOW_US - 34 * DAY_US)
    aged = Collector(store)
    assert aged.due(NOW_US) == {"rollups": 2, "dead_letters": 2}
    assert aged.age(NOW_US) == {"rollups": 2, "dead_letters": 2}
    assert {key[0] for key in store.rollups} == {minute, minute - 1440 * 799}
    assert [row[2] for row in store.dead_letters] == [2]


def test_incidents_leave_by_when_they_were_last_told_of(store: Stored) -> None:
    kept = Incidents(store.engine)
    for days in (799, 801):
        at_us = NOW_US - days * DAY_US
        kept.keep([Alert(f"{days}", NOW_US - 5_000 * DAY_US, None, {"alertname": "RtcWatchdog"}, {})], at_us)
    aged = Collector(store)
    assert aged.due(NOW_US) == aged.age(NOW_US) == {"incidents": 1}
    assert [row[0] for row in store.rows(incidents)] == ["799"]


def test_nothing_leaves_a_store_that_keeps_everything(store: Stored) -> None:
    keeps_all = Collector(store, FOREVER)
    keeps_all.read(records([a_life(1, 3_000), a_life(2, 1)]), NOW_US)
    before = store.everything()
    assert keeps_all.due(NOW_US) == keeps_all.age(NOW_US) == {}
    assert store.everything() == before


def test_what_comes_again_after_its_events_went_is_a_copy(store: Stored) -> None:
    log = records([a_life(1, 20)])
    one = Collector(store)
    one.read(log, NOW_US)
    later_us = NOW_US + 30 * DAY_US
    one.age(later_us)
    before = {name: rows for name, rows in store.everything().items() if name not in {"kafka_offsets", "sessions"}}
    assert before["events"] == []
    batch = Collector(store).read(log, later_us)
    assert {result for _, result in batch.results} == {"duplicate"}
    after = store.everything()
    assert {name: rows for name, rows in after.items() if name not in {"kafka_offsets", "sessions"}} == before


@pytest.mark.parametrize("skew_us", [0, -50 * YEAR_US, 3 * YEAR_US], ids=["right", "never set", "ahead"])
def test_what_comes_again_after_its_session_went_is_expired_whatever_its_clock(store: Stored, skew_us: int) -> None:
    at_us = NOW_US - DAY_US
    life = Life(session_id(1, at_us + skew_us), at_us, skew_us).connecting().later(300).connected().later(5_000)
    life.reconnecting().later(100).reconnected().later(50).disconnected(53002)
    log = records([life])
    one = Collector(store)
    one.read(log, NOW_US)
    later_us = NOW_US + 180 * DAY_US + GRACE_US
    one.age(later_us)
    assert (store.sessions, store.rows(outages)) == ({}, [])
    rollups_before = store.rollups
    batch = Collector(store).read(log, later_us)
    assert {result for _, result in batch.results} == {"expired"}
    assert (store.sessions, store.rows(events), store.rollups) == ({}, [], rollups_before)


def test_a_collector_that_still_holds_a_session_that_went_finds_out_and_goes_on(store: Stored) -> None:
    life = a_life(1, 1)
    log = records([life])
    one = Collector(store)
    one.read(log[:4], NOW_US)
    one.read(log[4:], NOW_US)
    later_us = NOW_US + 182 * DAY_US
    Collector(store).age(later_us)
    again = [log[4]._replace(offset=one.holder.positions[0])]
    with pytest.raises(StaleSession) as stale:
        one.writer.write(one.holder.take(again, later_us).changes, later_us)
    assert stale.value.session_ids == {life.session_id}
    one.holder.drop([0])
    batch = one.holder.take(again, later_us)
    one.writer.write(batch.changes, later_us)
    assert batch.results.total() == batch.results["room.disconnected", "expired"] == 1
    assert store.sessions == {}


def test_a_session_of_a_wrong_clock_keeps_its_events_until_they_are_old_by_the_brokers_clock(store: Stored) -> None:
    lives = []
    for number, skew_us in enumerate((-50 * YEAR_US, 14 * YEAR_US)):
        at_us = NOW_US - DAY_US
        lives.append(Life(session_id(number, at_us + skew_us), at_us, skew_us).connecting().connected())
    one = Collector(store)
    one.read(records(lives), NOW_US)
    assert one.age(NOW_US + 30 * DAY_US) == {}
    assert len(store.rows(events)) == 4
    assert one.age(NOW_US + 36 * DAY_US)["events"] == 4
    assert store.rows(events) == []


def test_a_log_of_many_more_days_than_events_are_kept_is_read_without_a_dead_letter(store: Stored) -> None:
    lives = [a_life(number, number * 1.01 + 0.1) for number in range(160)]
    batch = Collector(store).read(records(lives), NOW_US)
    assert batch.changes.dead_letters == []
    assert len(store.sessions) == 160
    kept = {row[0] for row in store.rows(events)}
    assert kept == {life.session_id for number, life in enumerate(lives) if number * 1.01 + 0.1 < 35}


def test_days_within_the_retention_of_events_are_none_of_a_wrong_clock(store: Stored) -> None:
    lives = [a_life(number, number + 0.1) for number in range(160)]
    long = Collector(store, Retention(170, 180, 180, 800, 35))
    assert long.read(records(lives), NOW_US).changes.dead_letters == []
    assert len({row[0] for row in store.rows(events)}) == 160


def test_an_interrupted_run_is_gone_on_with_by_the_next(store: Stored) -> None:
    Collector(store, FOREVER).read(records([a_life(number, 190 + number) for number in range(9)]), NOW_US)
    aged = Collector(store)
    steps: list[str] = []
    while not aged.ageing.run(NOW_US, lambda _: True, lambda one: steps.append(one.kind)):
        assert len(steps) < 50
    assert (store.sessions, store.rows(events), store.rows(outages)) == ({}, [], [])


def test_a_session_that_went_is_not_found_and_the_reason_is_told(store: Stored) -> None:
    reader = Reader(store.engine, KEEPS)
    old, new = a_life(1, 200).session_id, a_life(2, 3).session_id
    with pytest.raises(SessionNotFound) as gone:
        reader.session(old, now_us=NOW_US)
    assert str(gone.value) == f"session {old} began longer ago than the 180 days that sessions are kept"
    with pytest.raises(SessionNotFound) as never:
        reader.session(new, now_us=NOW_US)
    assert str(never.value) == f"no event of session {new} has reached the store"


def test_a_session_without_its_events_is_still_told_of(store: Stored) -> None:
    life = a_life(1, 40)
    Collector(store, FOREVER).read(records([life]), NOW_US)
    Collector(store).age(NOW_US)
    story = Reader(store.engine, KEEPS).session(life.session_id, now_us=NOW_US)
    assert (story.events, len(story.outages), story.session.fate) == ((), 1, "left")
    assert (story.completeness.events_received, story.completeness.events_expected) == (5, 5)


def test_a_lost_session_leaves_as_one_that_ended(store: Stored) -> None:
    at_us = NOW_US - 200 * DAY_US
    life = Life(session_id(1, at_us), at_us).connecting().connected()
    one = Collector(store, FOREVER)
    one.read(records([life]), NOW_US)
    one.writer.write(one.holder.sweep(0, at_us + SILENCE_US + SECOND_US, NOW_US).changes, NOW_US)
    assert Collector(store).age(NOW_US)["sessions"] == 1


def test_the_oldest_day_of_events_is_told_without_those_of_wrong_clocks(store: Stored) -> None:
    one = Collector(store)
    wrong = Life(session_id(7, 0), NOW_US, skew_us=-NOW_US).connecting()
    one.read(records([a_life(1, 3), wrong]), NOW_US)
    day_us = (NOW_US - 3 * DAY_US) // DAY_US * DAY_US
    assert one.ageing.oldest_day_us(NOW_US) == day_us


def test_the_size_of_the_store_is_known_table_by_table_where_the_database_knows_it(store: Stored) -> None:
    Collector(store, FOREVER).read(records([a_life(1, 1), a_life(2, 2)]), NOW_US)
    sizes = Ageing(store.engine, KEEPS).sizes()
    ageing = set(KINDS) if on_postgresql(store) else set()
    assert sizes.keys() == {"all"} | ageing
    assert min(sizes.values()) > 0
    assert sum(sizes[table] for table in ageing) < sizes["all"]


def on_postgresql(store: Stored) -> bool:
    return store.engine.dialect.name == "postgresql"
