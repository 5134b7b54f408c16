"""The `roomwatch` command, one module for each few of its verbs. Errors become a line and an exit code.

Exit codes: 0 done; 1 looked and found something wrong; 2 cannot be done as asked. Importing this package is fast and
reads nothing: what a command needs is imported when that command runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from collector import __version__
from collector.cli import access, again, archive, collecting, erasing, outbox, packets, playing, provisioning, retention
from collector.cli.edge import CANNOT, DONE
from collector.errors import CollectorError

ABOUT: Final = """\
Why did this call drop? Roomwatch stores what rooms said of their connections, and answers for it.

  roomwatch demo          a fleet of rooms living through an incident, in the browser; needs nothing else
  roomwatch migrate       brings the store to the schema of this version
  roomwatch check         looks at Kafka, the store and the clocks; names the command that mends what is wrong
  roomwatch run           reads the topic into the store; serves page, API and metrics
  roomwatch replay        reads a stretch of the topic into the store once more; nothing doubles
  roomwatch dead-letters  lists and shows what was refused, and sends it again
  roomwatch archive       writes days that are over as Parquet files
  roomwatch retention     says what has outlived its days in the store; --apply deletes it
  roomwatch token         makes, lists and revokes the tokens with which the API is asked
  roomwatch login-link    makes a link that logs one person in to the pages, once
  roomwatch audit         lists what was done with tokens, logins, exports and erasures
  roomwatch erase         says what names a participant in the store; --apply takes it away
  roomwatch provision     puts folder, data sources, dashboards and incidents into a Grafana
  roomwatch verify-packet checks that nobody changed a support packet, and whose it is; needs nothing else
  roomwatch packet-key    makes the key that support packets are signed with
  roomwatch trace         plays a scenario to a room and says what its users would see; needs nothing else
  roomwatch outbox        shows what a process that embeds the session core left unsent, and sends it
"""


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
    import os  # noqa: PLC0415 - see the package's docstring

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
    collecting.add(commands, whole=whole)
    again.add(commands, whole=whole)
    archive.add(commands, whole=whole)
    retention.add(commands, whole=whole)
    access.add(commands, whole=whole)
    erasing.add(commands, whole=whole)
    provisioning.add(commands, whole=whole)
    packets.add(commands, whole=whole)
    playing.add(commands)
    outbox.add(commands)
    version = commands.add_parser("version", help="the version of this program")
    version.set_defaults(command=_version)
    return parser


def _asks_for_settings(arguments: Sequence[str]) -> bool:
    return arguments[:1] not in (["demo"], ["trace"], ["outbox"], ["verify-packet"]) and any(
        word in {"-h", "--help"} for word in arguments[1:]
    )


def _version(told: argparse.Namespace) -> int:
    del told
    print(f"roomwatch {__version__}")
    return DONE
