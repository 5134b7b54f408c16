"""Takes a person out of the store: what names them goes, what counts stays. One transaction, whole or not at all.

Rules:
1. A session stays, without identity and participant SID: it is counted, and it knows which events it received, so that
   their repetition changes nothing and brings no name back.
2. Its `version` grows. A collector that holds it in memory finds that out when it writes, and reads it anew.
3. Of its events, and of what others told of them, the SIDs go, and the words of a server that may hold anything. A dead
   letter cannot be cleaned: it goes as a whole.
4. `rollups`, `outages` and `incidents` name nobody.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, or_, select, text, update

from collector.store.audit import Entry, put, tell
from collector.store.days import day_of
from collector.store.failures import plainly
from collector.store.names import Hashed, meant_by
from collector.store.reading import GOING_ON
from collector.store.sqlite_connection import writing
from collector.store.tables import dead_letters, events, sessions
from collector.store.url import POSTGRESQL

AT_ONCE: Final = 500
_HOLDS: Final = {
    "postgresql": "position(CAST(:written AS bytea) IN value) > 0",
    "sqlite": "instr(value, :written) > 0",
}

Letter = tuple[str, int, int]


class Person(NamedTuple):
    """Whom: an identity or a participant SID, and in which room (its SID or name); None: in all."""

    name: str
    room: str | None = None


class Found(NamedTuple):
    """What names a person. Sessions that go on will be told more of."""

    sessions: int
    going_on: int
    events: int
    events_of_others: int
    dead_letters: int
    days: tuple[date, ...]
    sids: tuple[str, ...]


class Erasure:
    """Looks for a person in one store, and erases them. Blocks; raises StoreUnavailable or SchemaMismatch.

    `hashed` is what clients tell in place of names, where they do: a name and its hash are the same person.
    """

    def __init__(self, engine: Engine, hashed: Hashed | None = None) -> None:
        self._engine = engine
        self._hashed = hashed

    def names(self, person: Person) -> tuple[str, ...]:
        """What the person may be called in the store."""
        return meant_by(person.name, self._hashed)

    def find(self, person: Person) -> Found:
        """What would be erased. Sessions are found by the indexes of names; dead letters are all read."""
        with plainly(self._engine), self._engine.connect() as connection:
            return self._traces(connection, person).found()

    def erase(self, person: Person, entry: Entry) -> Found:
        """Erases it, and returns what was found."""
        with plainly(self._engine), self._engine.connect() as connection:
            sqlite = connection.dialect.name != POSTGRESQL
            if sqlite:
                # What is overwritten must not lie about in the file's free pages.
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
                connection.rollback()
            writing(connection)
            traces = self._traces(connection, person)
            found = traces.found()
            traces.erase()
            done = entry._replace(facts={**entry.facts, **_counts(found)})
            put(connection, [done])
            connection.commit()
            if sqlite:
                connection.exec_driver_sql("PRAGMA secure_delete = OFF")
                connection.rollback()
        tell(done)
        return found

    def _traces(self, connection: Connection, person: Person) -> _Traces:
        rooms = None if person.room is None else meant_by(person.room, self._hashed)
        return _Traces(connection, self.names(person), rooms)


class _Traces:
    """Where a person is named, as one transaction sees it."""

    def __init__(self, connection: Connection, names: Sequence[str], in_rooms: Sequence[str] | None) -> None:
        self._connection = connection
        named = or_(sessions.c.identity.in_(names), sessions.c.participant_sid.in_(names))
        if in_rooms is not None:
            named = and_(named, or_(sessions.c.room_sid.in_(in_rooms), sessions.c.room_name.in_(in_rooms)))
        of = sessions.c
        rows = connection.execute(select(of.session_id, of.room_sid, of.participant_sid, of.fate).where(named)).all()
        self.ids: list[UUID] = [row.session_id for row in rows]
        self._going_on = sum(row.fate in GOING_ON for row in rows)
        self.sids = sorted({row.participant_sid for row in rows if row.participant_sid is not None})
        rooms = sorted({row.room_sid for row in rows if row.room_sid is not None})
        mine = set(self.ids)
        self.others = [one for one in self._in_rooms(rooms) if one not in mine]
        # In one room alone, a name by itself says nothing of where.
        self.letters = self._named_in_letters(self.sids if in_rooms is not None else [*names, *self.sids])

    def found(self) -> Found:
        """How much there is."""
        return Found(
            len(self.ids),
            self._going_on,
            self._count(self.ids, events.c.session_id.is_not(None)),
            self._count(self.others, self._about()),
            len(self.letters),
            tuple(sorted({day_of(one) for one in self.ids})),
            tuple(self.sids),
        )

    def erase(self) -> None:
        """Takes it away."""
        run = self._connection.execute
        for some in _some(self.ids):
            nameless = {"identity": None, "participant_sid": None, "version": sessions.c.version + 1}
            run(update(sessions).where(sessions.c.session_id.in_(some)).values(nameless))
            run(update(events).where(events.c.session_id.in_(some)).values(participant_sid=None))
            self._clean_words(some)
        for some in _some(self.others):
            run(update(events).where(events.c.session_id.in_(some), self._about()).values(subject_sid=None))
        for topic, partition, offset in self.letters:
            place = (dead_letters.c.topic == topic, dead_letters.c.kafka_partition == partition)
            run(delete(dead_letters).where(*place, dead_letters.c.kafka_offset == offset))

    def _in_rooms(self, rooms: Sequence[str]) -> Iterator[UUID]:
        for some in _some(rooms):
            yield from self._connection.scalars(select(sessions.c.session_id).where(sessions.c.room_sid.in_(some)))

    def _about(self) -> ColumnElement[bool]:
        return events.c.subject_sid.in_(self.sids)

    def _count(self, ids: Sequence[UUID], which: ColumnElement[bool]) -> int:
        counts = (
            self._connection.scalar(
                select(func.count()).select_from(events).where(events.c.session_id.in_(some), which)
            )
            for some in _some(ids)
        )
        return sum(count or 0 for count in counts)

    def _clean_words(self, ids: Sequence[UUID]) -> None:
        """Takes the words of servers out of the documents that events came with."""
        of = events.c
        told = and_(of.session_id.in_(ids), of.extra.like('%"message"%'))
        for row in self._connection.execute(select(of.session_id, of.seq, of.extra).where(told)).all():
            document: dict[str, Any] = msgspec.json.decode(row.extra)
            document.get("error", {}).pop("message", None)
            cleaned = msgspec.json.encode(document).decode()
            is_it = (of.session_id == row.session_id, of.seq == row.seq)
            self._connection.execute(update(events).where(*is_it).values(extra=cleaned))

    def _named_in_letters(self, names: Collection[str]) -> list[Letter]:
        """Letters of these sessions, and those whose text holds a name as JSON writes it."""
        of = dead_letters.c
        found: set[Letter] = set()
        key = (of.topic, of.kafka_partition, of.kafka_offset)
        for some in _some([str(one).encode() for one in self.ids]):
            found |= {tuple(row) for row in self._connection.execute(select(*key).where(of.key.in_(some)))}
        for written in sorted({one for name in names for one in _as_json(name)}):
            holds = text(_HOLDS[self._connection.dialect.name]).bindparams(written=written)
            found |= {tuple(row) for row in self._connection.execute(select(*key).where(holds))}
        return sorted(found)


def _as_json(name: str) -> set[bytes]:
    """As UTF-8, and with everything but ASCII escaped, as some clients write it."""
    return {json.dumps(name, ensure_ascii=plain).encode("utf-8", "replace") for plain in (True, False)}


def _counts(found: Found) -> dict[str, int]:
    names = ("sessions", "events", "events_of_others", "dead_letters")
    return {name: getattr(found, name) for name in names}


def _some(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(values), AT_ONCE):
        yield values[begin : begin + AT_ONCE]
