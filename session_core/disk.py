"""The keeper that writes to a file: one thread, in batches, off the event loop.

Not here: the file's shape (outbox_file.py), where it lies (outbox_folder.py), what is kept (outbox.py).

Rules:
1. Nobody waits for it but who asks to, and for so long as they say. A room never does.
2. What is asked for is done in order: who waits for `written` knows that all that was told before is on disk, or that
   the disk has failed.
3. A disk that fails is not used again: telemetry goes on in memory, and it is said once.
4. Files of processes that died are read here and handed over one by one (`leftovers`); they are removed once what was
   in them is in the own file.
5. A process that forked has a copy of the memory and no part in the file.
6. What is sent before it is in the file would have its number given once more, to the end of its session, by whoever
   takes the file over. So for as long as the file is behind it is cut (outbox_file.py): it ends no session.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from session_core import outbox_file
from session_core.errors import OutboxFileError
from session_core.kept import Leftovers, Standing
from session_core.outbox_file import Lock, Statement
from session_core.outbox_folder import default_folder
from session_core.sink import Sink

BATCH_MAX: Final = 2_000
BACKLOG_MAX: Final = 100_000
"""Changes that wait for the disk. With more than that, it has failed."""
FILES_MAX: Final = 1_000
"""Files of dead processes that one start looks at."""

NOT_ON_DISK: Final = "not_on_disk"
"""Told when what waits is in memory only; nothing is lost by it as long as the process lives."""
UNREADABLE: Final = "unreadable"
"""Told when a file that a process left behind cannot be read, by this version or at all."""

_REMEMBER: Final = """
INSERT INTO sessions (session_id, next_seq, n, state, ended, last) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET next_seq = excluded.next_seq, n = excluded.n, state = excluded.state, ended = excluded.ended,
    last = excluded.last
"""

Step = Callable[[], None]

logger = logging.getLogger(__name__)


def disk_for(sink: Sink, folder: str | Path | None) -> Disk | None:
    """The keeper of what is sent to this sink: in `folder`, else in that of its address; None: in memory only.

    What waits for a sink that says no address is not kept: another of its class, that sends elsewhere, would take it.
    """
    if folder is not None:
        return Disk(Path(folder))
    address = getattr(sink, "address", "")
    if address:
        return Disk(lambda: default_folder(address))
    if address is not None:
        name = type(sink).__qualname__
        logger.warning("telemetry is kept in memory only: give %s an `address`, or the publisher a `folder`", name)
    return None


class Disk:
    """Keeps one outbox in a file of its own in `folder`, and finds what others left there."""

    def __init__(self, folder: Path | Callable[[], Path]) -> None:
        self._folder = folder
        self._queue: queue.SimpleQueue[Statement | Step | None] = queue.SimpleQueue()
        self._working = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._connection: sqlite3.Connection | None = None
        self._lock: Lock | None = None
        self._leftovers: deque[Leftovers] = deque()
        self._reasons: deque[str] = deque()
        self._claimed: dict[str, Lock] = {}
        self._on_news: Step = lambda: None
        self._has_failed = False
        self._is_open = False
        self._fell_behind = self._caught_up = 0  # how often; the one is written by who sends, the other by the thread
        self._marking = threading.Lock()
        self._cutting: Future[None] | None = None

    @property
    def has_failed(self) -> bool:
        """Whether telemetry is in memory only."""
        return self._has_failed or self._process != os.getpid()

    @property
    def path(self) -> Path | None:
        """The file, while there is one."""
        return None if self._lock is None else self._lock.path

    def open(self, on_news: Step) -> None:
        """Begins to keep. `on_news` is called, from a thread, when `leftovers` or `reasons` have something."""
        if not self._is_open and not self.has_failed:
            self._is_open = True
            self._on_news = on_news
            self._do(self._begin)

    def take_reasons(self) -> list[str]:
        """What befell the disk since the last call, each once."""
        reasons = list(dict.fromkeys(self._reasons))
        self._reasons.clear()
        return reasons

    def next_leftovers(self, fits: Callable[[Leftovers], bool]) -> Leftovers | None:
        """What a dead process left, if it fits; `adopted` follows when it is in the outbox."""
        if self.has_failed or not self._leftovers or not fits(self._leftovers[0]):
            return None
        return self._leftovers.popleft()

    def adopted(self, left: Leftovers) -> None:
        """What was left is in this outbox now: the other file is removed once this one has it all."""
        self._do(("INSERT OR IGNORE INTO adopted VALUES (?)", (left.name,)))
        self._do(lambda: self._discard(left.name))

    # What the outbox tells

    def keep(self, ordinal: int, value: bytes) -> None:
        """A message waits now."""
        self._do(("INSERT INTO waiting VALUES (?, ?)", (ordinal, value)))

    def let_go(self, ordinal: int) -> None:
        """It waits no more."""
        self._do(("DELETE FROM waiting WHERE ordinal = ?", (ordinal,)))

    def remember(self, standing: Standing) -> None:
        """A session has said something."""
        self._do(
            (
                _REMEMBER,
                (standing.session_id.bytes, *standing[1:]),
            )
        )

    def lose(self, session_id: UUID, lost: Mapping[str, Mapping[str, int]]) -> None:
        """A session has lost something."""
        told = msgspec.json.encode(lost).decode()
        self._do(("UPDATE sessions SET lost = ? WHERE session_id = ?", (told, session_id.bytes)))

    def forget(self, session_id: UUID) -> None:
        """A session is over."""
        self._do(("DELETE FROM sessions WHERE session_id = ?", (session_id.bytes,)))

    # What may be waited for

    def written(self) -> Future[None]:
        """Done when all that was told so far is on disk, or the disk has failed. Only who waits for it waits."""
        done: Future[None] = Future()

        def say() -> None:
            if done.set_running_or_notify_cancel():
                done.set_result(None)

        if self.has_failed or not self._is_open:
            if self._has_failed and (cutting := self._cutting) is not None:
                return cutting
            say()
        else:
            self._do(say)
        return done

    def fall_behind(self) -> Future[None]:
        """What was told so far is sent now though it is not on disk: cuts the file until it is. Done when it is cut."""
        self._fell_behind += 1
        self._do(self._catch_up)
        return self._cut()

    def close(self, *, remove: bool) -> Future[None]:
        """Ends the keeping. Without `remove` the file waits for another process."""
        ended: Future[None] = Future()

        def end() -> None:
            self._end(remove=remove)
            if ended.set_running_or_notify_cancel():
                ended.set_result(None)

        if not self._is_open or self._process != os.getpid():
            ended.set_result(None)
            return ended
        self._is_open = False
        self._queue.put(end)
        self._queue.put(None)
        self._wake()
        self._thread = None
        return ended

    # The thread

    def _do(self, what: Statement | Step) -> None:
        if self.has_failed or not self._is_open:
            return
        if self._queue.qsize() > BACKLOG_MAX:
            self._give_up("it is too slow")
            self._cut()
            return
        self._queue.put(what)
        self._wake()

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._work, name="roomwatch-disk", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter ends: nobody is kept waiting any more but who asked for it
                self._work_off()
            else:
                self._thread = thread

    def _work(self) -> None:
        while self._work_off(wait=True):
            pass

    def _work_off(self, *, wait: bool = False) -> bool:
        """Does what waits; False after the end."""
        goes_on = True
        with self._working:
            statements: list[Statement] = []
            with suppress(queue.Empty):
                for _ in range(BATCH_MAX):
                    todo = self._queue.get(block=wait and not statements)
                    if isinstance(todo, tuple):
                        statements.append(todo)
                        continue
                    self._write(statements)
                    statements = []
                    if todo is None:
                        goes_on = False
                        break
                    self._step(todo)
                    wait = False
            self._write(statements)
        return goes_on

    def _write(self, statements: list[Statement]) -> None:
        if not statements or self._has_failed or self._connection is None:
            return
        try:
            outbox_file.apply(self._connection, statements)
        except (sqlite3.Error, OSError) as error:
            self._fail(str(error))

    def _step(self, step: Step) -> None:
        try:
            step()
        except (sqlite3.Error, OSError) as error:
            self._fail(str(error) or type(error).__name__)
        except Exception:
            logger.exception("the telemetry's disk")
            self._fail("see the log above")

    def _begin(self) -> None:
        folder = self._folder() if callable(self._folder) else self._folder
        self._connection, self._lock = outbox_file.create(folder)
        self._find(folder)
        if self._leftovers or self._reasons:
            self._on_news()

    def _find(self, folder: Path) -> None:
        """Claims the files that dead processes left, oldest first, but for those that another one took over already."""
        found: list[tuple[float, Leftovers]] = []
        taken: set[str] = set()
        for lock_path in sorted(folder.glob("outbox-*.lock"))[:FILES_MAX]:
            path = lock_path.with_suffix(".db")
            lock = Lock.take(path)
            if lock is None:
                continue
            if outbox_file.is_nobodys(path):
                lock.remove()
                continue
            try:
                at = path.stat().st_mtime
                left, names = outbox_file.read(path, ends_sessions=not lock.is_cut)
            except OutboxFileError as error:
                self._set_aside(lock, error)
                continue
            self._claimed[path.name] = lock
            taken |= names
            found.append((at, left))
        for _, left in sorted(found, key=lambda pair: (pair[0], pair[1].name)):
            if left.name in taken or not (left.sessions or left.waiting):
                self._discard(left.name)
            else:
                self._leftovers.append(left)

    def _set_aside(self, lock: Lock, error: OutboxFileError) -> None:
        """A file of a newer version waits for one; one that nobody can read is kept under another name."""
        if error.reason == "unreadable":
            with suppress(OSError):
                lock.path.rename(lock.path.with_suffix(".unreadable"))
                lock.remove()
        lock.release()
        self._reasons.append(UNREADABLE)
        logger.warning("telemetry that a process left behind cannot be sent: %s", error)

    def _discard(self, name: str) -> None:
        lock = self._claimed.pop(name, None)
        if lock is not None and not self._has_failed:
            lock.remove()

    def _end(self, *, remove: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        with self._marking:
            lock, self._lock = self._lock, None
            if lock is not None:
                (lock.remove if remove else lock.release)()
        for claimed in self._claimed.values():
            claimed.release()
        self._claimed.clear()
        self._leftovers.clear()

    def _cut(self) -> Future[None]:
        """Has a thread of its own cut the file, for the other one waits for the disk. There are two such at most."""
        cutting = self._cutting
        if cutting is None:
            self._cutting = cutting = Future[None]()
            cutting.set_running_or_notify_cancel()  # several may wait for it, and whoever stops would cancel it
            thread = threading.Thread(target=self._cut_now, args=(cutting,), name="roomwatch-disk-cut", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # as above
                self._cut_now(cutting)
        return cutting

    def _cut_now(self, done: Future[None]) -> None:
        with self._marking:
            self._cutting = None  # whoever falls behind from here on finds it so, or is seen by the next line
            if self._lock is not None and (self._has_failed or self._fell_behind != self._caught_up):
                self._lock.cut()
        done.set_result(None)

    def _catch_up(self) -> None:
        with self._marking:
            self._caught_up += 1
            if self._lock is not None and not self._has_failed and self._fell_behind == self._caught_up:
                self._lock.whole()

    def _fail(self, why: str) -> None:
        with self._marking:
            if self._lock is not None:
                self._lock.cut()
        self._give_up(why)

    def _give_up(self, why: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._reasons.append(NOT_ON_DISK)
            logger.warning("telemetry is kept in memory only, for its disk failed: %s", why)
            with suppress(Exception):
                self._on_news()
