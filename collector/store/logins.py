"""People who are logged in to the pages, and the links with which they may, once.

Rules:
1. Neither is kept but as a hash. A link opens one login and is gone, whoever is faster.
2. A login ends when it has not been seen for IDLE_US, after LASTS_US in any case, and with the token that opened it.
3. What has ended is deleted when the next login begins; the store keeps LOGINS_MAX at most, the newest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, Row, and_, delete, func, insert, or_, select, update

from collector.store.audit import Entry, put, tell
from collector.store.failures import plainly
from collector.store.sqlite_connection import writing
from collector.store.tables import api_tokens, logins
from collector.times import HOUR_US

LINK_US: Final = 10 * 60_000_000
IDLE_US: Final = 12 * HOUR_US
LASTS_US: Final = 7 * 24 * HOUR_US
LOGINS_MAX: Final = 10_000

_of = logins.c


class Login(NamedTuple):
    """A link or a session, without its secret. Times are µs since 1970."""

    kind: str
    name: str
    scopes: tuple[str, ...]
    token_id: str | None
    created_at: int
    expires_at: int
    seen_at: int


class Logins:
    """The logins of one store. Methods block, and raise StoreUnavailable or SchemaMismatch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, secret_hash: bytes, login: Login, entry: Entry) -> None:
        """Keeps a link or a session."""
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            _make_room(connection, login.created_at)
            connection.execute(insert(logins), _row(secret_hash, login))
            put(connection, [entry])
            connection.commit()
        tell(entry)

    def redeem(self, link_hash: bytes, now_us: int) -> Login | None:
        """Takes a link away and returns it; None where there is none, or it is too late."""
        link = and_(_of.secret_hash == link_hash, _of.kind == "link")
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            row = connection.execute(delete(logins).where(link).returning(*_of)).one_or_none()
            connection.commit()
        return None if row is None or row.expires_at <= now_us else _login(row)

    def find(self, session_hash: bytes, now_us: int) -> Login | None:
        """The session of this secret, unless it has ended."""
        # One whose token was revoked, has expired or is gone has ended.
        token = and_(
            api_tokens.c.token_id == _of.token_id,
            api_tokens.c.revoked_at.is_(None),
            or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > now_us),
        )
        query = select(logins).where(
            _of.secret_hash == session_hash,
            _of.kind == "session",
            _of.expires_at > now_us,
            _of.seen_at > now_us - IDLE_US,
            or_(_of.token_id.is_(None), select(api_tokens.c.token_id).where(token).exists()),
        )
        with plainly(self._engine), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _login(row)

    def end(self, session_hash: bytes, entry: Entry) -> None:
        """Ends a session."""
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            ended = connection.execute(delete(logins).where(_of.secret_hash == session_hash)).rowcount
            if ended:
                put(connection, [entry])
            connection.commit()
        if ended:
            tell(entry)

    def note_seen(self, seen: Mapping[bytes, int]) -> None:
        """Notes when sessions were last seen, µs since 1970."""
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            for secret_hash, at_us in seen.items():
                mine = and_(_of.secret_hash == secret_hash, _of.seen_at < at_us)
                connection.execute(update(logins).where(mine).values(seen_at=at_us))
            connection.commit()


def _make_room(connection: Connection, now_us: int) -> None:
    ended = or_(_of.expires_at <= now_us, and_(_of.kind == "session", _of.seen_at <= now_us - IDLE_US))
    connection.execute(delete(logins).where(ended))
    if (connection.scalar(select(func.count()).select_from(logins)) or 0) >= LOGINS_MAX:
        oldest = select(_of.secret_hash).order_by(_of.seen_at).limit(LOGINS_MAX // 10)
        connection.execute(delete(logins).where(_of.secret_hash.in_(oldest)))


def _row(secret_hash: bytes, login: Login) -> dict[str, Any]:
    return {**login._asdict(), "scopes": " ".join(login.scopes), "secret_hash": secret_hash}


def _login(row: Row[*tuple[Any, ...]]) -> Login:
    return Login(
        row.kind, row.name, tuple(row.scopes.split()), row.token_id, row.created_at, row.expires_at, row.seen_at
    )
