"""Fives and hours say what their minutes say, whoever writes to them meanwhile. On both stores."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import pytest
from sqlalchemy import Engine

from collector.store.ageing import Ageing
from collector.store.changes import Changes, RollupKey, Row, Sums
from collector.store.questions import Span, Who
from collector.store.questions_explore import ExploreFilters
from collector.store.reader import Reader
from collector.store.retention import DAY_US, Retention
from collector.store.stretches import COMES_LATE_US, FIVE, FIVE_US, FIVES_AN_HOUR, HOUR, MINUTES, Length, Stretches
from collector.store.tables import rollup_fives, whole_fives
from tests.contract.stored import Stored
from tests.filling import fill
from tests.histories import MINUTE_US, START_US, Life, fleet, session_id

FIRST: Final = START_US // FIVE_US
BEGIN_US: Final = FIRST * FIVE_US
NOW_US: Final = BEGIN_US + 4 * 3_600_000_000
KEY: Final = RollupKey(FIRST * MINUTES, 0, "joined", -1, "", "", "", "ie1", "sdk", "1", "7")
SPANS: Final = (
    Span(BEGIN_US, BEGIN_US + 120 * MINUTE_US),
    Span(BEGIN_US - 7 * MINUTE_US, BEGIN_US + 40 * MINUTE_US),
    Span(BEGIN_US + MINUTE_US, BEGIN_US + 9 * MINUTE_US),
    Span(BEGIN_US + 20 * MINUTE_US, NOW_US + MINUTE_US),
)


def told(reader: Reader, span: Span) -> list[Any]:
    """Answers that sums are asked for, whole and by time."""
    return [
        reader.kpis(span, now_us=NOW_US),
        reader.affected(span, by="region", now_us=NOW_US),
        reader.affected(span, Who(region=("de1",)), by="sdk_version", now_us=NOW_US),
        reader.releases(span, by="app_version", now_us=NOW_US),
        reader.telemetry(span, bucket_us=30 * MINUTE_US, now_us=NOW_US),
        *(reader.outage_buckets(span, bucket_us=bucket_us) for bucket_us in (5 * MINUTE_US, 30 * MINUTE_US)),
        reader.explore(span, ExploreFilters(outcome=("recovered",)), bucket_us=30 * MINUTE_US, now_us=NOW_US),
        *(
            reader.failure_codes(span, bucket_us=bucket_us, now_us=NOW_US)
            for bucket_us in (None, MINUTE_US, 15 * MINUTE_US, 60 * MINUTE_US)
        ),
    ]


@pytest.fixture
def store(store_engine: Engine) -> Stored:
    fill(store_engine, fleet(150, every_us=40_000_000), now_us=NOW_US)
    return Stored(store_engine)


@pytest.mark.parametrize("span", SPANS)
def test_answers_are_the_same_before_and_after(store: Stored, span: Span) -> None:
    reader = Reader(store.engine)
    before = told(reader, span)
    assert Stretches(store.engine).sum_up(NOW_US) > 5
    assert len(whole(store, HOUR)) >= 3
    assert told(reader, span) == before
    assert_whole(store)


def test_what_is_summed_up_is_not_summed_up_again_until_somebody_writes_to_it(store: Stored) -> None:
    stretches = Stretches(store.engine)
    assert stretches.sum_up(NOW_US) > 5
    assert stretches.sum_up(NOW_US) == 0
    fives, hours = whole(store), whole(store, HOUR)
    before = told(Reader(store.engine), SPANS[0])
    life = Life(session_id(5_000)).connecting().later(300).connected().later(60_000).disconnected(reason="leave")
    fill(store.engine, [life], now_us=NOW_US)
    changed = told(Reader(store.engine), SPANS[0])
    assert changed != before
    assert whole(store) == fives - {FIRST}
    assert whole(store, HOUR) == hours - {FIRST // FIVES_AN_HOUR}
    assert stretches.sum_up(NOW_US) == 2
    assert told(Reader(store.engine), SPANS[0]) == changed
    assert_whole(store)


def test_a_five_is_summed_up_when_what_comes_late_has_come(store: Stored) -> None:
    ends_us = BEGIN_US + 2 * FIVE_US
    Stretches(store.engine).sum_up(ends_us + COMES_LATE_US - 1)
    assert max(whole(store)) == FIRST
    Stretches(store.engine).sum_up(ends_us + COMES_LATE_US)
    assert max(whole(store)) == FIRST + 1


def test_an_hour_is_summed_up_when_all_its_fives_are(store: Stored) -> None:
    ends_us = BEGIN_US + FIVES_AN_HOUR * FIVE_US
    Stretches(store.engine).sum_up(ends_us + COMES_LATE_US - 1)
    assert whole(store, HOUR) == set()
    Stretches(store.engine).sum_up(ends_us + COMES_LATE_US)
    assert whole(store, HOUR) == {FIRST // FIVES_AN_HOUR}
    assert_whole(store)


def test_the_hour_in_which_a_store_begins_is_summed_up_too(store_engine: Engine) -> None:
    store = Stored(store_engine)
    store.write(Changes(rollups={KEY._replace(minute=KEY.minute + 47): Sums(3)}))
    Stretches(store.engine).sum_up(BEGIN_US + FIVES_AN_HOUR * FIVE_US + COMES_LATE_US)
    assert whole(store, HOUR) == {FIRST // FIVES_AN_HOUR}
    assert_whole(store)


def test_an_hour_whose_five_was_taken_back_while_it_was_due_is_not_whole(store: Stored) -> None:
    hour, turns = FIRST // FIVES_AN_HOUR, list[int]()

    def pause(_seconds: float) -> bool:
        turns.append(len(whole(store)))
        if len(turns) == FIVES_AN_HOUR:  # all fives are summed up, the hour is next
            store.write(Changes(rollups={KEY: Sums(1)}))
        return False

    ends_us = BEGIN_US + FIVES_AN_HOUR * FIVE_US
    Stretches(store.engine).sum_up(ends_us + COMES_LATE_US, pause)
    assert FIRST not in whole(store)
    assert hour not in whole(store, HOUR)
    Stretches(store.engine).sum_up(ends_us + COMES_LATE_US)
    assert hour in whole(store, HOUR)
    assert_whole(store)


def test_it_ends_when_it_is_told_to_and_begins_with_the_newest(store: Stored) -> None:
    assert Stretches(store.engine).sum_up(NOW_US, lambda _: True) == 1
    assert whole(store) == {(NOW_US - COMES_LATE_US) // FIVE_US - 1}


def test_sums_that_cancel_each_other_over_partitions_are_no_row(store_engine: Engine) -> None:
    store = Stored(store_engine)
    store.write(Changes(rollups={KEY: Sums(1, 5), KEY._replace(kafka_partition=1): Sums(-1, -5)}))
    Stretches(store.engine).sum_up(NOW_US)
    assert store.rows(rollup_fives) == []
    assert FIRST in whole(store)


def test_what_is_older_than_sums_are_kept_is_left_alone(store_engine: Engine) -> None:
    store = Stored(store_engine)
    store.write(Changes(rollups={KEY._replace(minute=KEY.minute - 801 * 1440): Sums(1)}))
    assert Stretches(store.engine).sum_up(NOW_US) == 0


def test_where_very_many_fives_were_written_to_again_answers_are_the_same(store: Stored) -> None:
    before = told(Reader(store.engine), SPANS[3])
    far = Span(BEGIN_US - 2_400 * FIVE_US, NOW_US)
    counted = Reader(store.engine).kpis(far, now_us=NOW_US)
    with store.engine.begin() as connection:
        notes = [{"five": FIRST - 2 * n, "is_summed": 1} for n in range(1, 1_200)]
        connection.execute(whole_fives.insert(), notes)
    assert Reader(store.engine).kpis(far, now_us=NOW_US) == counted
    assert told(Reader(store.engine), SPANS[3]) == before


def test_a_five_goes_with_its_minutes(store: Stored) -> None:
    Stretches(store.engine).sum_up(NOW_US)
    oldest = min(whole(store))
    keeps = Retention(events_days=1, sessions_days=1, outages_days=1, rollups_days=1)
    now_us = oldest * FIVE_US + DAY_US + 4 * MINUTE_US
    Ageing(store.engine, keeps).run(now_us, lambda _: False, lambda _: None)
    assert min(whole(store)) == oldest
    assert_whole(store)
    Ageing(store.engine, keeps).run(now_us + 2 * MINUTE_US, lambda _: False, lambda _: None)
    assert min(whole(store)) == oldest + 1
    assert min(key[0] for key in store.rollups) // MINUTES > oldest
    assert min(row[0] for row in store.rows(rollup_fives)) > oldest


def test_an_hour_goes_with_the_first_of_its_fives(store: Stored) -> None:
    Stretches(store.engine).sum_up(NOW_US)
    hour = FIRST // FIVES_AN_HOUR
    assert min(whole(store, HOUR)) == hour
    keeps = Retention(events_days=1, sessions_days=1, outages_days=1, rollups_days=1)
    Ageing(store.engine, keeps).run(BEGIN_US + DAY_US, lambda _: False, lambda _: None)
    assert min(whole(store, HOUR)) == hour
    Ageing(store.engine, keeps).run(BEGIN_US + DAY_US + FIVE_US, lambda _: False, lambda _: None)
    assert min(whole(store, HOUR)) == hour + 1
    assert min(row[0] for row in store.rows(HOUR.sums)) > hour
    assert min(whole(store)) == FIRST + 1
    Stretches(store.engine, keeps).sum_up(BEGIN_US + DAY_US + FIVE_US)
    assert min(whole(store, HOUR)) == hour + 1


def whole(store: Stored, length: Length = FIVE) -> set[int]:
    """The stretches that are."""
    return {at for at, is_summed in store.rows(length.notes) if is_summed}


def assert_whole(store: Stored) -> None:
    """Whole stretches are what their minutes come to."""
    for length in (FIVE, HOUR):
        are_whole = whole(store, length)
        sums: dict[Row, list[int]] = defaultdict(lambda: [0] * 5)
        for key, values in store.rollups.items():
            if key[0] // length.minutes in are_whole:
                kept = sums[key[0] // length.minutes, *key[2:]]
                kept[:] = [old + more for old, more in zip(kept, values, strict=True)]
        rows = {row[:-5]: list(row[-5:]) for row in store.rows(length.sums) if row[0] in are_whole}
        assert rows == {key: values for key, values in sums.items() if any(values)}
