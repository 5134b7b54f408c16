"""`provision`: folder, data sources, dashboards and incidents in a Grafana, over HTTP."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.cli.edge import DONE, FOUND, Commands, add_configured, clock_us, positive, settings_of, when
from collector.errors import CollectorError, ConfigError, ExtraMissing
from collector.times import moment_us

if TYPE_CHECKING:
    from collector.provision.grafana import Credentials, Grafana
    from collector.provision.run import Choice, Wanted
    from collector.provision.values import DataSource, Mark, Step
    from collector.settings import Settings
    from collector.store.views_incidents import IncidentView

TEXT: Final = "put folder, data sources, dashboards and incidents into a Grafana, over HTTP"
ABOUT: Final = """\
Puts folder, data sources, dashboards and, if asked for, incidents into a Grafana (10.4 or later) over HTTP.

Running it again changes nothing that is as it should be. What a person changed in Grafana is theirs: it stays, is
shown, and is written over with --force only. Grafana's token comes from ROOMWATCH_GRAFANA_TOKEN, or from the file that
ROOMWATCH_GRAFANA_TOKEN_FILE names; it is no argument, since others can read those. Data sources take their addresses
and passwords from the variables that their files name, and are left out while one is not set.
Exit codes: 0 done, or nothing to do; 1 there are differences (--dry-run, --diff), or something was not written over;
2 cannot be done as asked. More: docs/provisioning.md.
"""
INCIDENTS_SINCE: Final = "30d"
PAGE_VARIABLE: Final = "ROOMWATCH_URL"


def add(commands: Commands, *, whole: bool) -> None:
    """Adds the command to the grammar."""
    sub = add_configured(commands, "provision", _provision, TEXT, whole=whole)
    sub.description = ABOUT
    sub.add_argument("--url", required=True, help="Grafana's address, with its path: https://grafana.example.org")
    sub.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    sub.add_argument("--diff", action="store_true", help="the same, and show what differs, line by line")
    sub.add_argument("--prune", action="store_true", help="delete dashboards made here that are shipped no more")
    sub.add_argument("--force", action="store_true", help="write over what a person changed in Grafana")
    sub.add_argument("--passwords", action="store_true", help="send passwords of data sources again, if they changed")
    sub.add_argument(
        "--incidents",
        nargs="?",
        const=INCIDENTS_SINCE,
        type=when,
        metavar="T",
        help="mark incidents of the store from then on: ISO 8601, or how long ago; default: %(const)s",
    )
    sub.add_argument(
        "--files", type=Path, metavar="DIR", help="dashboards and data sources from there, laid out as dashboards/ is"
    )
    sub.add_argument(
        "--service-account",
        type=Path,
        metavar="FILE",
        help="do nothing but make an account with the least role, and write its new token to FILE (mode 600)",
    )
    sub.add_argument(
        "--token-days", type=positive, default=365, metavar="N", help="days that token is valid; default: %(default)s"
    )
    sub.add_argument(
        "--timeout", type=positive, default=10, metavar="S", help="seconds Grafana may take; default: %(default)s"
    )


def _provision(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    try:
        from collector.provision.grafana import Grafana  # noqa: PLC0415 - see the package's docstring
        from collector.provision.run import Choice, check_version  # noqa: PLC0415
        from collector.provision.wanted import read_folder  # noqa: F401, PLC0415 - its package may be missing too
    except ModuleNotFoundError as error:
        raise ExtraMissing("provision", "grafana", error.name or "grafana-client") from None
    grafana = Grafana(told.url, credentials(settings), told.timeout)
    if told.service_account:
        return _make_account(told, grafana)
    wanted = _wanted(told, settings)
    version = check_version(grafana, grafana.url)
    choice = Choice(force=told.force, prune=told.prune, secrets=told.passwords)
    return _run(told, grafana, wanted, choice, version)


def credentials(settings: Settings) -> Credentials:
    """How to log in. Raises ConfigError."""
    from collector.provision.grafana import Credentials  # noqa: PLC0415 - see the package's docstring

    token, file, password = settings.grafana_token, settings.grafana_token_file, settings.grafana_password
    if token is not None:
        return Credentials("ROOMWATCH_GRAFANA_TOKEN", token=_printable("grafana_token", token.get_secret_value()))
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise ConfigError("grafana_token_file", f"cannot be read: {error}", value=str(file)) from None
        return Credentials(str(file), token=_printable("grafana_token_file", text))
    if settings.grafana_user is not None and password is not None:
        return Credentials("ROOMWATCH_GRAFANA_USER", user=settings.grafana_user, password=password.get_secret_value())
    raise ConfigError("grafana_token", "is needed; set ROOMWATCH_GRAFANA_TOKEN, or ROOMWATCH_GRAFANA_TOKEN_FILE")


def _printable(name: str, token: str) -> str:
    """A token as it can stand in a header."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(name, "is no token: it is empty, or holds what no token does")
    return token


def _wanted(told: argparse.Namespace, settings: Settings) -> Wanted:
    from collector.kafka_settings import environment  # noqa: PLC0415 - see the package's docstring
    from collector.provision.run import Wanted  # noqa: PLC0415
    from collector.provision.wanted import read_dashboards, read_data_sources, read_folder  # noqa: PLC0415
    from collector.shipped import dashboards_dir  # noqa: PLC0415

    files = told.files or dashboards_dir()
    sources: list[DataSource] = read_data_sources(files, environment())
    marks = None if told.incidents is None else _marks(told, settings)
    return Wanted(read_folder(files), sources, read_dashboards(files), marks)


def _marks(told: argparse.Namespace, settings: Settings) -> list[Mark]:
    from collector.kafka_settings import environment  # noqa: PLC0415 - see the package's docstring
    from collector.provision.marks import marks_of  # noqa: PLC0415
    from collector.store.engine import make_engine, require_schema  # noqa: PLC0415
    from collector.store.questions import Span  # noqa: PLC0415
    from collector.store.reader import Reader  # noqa: PLC0415

    now_us = clock_us()
    span = Span(moment_us(told.incidents, now_us), now_us + 1)
    if span.since_us >= now_us:
        raise ConfigError("--incidents", "must be in the past", value=told.incidents)
    engine = make_engine(settings.database_url.get_secret_value())
    try:
        require_schema(engine)
        reader, after = Reader(engine), None
        found: list[IncidentView] = []
        while True:
            items, after = reader.told_incidents(span, after=after, limit=500)
            found += items
            if after is None:
                return marks_of(found, environment().get(PAGE_VARIABLE))
    finally:
        engine.dispose()


def _run(told: argparse.Namespace, grafana: Grafana, wanted: Wanted, choice: Choice, version: str) -> int:
    from collector import __version__  # noqa: PLC0415 - see the package's docstring
    from collector.cli.provisioning_table import Table  # noqa: PLC0415
    from collector.provision.run import look, make  # noqa: PLC0415

    only_shown = told.dry_run or told.diff
    table = Table(f"Grafana {version} at {grafana.url}", only_shown=only_shown, diffs=told.diff)
    planned = look(grafana, wanted, choice)
    done: list[Step] = []
    try:
        for step in planned:
            made = step if only_shown else make(grafana, step, wanted.folder, __version__, force=told.force)
            done.append(made)
    except CollectorError:
        print(table.text(done, left=len(planned) - len(done)))
        raise
    print(table.text(done))
    return _exit_code(done, only_shown=only_shown)


def _exit_code(steps: Sequence[Step], *, only_shown: bool) -> int:
    from collector.provision.run import CHANGES  # noqa: PLC0415 - see the package's docstring
    from collector.provision.values import Verdict  # noqa: PLC0415

    differs = any(step.verdict is Verdict.KEPT or (only_shown and step.verdict in CHANGES) for step in steps)
    return FOUND if differs else DONE


def _make_account(told: argparse.Namespace, grafana: Grafana) -> int:
    from collector.provision.account import make_account  # noqa: PLC0415 - see the package's docstring
    from collector.provision.run import check_version  # noqa: PLC0415

    check_version(grafana, grafana.url)
    print(
        make_account(grafana, told.service_account, told.token_days, clock_us(), only_shown=told.dry_run or told.diff)
    )
    return FOUND if told.dry_run or told.diff else DONE
