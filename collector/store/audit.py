"""What was done that somebody may have to answer for: a line in the log and a row in the store. Never a secret.

Rules:
1. `event` is a promise: one of EVENTS. Lines of the log carry it, the actor and the facts beside the same sentence.
2. The store keeps the newest ROWS_MAX; the log has as many as whoever keeps it wants.
3. Nobody who was erased is named: an erasure says how many, not who.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select

from collector.store.failures import plainly
from collector.store.secret_text import Chance
from collector.store.sqlite_connection import writing
from collector.store.tables import audit

EVENTS: Final = (
    "token.created",
    "token.revoked",
    "login-link.created",
    "login",
    "logout",
    "export",
    "packet",
    "erase",
)
ROWS_MAX: Final = 10_000
COMMAND_LINE: Final = "command line"
"""The actor where a command did it: whoever may reach the database with its password."""

log = logging.getLogger("collector.audit")


class Entry(NamedTuple):
    """One thing that was done, by whom. `at_us` is µs since 1970; facts are JSON."""

    at_us: int
    entry_id: UUID
    event: str
    actor: str
    facts: Mapping[str, Any]


def entry(event: str, actor: str, facts: Mapping[str, Any], *, at_us: int, chance: Chance) -> Entry:
    """An entry, which is neither in the log yet nor in the store."""
    if event not in EVENTS:
        raise ValueError(f"{event} is no event of the audit")
    return Entry(at_us, UUID(bytes=chance(16), version=4), event, actor, dict(facts))


def tell(one: Entry) -> None:
    """Writes the line of the log: for what is done, and not for what was tried."""
    log.info("audit", extra={"event": one.event, "actor": one.actor, "facts": dict(one.facts)})


def put(connection: Connection, entries: Sequence[Entry]) -> None:
    """Adds rows within a transaction that writes, and drops those beyond the newest ROWS_MAX."""
    if not entries:
        return
    rows = [
        {
            "at": one.at_us,
            "entry_id": one.entry_id,
            "event": one.event,
            "actor": one.actor,
            "facts": msgspec.json.encode(one.facts).decode(),
        }
        for one in entries
    ]
    connection.execute(insert(audit), rows)
    newest_first = select(audit.c.at).order_by(audit.c.at.desc())
    beyond = connection.scalar(newest_first.offset(ROWS_MAX).limit(1))
    if beyond is not None:
        connection.execute(delete(audit).where(audit.c.at <= beyond))


class Audit:
    """The rows. Methods block, and raise StoreUnavailable or SchemaMismatch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, entries: Sequence[Entry]) -> None:
        """Adds rows, of what the log has already, in a transaction of their own."""
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            put(connection, entries)
            connection.commit()

    def newest(self, limit: int) -> list[Entry]:
        """What was done last, the newest first."""
        query = select(audit).order_by(audit.c.at.desc(), audit.c.entry_id).limit(limit)
        with plainly(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Entry(row.at, row.entry_id, row.event, row.actor, msgspec.json.decode(row.facts)) for row in rows]
