"""API tokens: who may ask what. Made and revoked by a command; looked up by the part of a token that is no secret.

Rules:
1. A scope is one word; `grants` says what follows from it.
2. A token that was revoked or has expired is kept for GONE_US, so that a list can say what became of it.
3. When a token was last used is noted by whoever has time for it: note_used() never waits for SQLite's write lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Engine, Row, and_, delete, func, insert, or_, select, update

from collector.errors import TokenNotFound, TooManyTokens
from collector.store.audit import Entry, put, tell
from collector.store.failures import plainly
from collector.store.retention import DAY_US
from collector.store.secret_text import TokenText
from collector.store.sqlite_connection import writing
from collector.store.tables import api_tokens

SCOPES: Final = ("read", "metrics", "export", "ingest", "admin")
TOKENS_MAX: Final = 1_000
GONE_US: Final = 90 * DAY_US

_of = api_tokens.c


class Token(NamedTuple):
    """A token without its secret. Times are µs since 1970."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None = None
    used_at: int | None = None
    revoked_at: int | None = None

    def state(self, now_us: int) -> str:
        """One of live, expired, revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now_us else "live"


class Kept(NamedTuple):
    """A token and the hash of its secret."""

    token: Token
    secret_hash: str


def grants(scopes: Iterable[str]) -> frozenset[str]:
    """What these scopes allow: who may administer may do all, who may read may read the metrics."""
    told = frozenset(scopes)
    if "admin" in told:
        return frozenset(SCOPES)
    return told | {"metrics"} if "read" in told else told


class Tokens:
    """The tokens of one store. Methods block, and raise StoreUnavailable or SchemaMismatch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, token: Token, secret_hash: str, entry: Entry) -> None:
        """Keeps a new token, and drops those that are gone for long. Raises TooManyTokens."""
        row = {**token._asdict(), "scopes": " ".join(token.scopes), "secret_hash": secret_hash}
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            before_us = token.created_at - GONE_US
            connection.execute(delete(api_tokens).where(or_(_of.revoked_at < before_us, _of.expires_at < before_us)))
            if (connection.scalar(select(func.count()).select_from(api_tokens)) or 0) >= TOKENS_MAX:
                raise TooManyTokens(TOKENS_MAX)
            connection.execute(insert(api_tokens), row)
            put(connection, [entry])
            connection.commit()
        tell(entry)

    def all(self) -> list[Token]:
        """Every token, the newest first."""
        with plainly(self._engine), self._engine.connect() as connection:
            rows = connection.execute(select(api_tokens).order_by(_of.created_at.desc(), _of.token_id)).all()
        return [_kept(row).token for row in rows]

    def find(self, token_id: str) -> Kept | None:
        """One token by its key."""
        with plainly(self._engine), self._engine.connect() as connection:
            row = connection.execute(select(api_tokens).where(_of.token_id == token_id)).one_or_none()
        return None if row is None else _kept(row)

    def is_any_live(self, now_us: int) -> bool:
        """Whether somebody has a token that opens something."""
        query = select(_of.token_id).where(_live(now_us)).limit(1)
        with plainly(self._engine), self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def revoke(self, token_id: str, entry: Entry) -> Token:
        """From now on it opens nothing; one that was revoked stays as it is. Raises TokenNotFound."""
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            found = and_(_of.token_id == token_id, _of.revoked_at.is_(None))
            done = connection.execute(update(api_tokens).where(found).values(revoked_at=entry.at_us)).rowcount
            row = connection.execute(select(api_tokens).where(_of.token_id == token_id)).one_or_none()
            if row is None:
                raise TokenNotFound(token_id)
            if done:
                put(connection, [entry])
            connection.commit()
        if done:
            tell(entry)
        return _kept(row).token

    def note_used(self, used: Mapping[str, int]) -> None:
        """Notes when tokens were last used, µs since 1970."""
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            for token_id, at_us in used.items():
                later = or_(_of.used_at.is_(None), _of.used_at < at_us)
                connection.execute(update(api_tokens).where(_of.token_id == token_id, later).values(used_at=at_us))
            connection.commit()


def new_row(text: TokenText, name: str, scopes: Collection[str], now_us: int, expires_at: int | None) -> Token:
    """A token that is to be kept; scopes stand in the order of SCOPES."""
    return Token(text.token_id, name, tuple(one for one in SCOPES if one in scopes), now_us, expires_at)


def _live(now_us: int) -> ColumnElement[bool]:
    return and_(_of.revoked_at.is_(None), or_(_of.expires_at.is_(None), _of.expires_at > now_us))


def _kept(row: Row[*tuple[Any, ...]]) -> Kept:
    token = Token(
        row.token_id, row.name, tuple(row.scopes.split()), row.created_at, row.expires_at, row.used_at, row.revoked_at
    )
    return Kept(token, row.secret_hash)
