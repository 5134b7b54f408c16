"""Running a collector, and what it needs before: `run`, `migrate`, `check`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Final, NoReturn

from collector.cli.edge import DONE, FOUND, Commands, add_configured, clock_us, settings_of
from collector.errors import StopTimedOut

if TYPE_CHECKING:
    import asyncio

    from collector.settings import Settings
    from collector.store.check import Finding

SWITCH_INTERVAL_S: Final = 0.000_2
"""The database's driver takes the interpreter's lock for each piece that it sends; the usual 5 ms halve its pace."""
OBJECTS_A_RECORD: Final = 20
"""Of records in hand; they go by themselves. To look through them for cycles took a seventh of the speed."""
GARBAGE_EVERY_S: Final = 30.0
WHOLE_EVERY: Final = 10
"""Once in so many times all objects are looked through, else those alone that were made since the last time."""


def add(commands: Commands, *, whole: bool) -> None:
    """Adds the commands to the grammar."""
    for name, command, text in (
        ("run", _run, "read the topic into the store; serve page, API and metrics"),
        ("migrate", _migrate, "bring the store to the schema of this version"),
        ("check", _check, "look at Kafka, the store and the clocks; name what mends each"),
    ):
        sub = add_configured(commands, name, command, text, whole=whole)
        if name == "run":
            only = "one part of it, where two processes shall do what one does: read and store, or answer"
            sub.add_argument("--only", choices=("ingest", "api"), help=only)


def _run(told: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - see the package's docstring

    settings = settings_of(told)
    try:
        asyncio.run(_run_until_told(settings, told.only))
    except StopTimedOut as error:
        _end_at_once(error)
    return DONE


async def _run_until_told(settings: Settings, only: str | None) -> None:
    import asyncio  # noqa: PLC0415 - see the package's docstring

    from collector.runtime import Options, Part, run  # noqa: PLC0415

    stop = asyncio.Event()
    _stop_on_signals(stop)
    options = Options.of(settings, Part(only) if only else None)
    if only == Part.API:
        await run(options, stop, clock_us=clock_us)
        return
    tune_for_throughput(options.limits.records_max)
    async with garbage_collected():
        await run(options, stop, clock_us=clock_us)


def tune_for_throughput(records_max: int) -> None:
    """What a process that collects can have of the interpreter. `records_max`: of one batch; two are in hand.

    Needs `garbage_collected` beside it.
    """
    import gc  # noqa: PLC0415 - see the package's docstring

    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # Sessions and batches hold no cycles: to look through them again and again finds nothing.
    gc.collect()
    gc.freeze()
    gc.set_threshold(2 * records_max * OBJECTS_A_RECORD)


@asynccontextmanager
async def garbage_collected(every_s: float = GARBAGE_EVERY_S) -> AsyncIterator[None]:
    """Has cycles of objects collected by the clock: few as they are, some hold what was fetched of Kafka."""
    import asyncio  # noqa: PLC0415 - see the package's docstring
    import gc  # noqa: PLC0415

    async def collect() -> None:
        for turn in count(1):
            await asyncio.sleep(every_s)
            gc.collect(1 if turn % WHOLE_EVERY else 2)

    task = asyncio.create_task(collect())
    try:
        yield
    finally:
        task.cancel()


def _stop_on_signals(stop: asyncio.Event) -> None:
    """The first signal stops in order; the second finds the system's own handler and ends the process at once."""
    import asyncio  # noqa: PLC0415 - see the package's docstring
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
    import os  # noqa: PLC0415 - see the package's docstring

    print(f"roomwatch: {error}", file=sys.stderr, flush=True)
    os._exit(error.exit_code)


def _migrate(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    from collector.store.engine import make_engine, migrate  # noqa: PLC0415 - see the package's docstring

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
    settings = settings_of(told)
    import asyncio  # noqa: PLC0415 - see the package's docstring

    from collector.runtime import Options, check  # noqa: PLC0415

    # What is wrong is in the findings; what the client says on its way there would only stand between them.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    findings = asyncio.run(check(Options.of(settings), clock_us=clock_us))
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
