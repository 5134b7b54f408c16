"""What a store's URL means, and how it is shown: without its password, in whatever part of it that stands."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from collector.errors import ConfigError

SETTING: Final = "database_url"
EXAMPLES: Final = "sqlite:///roomwatch.db or postgresql://user:password@host/database"

POSTGRESQL: Final = "postgresql"
_DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
}
_SQLITE_PARAMETERS: Final = frozenset({"timeout"})


def parse_url(url: str) -> URL:
    """The URL with its driver spelled out. Raises ConfigError, without the password."""
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        # The text may hold a password at any place, so none of it is shown.
        raise ConfigError(SETTING, f"is not a URL; it looks like {EXAMPLES}") from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        why = f"a store cannot be {parsed.drivername!r}; it is SQLite or PostgreSQL: {EXAMPLES}"
        raise ConfigError(SETTING, why, value=masked(parsed))
    if driver.startswith(POSTGRESQL):
        if find_spec("psycopg") is None:
            why = "PostgreSQL needs the package psycopg; install it with: pip install 'roomwatch[postgresql]'"
            raise ConfigError(SETTING, why, value=masked(parsed))
        if not parsed.database:
            raise ConfigError(SETTING, f"names no database; it looks like {EXAMPLES}", value=masked(parsed))
    elif unknown := set(parsed.query) - _SQLITE_PARAMETERS:
        why = f"SQLite knows no parameter {min(unknown)!r}; it takes {', '.join(sorted(_SQLITE_PARAMETERS))}"
        raise ConfigError(SETTING, why, value=masked(parsed))
    return parsed.set(drivername=driver)


def masked(url: URL) -> str:
    """The URL as it may be shown. A password can also stand among the parameters."""
    plain = url.set(drivername=url.get_backend_name())
    hidden = {name: "***" for name in url.query if "pass" in name.lower()}
    return plain.update_query_dict(hidden).render_as_string(hide_password=True)


def beside_store(url: str) -> Path | None:
    """Where the key of packets lies where none is named: beside a SQLite store. None: the store is no file."""
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database.startswith((":", "file:")):
        return None
    store = Path(parsed.database)
    return store.with_name(f"{store.stem}-packet-key.pem")
