"""Opens a store: an engine for what a URL means, and how its connections behave. The only place that makes engines.

SQLite is the embedded default, PostgreSQL the one for production. Nothing connects before the first question.

The store's schema is looked after by schema.py; what a start needs of it is named here too, so that one import opens a
store.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from collector.errors import ConfigError
from collector.store.schema import migrate, require_schema, schema_state
from collector.store.sqlite_connection import begin, set_pragmas
from collector.store.url import POSTGRESQL, SETTING, masked, parse_url

__all__ = ["make_engine", "migrate", "require_schema", "schema_state"]

CONNECT_TIMEOUT_S: Final = 5
SQLITE_BUSY_S: Final = 5
"""How long a writer waits for SQLite's one write lock before the store counts as unavailable."""

# A server that vanished without a word is noticed in half a minute, not in two hours.
_POSTGRESQL_CONNECTION: Final[dict[str, Any]] = {
    "application_name": "roomwatch",
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


KEPT_OPEN: Final = 5
"""Connections that stay open while nobody needs them."""


def make_engine(url: str, connections: int = 10) -> Engine:
    """The engine of the store that `url` means. Raises ConfigError; whether somebody answers there shows later.

    `connections` is how many threads may use it at once; one more waits.
    """
    parsed = parse_url(url)
    more = max(0, connections - KEPT_OPEN)
    return _postgresql(parsed, more) if parsed.get_backend_name() == POSTGRESQL else _sqlite(parsed, more)


def _postgresql(url: URL, more: int) -> Engine:
    given = {name: value for name, value in _POSTGRESQL_CONNECTION.items() if name not in url.query}
    try:
        engine = create_engine(url, connect_args=given, pool_pre_ping=True, pool_size=KEPT_OPEN, max_overflow=more)
    except (SQLAlchemyError, ValueError) as error:
        raise ConfigError(SETTING, str(error), value=masked(url)) from None
    event.listen(engine, "connect", _speak_utc)
    return engine


def _speak_utc(connection: Any, _record: object) -> None:
    """Text that the server makes of a time must not depend on where the server stands."""
    connection.autocommit = True
    connection.execute("SET timezone TO 'UTC'")
    connection.autocommit = False


def _sqlite(url: URL, more: int) -> Engine:
    in_memory = url.database in {None, "", ":memory:"}
    # A store in memory lives in one connection, which threads take in turn.
    size = (1, 0) if in_memory else (KEPT_OPEN, more)
    pool: dict[str, Any] = dict(zip(("pool_size", "max_overflow"), size, strict=True))
    given = {"check_same_thread": False} | ({} if "timeout" in url.query else {"timeout": SQLITE_BUSY_S})
    try:
        engine = create_engine(url, connect_args=given, poolclass=QueuePool, **pool)
    except (SQLAlchemyError, ValueError) as error:
        raise ConfigError(SETTING, str(error), value=masked(url)) from None
    event.listen(engine, "connect", set_pragmas)
    event.listen(engine, "begin", begin)
    return engine
