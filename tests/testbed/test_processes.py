"""Processes of the test run come up, are stopped by pid, and leave nothing behind."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.parts import ROOT
from tests.servers.processes import (
    PORTS,
    ServerDiedError,
    ServerProcess,
    free_port,
    is_alive,
    make_folder,
    remove_folder,
)
from tests.waiting import wait_until

READY = "print('ready', flush=True);"
WAITS = "import signal; signal.pause()"


def _server(folder: Path, program: str) -> ServerProcess:
    return ServerProcess("a server", [sys.executable, "-c", program], folder / "log")


def _is_ready(folder: Path) -> bool:
    return "ready" in (folder / "log").read_text()


def test_a_server_is_stopped_by_its_pid_and_can_start_again(tmp_path: Path) -> None:
    server = _server(tmp_path, READY + WAITS)
    for _ in range(2):
        server.start(lambda: _is_ready(tmp_path))
        pid = server.pid
        assert (server.is_running, is_alive(pid)) == (True, True)
        server.stop()
        assert (server.is_running, is_alive(pid)) == (False, False)


def test_a_server_that_dies_while_it_starts_is_told_with_its_log(tmp_path: Path) -> None:
    server = _server(tmp_path, "raise SystemExit('the port is taken')")
    with pytest.raises(ServerDiedError, match=r"a server ended with 1 while it started(?s:.*)the port is taken"):
        server.start(lambda: False)


def test_a_server_that_died_meanwhile_is_told_when_it_is_stopped(tmp_path: Path) -> None:
    server = _server(tmp_path, READY + WAITS)
    server.start(lambda: _is_ready(tmp_path))
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.is_running)
    with pytest.raises(ServerDiedError, match=r"a server ended by itself with -9(?s:.*)ready"):
        server.stop()


def test_a_server_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    server = _server(tmp_path, READY + WAITS)
    pids: list[int] = []

    def is_ready() -> bool:
        pids.append(server.pid)
        return False

    with pytest.raises(ServerDiedError, match=r"was not ready after 0.2 s"):
        server.start(is_ready, within_s=0.2)
    assert not is_alive(pids[0])


def test_a_server_ends_with_a_test_run_that_is_killed(tmp_path: Path) -> None:
    if sys.platform != "linux":
        assert sys.platform == "darwin", "elsewhere a run that is killed leaves its servers behind"
        return
    run = f"""
from pathlib import Path
from tests.servers.processes import ServerProcess
server = ServerProcess("a server", [{sys.executable!r}, "-c", {READY + WAITS!r}], Path({str(tmp_path / "log")!r}))
server.start(lambda: True)
print(server.pid, flush=True)
{WAITS}
"""
    with subprocess.Popen([sys.executable, "-c", run], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    wait_until(lambda: not is_alive(pid))


def test_free_ports_lie_outside_the_range_of_outgoing_connections() -> None:
    ports = {free_port() for _ in range(20)}
    assert ports <= set(PORTS)


def test_a_folder_names_its_owner_and_one_whose_owner_is_gone_is_swept() -> None:
    mine = make_folder("mine")
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    left_behind = mine.with_name(re.sub(r"^roomwatch-\d+", f"roomwatch-{gone.pid}", mine.name))
    left_behind.mkdir()
    other = make_folder("other")
    there = (mine.exists(), left_behind.exists(), other.exists())
    remove_folder(mine)
    remove_folder(other)
    assert there == (True, False, True)
    assert not mine.exists()
