"""Who fared worst in a room, on SQLite and on PostgreSQL."""

from typing import Final

import pytest
from sqlalchemy import Engine

from collector.store.reader import Reader
from session_core.errors import Origin
from tests.filling import fill
from tests.histories import MINUTE_US, Life, session_id
from tests.pages.scene import NOW_US, ROOM_SID, room_of_the_story

WAITING: Final = "RM" + "a" * 32
CALM: Final = "RM" + "b" * 32


def _life(number: int, room_sid: str, identity: str) -> Life:
    at_us = NOW_US - 20 * MINUTE_US + number * MINUTE_US
    life = Life(session_id(number, at_us), at_us, room_name="elsewhere", identity=identity)
    life.room_sid = room_sid
    return life.connecting().later(500).connected().later(60_000)


def _left(life: Life) -> Life:
    return life.later(1_000).disconnected(reason="leave", origin=Origin.LOCAL)


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    """Three rooms: in one everything happened, in one somebody waits, in one two came back."""
    others = [
        _left(_life(1, WAITING, "back").reconnecting().attempted().later(9_000).reconnected()),
        _life(18, WAITING, "waits").reconnecting(),
        _left(_life(3, CALM, "long").reconnecting().attempted().later(9_000).reconnected()),
        _left(_life(4, CALM, "short").reconnecting().attempted().later(3_000).reconnected()),
    ]
    fill(store_engine, [*room_of_the_story(), *others], now_us=NOW_US)
    return Reader(store_engine)


def test_of_each_room_the_one_who_fared_worst_is_told(reader: Reader) -> None:
    told = reader.worst_sessions([ROOM_SID, WAITING, CALM, "RM404"])
    assert {sid: (one.identity, one.fate) for sid, one in told.items()} == {
        ROOM_SID: ("ben", "dropped"),
        WAITING: ("waits", "live"),
        CALM: ("long", "left"),
    }


def test_of_no_rooms_nobody_is_told(reader: Reader) -> None:
    assert reader.worst_sessions([]) == {}
