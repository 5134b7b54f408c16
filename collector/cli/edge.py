"""What the commands share at the process's edge: exit codes, kinds of arguments, settings, the clock."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from collector.errors import ConfigError, ExtraMissing
from collector.times import moment_us

if TYPE_CHECKING:
    from collector.settings import Settings

Commands = Any
"""What argparse's add_subparsers() returns, whose type it keeps private."""
Command = Callable[[argparse.Namespace], int]

DONE: Final = 0
FOUND: Final = 1
CANNOT: Final = 2

SETTINGS_FROM: Final = """\
Settings come from environment variables (ROOMWATCH_ before the name, in capitals), then from the TOML file, then from
the defaults below. The whole list with examples: docs/configuration.md.
"""


def add_configured(
    commands: Commands, name: str, command: Command, text: str, *, whole: bool
) -> argparse.ArgumentParser:
    """Adds a command that takes settings. `whole`: its help lists them, which only help needs."""
    sub: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=settings_help() if whole else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.add_argument("--config", metavar="FILE", help="TOML file with settings; else ROOMWATCH_CONFIG names one")
    sub.set_defaults(command=command, name=name)
    return sub


def settings_help() -> str:
    """The list of settings, made from the class."""
    from collector.settings import Settings, allowed, default  # noqa: PLC0415 - see the package's docstring

    lines = ["settings:", *textwrap.wrap(SETTINGS_FROM, 100, initial_indent="  ", subsequent_indent="  "), ""]
    for name, field in Settings.model_fields.items():
        lines.append(f"  {name} = {default(field)}")
        text = f"{field.description} Takes {allowed(field)}."
        lines += textwrap.wrap(text, 100, initial_indent="      ", subsequent_indent="      ")
    return "\n".join(lines)


def settings_of(told: argparse.Namespace) -> Settings:
    """The settings; from here on the process logs as they say."""
    try:
        from collector.logs import set_up  # noqa: PLC0415 - see the package's docstring
        from collector.settings import load_settings  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ExtraMissing(told.name, "collector", error.name or "pydantic-settings") from None
    settings = load_settings(told.config)
    set_up(sys.stderr, settings.log_format, settings.log_level)
    return settings


def add_span(parser: argparse.ArgumentParser, what: str, *, default_from: str | None) -> None:
    """Adds --from and --to, the time in which something was `what`. Without a default, --from must be given."""
    hint = "ISO 8601 (2026-11-24T12:00:00Z), or how long ago: 30m, 6h, 7d"
    default = "" if default_from is None else f"; default: {default_from}"
    parser.add_argument(
        "--from",
        dest="since",
        type=when,
        required=default_from is None,
        metavar="T",
        help=f"{what} from then on: {hint}{default}",
    )
    parser.add_argument("--to", dest="until", type=when, metavar="T", help=f"{what} before then; default: now")


def span_us(told: argparse.Namespace, now_us: int) -> tuple[int | None, int | None]:
    """What --from and --to say, µs since 1970; None where they say nothing. Raises ConfigError."""
    since_us = None if told.since is None else moment_us(told.since, now_us)
    until_us = None if told.until is None else moment_us(told.until, now_us)
    if since_us is not None and since_us >= (now_us if until_us is None else until_us):
        raise ConfigError("--from", "must be before --to", value=told.since)
    return since_us, until_us


def clock_us() -> int:
    """The wall clock, in µs since 1970."""
    return time.time_ns() // 1_000  # noqa: TID251 - the process's one wall clock, handed on from here


def positive(text: str) -> int:
    """A whole number above 0. Raises argparse.ArgumentTypeError."""
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def when(text: str) -> str:
    """A time that moment_us() understands; `6h` is short for `-6h`, which would look like an option."""
    written = f"-{text}" if re.fullmatch(r"[0-9]+[smhdw]", text) else text
    try:
        moment_us(written, 0)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} {error}") from None
    return written


def port(text: str) -> int:
    """A port. Raises argparse.ArgumentTypeError."""
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 65535")
    return number
