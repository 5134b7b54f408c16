"""How many questions are asked at once and how long each may take, as pure ASGI around the routes.

Not here: how a database is told to stop (collector/store/stopping.py).

Rules:
1. A question has a place from its arrival to the first byte of its answer, an export to the last. Who finds none waits
   in line, which is bounded too; who waits in vain is refused with the time to come back.
2. One that takes longer than it may, or whose asker hangs up, is stopped in the database.
3. Probes, files, the stream of news and what is told to us (anything but GET) take no place, so that a flood of
   questions holds up none of them.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.api.problems import answer_to
from collector.errors import TooManyQuestions
from collector.store.stopping import Stop

STOP: Final = "roomwatch.stop"
"""Where the scope of a request keeps the `Stop` that its questions are asked under."""
EXPORTS: Final = "/api/v1/exports/"
FREE: Final = ("/healthz", "/readyz", "/metrics", "/static/", "/live", "/api/v1/openapi.json")
RETRY_AFTER_S: Final = 5

Kind = Literal["question", "export"]
Outcome = Literal["answered", "too-long", "gone", "refused"]


@dataclass(frozen=True)
class Limits:
    """Seconds that a question or an export may take, how many there may be at once, and how many rows of an export.

    At most `waiting` others wait, each `wait_s` seconds.
    """

    question_s: float = 20.0
    questions: int = 8
    export_s: float = 600.0
    exports: int = 2
    export_rows: int = 5_000_000
    waiting: int = 200
    wait_s: float = 10.0


class Tally(Protocol):
    """What counts the questions."""

    def count_question(self, kind: str, outcome: str) -> None:
        """One that came to this end."""

    def set_questions(self, kind: str, under_way: int) -> None:
        """How many have a place."""


class Asking:
    """Lets questions in, and stops those that take too long or that nobody waits for."""

    def __init__(self, app: ASGIApp, limits: Limits, tally: Tally) -> None:
        self._app = app
        self._places: dict[Kind, _Places] = {
            "question": _Places("question", limits.questions, limits, tally),
            "export": _Places("export", limits.exports, limits, tally),
        }
        self._seconds: dict[Kind, float] = {"question": limits.question_s, "export": limits.export_s}
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is no question at once, and a question when there is a place for it."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or scope["path"].startswith(FREE):
            await self._app(scope, receive, send)
            return
        kind: Kind = "export" if scope["path"].startswith(EXPORTS) else "question"
        places = self._places[kind]
        try:
            await places.enter()
        except TooManyQuestions as error:
            self._tally.count_question(kind, "refused")
            answer = await answer_to(Request(scope), error)
            await answer(scope, receive, send)
            return
        with ExitStack() as place:
            place.callback(places.leave)
            asked = _Asked(receive, send, Stop(self._seconds[kind]), place, streams=kind == "export")
            try:
                await asked.through(self._app, scope)
            finally:
                self._tally.count_question(kind, asked.outcome)


class _Places:
    """Places for as many as may be at once, and a line before them."""

    def __init__(self, kind: Kind, at_once: int, limits: Limits, tally: Tally) -> None:
        self._kind: Kind = kind
        self._at_once = at_once
        self._free = asyncio.Semaphore(at_once)
        self._limits = limits
        self._tally = tally
        self._waiting = self._taken = 0

    async def enter(self) -> None:
        """Takes a place. Raises TooManyQuestions."""
        if self._waiting >= self._limits.waiting:
            raise TooManyQuestions(f"{self._kind}s", self._at_once, RETRY_AFTER_S)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise TooManyQuestions(f"{self._kind}s", self._at_once, RETRY_AFTER_S) from None
        finally:
            self._waiting -= 1
        self._taken += 1
        self._tally.set_questions(self._kind, self._taken)

    def leave(self) -> None:
        """Gives a place back."""
        self._free.release()
        self._taken -= 1
        self._tally.set_questions(self._kind, self._taken)


class _Asked:
    """One question under way, between the server and the routes."""

    def __init__(self, receive: Receive, send: Send, stop: Stop, place: ExitStack, *, streams: bool) -> None:
        self.outcome: Outcome = "answered"
        self._receive = receive
        self._send = send
        self._stop = stop
        self._place = place
        self._streams = streams
        self._whole = False
        # Room for one message: more is left where the server bounds it.
        self._heard: asyncio.Queue[Message] = asyncio.Queue(1)

    async def through(self, app: ASGIApp, scope: Scope) -> None:
        """Has the routes answer, with an eye on the clock and on whoever asks."""
        loop = asyncio.get_running_loop()
        self._ends_s = loop.time() + self._stop.within_s
        self._timer = loop.call_at(self._ends_s, self._end, "too-long")
        listening = asyncio.create_task(self._listen())
        try:
            await app({**scope, STOP: self._stop}, self._heard.get, self._send_on)
        finally:
            self._timer.cancel()
            listening.cancel()

    async def _listen(self) -> None:
        """Passes on what the server hears of the client, and notices that it hung up."""
        while True:
            message = await self._receive()
            # Servers say the same after the last byte of an answer.
            if message["type"] == "http.disconnect" and not self._whole:
                self._end("gone")
            await self._heard.put(message)

    async def _send_on(self, message: Message) -> None:
        self._whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        if self._streams:
            # A client that does not read on would hold one state of the database for as long as it likes.
            async with asyncio.timeout_at(self._ends_s):
                await self._send(message)
            return
        if message["type"] == "http.response.start":
            self._timer.cancel()
            self._place.close()
        await self._send(message)

    def _end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._stop.is_for_nobody = outcome == "gone"
        # It may block, and the loop must not.
        asyncio.get_running_loop().run_in_executor(None, self._stop.end)
