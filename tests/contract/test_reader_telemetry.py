"""What the Reader answers to whoever asks whether it can be trusted, on SQLite and on PostgreSQL."""

from typing import Final

import pytest
from sqlalchemy import Engine

from collector.store.questions import EVERYONE, Span
from collector.store.reader import Reader
from collector.store.retention import Retention
from collector.store.schema_version import expected_version
from collector.store.views_telemetry import LostByClient, Telemetry
from session_core.instants import utc_from_us
from tests import trouble
from tests.filling import fill
from tests.histories import MINUTE_US, YEAR_US
from tests.pages.scene import NOW_US

HOUR: Final = Span(NOW_US - 60 * MINUTE_US, NOW_US + MINUTE_US)
FIVE_MINUTES_US: Final = 5 * MINUTE_US


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    fill(store_engine, trouble.lives(), now_us=NOW_US, extra=trouble.REFUSED)
    return Reader(store_engine, Retention(events_days=7))


@pytest.fixture
def told(reader: Reader) -> Telemetry:
    return reader.telemetry(HOUR, bucket_us=FIVE_MINUTES_US, now_us=NOW_US)


def test_what_is_missing_is_told_by_client_and_of_whom(told: Telemetry) -> None:
    assert [(one.identity, one.missing) for one in told.gaps] == [("gaps", 2), ("outbox", 1)]
    by_app = {one.value: (one.sessions, one.events_missing, one.silent) for one in told.by["app_version"]}
    assert sum(sessions for sessions, _, _ in by_app.values()) == 6
    assert sum(missing for _, missing, _ in by_app.values()) == 3
    assert sum(silent for _, _, silent in by_app.values()) == 1
    assert told.lost == (LostByClient(reason="overflow", type="room.connected", count=1),)


def test_silence_and_gaps_are_told_over_time(told: Telemetry) -> None:
    ago = {one.at: (one.sessions, one.silent, one.with_gaps) for one in told.over_time}
    assert sum(sessions for sessions, _, _ in ago.values()) == 6
    assert [at for at, counts in ago.items() if counts[1]] == [_bucket(25)]
    assert [at for at, counts in ago.items() if counts[2]] == [_bucket(30), _bucket(12)]
    assert [one.identity for one in told.silent] == ["silent"]


def _bucket(minutes_ago: int) -> object:
    at_us = NOW_US - minutes_ago * MINUTE_US
    return utc_from_us(at_us - at_us % FIVE_MINUTES_US)


def test_refused_records_are_told_by_reason_and_one_by_one(told: Telemetry) -> None:
    assert [(one.reason, one.count) for one in told.refused] == [("not-json", 2), ("empty", 1)]
    assert {(one.partition, one.reason, one.replayed_at) for one in told.refused_last} == {
        (0, "not-json", None),
        (0, "empty", None),
    }


def test_clocks_are_told_by_how_far_they_are_off(told: Telemetry) -> None:
    clocks = told.clocks
    assert (clocks.right, clocks.seconds, clocks.minutes, clocks.hours) == (5, 0, 0, 1)
    (worst,) = clocks.worst
    assert (worst.identity, round(worst.clock_offset_ms * 1_000 / YEAR_US, 3)) == ("clock", 1.0)


def test_how_far_back_it_goes_is_told_with_the_days_that_rows_are_kept(told: Telemetry) -> None:
    kept = {one.kind: one for one in told.kept}
    assert (kept["events"].days, kept["sessions"].days) == (7, 180)
    assert kept["sessions"].oldest_at is not None
    assert (NOW_US / 1e6 - kept["sessions"].oldest_at.timestamp()) // 60 == 29
    assert kept["incidents"].oldest_at is None
    assert told.schema_version == expected_version()
    assert [(one.topic, one.group, one.partitions) for one in told.reading] == [("room-session-events", "tests", 1)]


def test_events_took_no_longer_than_the_broker_says(told: Telemetry) -> None:
    # The tests' store takes everything at NOW_US; the broker everything 40 ms after it was told.
    assert told.delays.events > 15
    assert told.delays.to_broker_p99_ms is not None
    assert told.delays.to_broker_p99_ms < 2_000
    assert told.delays.to_store_p99_ms is not None
    assert told.delays.to_store_p99_ms // 60_000 == 29


def test_it_is_as_complete_as_any_other_answer_says(reader: Reader, told: Telemetry) -> None:
    assert told.completeness == reader.kpis(HOUR, EVERYONE, now_us=NOW_US).completeness


def test_of_a_time_in_which_nothing_was_told_nothing_is_known(reader: Reader) -> None:
    before = Span(NOW_US - 90 * MINUTE_US, NOW_US - 60 * MINUTE_US)
    empty = reader.telemetry(
        Span(before.since_us + YEAR_US, before.until_us + YEAR_US), bucket_us=MINUTE_US, now_us=NOW_US
    )
    assert (empty.completeness.share, empty.over_time, empty.gaps, empty.delays.to_store_p99_ms) == (None, (), (), None)
