"""The `roomwatch` command: run, migrate, check, demo, trace, outbox, version. Errors become a line and an exit code.

Exit codes: 0 done; 1 looked and found something wrong; 2 cannot be done as asked. Importing this file is fast and
reads nothing: what a command needs is imported when that command runs.
"""

from __future__ import annotations

import argparse
import logging
import sys
import textwrap
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from collector import __version__
from collector.errors import CollectorError, ConfigError, ExtraMissing, StopTimedOut

if TYPE_CHECKING:
    import asyncio

    from collector.settings import Settings
    from collector.store.check import Finding

DONE: Final = 0
FOUND: Final = 1
CANNOT: Final = 2

ABOUT: Final = """\
Why did this call drop? Roomwatch stores what rooms said of their connections, and answers for it.

  roomwatch demo       a fleet of rooms living through an incident, in the browser; needs nothing else
  roomwatch migrate    brings the store to the schema of this version
  roomwatch check      looks at Kafka, the store and the clocks; names the command that mends what is wrong
  roomwatch run        reads the topic into the store; serves page, API and metrics
  roomwatch trace      plays a scenario to a room and says what its users would see; needs nothing else
  roomwatch outbox     shows what a process that embeds the session core left unsent, and sends it
"""

SETTINGS_FROM: Final = """\
Settings come from environment variables (ROOMWATCH_ before the name, in capitals), then from the TOML file, then from
the defaults below. The whole list with examples: docs/configuration.md.
"""

SWITCH_INTERVAL_S: Final = 0.000_2
"""The database's driver takes the interpreter's lock for each piece that it sends; the usual 5 ms halve its pace."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The command line. Ends the process with the exit code."""
    sys.exit(execute(sys.argv[1:] if arguments is None else arguments))


def execute(arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit code."""
    told = _parser(whole=_asks_for_settings(arguments)).parse_args(arguments)
    try:
        code: int = told.command(told)
        sys.stdout.flush()
    except CollectorError as error:
        print(f"roomwatch: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + 2
    except BrokenPipeError:
        return _unread()
    return code


def _unread() -> int:
    """Whoever read what a command prints has had enough; what is left must not be told at the interpreter's exit."""
    import os  # noqa: PLC0415 - see this module's docstring

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + 13


def _parser(*, whole: bool) -> argparse.ArgumentParser:
    """The command line's grammar. `whole`: with the list of settings, which only help needs."""
    parser = argparse.ArgumentParser(
        prog="roomwatch", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def explain(_: argparse.Namespace) -> int:
        parser.print_help()
        return CANNOT

    parser.set_defaults(command=explain)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    settings = _settings_help() if whole else None
    for name, command, text in (
        ("run", _run, "read the topic into the store; serve page, API and metrics"),
        ("migrate", _migrate, "bring the store to the schema of this version"),
        ("check", _check, "look at Kafka, the store and the clocks; name what mends each"),
    ):
        sub = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=settings,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument("--config", metavar="FILE", help="TOML file with settings; else ROOMWATCH_CONFIG names one")
        sub.set_defaults(command=command, name=name)
    demo = commands.add_parser("demo", help="a fleet of rooms living through an incident, in the browser")
    demo.add_argument(
        "--seconds", type=_positive, metavar="N", help="end by itself after N seconds; else Ctrl-C ends it"
    )
    demo.add_argument("--port", type=_port, default=8787, metavar="P", help="port of the page; 0 takes any free one")
    demo.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed makes the same fleet")
    demo.set_defaults(command=_demo)
    _add_trace(commands.add_parser("trace", help="play scenarios to a room; say what its users would see"))
    outbox = commands.add_parser("outbox", help="show what a process left unsent; send it")
    outbox.add_argument("file", metavar="FILE", help="an outbox-….db that an embedded session core left")
    outbox.add_argument("--drain", action="store_true", help="send what is in it, and remove it")
    outbox.add_argument("--bootstrap-servers", metavar="HOST:PORT", help="the Kafka to drain it into")
    outbox.add_argument("--topic", default="room-session-events", metavar="NAME", help="default: %(default)s")
    outbox.add_argument("--within", type=_positive, default=60, metavar="S", help="give up after S seconds; default 60")
    outbox.set_defaults(command=_outbox)
    version = commands.add_parser("version", help="the version of this program")
    version.set_defaults(command=_version)
    return parser


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


def _asks_for_settings(arguments: Sequence[str]) -> bool:
    return arguments[:1] not in (["demo"], ["trace"], ["outbox"]) and any(
        word in {"-h", "--help"} for word in arguments[1:]
    )


def _settings_help() -> str:
    """The list of settings, made from the class."""
    from collector.settings import Settings, allowed, default  # noqa: PLC0415 - see this module's docstring

    lines = ["settings:", *textwrap.wrap(SETTINGS_FROM, 100, initial_indent="  ", subsequent_indent="  "), ""]
    for name, field in Settings.model_fields.items():
        lines.append(f"  {name} = {default(field)}")
        text = f"{field.description} Takes {allowed(field)}."
        lines += textwrap.wrap(text, 100, initial_indent="      ", subsequent_indent="      ")
    return "\n".join(lines)


def _run(told: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - see this module's docstring

    settings = _settings(told)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        asyncio.run(_run_until_told(settings))
    except StopTimedOut as error:
        _end_at_once(error)
    return DONE


async def _run_until_told(settings: Settings) -> None:
    import asyncio  # noqa: PLC0415 - see this module's docstring

    from collector.runtime import Options, run  # noqa: PLC0415

    stop = asyncio.Event()
    _stop_on_signals(stop)
    await run(Options.of(settings), stop, clock_us=_clock_us)


def _stop_on_signals(stop: asyncio.Event) -> None:
    """The first signal stops in order; the second finds the system's own handler and ends the process at once."""
    import asyncio  # noqa: PLC0415 - see this module's docstring
    import signal  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def told() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in signals:
        loop.add_signal_handler(number, told)


def _end_at_once(error: StopTimedOut) -> NoReturn:
    """Whatever thread still hangs in a database must not hold up the process that was told to stop."""
    import os  # noqa: PLC0415 - see this module's docstring

    print(f"roomwatch: {error}", file=sys.stderr, flush=True)
    os._exit(error.exit_code)


def _migrate(told: argparse.Namespace) -> int:
    settings = _settings(told)
    from collector.store.engine import make_engine, migrate  # noqa: PLC0415 - see this module's docstring

    engine = make_engine(settings.database_url.get_secret_value())
    try:
        before = migrate(engine)
    finally:
        engine.dispose()
    if before.mend is None:
        print(f"the store is at schema version {before.expected} already")
    else:
        print(f"the store went from {before.found or 'nothing'} to schema version {before.expected}")
    return DONE


def _check(told: argparse.Namespace) -> int:
    settings = _settings(told)
    import asyncio  # noqa: PLC0415 - see this module's docstring

    from collector.runtime import Options, check  # noqa: PLC0415

    # What is wrong is in the findings; what the client says on its way there would only stand between them.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    findings = asyncio.run(check(Options.of(settings), clock_us=_clock_us))
    print(report(findings))
    return DONE if all(finding.ok for finding in findings) else FOUND


def report(findings: Sequence[Finding]) -> str:
    """What was found, a line each; below what is wrong, the command that mends it."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.name:<{width}}  {finding.detail}")
        if not finding.ok:
            lines.append(f"{'':<{width + 9}}mend: {finding.mend}")
    wrong = sum(not finding.ok for finding in findings)
    lines.append("everything is as it should be" if not wrong else f"{wrong} of {len(findings)} are wrong")
    return "\n".join(lines)


def _demo(told: argparse.Namespace) -> int:
    try:
        from collector.demo.run import main as demo  # noqa: PLC0415 - see this module's docstring
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"collector", "session_core"}:
            raise
        raise ExtraMissing("demo", "demo", error.name or "confluent-kafka") from None
    return demo(told.seconds, told.port, told.seed)


def _trace(told: argparse.Namespace) -> int:
    import random  # noqa: PLC0415 - see this module's docstring

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
    from pathlib import Path  # noqa: PLC0415 - see this module's docstring

    from session_core.errors import ScenarioError  # noqa: PLC0415

    if file == "-":
        return "standard input", sys.stdin.buffer.read(most + 1)
    try:
        with Path(file).open("rb") as source:
            return file, source.read(most + 1)
    except OSError as error:
        reason = f"{error.strerror}; name a file with scenarios, or - for standard input"
        raise ScenarioError(file, "", reason) from None


def _outbox(told: argparse.Namespace) -> int:
    from session_core.errors import SessionCoreError  # noqa: PLC0415 - see this module's docstring
    from session_core.unsent import drain, shown  # noqa: PLC0415

    if told.drain and not told.bootstrap_servers:
        raise ConfigError("--drain", "needs --bootstrap-servers HOST:PORT, the Kafka to send it to")
    try:
        if not told.drain:
            print(shown(told.file))
            return DONE
        sent, left = drain(told.file, told.bootstrap_servers, told.topic, told.within)
    except SessionCoreError as error:
        print(f"roomwatch: {error}", file=sys.stderr)
        return CANNOT
    print(f"{sent} events sent" + (f", {left} not; they are still there" if left else "; the file is removed"))
    return FOUND if left else DONE


def _version(told: argparse.Namespace) -> int:
    del told
    print(f"roomwatch {__version__}")
    return DONE


def _settings(told: argparse.Namespace) -> Settings:
    """The settings; from here on the process logs as they say."""
    try:
        from collector.logs import set_up  # noqa: PLC0415 - see this module's docstring
        from collector.settings import load_settings  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ExtraMissing(told.name, "collector", error.name or "pydantic-settings") from None
    settings = load_settings(told.config)
    set_up(sys.stderr, settings.log_format, settings.log_level)
    return settings


def _clock_us() -> int:
    return time.time_ns() // 1_000  # noqa: TID251 - the process's one wall clock, handed on from here


def _positive(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 65535")
    return number
