"""Writes every file that is made from the code anew. Tests compare them with what is committed.

python -m tools.generate            write
python -m tools.generate --check    say which differ; exit code 1 if any does
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.api_examples import api_examples
from tools.configuration_page import configuration_page
from tools.dashboards.files import FILES as DASHBOARD_FILES
from tools.errors_page import errors_page
from tools.events_page import events_page
from tools.observing_page import observing_page
from tools.privacy_page import privacy_page
from tools.reference_page import reference_page
from tools.runbooks_template import runbooks_template
from tools.states_page import states_page
from tools.store_page import store_page

ROOT: Final = Path(__file__).resolve().parents[1]

FILES: Final[dict[str, Callable[[], str]]] = {
    **DASHBOARD_FILES,
    "collector/api/examples.json": api_examples,
    "collector/api/templates/runbooks.html": runbooks_template,
    "docs/configuration.md": configuration_page,
    "docs/errors.md": errors_page,
    "docs/events.md": events_page,
    "docs/observing.md": observing_page,
    "docs/privacy.md": privacy_page,
    "docs/reconnection.md": states_page,
    "docs/reference.md": reference_page,
    "docs/store.md": store_page,
}
"""Path from the root of the repository: what makes its text."""


def differing() -> list[str]:
    """The files that are missing or are not what the code makes now."""
    return [name for name, make in FILES.items() if not (ROOT / name).exists() or (ROOT / name).read_text() != make()]


def main() -> int:
    """Writes, or with --check compares."""
    names = differing()
    checking = "--check" in sys.argv[1:]
    for name in names:
        print(f"{'differs' if checking else 'written'}  {name}")
        if not checking:
            (ROOT / name).write_text(FILES[name]())
    return 1 if checking and names else 0


if __name__ == "__main__":
    sys.exit(main())
