"""Days of events: whose day it is, what it is called, which are made."""

from uuid import UUID

import psycopg
import pytest

from collector.store.partitions_postgresql import (
    DAY_MS,
    REFUSED_FOR_US,
    STRAY_DAYS_MAX,
    Days,
    day_of,
    day_of_partition,
    first_id,
    partition_name,
)
from collector.store.retention import DAYS_AHEAD
from tests.histories import session_id

NOW_US = 1_795_000_000_000_000  # 2026-11-18
TODAY = NOW_US // (DAY_MS * 1000)


@pytest.mark.parametrize("day", [0, 1, 20_000, TODAY, 2_932_896])
def test_the_first_id_of_a_day_is_of_that_day_and_the_one_before_is_not(day: int) -> None:
    first = first_id(day)
    assert day_of(first) == day
    assert day_of(UUID(int=first.int - 1 if day else 0)) == max(0, day - 1)


@pytest.mark.parametrize(
    ("day", "stray", "name"), [(TODAY, False, "events_20261118"), (0, True, "events_stray_19700101")]
)
def test_a_partition_is_named_by_its_day_and_whether_a_wrong_clock_made_it(day: int, stray: bool, name: str) -> None:  # noqa: FBT001 - a column of the table above
    assert partition_name(day, stray=stray) == name
    assert day_of_partition(name) == day


@pytest.mark.parametrize("name", ["events", "events_old", "sessions", "events_20261318"])
def test_a_table_that_is_no_day_has_none(name: str) -> None:
    assert day_of_partition(name) is None


def names(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass"
        )
        return sorted(name for (name,) in found if not name.endswith("_pkey"))


def test_today_and_the_days_ahead_are_made_before_they_are_needed(postgresql_url: str) -> None:
    url = postgresql_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        assert Days().make(connection, [], NOW_US) == frozenset()
    assert names(url) == [partition_name(TODAY + ahead, stray=False) for ahead in range(DAYS_AHEAD + 1)]


def test_an_id_of_a_year_that_no_calendar_has_is_refused(postgresql_url: str) -> None:
    beyond = UUID(int=session_id(1).int | ((1 << 48) - 1) << 80)
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as connection:
        assert Days().make(connection, [(beyond, 0), (session_id(2), 0)], NOW_US) == {beyond}


def test_a_day_stays_what_it_was_made_as_when_time_goes_on(postgresql_url: str) -> None:
    url = postgresql_url.replace("+psycopg", "")
    ordinary, stray = session_id(1, NOW_US), session_id(2, 400 * DAY_MS * 1000)
    with psycopg.connect(url) as connection:
        Days().make(connection, [(ordinary, 0), (stray, 0)], NOW_US)
        Days().make(connection, [(ordinary, 0), (stray, 0)], NOW_US + 500 * DAY_MS * 1000)
    assert partition_name(TODAY, stray=False) in names(url)
    assert [name for name in names(url) if "stray" in name] == ["events_stray_19710205"]


def test_a_day_that_could_not_be_had_is_known_for_a_while_and_then_asked_for_again(postgresql_url: str) -> None:
    rows = [(session_id(number, number * DAY_MS * 1000), 0) for number in range(STRAY_DAYS_MAX + 2)]
    days = Days()
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as connection:
        assert days.make(connection, rows, NOW_US) == {rows[0][0], rows[1][0]}
    assert days.refused(NOW_US + REFUSED_FOR_US - 1) == {0, 1}
    assert days.refused(NOW_US + REFUSED_FOR_US) == days.refused(NOW_US - 1) == frozenset()
