"""Processes of the test run: free ports, folders in memory, a start that is awaited, a stop by pid.

Knows no server. Rules: everything listens on 127.0.0.1; a process goes when its test run goes, also when that is
killed; a process that dies is reported with the end of its log.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.waiting import wait_until

# Below the range from which Linux and macOS take the ports of outgoing connections: a client that keeps trying a
# server which is down would otherwise at last connect to itself and so take the server's port away.
PORTS: Final = range(20_000, 32_000)
LOG_TAIL_BYTES: Final = 4_000
STOP_WITHIN_S: Final = 20.0
_FOLDER_PREFIX: Final = "roomwatch-"


class ServerDiedError(Exception):
    """A server ended by itself, or was not ready in time; the text holds the end of its log."""

    def __init__(self, name: str, what: str, log_tail: str) -> None:
        self.name = name
        self.what = what
        self.log_tail = log_tail
        super().__init__(name, what, log_tail)

    def __str__(self) -> str:
        return f"{self.name} {self.what}; the end of its log:\n{self.log_tail}"


def free_port() -> int:
    """A port of 127.0.0.1 where nothing listens now."""
    for _ in range(1_000):
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {PORTS.start} and {PORTS.stop} on 127.0.0.1")


def make_folder(name: str, *, on_disk: bool = False) -> Path:
    """A new folder for a server's data, in memory where the machine has /dev/shm; remove it with `remove_folder`.

    `on_disk`: not in memory, so that what is flushed costs what it costs.

    Sweeps folders of test runs that are gone: one that was killed could not do it itself.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder with an unguessable name is made in it
    parent = memory if os.access(memory, os.W_OK) and not on_disk else Path(tempfile.gettempdir())
    for folder in parent.glob(f"{_FOLDER_PREFIX}*-*"):
        owner = folder.name.removeprefix(_FOLDER_PREFIX).partition("-")[0]
        if owner.isdecimal() and not _is_running(int(owner)):
            remove_folder(folder)
    return Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{os.getpid()}-{name}-", dir=parent))


def remove_folder(folder: Path) -> None:
    """Removes a folder and all in it; what a dying process still writes there is no error.

    Where a file system is mounted at it, that goes first; lazily, for the same reason.
    """
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def children_of(pid: int) -> list[int]:
    """The processes that this one has started and that are there."""
    return [child for child, parent, _ in _all_processes() if parent == pid]


def is_alive(pid: int) -> bool:
    """Whether a process is there and has not ended: one that nobody has waited for yet keeps its number."""
    return any(other == pid and not state.startswith("Z") for other, _, state in _all_processes())


def _all_processes() -> Iterator[tuple[int, int, str]]:
    # Small Linux images have no `ps`; macOS has no /proc.
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = file.read_text().partition(" (")
        except OSError:
            continue
        state, parent = rest.rpartition(") ")[2].split()[:2]
        yield int(pid), int(parent), state
    if not Path("/proc").exists():
        columns = ["ps", "-A", "-o", "pid=,ppid=,stat="]
        for line in subprocess.run(columns, capture_output=True, text=True, check=True).stdout.splitlines():
            pid, parent, state = line.split()
            yield int(pid), int(parent), state


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass
class ServerProcess:
    """One server as a child process; its output goes to `log_file`."""

    name: str
    command: Sequence[str]
    log_file: Path
    environment: Mapping[str, str] | None = None
    user: int | None = None
    group: int | None = None
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int:
        """The process's id while it runs."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, is_ready: Callable[[], bool], within_s: float = 60.0) -> None:
        """Starts the process and waits until `is_ready`; `ServerDiedError` when that does not come about."""
        if self.is_running:
            raise RuntimeError(f"{self.name} runs already")
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*_ends_with_its_parent(), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self.folder,
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )
        try:
            wait_until(lambda: self._check_alive() and is_ready(), within_s=within_s)
        except AssertionError as error:
            self.kill()
            raise ServerDiedError(self.name, f"was not ready after {within_s:g} s ({error})", self.log_tail()) from None
        except BaseException:
            self.kill()
            raise

    def _check_alive(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise ServerDiedError(self.name, f"ended with {self._process.returncode} while it started", self.log_tail())
        return True

    def stop(self) -> None:
        """Asks the process to end and waits for it; one that does not is killed."""
        if self._process is None:
            return
        died_before = self._process.poll()
        if died_before is None:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
        if died_before is not None:
            raise ServerDiedError(self.name, f"ended by itself with {died_before}", self.log_tail())

    def kill(self) -> None:
        """Ends the process at once, as a crash of the machine would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log_tail(self) -> str:
        """The last lines of the log."""
        if not self.log_file.exists():
            return "(no log)"
        return self.log_file.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")


def _ends_with_its_parent() -> list[str]:
    # A test run that is killed cannot stop its servers; Linux can. `setpriv` becomes the server: the pid stays.
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []
