"""Where a room's access token comes from: a string, an AccessToken, or somebody who is asked at each attempt."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Final

from session_core.errors import TokenError
from session_core.events import Moment, Token
from session_core.token import AccessToken

AnyToken = str | AccessToken
TELLING_CHARS_MIN: Final = 8
"""What is shorter is in every text by chance, and no secret."""

TokenGiver = Callable[[], AnyToken | Awaitable[AnyToken]]


class TokenSource:
    """Gives the token to use now. What is a token and what it says is never logged."""

    def __init__(self, source: AnyToken | TokenGiver) -> None:
        self._source = source

    @property
    def fixed(self) -> AnyToken | None:
        """The token, where it is always the same; None where somebody has to be asked."""
        return None if callable(self._source) else self._source

    async def ask(self) -> AnyToken:
        """The token to use now. Raises what the one who is asked raises."""
        if not callable(self._source):
            return self._source
        answer = self._source()
        return await answer if inspect.isawaitable(answer) else answer


def token_text(token: AnyToken) -> str:
    """What is sent to the server. Raises TokenError for what is no token, and says of which type it is, not what."""
    text = token.jwt if isinstance(token, AccessToken) else token
    if not isinstance(text, str):
        raise TokenError(f"a string or an AccessToken is expected, found {type(text).__name__}")
    return text


def without(token: str, text: str) -> str:
    """The text with the token blotted out: what a library says of a URL holds the token too."""
    return text.replace(token, "<access token>") if len(token) >= TELLING_CHARS_MIN else text


def token_facts(token: AnyToken, seen: Moment) -> Token | None:
    """What telemetry says of a token; None for one that cannot be read here, which is no fault: servers differ."""
    try:
        return (token if isinstance(token, AccessToken) else AccessToken.read(token)).facts(seen)
    except TokenError:
        return None
