import pytest

from collector.errors import OffsetBeyondEnd
from collector.ingest.positions import Start, starting_points


def test_a_partition_begins_where_the_store_stands() -> None:
    assert starting_points("t", [3], {3: 7}, {3: 2}, {3: 9}) == {3: Start(tracked=7, seek=7, end=9)}


def test_a_partition_that_was_never_stored_begins_at_the_logs_start() -> None:
    assert starting_points("t", [0], {}, {0: 2}, {0: 9}) == {0: Start(tracked=2, seek=2, end=9)}


def test_offsets_that_the_log_dropped_are_lost_and_the_store_is_moved_from_where_it_stands() -> None:
    start = starting_points("t", [0], {0: 7}, {0: 20}, {0: 30})[0]
    assert (start, start.lost) == (Start(tracked=7, seek=20, end=30), 13)


def test_a_store_at_the_very_end_of_the_log_is_not_beyond_it() -> None:
    assert starting_points("t", [0], {0: 9}, {0: 9}, {0: 9})[0] == Start(9, 9, 9)


def test_a_store_beyond_the_logs_end_is_refused() -> None:
    with pytest.raises(OffsetBeyondEnd) as caught:
        starting_points("t", [0, 1], {0: 1, 1: 10}, {0: 0, 1: 0}, {0: 5, 1: 9})
    assert (caught.value.partition, caught.value.stored, caught.value.log_end) == (1, 10, 9)
