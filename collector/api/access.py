"""Who is asking: tokens and logins as they are shown, and what they allow.

Rules:
1. What was found right is remembered for REMEMBERED_US, by the hash of the secret and in bounded memory, so that a
   request pays neither the slow hash nor a look at the store. So a token that was revoked may open for that long.
2. A token that was right before and is so still is never refused for what others of its address tried.
3. When tokens were used and what was done waits in memory for `flush`, which a thread of its own calls: no request
   waits for a lock of the store.
4. What is remembered belongs to the one thread that answers; what waits for `flush` has a lock.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hmac import compare_digest
from hmac import digest as keyed
from typing import Any, Final, NamedTuple

from starlette.concurrency import run_in_threadpool

from collector.api.attempts import Attempts
from collector.errors import CollectorError, NotAllowed, ScopeMissing, TooManyAttempts
from collector.store.audit import Audit, Entry, entry, tell
from collector.store.logins import LASTS_US, Login, Logins
from collector.store.secret_text import Chance, digest, is_secret, new_secret, token_of
from collector.store.tokens import Kept, Tokens, grants

REMEMBERED_US: Final = 60_000_000
REMEMBERED_MAX: Final = 4_096
HASHES_AT_ONCE: Final = 2
"""Each takes 16 MB and a core for some 70 ms."""
WAITING_MAX: Final = 1_000
NOTED_EVERY_S: Final = 60.0
LAST_WITHIN_S: Final = 2.0
OF_A_LOGIN: Final = frozenset({"read", "export"})
"""What a login may allow: the rest is for programs."""

log = logging.getLogger("collector.api")


class Grant(NamedTuple):
    """Who asks, by what was shown. `actor` is for the audit; it says nothing that opens anything."""

    actor: str
    name: str
    scopes: frozenset[str]
    expires_at: int | None
    token_id: str | None

    def require(self, scope: str) -> None:
        """Raises ScopeMissing."""
        if scope not in self.scopes:
            raise ScopeMissing(scope, self.name)


class _Known(NamedTuple):
    grant: Grant
    until_us: int
    kept: str | None


class Access:
    """The tokens and logins of one store, as an application asks for them."""

    def __init__(
        self, tokens: Tokens, logins: Logins, audit: Audit, *, clock_us: Callable[[], int], chance: Chance
    ) -> None:
        self._tokens, self._logins, self._audit = tokens, logins, audit
        self._clock_us, self._chance = clock_us, chance
        self._attempts = Attempts()
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._known: dict[bytes, _Known] = {}
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}
        self._seen: dict[bytes, int] = {}
        self._done: deque[Entry] = deque(maxlen=WAITING_MAX)

    async def of_token(self, text: str, address: str) -> Grant:
        """What a token allows. Raises NotAllowed, TooManyAttempts or a StoreError."""
        now_us, mark = self._clock_us(), digest(text)
        known = self._known.get(mark)
        if known is None or now_us >= known.until_us:
            known = await self._looked_up(text, address, known)
            self._remember(mark, known)
        token_id = known.grant.token_id
        if token_id is not None:
            with self._lock:
                self._used[token_id] = now_us
        return known.grant

    async def of_login(self, secret: str) -> Grant | None:
        """What the cookie of a login allows; None where it has ended. Raises a StoreError."""
        now_us, mark = self._clock_us(), digest(secret)
        known = self._known.get(mark)
        if known is None or now_us >= known.until_us:
            login = await run_in_threadpool(self._logins.find, mark, now_us)
            if login is None:
                self._known.pop(mark, None)
                return None
            known = _Known(_of(login), min(now_us + REMEMBERED_US, login.expires_at), None)
            self._remember(mark, known)
        with self._lock:
            self._seen[mark] = now_us
        return known.grant

    async def log_in(self, *, token: str | None, link: str | None, address: str) -> tuple[str, int]:
        """The secret of a new login, and when it ends.

        Raises NotAllowed, ScopeMissing, TooManyAttempts or a StoreError.
        """
        now_us = self._clock_us()
        if link is not None:
            self.refuse_too_many(address)
            redeemed = await run_in_threadpool(self._logins.redeem, digest(link), now_us)
            if redeemed is None:
                self._attempts.failed(address, now_us)
                raise NotAllowed("the link was used already, or is older than ten minutes")
            grant = _of(redeemed)._replace(expires_at=None)
        else:
            grant = await self.of_token(token or "", address)
            grant.require("read")
        ends_us = min(now_us + LASTS_US, grant.expires_at or now_us + LASTS_US)
        secret, scopes = new_secret(self._chance), tuple(sorted(grant.scopes & OF_A_LOGIN))
        login = Login("session", grant.name, scopes, grant.token_id, now_us, ends_us, now_us)
        facts = {"by": "link" if link is not None else "token", "address": address}
        await run_in_threadpool(self._logins.add, digest(secret), login, self._entry("login", _of(login).actor, facts))
        return secret, ends_us

    async def log_out(self, secret: str, form: str) -> bool:
        """Ends a login; False where the form is not one of its pages."""
        if not compare_digest(form.encode(), form_token(secret).encode()):
            return False
        known = self._known.pop(digest(secret), None)
        actor = known.grant.actor if known is not None else "login"
        await run_in_threadpool(self._logins.end, digest(secret), self._entry("logout", actor, {}))
        return True

    def refuse_too_many(self, address: str) -> None:
        """Raises TooManyAttempts for an address that sent too many wrong tokens."""
        wait_s = self._attempts.wait_s(address, self._clock_us())
        if wait_s is not None:
            raise TooManyAttempts(wait_s)

    def note(self, event: str, actor: str, facts: Mapping[str, Any]) -> None:
        """Something was done: a line of the log now, a row of the store soon."""
        one = self._entry(event, actor, facts)
        tell(one)
        with self._lock:
            self._done.append(one)

    def flush(self) -> None:
        """Stores what waits; blocks. Where the store is away, rows wait on and uses are let go."""
        with self._lock:
            used, self._used = self._used, {}
            seen, self._seen = self._seen, {}
            done = list(self._done)
        try:
            if used:
                self._tokens.note_used(used)
            if seen:
                self._logins.note_seen(seen)
            if done:
                self._audit.add(done)
        except CollectorError as error:
            log.warning("cannot note who asked: %s", error)
            return
        with self._lock:
            stored = {one.entry_id for one in done}
            self._done = deque((one for one in self._done if one.entry_id not in stored), maxlen=WAITING_MAX)

    async def _looked_up(self, text: str, address: str, known: _Known | None) -> _Known:
        """What the store says of a token. The slow hash is spared where it was right before and is kept as it was."""
        if known is None:
            self.refuse_too_many(address)
        now_us, parts = self._clock_us(), token_of(text)
        kept = None if parts is None else await run_in_threadpool(self._tokens.find, parts.token_id)
        if parts is not None and kept is not None and kept.token.state(now_us) == "live":
            right = known is not None and known.kept == kept.secret_hash
            if not right:
                async with self._hashing:
                    self.refuse_too_many(address)
                    right = await run_in_threadpool(is_secret, parts.secret, kept.secret_hash)
            if right:
                return _known(kept, now_us)
        self._known.pop(digest(text), None)
        self._attempts.failed(address, now_us)
        raise NotAllowed("the token is wrong, has expired or was revoked")

    def _remember(self, mark: bytes, known: _Known) -> None:
        self._known.pop(mark, None)
        if len(self._known) >= REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
        self._known[mark] = known

    def _entry(self, event: str, actor: str, facts: Mapping[str, Any]) -> Entry:
        return entry(event, actor, facts, at_us=self._clock_us(), chance=self._chance)


def form_token(secret: str) -> str:
    """What a form of a login's pages carries: made of the cookie, which no other site can read."""
    return keyed(secret.encode(), b"form", "sha256").hex()


async def keep_noting(access: Access, *, every_s: float, stop: asyncio.Event) -> None:
    """Stores every so often what waits, and once more at the end, if that does not take long."""
    loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1, "noting")
    try:
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stop.wait()
            noted = loop.run_in_executor(thread, access.flush)
            await asyncio.wait((noted,), timeout=LAST_WITHIN_S if stop.is_set() else None)
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


def _known(kept: Kept, now_us: int) -> _Known:
    token = kept.token
    grant = Grant(f"token {token.token_id}", token.name, grants(token.scopes), token.expires_at, token.token_id)
    until_us = now_us + REMEMBERED_US
    return _Known(grant, min(until_us, token.expires_at or until_us), kept.secret_hash)


def _of(login: Login) -> Grant:
    actor = f"login {login.name}" if login.token_id is None else f"login by token {login.token_id}"
    return Grant(actor, login.name, grants(login.scopes), login.expires_at, login.token_id)
