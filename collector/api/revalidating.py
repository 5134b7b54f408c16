"""Answers of the API that a client has already are not sent again: ETag and 304, as pure ASGI.

Rules:
1. The tag is weak: it is of the content, but for `age_s`, which grows while nothing happens. `newest_append_at`, which
   that age is counted from, is part of it.
2. An answer may be kept by who asked, and no shared cache, and is shown again only when it was asked for again: by then
   access has been checked, and the store been asked. It saves bytes, not questions.
3. Streams and refusals pass as they are.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX: Final = "/api/v1/"
KEPT: Final = "private, no-cache"
# Within a text of JSON the quotes would be escaped.
_AGE: Final = re.compile(rb'"age_s":(?:null|[-+.\deE]+)')
_NO_BODY: Final = frozenset({"content-length", "content-type"})


class Revalidation:
    """Tags answers to GET, and answers 304 where the client names the tag."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is no question to the API."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        answer = _Answer(Headers(scope=scope).get("if-none-match", ""), send)
        await self._app(scope, receive, answer.send)


class _Answer:
    """One answer: held back until its first part tells whether it is the whole."""

    def __init__(self, known: str, send: Send) -> None:
        self._known = known
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        """Takes what the routes send."""
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            await self._send(message)
            return
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            message = self._tagged(start, message)
        await self._send(start)
        await self._send(message)

    def _tagged(self, start: Message, message: Message) -> Message:
        """Gives the start its headers; the body to send after it."""
        tag = f'W/"{blake2b(_AGE.sub(b"", message["body"]), digest_size=12).hexdigest()}"'
        headers = MutableHeaders(scope=start)
        headers["ETag"] = tag
        headers.setdefault("Cache-Control", KEPT)
        if not _names(self._known, tag):
            return message
        start["status"] = 304
        for name in _NO_BODY:
            del headers[name]
        return {**message, "body": b""}


def _names(known: str, tag: str) -> bool:
    """Whether If-None-Match names the tag. Weak comparison: that it is weak makes no difference."""
    opaque = tag.removeprefix("W/")
    return any(one.strip().removeprefix("W/") in {opaque, "*"} for one in known.split(","))
