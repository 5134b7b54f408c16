"""Every sample of the page "Reconnection States and Events" runs, and what the page asserts holds.

An assert that fails inside a handler ends on standard error, so that must be empty.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# Programs that need a server beside them, and that server; each has a test of its own.
ELSEWHERE = {"websocket_room.py", "signaling_server.py"}
SERVERS = {"signaling_server.py"}

FOLDER = Path(__file__).resolve().parents[2] / "examples"
LINES_MAX = 40

# Once in twenty runs livekit's native library still calls Python while the interpreter ends. Python before 3.14 unwinds
# such a thread (python/cpython#87135), which Rust reports; the program has said all and ends with its own code.
NATIVE_THREAD_AT_EXIT = re.compile(
    r"\nthread 'tokio-rt-worker' [^\n]*\npanic in a function that cannot unwind\nstack backtrace:\n.*", re.DOTALL
)

SAYS: dict[str, tuple[int, list[str]]] = {
    "room_reconnecting.py": (
        0,
        [
            "Reconnecting your signaling connection! Signaling connection disconnected",
            "Reconnecting your media connection! Media connection failed or Media activity ceased",
        ],
    ),
    "room_reconnected.py": (0, ["Reconnected your signaling and media connections!", "attempts: 1"]),
    "room_disconnected.py": (
        0,
        [
            "Signaling reconnection failed due to expired AccessToken!",
            "Signaling reconnection attempts exhausted!",
            "Signaling reconnection took too long!",
        ],
    ),
    "participant_reconnecting.py": (
        0,
        ["The room says: bob is reconnecting", "bob is reconnecting the signaling connection to the Room!"],
    ),
    "participant_reconnected.py": (
        0,
        ["The room says: bob has reconnected", "bob has reconnected the signaling connection to the Room!"],
    ),
    "access_token.py": (
        0,
        ["2 dots, so it is a JWT", "identity: alice", "room: my-room", "lives for 86400 seconds"],
    ),
    "aiortc_room.py": (
        0,
        [
            "room.reconnecting MediaConnectionError 53405: Media connection failed or Media activity ceased",
            "room.reconnected by a fresh peer connection",
        ],
    ),
    "observe_any_sdk.py": (
        0,
        [
            "reconnecting: SignalingConnectionDisconnectedError 53001: Signaling connection disconnected",
            "reconnected, and the room is connected",
            "5 events published, outages: 1",
        ],
    ),
    "livekit_room.py": (0, ["no LiveKit server at ws://127.0.0.1:7880"]),
    "leave_on_exit.py": (-signal.SIGTERM, ["alice has left, bob sees", "leaving because of a signal"]),
}


@pytest.mark.parametrize("name", SAYS)
def test_a_sample_of_the_page_says_what_the_page_says(name: str) -> None:
    program = [sys.executable, "-W", "error", "-u", str(FOLDER / name)]
    done = subprocess.run(
        program,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(FOLDER.parent)},  # noqa: TID251 - a program of ours needs to find the package
    )
    errors = NATIVE_THREAD_AT_EXIT.sub("", done.stderr) if name == "livekit_room.py" else done.stderr
    assert (done.returncode, done.stdout.splitlines(), errors) == (*SAYS[name], "")


def test_every_sample_has_its_test_and_fits_a_screen() -> None:
    lines = {path.name: len(path.read_text().splitlines()) for path in FOLDER.glob("*.py")}
    assert set(lines) == set(SAYS) | ELSEWHERE
    assert {name for name, count in lines.items() if count > LINES_MAX} - SERVERS == set()
