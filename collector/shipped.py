"""Where the files lie that are shipped with the program and are no Python packages.

In the wheel they are folders of `collector`; in a checkout they stand beside it, where people look for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent


def migrations_dir() -> Path:
    """The Alembic migrations."""
    return _shipped("migrations")


def dashboards_dir() -> Path:
    """Grafana dashboards, recording rules and alerts."""
    return _shipped("dashboards")


def _shipped(name: str) -> Path:
    for place in (_PACKAGE / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"{name} is neither in {_PACKAGE} nor beside it: the installation is not whole")
