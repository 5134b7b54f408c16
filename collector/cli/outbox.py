"""`outbox`: what a process that embeds the session core left unsent."""

from __future__ import annotations

import argparse
import sys

from collector.cli.edge import CANNOT, DONE, FOUND, Commands, positive
from collector.errors import ConfigError


def add(commands: Commands) -> None:
    """Adds the command to the grammar."""
    outbox = commands.add_parser("outbox", help="show what a process left unsent; send it")
    outbox.add_argument("file", metavar="FILE", help="an outbox-….db that an embedded session core left")
    outbox.add_argument("--drain", action="store_true", help="send what is in it, and remove it")
    outbox.add_argument("--bootstrap-servers", metavar="HOST:PORT", help="the Kafka to drain it into")
    outbox.add_argument("--topic", default="room-session-events", metavar="NAME", help="default: %(default)s")
    outbox.add_argument("--within", type=positive, default=60, metavar="S", help="give up after S seconds; default 60")
    outbox.set_defaults(command=_outbox)


def _outbox(told: argparse.Namespace) -> int:
    from session_core.errors import SessionCoreError  # noqa: PLC0415 - see the package's docstring
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
