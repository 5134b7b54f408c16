"""The file of an outbox: whose it is, and what is read from it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from session_core import outbox_file, wire
from session_core.kept import Leftovers
from session_core.outbox_file import Lock, apply, create, read
from tests.session_core.telling import event, session_id


def test_a_lock_has_one_owner_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "outbox-1.db"
    mine = Lock.take(path)
    assert mine is not None
    assert Lock.take(path) is None
    mine.release()
    another = Lock.take(path)
    assert another is not None
    another.remove()
    assert list(tmp_path.iterdir()) == []


def test_an_outbox_is_read_as_it_was_written(tmp_path: Path) -> None:
    value = wire.encode(message := wire.message(event("room.connected"), 4), message.time)
    connection, lock = create(tmp_path)
    with closing(connection):
        row = (session_id().bytes, 5, 0, "connected", 0, value, '{"overflow":{"room.connected":1}}')
        apply(connection, [("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)", row)])
        apply(connection, [("INSERT INTO waiting VALUES (?, ?)", (9, value))])
        apply(connection, [("INSERT INTO adopted VALUES (?)", ("outbox-0.db",))])
    left, names = read(lock.path)
    told = wire.decode(value).message
    (session,) = left.sessions
    assert (left.unfinished, names) == (1, frozenset({"outbox-0.db"}))
    assert left.waiting == ((told, value),)
    assert (session.last, session.lost) == (told, {"overflow": {"room.connected": 1}})
    assert session.standing == (session_id(), 5, 0, "connected", False, value)


def test_changes_are_written_all_or_none(tmp_path: Path) -> None:
    connection, lock = create(tmp_path)
    with closing(connection):
        twice = [("INSERT INTO adopted VALUES (?)", ("a",))] * 2
        with pytest.raises(sqlite3.IntegrityError):
            apply(connection, twice)
    assert read(lock.path) == (Leftovers(lock.path.name, (), ()), frozenset())


def test_a_folder_that_failed_in_the_middle_is_left_clean(tmp_path: Path) -> None:
    connection, lock = create(tmp_path)
    connection.close()
    assert (lock.is_cut, outbox_file.is_nobodys(lock.path)) == (False, False)
    lock.cut()
    assert lock.is_cut
    lock.remove()
    assert (outbox_file.is_nobodys(lock.path), list(tmp_path.iterdir())) == (True, [])
