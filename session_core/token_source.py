"""Where a room's access token comes from: a string, an AccessToken, or somebody who is asked at each attempt."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from session_core.errors import TokenError
from session_core.events import Moment, Token
from session_core.token import AccessToken

TokenGiver = Callable[[], str | AccessToken | Awaitable[str | AccessToken]]


class TokenSource:
    """Gives the token to use now. What is a token and what it says is never logged."""

    def __init__(self, source: str | AccessToken | TokenGiver) -> None:
        self._source = source

    @property
    def fixed(self) -> str | None:
        """The token, where it is always the same; None where somebody has to be asked."""
        return None if callable(self._source) else _text(self._source)

    async def ask(self) -> str:
        """The token to use now. Raises what the one who is asked raises."""
        if not callable(self._source):
            return _text(self._source)
        answer = self._source()
        return _text(await answer if inspect.isawaitable(answer) else answer)


def token_facts(token: str, seen: Moment) -> Token | None:
    """What telemetry says of a token; None for one that cannot be read here, which is no fault: servers differ."""
    try:
        return AccessToken.read(token).facts(seen)
    except TokenError:
        return None


def _text(token: str | AccessToken) -> str:
    return token.jwt if isinstance(token, AccessToken) else token
