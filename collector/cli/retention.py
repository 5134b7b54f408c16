"""`retention`: what has outlived its days in the store. Says it; deletes it on demand, telling how that goes.

What is found goes to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import sys

from collector.cli.edge import DONE, Commands, add_configured, clock_us, settings_of

TEXT = "say what has outlived its days in the store; delete it with --apply"
ABOUT = """\
Says what has outlived its days in the store, and deletes nothing; with --apply deletes it.

A running collector does this by itself every retention_every_minutes. It may be interrupted at any moment: what was
deleted stays deleted, and the next run goes on from there. For how long rows are kept is set by retention_*_days.
Exit codes: 0 done; 1 another process is deleting just now; 2 cannot be done as asked.
"""


def add(commands: Commands, *, whole: bool) -> None:
    """Adds the command to the grammar."""
    sub = add_configured(commands, "retention", _retention, TEXT, whole=whole)
    sub.description = ABOUT
    sub.add_argument("--apply", action="store_true", help="delete it; without this, nothing is")


def _retention(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    import threading  # noqa: PLC0415 - see the package's docstring

    from collector.cli.retention_progress import Progress, moment, plan_lines  # noqa: PLC0415
    from collector.runtime import retention_of  # noqa: PLC0415
    from collector.store.ageing import Ageing  # noqa: PLC0415
    from collector.store.engine import make_engine, require_schema  # noqa: PLC0415
    from collector.store.url import POSTGRESQL, masked  # noqa: PLC0415

    engine = make_engine(settings.database_url.get_secret_value())
    try:
        require_schema(engine)
        ageing, now_us = Ageing(engine, retention_of(settings)), clock_us()
        dues = ageing.due(now_us)
        print(f"{masked(engine.url)} at {moment(now_us)}: what has outlived its days")
        print("\n".join(plan_lines(dues, estimated=engine.dialect.name == POSTGRESQL)), flush=True)
        if told.apply:
            shown = Progress(dues, clock_us, sys.stderr)
            try:
                ageing.run(now_us, threading.Event().wait, shown.tell)
            finally:
                shown.end()
                print(f"deleted: {shown.summary()}")
        elif any(one.rows or one.whole_days for one in dues):
            print("nothing was deleted; `roomwatch retention --apply` does it")
    finally:
        engine.dispose()
    return DONE
