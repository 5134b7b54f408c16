"""`roomwatch trace` as people meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from collector.cli import execute

ROOT: Final = Path(__file__).parents[2]
AWAY: Final = str(ROOT / "examples/scenarios/network_away_20s.toml")
TRACES: Final = str(ROOT / "tests/data/sdk_traces.json")


def test_the_time_line_answers_what_users_see_if_the_network_is_away_for_20_s(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert execute(["trace", AWAY, "--final"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "network-away-20s the network is away for 20 s (documented)",
        "     5.000 s  room   reconnecting  53405 MediaConnectionError",
        "    14.990 s  local  reconnecting",
        "    20.050 s  local  reconnected",
        "    20.300 s  room   reconnected",
        "   at last: room connected, local connected",
    ]


def test_json_is_one_event_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["trace", TRACES, AWAY, "--policy", "twilio-js", "--format", "json", "--final"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        '{"scenario":"A1","t":0,"who":"local","event":"reconnecting","participant":null,"code":null,"state":"reconnecting"}'
    )
    about_b4 = [found for found in map(json.loads, lines) if found["scenario"] == "B4"]
    assert about_b4[2:4] == [
        {
            "scenario": "B4",
            "t": 200,
            "who": who,
            "event": event,
            "participant": about,
            "code": None,
            "state": "disconnected",
        }
        for who, event, about in [
            ("room", "participant_disconnected", "carol"),
            ("participant:carol", "disconnected", None),
        ]
    ]
    assert about_b4[-1] == {
        "scenario": "B4",
        "final": {"room": "connected", "local": "connected", "participants": [["bob", "connected"]]},
    }


def test_the_same_seed_tells_the_same_and_delays_are_plain_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = [[0, "policy", "every new client WebSocket is closed with 1006 5 ms after creation"]]
    file = tmp_path / "refused.json"
    file.write_text(json.dumps({"stimuli": [*refused, [0, "server_ws_close"], [0, "advance_ms", 60_000]]}))
    ends = []
    for seed in ([], [], ["--seed", "1"], ["--seed", "1"], ["--seed", "2"]):
        assert execute(["trace", str(file), *seed]) == 0
        ends.append(capsys.readouterr().out.splitlines()[-1])
    assert ends[0] == ends[1] == "    20.656 s  room   disconnected  53000 SignalingConnectionError"
    assert ends[2] == ends[3]
    assert len(set(ends)) == 3


def test_a_room_that_says_nothing_and_a_code_that_nobody_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "quiet.json"
    error = [5, "server_msg", {"type": "error", "code": 59999}]
    file.write_text(json.dumps([{"id": "Q", "name": "Q quiet", "stimuli": []}, {"id": "U", "stimuli": [error]}]))
    assert execute(["trace", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Q quiet (documented)",
        "           nothing is told: nobody notices",
        "U (documented)",
        "     0.005 s  local  disconnected",
        "     0.005 s  room   disconnected  59999 RoomError",
    ]


def test_what_cannot_be_played_is_one_line_and_nothing_of_the_rest_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"stimuli": [[0, "ice", "gone"]]}')
    for file, says in (
        (wrong, f"{wrong}: stimuli[0][2] is 'gone'; make it one of closed, failed, "),
        (tmp_path / "none.json", f"{tmp_path}/none.json: No such file or directory; name a file with scenarios, or -"),
        (tmp_path, f"{tmp_path}: Is a directory; name a file"),
        (Path("/dev/zero"), "/dev/zero: holds more than 67108864 bytes; "),
    ):
        assert execute(["trace", AWAY, str(file)]) == 2
        told = capsys.readouterr()
        assert (told.out, told.err.count("\n")) == ("", 1)
        assert told.err.startswith(f"roomwatch: {says}")


def test_scenarios_come_from_standard_input_too() -> None:
    command = [sys.executable, "-m", "collector", "trace", "-", "--format", "json"]
    text = '{"stimuli": [[3, "app_room_disconnect"]]}'
    ran = subprocess.run(command, cwd=ROOT, input=text, check=True, capture_output=True, text=True)
    assert [(line["scenario"], line["t"], line["who"]) for line in map(json.loads, ran.stdout.splitlines())] == [
        ("standard input", 3, "local"),
        ("standard input", 3, "room"),
    ]


def test_what_a_terminal_would_take_for_a_command_is_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps({"id": "a\n\x1b[31mb", "stimuli": []}))
    assert execute(["trace", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "a  [31mb (documented)"


def test_it_loads_no_part_of_the_collector_and_nothing_that_the_base_install_lacks() -> None:
    program = (
        "import sys; from collector.cli import execute; "
        f"execute(['trace', {AWAY!r}, '--format', 'json']); "
        "allowed = ('collector.cli', 'collector.errors', 'collector.times'); "
        "mine = {m for m in sys.modules if m.startswith('collector.') and not m.startswith(allowed)}; "
        "lacking = {'aiokafka', 'sqlalchemy', 'fastapi', 'pydantic', 'alembic', 'jwt'} & set(sys.modules); "
        "print(sorted(mine | lacking), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert (ran.stdout.count("\n"), ran.stderr) == (4, "[]\n")


def test_whoever_reads_only_the_beginning_is_told_nothing_of_a_broken_pipe() -> None:
    command = [sys.executable, "-m", "collector", "trace", *[TRACES] * 200]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ran:
        assert ran.stdout is not None
        assert ran.stderr is not None
        assert ran.stdout.readline() == b"A1 signaling closed by server, reconnect + synced (documented)\n"
        ran.stdout.close()
        assert (ran.stderr.read(), ran.wait(timeout=30)) == (b"", 141)
