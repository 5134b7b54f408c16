"""What time it is in a partition, and how far behind we are."""

from typing import NamedTuple

import pytest

from collector.ingest.decode import Record
from collector.ingest.positions import Start
from collector.ingest.progress import FRESH_US, SKEW_WINDOW_US, Lag, Progress

NOW = 1_795_000_000_000_000
S = 1_000_000
CREATED, APPENDED = 0, 1


class Raw(NamedTuple):
    offset: int
    timestamp: int | None = NOW // 1000
    timestamp_type: int | None = APPENDED
    key: bytes | None = b"k"
    value: bytes | None = b"v"


@pytest.fixture
def progress() -> Progress:
    made = Progress()
    made.begin({0: Start(tracked=10, seek=10, end=10)}, NOW)
    made.look(0, 10, NOW)
    return made


def test_the_brokers_time_is_the_append_time(progress: Progress) -> None:
    read = progress.read(0, [Raw(10, (NOW - 7 * S) // 1000)], 11, NOW)
    assert read == [Record(0, 10, NOW - 7 * S, b"k", b"v")]
    assert not progress.reads_its_own_clock


def test_without_it_the_time_of_reading_stands_in_while_we_are_caught_up(progress: Progress) -> None:
    read = progress.read(0, [Raw(10, 1, CREATED)], 11, NOW + S)
    assert (read[0].append_at_us, progress.reads_its_own_clock) == (NOW + S, True)


@pytest.mark.parametrize(
    ("told_ms", "append_us"),
    [((NOW - 60 * S) // 1000, NOW - 60 * S), ((NOW + 60 * S) // 1000, NOW + FRESH_US), (None, NOW + FRESH_US)],
    ids=["the producer's", "never later than now", "no time at all"],
)
def test_in_a_backlog_the_producers_time_stands_in(progress: Progress, told_ms: int | None, append_us: int) -> None:
    read = progress.read(0, [Raw(10, told_ms, CREATED)], 11, NOW + FRESH_US)
    assert read[0].append_at_us == append_us


def test_lag_counts_what_is_not_stored_and_how_old_it_is(progress: Progress) -> None:
    progress.read(0, [Raw(10, (NOW - 5 * S) // 1000), Raw(11)], 15, NOW)
    assert progress.lag(NOW + S) == {0: Lag(5, 6.0)}
    progress.wrote([(0, 12)])
    assert progress.lag(NOW + S)[0].messages == 3
    progress.read(0, [Raw(offset) for offset in (12, 13, 14)], 15, NOW)
    progress.wrote([(0, 15)])
    assert progress.lag(NOW + 9 * S) == {0: Lag(0, 0.0)}
    assert progress.stored == {0: 15}


def test_marks_of_transactions_at_the_logs_end_are_no_lag(progress: Progress) -> None:
    progress.read(0, [Raw(10)], 12, NOW)
    progress.wrote([(0, 11)])
    assert progress.lag(NOW)[0].messages == 1
    progress.look(0, 12, NOW, position=12)
    assert progress.lag(NOW) == {0: Lag(0, 0.0)}


def test_stream_time_is_the_newest_append_time_in_a_backlog(progress: Progress) -> None:
    progress.read(0, [Raw(10, (NOW - 600 * S) // 1000)], 15, NOW)
    progress.wrote([(0, 11)])
    assert progress.stream_us(0, NOW) == NOW - 600 * S


def test_stream_time_is_the_brokers_now_when_caught_up_whatever_this_machines_clock_says(progress: Progress) -> None:
    wrong_by = 3600 * S
    progress.read(0, [Raw(10, (NOW - wrong_by) // 1000)], 11, NOW)
    progress.wrote([(0, 11)])
    assert progress.stream_us(0, NOW + 40 * S) == NOW + 40 * S - wrong_by


def test_a_delay_in_reading_is_no_wrong_clock(progress: Progress) -> None:
    for offset, delay in ((10, 4), (11, 0), (12, 3)):
        progress.read(0, [Raw(offset, (NOW - delay * S) // 1000)], offset + 1, NOW)
    progress.wrote([(0, 13)])
    assert progress.stream_us(0, NOW + S) == NOW + S


def test_a_clock_that_was_set_is_believed_after_two_windows(progress: Progress) -> None:
    for step, wrong_by in enumerate((-10, 5, 5, 5)):
        now = NOW + step * SKEW_WINDOW_US
        progress.look(0, 10 + step, now)
        progress.read(0, [Raw(10 + step, (now - wrong_by * S) // 1000)], 11 + step, now)
        progress.wrote([(0, 11 + step)])
    assert progress.stream_us(0, now) == now - 5 * S


def test_nobody_is_silent_before_the_brokers_clock_is_known(progress: Progress) -> None:
    assert progress.stream_us(0, NOW + SKEW_WINDOW_US - 1) is None
    assert progress.stream_us(0, NOW + SKEW_WINDOW_US) == NOW + SKEW_WINDOW_US


def test_a_partition_that_stays_ours_keeps_its_times_and_others_are_forgotten(progress: Progress) -> None:
    progress.read(0, [Raw(10, (NOW - 600 * S) // 1000)], 15, NOW)
    progress.begin({0: Start(11, 11, 15), 1: Start(0, 0, 9)}, NOW)
    assert progress.partitions == [0, 1]
    assert (progress.stream_us(0, NOW), progress.stream_us(1, NOW)) == (NOW - 600 * S, None)
    progress.keep([1])
    assert progress.partitions == [1]
    assert progress.lag(NOW).keys() == {1}


def test_a_partition_that_goes_back_does_not_know_yet_what_comes_again(progress: Progress) -> None:
    """Else a sweep would take the time of records that are not merged yet, and find the living silent."""
    progress.read(0, [Raw(10, NOW // 1000), Raw(11, (NOW + 60 * S) // 1000)], 12, NOW + 60 * S)
    progress.begin({0: Start(tracked=10, seek=10, end=12)}, NOW + 61 * S)
    assert progress.stream_us(0, NOW + 61 * S) is None


def test_the_last_look_for_silence_is_that_of_the_partition_that_waits_longest() -> None:
    progress = Progress()
    assert progress.swept_us == 0
    starts = {number: Start(tracked=0, seek=0, end=0) for number in (0, 1)}
    progress.begin({0: starts[0]}, NOW)
    assert progress.swept_us == NOW
    progress.begin(starts, NOW + S)
    progress.swept(0, NOW + 5 * S)
    assert progress.swept_us == NOW + S
    progress.swept(1, NOW + 9 * S)
    assert progress.swept_us == NOW + 5 * S


def test_who_keeps_a_partition_in_a_rebalance_owes_its_look_for_silence_all_the_same() -> None:
    progress = Progress()
    start = Start(tracked=0, seek=0, end=0)
    progress.begin({0: start}, NOW)
    progress.begin({0: start}, NOW + 60 * S)
    assert progress.swept_us == NOW
    progress.keep(())
    assert progress.swept_us == 0
