"""`roomwatch demo` as a user runs it: the real command, its page, its accounts."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.servers.processes import children_of, is_alive
from tests.waiting import wait_until

ADDRESS: Final = re.compile(r"open (?P<url>http://\S+) ")
ACCOUNTS: Final = re.compile(
    r"published (?P<published>[\d,]+), stored (?P<stored>[\d,]+), duplicates [\d,]+, lost (?P<lost>[\d,]+); "
    r"outages opened (?P<opened>[\d,]+) = (?P<outcomes>.+)"
)
SCRIPT_WITHIN_S: Final = 110.0


class Demo:
    """The command while it runs, and what it has said."""

    def __init__(self, out: Path, *arguments: str) -> None:
        self._out = out
        command = [sys.executable, "-m", "collector", "demo", "--port", "0", *arguments]
        with out.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        return self._out.read_text()

    def url(self) -> str:
        found = wait_until(lambda: ADDRESS.search(self.said), within_s=30)
        assert found is not None
        return found["url"]

    def accounts(self) -> dict[str, int]:
        """The figures of the last line; outcomes by name."""
        found = ACCOUNTS.search(self.said)
        assert found is not None, self.said
        figures = {name: found[name] for name in ("published", "stored", "lost", "opened")}
        outcomes = {f"outages {name}": count for count, name in re.findall(r"([\d,]+) (\w+)", found["outcomes"])}
        return {name: int(count.replace(",", "")) for name, count in (figures | outcomes).items()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "said"


@pytest.fixture
def demo(out: Path) -> Iterator[Demo]:
    running = Demo(out)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def codes_since(url: str, since: str) -> set[tuple[str, int | None]]:
    """Phase and code of every failed session since then."""
    answer = httpx.get(f"{url}/api/v1/breakdowns/failure-codes", params={"since": since}).raise_for_status().json()
    return {(item["phase"], item["error"]["code"]) for item in answer["items"]}


def test_the_demo_lives_through_every_incident_and_its_accounts_add_up(demo: Demo) -> None:
    url = demo.url()
    wanted = {
        ("join", 53000),
        ("join", 53006),
        ("join", 53105),
        ("session", 20104),
        ("session", 53000),
        ("session", 53002),
        ("session", 53405),
    }
    history = wait_until(lambda: httpx.get(f"{url}/api/v1/sessions", params={"limit": 1}).json()["items"], within_s=30)
    assert history
    wait_until(lambda: wanted <= codes_since(url, "-3m"), within_s=SCRIPT_WITHIN_S, every_s=0.5)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0, demo.said
    accounts = demo.accounts()
    assert accounts["stored"] == accounts["published"] > 8_000
    assert accounts["opened"] == sum(count for name, count in accounts.items() if name.startswith("outages "))
    assert accounts["outages abandoned"] > 0
    assert "Traceback" not in demo.said


def test_the_page_shows_the_history_within_seconds_and_ctrl_c_is_clean(demo: Demo) -> None:
    url = demo.url()
    page = wait_until(lambda: "ie1" in (text := httpx.get(url).text) and text, within_s=30)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0, demo.said
    assert "Latest outages" in str(page)
    assert demo.accounts()["opened"] > 300


def test_a_port_that_is_taken_is_one_line_and_exit_code_2(demo: Demo, tmp_path: Path) -> None:
    taken = demo.url().rsplit(":", 1)[1]
    command = [sys.executable, "-m", "collector", "demo", "--port", taken]
    second = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert taken in second.stderr


def test_a_demo_that_is_killed_leaves_no_process_behind(demo: Demo) -> None:
    demo.url()
    children = wait_until(lambda: children_of(demo.process.pid), within_s=30)
    demo.process.kill()
    demo.process.wait()
    wait_until(lambda: not any(is_alive(child) for child in children), within_s=30)
