"""What was told in a room, on SQLite and on PostgreSQL."""

import pytest
from sqlalchemy import Engine

from collector.store.questions import Span
from collector.store.reader import Reader
from collector.store.reader_events import EVENTS_MAX
from collector.store.views import RoomEvents
from tests.filling import fill
from tests.histories import SECOND_US, YEAR_US, Life, session_id
from tests.pages.scene import NOW_US, ROOM_SID, room_of_the_story

EVER = Span(0, NOW_US + YEAR_US)


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    fill(
        store_engine,
        [*room_of_the_story(), Life(session_id(1), NOW_US - SECOND_US).connecting().connected()],
        now_us=NOW_US,
    )
    return Reader(store_engine)


def test_all_that_a_room_told_comes_in_order(reader: Reader) -> None:
    told = reader.room_events(ROOM_SID)
    assert (len(told.items), told.truncated) == (28, False)
    assert [one.event.at for one in told.items] == sorted(one.event.at for one in told.items)
    assert told.items[0].event.type == "room.connecting"
    room = reader.room_timeline(ROOM_SID, now_us=NOW_US)
    assert {one.session_id for one in told.items} == {
        one.session_id for lane in room.participants for one in lane.sessions
    }
    assert reader.room_events(ROOM_SID, EVER) == told
    assert reader.room_events("RM0") == RoomEvents(items=(), truncated=False)


def test_a_span_holds_what_was_told_in_it(reader: Reader) -> None:
    told = reader.room_events(ROOM_SID, Span(NOW_US - 30 * SECOND_US - 1, NOW_US))
    names = {life.session_id: life.identity for life in room_of_the_story()}
    assert [(names[one.session_id], one.event.type) for one in told.items] == [
        ("emre", "room.reconnecting"), ("ana", "room.reconnecting"), ("ana", "room.reconnected"),
    ]  # fmt: skip


def test_what_is_too_much_is_said_to_be_so(store_engine: Engine) -> None:
    life = Life(session_id(2), NOW_US - 2_000 * SECOND_US).connecting().connected()
    for _ in range(EVENTS_MAX // 2):
        life.reconnecting().later(1_000).reconnected().later(1_000)
    fill(store_engine, [life], now_us=NOW_US)
    told = Reader(store_engine).room_events(life.room_sid, EVER)
    assert (len(told.items), told.truncated) == (EVENTS_MAX, True)


def test_the_first_or_the_newest_are_told_where_it_is_too_much(reader: Reader) -> None:
    told = reader.room_events(ROOM_SID).items
    assert reader.room_events(ROOM_SID, limit=3) == RoomEvents(items=told[:3], truncated=True)
    assert reader.room_events(ROOM_SID, limit=3, newest=True) == RoomEvents(items=told[-3:], truncated=True)
