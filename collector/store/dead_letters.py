"""How a refused record is stored: once, cut to a bound, and so that it cannot be refused once more."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from collector.store.changes import DeadLetter
from collector.store.tables import dead_letters
from collector.store.url import POSTGRESQL

KEY_BYTES_MAX: Final = 1024
VALUE_BYTES_MAX: Final = 16 * 1024
"""How much of a dead letter the store keeps; the topic of dead letters has all of it."""


def put_dead_letters(connection: Connection, letters: Collection[DeadLetter], stored_at_us: int) -> None:
    """Stores each once; one that is there already stays as it is."""
    if letters:
        dialect: Any = postgresql if connection.dialect.name == POSTGRESQL else sqlite
        rows = [_dead_letter_row(letter, stored_at_us) for letter in letters]
        connection.execute(dialect.insert(dead_letters).on_conflict_do_nothing(), rows)


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
