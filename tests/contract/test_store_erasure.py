"""Both stores let go of whoever is erased, and keep what is counted."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

import pytest
from sqlalchemy import Engine, func, select

from collector.errors import StaleSession
from collector.ingest.partitions import Holder
from collector.store.audit import Audit, Entry, entry
from collector.store.days import day_of
from collector.store.erasure import Erasure, Found, Person
from collector.store.tables import dead_letters, events, outages, rollups, sessions
from collector.store.writer import Writer
from session_core.errors import Origin
from session_core.identity import hashed
from tests.filling import TOPIC, fill
from tests.histories import MINUTE_US, Life, records, session_id
from tests.pages.scene import NOW_US
from tests.secrets_drawn import Drawn

MINE: Final = "PA" + "a" * 32
THEIRS: Final = "PA" + "b" * 32
ROOM: Final = "RM" + "5" * 32
BEGUN_US: Final = NOW_US - 20 * MINUTE_US


def life(number: int, identity: str, sid: str, room: str = ROOM) -> Life:
    made = Life(session_id(number, BEGUN_US), BEGUN_US)
    made.identity, made.participant_sid, made.room_sid = identity, sid, room
    return made.connecting().later(800).connected().later(1_000)


def both() -> list[Life]:
    """Ana, who was dropped with the server's own words, and Ben, who told of her."""
    ana = life(1, "ana", MINE).reconnecting().later(30_000).disconnected(99_999, Origin.SERVER)
    ben = life(2, "ben", THEIRS).participant("connected", MINE).participant("connected", "PA" + "c" * 32)
    return [ana, ben.later(60_000).disconnected(reason="leave")]


def refused(*values: bytes) -> list[Any]:
    (some, *_) = records([life(9, "zoe", THEIRS)])
    return [some._replace(key=f"key {place}".encode(), value=value) for place, value in enumerate(values)]


def done() -> Entry:
    return entry("erase", "tests", {}, at_us=NOW_US, chance=Drawn(1))


def text_of(engine: Engine) -> str:
    """Every column of every row that tells of sessions."""
    with engine.connect() as connection:
        return str([connection.execute(select(table)).all() for table in (sessions, events, outages, dead_letters)])


def counted(engine: Engine) -> list[Any]:
    kept = (rollups.c.minute, rollups.c.kind, rollups.c.fate, rollups.c.n)
    with engine.connect() as connection:
        sums = sorted(map(tuple, connection.execute(select(*kept)).all()))
        return [*sums, *(connection.scalar(select(func.count()).select_from(t)) for t in (sessions, events, outages))]


def test_whoever_is_erased_is_named_nowhere_and_counted_as_before(
    store_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    fill(store_engine, both(), now_us=NOW_US, extra=refused(b'{"identity": "ana"', b'{"identity": "banana"'))
    before = counted(store_engine)
    caplog.set_level(logging.INFO, "collector.audit")
    found = Erasure(store_engine).erase(Person("ana"), done())
    left = text_of(store_engine)
    assert found == Found(1, 0, 4, 1, 1, (day_of(session_id(1, BEGUN_US)),), (MINE,))
    assert counted(store_engine) == before
    assert [word for word in ("'ana'", '"ana"', MINE) if word in left] == []
    assert "banana" in left
    assert "'ben'" in left
    (row,) = Audit(store_engine).newest(9)
    assert row.facts == {"sessions": 1, "events": 4, "events_of_others": 1, "dead_letters": 1}
    assert [vars(record)["facts"] for record in caplog.records] == [row.facts]


def test_what_would_be_erased_is_what_is_and_looking_changes_nothing(store_engine: Engine) -> None:
    fill(store_engine, both(), now_us=NOW_US, extra=refused(f'{{"participant_sid":"{MINE}"'.encode()))
    before, erasure = text_of(store_engine), Erasure(store_engine)
    found = erasure.find(Person(MINE))
    assert text_of(store_engine) == before
    assert erasure.erase(Person(MINE), done()) == found
    assert erasure.find(Person(MINE))._replace(sids=()) == Found(0, 0, 0, 0, 0, (), ())


def test_the_words_of_a_server_go_and_its_code_stays(store_engine: Engine) -> None:
    fill(store_engine, both(), now_us=NOW_US)
    codes = select(events.c.error_code, events.c.extra).where(events.c.error_code == 99_999)
    with store_engine.connect() as connection:
        told = connection.execute(codes).all()
    Erasure(store_engine).erase(Person("ana"), done())
    with store_engine.connect() as connection:
        left = connection.execute(codes).all()
    assert len(left) == len(told) == 1
    assert "message" not in (left[0].extra or "")


def test_in_one_room_alone_the_others_keep_the_name(store_engine: Engine) -> None:
    other = life(3, "ana", "PA" + "d" * 32, "RM" + "6" * 32).later(1_000).disconnected(reason="leave")
    fill(store_engine, [*both(), other], now_us=NOW_US, extra=refused(b'"ana"'))
    found = Erasure(store_engine).erase(Person("ana", ROOM), done())
    with store_engine.connect() as connection:
        names = sorted(name or "" for name in connection.scalars(select(sessions.c.identity)))
    assert (names, found.dead_letters) == (["", "ana", "ben"], 0)


def test_whose_identity_clients_hash_is_erased_by_name(store_engine: Engine) -> None:
    hide = hashed(b"sixteen bytes or more")
    hidden = life(4, hide("ana") or "", "PA" + "e" * 32).later(1_000).disconnected(reason="leave")
    fill(store_engine, [*both(), hidden], now_us=NOW_US)
    found = Erasure(store_engine, hide).erase(Person("ana", ROOM), done())
    with store_engine.connect() as connection:
        names = sorted(name or "" for name in connection.scalars(select(sessions.c.identity)))
    assert (names, found.sessions) == (["", "", "ben"], 2)


@pytest.mark.parametrize("name", ["o'neill", 'say "hi"', "Zoë\u2028", "100%", "a\\b"])
def test_names_are_taken_as_they_are(store_engine: Engine, name: str) -> None:
    letters = [json.dumps({"identity": name}, ensure_ascii=plain).encode() for plain in (True, False)]
    mine = life(1, name, MINE).later(9_000).disconnected(reason="leave")
    fill(store_engine, [mine], now_us=NOW_US, extra=refused(*letters, b'"another"'))
    found = Erasure(store_engine).erase(Person(name), done())
    with store_engine.connect() as connection:
        left = connection.scalar(select(func.count()).select_from(dead_letters))
    assert (found.sessions, found.dead_letters, left) == (1, 2, 1)


def test_reading_the_topic_again_brings_no_name_back(store_engine: Engine) -> None:
    fill(store_engine, both(), now_us=NOW_US)
    Erasure(store_engine).erase(Person("ana"), done())
    fill(store_engine, both(), now_us=NOW_US)
    left = text_of(store_engine)
    assert [word for word in ("'ana'", MINE) if word in left] == []


def test_a_collector_that_holds_the_session_does_not_write_the_name_back(store_engine: Engine) -> None:
    log = list(records([life(1, "ana", MINE).alive().later(10_000).alive()]))
    writer = Writer(store_engine, "cluster", TOPIC, "tests")
    held: Any = Holder(TOPIC, writer.load)
    held.assign({0: 0})
    batch = held.take(log[:3], NOW_US)
    writer.write(batch.changes, NOW_US)
    held.wrote(batch)
    found = Erasure(store_engine).erase(Person("ana"), done())
    late = held.take(log[3:], NOW_US)
    with pytest.raises(StaleSession):
        writer.write(late.changes, NOW_US)
    assert found.going_on == 1
    assert "'ana'" not in text_of(store_engine)
