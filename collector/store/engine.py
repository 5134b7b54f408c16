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


def make_engine(url: str) -> Engine:
    """The engine of the store that `url` means. Raises ConfigError; whether somebody answers there shows later."""
    parsed = parse_url(url)
    return _postgresql(parsed) if parsed.get_backend_name() == POSTGRESQL else _sqlite(parsed)


def _postgresql(url: URL) -> Engine:
    given = {name: value for name, value in _POSTGRESQL_CONNECTION.items() if name not in url.query}
    try:
        engine = create_engine(url, connect_args=given, pool_pre_ping=True, pool_size=5, max_overflow=5)
    except (SQLAlchemyError, ValueError) as error:
        raise ConfigError(SETTING, str(error), value=masked(url)) from None
    event.listen(engine, "connect", _speak_utc)
    return engine


def _speak_utc(connection: Any, _record: object) -> None:
    """Text that the server makes of a time must not depend on where the server stands."""
    connection.autocommit = True
    connection.execute("SET timezone TO 'UTC'")
    connection.autocommit = False


def _sqlite(url: URL) -> Engine:
    in_memory = url.database in {None, "", ":memory:"}
    # A store in memory lives in one connection, which threads take in turn.
    pool: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if in_memory else {"pool_size": 5, "max_overflow": 5}
    given = {"check_same_thread": False} | ({} if "timeout" in url.query else {"timeout": SQLITE_BUSY_S})
    try:
        engine = create_engine(url, connect_args=given, poolclass=QueuePool, **pool)
    except (SQLAlchemyError, ValueError) as error:
        raise ConfigError(SETTING, str(error), value=masked(url)) from None
    event.listen(engine, "connect", set_pragmas)
    event.listen(engine, "begin", begin)
    return engine
