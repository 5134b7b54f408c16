"""Whether each pure module of the session core is covered wholly, branches too, by its own tests: `make cover`.

Coverage of a whole run says little: what a bigger test passes through by chance is not tested where it is made. So each
module's tests run by themselves, and only that module counts.

    python tools/own_coverage.py              all of them
    python tools/own_coverage.py room wire    these
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import coverage

ROOT: Final = Path(__file__).resolve().parent.parent
TESTS: Final = Path("tests/session_core")

MODULES: Final = (
    "errors", "bounds", "identity", "events", "signals", "shapes", "claims", "privacy", "wire", "transitions", "policy",
    "token", "kept", "outbox", "ledger", "media", "attempts", "timers", "participant", "causes", "journal", "room",
)  # fmt: skip

OWN_TESTS: Final = {
    # One module's tests have the module's name; these have more than one file.
    "errors": ("test_errors", "test_outbox_file", "test_token_verified", "trace/test_scenario"),
    "bounds": ("test_bounds", "test_wire"),
    "events": ("test_events", "test_wire", "test_room"),
    "outbox": ("test_outbox", "test_kept", "test_privacy", "test_unsent"),
    "room": ("test_room", "test_room_giving_up", "test_room_others", "test_room_sdk", "test_bad_input"),
    "token": ("test_token", "test_token_verified", "test_secrets"),
}

UNREACHABLE: Final = {
    # What no test can come to, by what is written there: mypy asks for it, or a loop wants an end.
    "outbox": (
        "a session without an event has lost one",  # a session is made with its first event
        "if not self._drop_one(",  # what was put last waits, so that there is something to drop while it is too much
        "return False",
    ),
}
NEVER_ENDS: Final = {
    # Likewise: it returns before, and a session has had its first event.
    "outbox": ("for waiting in self._waiting:", "if session.last is not None:"),
}


def tests_of(module: str) -> list[str]:
    """The files of a module's own tests."""
    return [str(TESTS / f"{name}.py") for name in OWN_TESTS.get(module, (f"test_{module}",))]


def missing(module: str, data: Path) -> str:
    """Runs a module's own tests and tells what they leave out; nothing: all is covered."""
    source = f"session_core/{module}.py"
    run = [sys.executable, "-m", "coverage", "run", f"--data-file={data}", f"--include={source}"]
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests_of(module)]
    done = subprocess.run([*run, *pytest], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"its tests fail:\n{done.stdout}{done.stderr}"
    measured = coverage.Coverage(data_file=str(data), config_file=str(ROOT / "pyproject.toml"))
    measured.load()
    for words in UNREACHABLE.get(module, ()):
        measured.exclude(re.escape(words))
    for words in NEVER_ENDS.get(module, ()):
        measured.exclude(re.escape(words), which="partial")
    out = io.StringIO()
    percent = measured.report(include=[str(ROOT / source)], file=out, show_missing=True)
    return "" if percent == 100 else out.getvalue().splitlines()[2].strip()


def main() -> int:
    """Tells of every module; fails if one is not covered."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="module", help=f"of {', '.join(MODULES)}")
    chosen = parser.parse_args().modules or MODULES
    unknown = sorted(set(chosen) - set(MODULES))
    if unknown:
        parser.error(f"no pure module of session_core: {', '.join(unknown)}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="roomwatch-cover-") as folder:
        for module in chosen:
            left_out = missing(module, Path(folder) / module)
            failed += bool(left_out)
            print(f"{module:<14}{left_out or '100 %, branches too'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
