"""Signaling over a websocket, by the protocol of docs/websocket.md; needs the extra `roomwatch[websocket]`.

    transport = WebSocketTransport("wss://signaling.example.org/v1")
    async with connect(token, transport=transport) as room: ...

Not here: the frames (websocket_frames.py), and what the end of a connection means (websocket_outcomes.py).

Rules:
1. One connection at a time, each with a task of its own. Whoever is replaced says nothing any more.
2. What is sent is written at once, in the caller's turn: leaving needs no loop that still runs. It is never much.
3. Every wait is bounded by the clock that was given: for the answer to a join or a sync, and for a sign of life.
4. The token and the session's key are in the first frame only: in no URL, no header, no log, no repr.
"""

from __future__ import annotations

import asyncio
import logging
import ssl as tls
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from session_core.bounds import clip
from session_core.clock import Clock, SystemClock, Timer
from session_core.errors import TransportError
from session_core.signals import Joined, ParticipantsUpdated, Resynchronised, Signal
from session_core.transport import Deliver
from session_core.transports import websocket_frames as frames
from session_core.transports.websocket_outcomes import End, Stage, Unreached, Verdict, fault_of, signal_of

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

HEARTBEAT_S: Final = 5.0
HEARTBEATS_LOST: Final = 3
"""A connection over which nothing came for so many intervals is lost."""

ANSWER_TIMEOUT_S: Final = 10.0
CLOSE_TIMEOUT_S: Final = 1.0
"""How long the other side has to answer a close frame. Less than a room waits for its transport."""

WORDS_MAX: Final = 64
"""Different words that `ignored` tells apart; what comes after them is counted as "other"."""

CLOSE_LEFT: Final = 1000
CLOSE_WRONG_SHAPE: Final = 1002

logger = logging.getLogger(__name__)


class WebSocketTransport:
    """Signaling to one room of a server that speaks the protocol. See transport.py for what each method promises.

    `ignored` counts the frames that mean nothing to us, by their type: `binary`, unknown ones, and answers to nothing.
    """

    def __init__(
        self,
        url: str,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        frame_bytes_max: int = frames.FRAME_BYTES_MAX,
        ssl: tls.SSLContext | None = None,
        proxy: str | Literal[True] | None = True,
        clock: Clock | None = None,
    ) -> None:
        """`url` is ws:// or wss://, without a token. Raises TransportError for another, or without the extra.

        `heartbeat_s` is what is asked for, 0.1 to 60; the server's word counts. `ssl` replaces the default context of
        wss://. `proxy`: True for the system's, None for none, or its URL.
        """
        _require_websockets()
        self._url = _checked(url)
        self._heartbeat_ms = round(heartbeat_s * 1000)
        if not frames.HEARTBEAT_MS_MIN <= self._heartbeat_ms <= frames.HEARTBEAT_MS_MAX:
            raise TransportError("websocket", f"heartbeat_s is {heartbeat_s}; it must be from 0.1 to 60")
        self._answer_timeout_s = answer_timeout_s
        self._frame_bytes_max = frame_bytes_max
        self._ssl = ssl
        self._proxy = proxy
        self.clock: Clock = clock if clock is not None else SystemClock()
        self.ignored: Counter[str] = Counter()
        self._session = ""
        self._deliver: Deliver | None = None
        self._line: _Line | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        parts = urlsplit(self._url)
        return f"WebSocketTransport({parts.scheme}://{parts.netloc.rpartition('@')[2]})"

    @property
    def is_idle(self) -> bool:
        """Whether it holds neither a connection nor a task."""
        return not self._tasks

    def join(self, token: str, room_name: str | None, deliver: Deliver) -> None:
        """Begins to join."""
        self._deliver = deliver
        self._begin(Stage.JOINING, frames.join(token, room_name, self._heartbeat_ms))

    def attempt(self, token: str) -> None:
        """Makes one attempt to resume the session."""
        self._begin(Stage.RESUMING, frames.sync(token, self._session, self._heartbeat_ms))

    def abort(self) -> None:
        """Gives up the join or attempt that is under way. A server that has let us in meanwhile is told."""
        line = self._line
        if line is not None and line.stage is not Stage.UP:
            if line.stage is Stage.JOINING:
                line.say(frames.LEAVE)
            line.cut()

    def leave(self) -> None:
        """Writes `leave` at once, where there is a connection to write it to."""
        self._deliver = None
        if self._line is not None:
            self._line.leave()

    async def close(self) -> None:
        """Closes the connection with code 1000, within a second, and frees everything."""
        self._deliver = None
        if self._line is not None:
            await self._line.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, stage: Stage, first: str) -> None:
        if self._line is not None:
            self._line.cut()
        self._line = _Line(self, stage, first)
        task = asyncio.get_running_loop().create_task(self._line.live())
        self._line.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What a connection asks of its transport

    async def open(self) -> ClientConnection:
        """A websocket to the server. Raises what the package raises."""
        from websockets.asyncio.client import connect  # noqa: PLC0415 - an extra: only those who use it have it

        opening = connect(
            self._url,
            ssl=(self._ssl or True) if self._url.startswith("wss:") else None,
            proxy=self._proxy,
            open_timeout=None,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=self._frame_bytes_max,
            logger=_Discreet(logger, {}),
        )
        connection = await opening
        if opening.uri != self._url:
            connection.transport.abort()
            raise ConnectionRefusedError("a redirect, which could lead a token to somebody else")
        return connection

    def later(self, after_ms: float, call: Callable[[], None]) -> Timer:
        """Calls after that time."""
        return self.clock.call_at(self.clock.now().steady_us + int(after_ms * 1000), call)

    def answer_timer(self, call: Callable[[], None]) -> Timer:
        """Calls when the server has had its time to answer."""
        return self.later(self._answer_timeout_s * 1000, call)

    def heartbeat_ms(self, told: int | None) -> int:
        """The interval that counts: the server's word, else ours."""
        return told if told is not None else self._heartbeat_ms

    def remember(self, session: str) -> None:
        """Keeps what resumes the session."""
        self._session = session

    def ignore(self, word: str) -> None:
        """Counts a frame that means nothing to us."""
        self.ignored[word if word in self.ignored or len(self.ignored) < WORDS_MAX else "other"] += 1

    def tell(self, signal: Signal) -> None:
        """Hands a signal to the room, as long as there is one."""
        if self._deliver is not None:
            self._deliver(signal)


class _Line:
    """One connection, from its opening to its end. After `_is_over` it tells nothing."""

    def __init__(self, transport: WebSocketTransport, stage: Stage, first: str) -> None:
        self.stage = stage
        self.task: asyncio.Task[None] | None = None
        self._transport = transport
        self._first = first
        self._connection: ClientConnection | None = None
        self._is_over = False
        self._heard_us = 0
        self._interval_ms = 0
        self._timer: Timer = transport.answer_timer(self._expire)

    async def live(self) -> None:
        """Opens, asks, listens, and closes in order. Cancelled, it drops the connection."""
        try:
            end = await self._until_the_end()
            self._settle(end)
            if self._connection is not None:
                await self._connection.close(CLOSE_WRONG_SHAPE if isinstance(end, frames.WrongShape) else CLOSE_LEFT)
        finally:
            self._fall_silent()
            self._drop()

    def say(self, text: str) -> None:
        """Writes a frame now, if the connection is open; what cannot be written is lost with the connection."""
        from websockets.asyncio.server import broadcast  # noqa: PLC0415 - an extra: only those who use it have it

        if self._connection is not None and not self._is_over:
            broadcast([self._connection], text)

    def leave(self) -> None:
        """Says that we leave, and falls silent. A connection that is not open yet is given up."""
        self.say(frames.LEAVE)
        self._fall_silent()
        if self._connection is None:
            self._cancel()

    def cut(self) -> None:
        """Drops the connection without a word; one that is closing already may do so in its time."""
        if not self._is_over:
            self._fall_silent()
            self._cancel()
            self._drop()

    async def close(self) -> None:
        """Closes in order, within the bound."""
        self._fall_silent()
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close(CLOSE_LEFT)

    async def _until_the_end(self) -> End:
        try:
            self._connection = await self._transport.open()
            self.say(self._first)
            return await self._listen(self._connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this connection and no more
            return fault_of(error)

    async def _listen(self, connection: ClientConnection) -> End:
        while True:
            frame = frames.read(await connection.recv())
            self._heard_us = self._transport.clock.now().steady_us
            if isinstance(frame, Verdict | frames.WrongShape):
                return frame
            if not self._is_over:
                self._take(frame)

    def _take(self, frame: frames.Frame) -> None:
        match frame:
            case frames.JoinedFrame() if self.stage is Stage.JOINING:
                self._transport.remember(frame.session)
                self._come_up(frame.heartbeat_ms)
                self._transport.tell(_joined(frame))
            case frames.SyncedFrame() if self.stage is Stage.RESUMING:
                self._come_up(frame.heartbeat_ms)
                self._transport.tell(Resynchronised(frames.states(frame.participants), frame.session_timeout_ms))
            case frames.ParticipantsFrame() if self.stage is not Stage.JOINING:
                self._transport.tell(ParticipantsUpdated(frames.states(frame.participants)))
            case frames.HeartbeatFrame():
                pass
            case frames.Unknown():
                self._transport.ignore(frame.word)
            case _:
                self._transport.ignore(f"{type(frame).__name__} out of place")

    def _come_up(self, heartbeat_ms: int | None) -> None:
        self.stage = Stage.UP
        self._timer.cancel()
        self._interval_ms = self._transport.heartbeat_ms(heartbeat_ms)
        self._timer = self._transport.later(self._interval_ms, self._beat)

    def _beat(self) -> None:
        silent_us = self._transport.clock.now().steady_us - self._heard_us
        if silent_us >= HEARTBEATS_LOST * self._interval_ms * 1000:
            self._give_up(Unreached(f"nothing heard for {HEARTBEATS_LOST} heartbeats"))
            return
        self.say(frames.HEARTBEAT)
        self._timer = self._transport.later(self._interval_ms, self._beat)

    def _expire(self) -> None:
        self._give_up(Unreached("no answer in time"))

    def _give_up(self, end: End) -> None:
        """Time is over: whoever is at the other end does not answer a close frame either."""
        self._settle(end)
        self._cancel()
        self._drop()

    def _settle(self, end: End) -> None:
        if not self._is_over:
            self._fall_silent()
            signal = signal_of(end, self.stage)
            logger.debug("a connection ended while %s: %s", self.stage.value, type(signal).__name__)
            self._transport.tell(signal)

    def _fall_silent(self) -> None:
        self._is_over = True
        self._timer.cancel()

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.transport.abort()


class _Discreet(logging.LoggerAdapter[logging.Logger]):
    """The package's log without its debug lines, which hold frames and with them tokens."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name is logging's
        """Whether lines of that level are wanted; never those below INFO."""
        return level >= logging.INFO and super().isEnabledFor(level)


def _joined(frame: frames.JoinedFrame) -> Joined:
    return Joined(
        room_sid=frame.room_sid,
        participant_sid=frame.participant_sid,
        participants=frames.states(frame.participants),
        session_timeout_ms=frame.session_timeout_ms,
        identity=frame.identity,
        room_name=frame.room_name,
    )


def _checked(url: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in {"ws", "wss"} and parts.hostname and (parts.port is None or parts.port > 0):
            return url
    raise TransportError("websocket", f"a URL beginning with {clip(url[:8])!r} does not do; give ws://… or wss://…")


def _require_websockets() -> None:
    try:
        import websockets.asyncio.client  # noqa: F401, PLC0415 - an extra: only those who use it have it
    except ImportError:
        raise TransportError("websocket", "needs websockets; run: pip install 'roomwatch[websocket]'") from None
