"""How refused records are stored: once, cut to a bound, and so that they cannot be refused once more; never too many.

A storm of poison must not fill the disk that the good needs. So the store keeps a number of dead letters at most; what
comes beyond it is in the topic of dead letters alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from collector.store.changes import DeadLetter
from collector.store.retention import Retention
from collector.store.tables import dead_letters
from collector.store.url import POSTGRESQL

KEY_BYTES_MAX: Final = 1024
VALUE_BYTES_MAX: Final = 16 * 1024
"""How much of a dead letter the store keeps; the topic of dead letters has all of it."""
COUNTED_EVERY_US: Final = 30_000_000
"""How often the rows are counted: other collectors store letters too, and retention deletes some."""


class LetterBox:
    """The way of dead letters into the store, as far as there is room."""

    def __init__(self, rows_max: int) -> None:
        self._rows_max = rows_max
        self._room = 0
        self._counted_us: int | None = None

    def put(self, connection: Connection, letters: Sequence[DeadLetter], stored_at_us: int) -> int:
        """Stores each once; one that is there already stays as it is. Returns how many found no room."""
        if not letters:
            return 0
        if self._counted_us is None or abs(stored_at_us - self._counted_us) >= COUNTED_EVERY_US:
            self._counted_us = stored_at_us
            self._room = self._rows_max - _counted(connection, self._rows_max)
        some = letters[: self._room]
        self._room -= len(some)
        if some:
            put_dead_letters(connection, some, stored_at_us)
        return len(letters) - len(some)


def put_dead_letters(connection: Connection, letters: Collection[DeadLetter], stored_at_us: int) -> None:
    """Stores each once; one that is there already stays as it is."""
    dialect: Any = postgresql if connection.dialect.name == POSTGRESQL else sqlite
    rows = [_dead_letter_row(letter, stored_at_us) for letter in letters]
    connection.execute(dialect.insert(dead_letters).on_conflict_do_nothing(), rows)


def letters_before_us(connection: Connection, retention: Retention, now_us: int) -> int | None:
    """Letters that were stored before this moment go: for their age, or to make room; None: none do."""
    kept = retention.dead_letters_max * 3 // 4
    newest_first = select(dead_letters.c.stored_at).order_by(dead_letters.c.stored_at.desc())
    first_beyond = connection.scalar(newest_first.offset(kept).limit(1))
    moments = [retention.before_us("dead_letters", now_us), None if first_beyond is None else first_beyond + 1]
    return max((moment for moment in moments if moment is not None), default=None)


def _counted(connection: Connection, at_most: int) -> int:
    some = select(literal(1)).select_from(dead_letters).limit(at_most).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def _dead_letter_row(letter: DeadLetter, stored_at_us: int) -> dict[str, Any]:
    return {
        "topic": letter.topic,
        "kafka_partition": letter.partition,
        "kafka_offset": letter.offset,
        "append_at": letter.append_at,
        "stored_at": stored_at_us,
        "reason": letter.reason,
        "place": _storable(letter.place),
        "detail": _storable(letter.detail),
        "key": letter.key[:KEY_BYTES_MAX] if letter.key is not None else None,
        "value": letter.value[:VALUE_BYTES_MAX] if letter.value is not None else None,
    }


def _storable(text: str) -> str:
    """What a refused record brought with it must not be refused once more."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
