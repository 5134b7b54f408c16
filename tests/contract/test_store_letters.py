"""However many records are refused, the store keeps a number of them. On both stores."""

from __future__ import annotations

from typing import Final

from collector.store.ageing import Ageing
from collector.store.changes import Changes, DeadLetter, OffsetMove
from collector.store.dead_letters import COUNTED_EVERY_US
from collector.store.retention import Retention
from collector.store.writer import Writer
from tests.contract.stored import CLUSTER, GROUP, NOW_US, TOPIC, Stored

KEEPS: Final = Retention(dead_letters_max=8)
LATER_US: Final = NOW_US + COUNTED_EVERY_US


def writer(store: Stored) -> Writer:
    return Writer(store.engine, CLUSTER, TOPIC, GROUP, KEEPS)


def letters(first: int, end: int) -> list[DeadLetter]:
    return [DeadLetter(TOPIC, 0, at, NOW_US, "not-json", "$", "no", b"key", b"value") for at in range(first, end)]


def refused(first: int, end: int) -> Changes:
    return Changes(dead_letters=letters(first, end), offsets=[OffsetMove(0, first, end)])


def offsets(store: Stored) -> list[int]:
    return [row[2] for row in store.dead_letters]


def age(store: Stored, now_us: int) -> int:
    gone: list[int] = []
    assert Ageing(store.engine, KEEPS).run(now_us, lambda _: False, lambda one: gone.append(one.rows))
    return sum(gone)


def test_a_store_with_no_room_for_more_dead_letters_moves_on_and_says_how_many_it_left_out(store: Stored) -> None:
    mine = writer(store)
    assert [mine.write(refused(0, 5), NOW_US), mine.write(refused(5, 10), NOW_US)] == [0, 2]
    assert mine.write(refused(10, 30), LATER_US) == 20
    assert offsets(store) == list(range(8))
    assert store.stored_offsets == {0: 30}


def test_room_that_another_collector_took_is_missed_when_rows_are_counted_again(store: Stored) -> None:
    mine = writer(store)
    assert mine.write(refused(0, 1), NOW_US) == 0
    assert writer(store).write(Changes(dead_letters=letters(100, 106)), NOW_US) == 0
    assert mine.write(refused(1, 4), LATER_US) == 2
    assert offsets(store) == [0, 1, *range(100, 106)]


def test_the_oldest_of_many_dead_letters_leave_before_their_days_are_over_so_that_new_ones_have_room(
    store: Stored,
) -> None:
    mine = writer(store)
    for at in range(8):
        mine.write(refused(at, at + 1), NOW_US + at)
    (due,) = [one.rows for one in Ageing(store.engine, KEEPS).due(LATER_US) if one.kind == "dead_letters"]
    assert (due, age(store, LATER_US)) == (2, 2)
    assert mine.write(refused(8, 11), LATER_US) == 1
    assert offsets(store) == list(range(2, 10))


def test_letters_that_came_at_once_leave_together_so_that_there_is_room_whatever_their_number(store: Stored) -> None:
    mine = writer(store)
    mine.write(refused(0, 4), NOW_US)
    mine.write(refused(4, 8), NOW_US + 1)
    assert age(store, LATER_US) == 4
    assert offsets(store) == [4, 5, 6, 7]


def test_fewer_letters_than_there_is_room_for_stay_for_their_days(store: Stored) -> None:
    writer(store).write(refused(0, 6), NOW_US)
    assert age(store, LATER_US) == 0
    assert offsets(store) == list(range(6))
