"""What needs neither Kafka nor a database of yours: `demo` and `trace`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from collector.cli.edge import CANNOT, DONE, Commands, port, positive
from collector.errors import ExtraMissing


def add(commands: Commands) -> None:
    """Adds the commands to the grammar."""
    demo = commands.add_parser("demo", help="a fleet of rooms living through an incident, in the browser")
    demo.add_argument(
        "--seconds", type=positive, metavar="N", help="end by itself after N seconds; else Ctrl-C ends it"
    )
    demo.add_argument("--port", type=port, default=8787, metavar="P", help="port of the page; 0 takes any free one")
    demo.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed makes the same fleet")
    demo.set_defaults(command=_demo)
    _add_trace(commands.add_parser("trace", help="play scenarios to a room; say what its users would see"))


def _add_trace(trace: argparse.ArgumentParser) -> None:
    trace.description = "Plays scenarios (docs/scenarios.md) to a room, in simulated time, and says what it emits."
    trace.add_argument(
        "files", nargs="+", metavar="FILE", help="scenarios in JSON, or TOML in a file *.toml; -: standard input"
    )
    trace.add_argument(
        "--policy", choices=("documented", "twilio-js"), default="documented", help="how long the room tries"
    )
    trace.add_argument("--format", choices=("text", "json"), default="text", help="json: one object a line")
    trace.add_argument("--seed", type=int, metavar="N", help="vary delays as the policy does; else they are plain")
    trace.add_argument("--final", action="store_true", help="also say how everything stands at last")
    trace.set_defaults(command=_trace)


def _demo(told: argparse.Namespace) -> int:
    try:
        from collector.demo.run import main as demo  # noqa: PLC0415 - see the package's docstring
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"collector", "session_core"}:
            raise
        raise ExtraMissing("demo", "demo", error.name or "confluent-kafka") from None
    return demo(told.seconds, told.port, told.seed)


def _trace(told: argparse.Namespace) -> int:
    import random  # noqa: PLC0415 - see the package's docstring

    from session_core.errors import ScenarioError  # noqa: PLC0415
    from session_core.trace.player import Player, plain  # noqa: PLC0415
    from session_core.trace.printing import POLICIES, json_lines, text_lines  # noqa: PLC0415
    from session_core.trace.scenario import FILE_MAX, read  # noqa: PLC0415

    policy, lines_of = POLICIES[told.policy](), json_lines if told.format == "json" else text_lines
    try:
        scenarios = [scenario for file in told.files for scenario in read(*_scenario_text(file, FILE_MAX))]
    except ScenarioError as error:
        print(f"roomwatch: {error}", file=sys.stderr)
        return CANNOT
    for scenario in scenarios:
        jitter = plain if told.seed is None else random.Random(told.seed).random  # noqa: S311 - no secret
        player = Player(scenario, policy, jitter=jitter)
        player.play()
        for line in lines_of(player, with_final=told.final):
            print(line)
    return DONE


def _scenario_text(file: str, most: int) -> tuple[str, bytes]:
    """What a file is called and holds, `most` bytes and one more of it: it may be one without an end."""
    from session_core.errors import ScenarioError  # noqa: PLC0415 - see the package's docstring

    if file == "-":
        return "standard input", sys.stdin.buffer.read(most + 1)
    try:
        with Path(file).open("rb") as source:
            return file, source.read(most + 1)
    except OSError as error:
        reason = f"{error.strerror}; name a file with scenarios, or - for standard input"
        raise ScenarioError(file, "", reason) from None
