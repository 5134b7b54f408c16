"""A figure as every benchmark prints it: a row of a table, and a line of JSON with the same names in all of them.

    {"name": …, "value": …, "unit": …, "peer": …, "peer_value": …, "ratio": …, "goal": …, what it is of, "machine": …}

`peer` is what was measured beside it in the same run, null where there is none; `ratio` is the value over the peer's.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measurement. `of` is what it belongs to: collectors, events, sessions that live at once."""

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    goal: str | None = None
    of: Mapping[str, object] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """The value over the peer's."""
        return self.value / self.peer_value if self.peer_value else None

    def line(self) -> str:
        """As JSON."""
        told = {
            "name": self.name, "value": _rounded(self.value), "unit": self.unit, "peer": self.peer,
            "peer_value": _rounded(self.peer_value), "ratio": _rounded(self.ratio), "goal": self.goal, **self.of,
            "machine": machine(),
        }  # fmt: skip
        return json.dumps(told)

    def row(self) -> str:
        """As a row of a table."""
        of = ", ".join(value if isinstance(value, str) else f"{name} {value}" for name, value in self.of.items())
        beside = (
            "" if self.ratio is None else f"{_shown(self.ratio):>9} of {self.peer} ({_shown(self.peer_value or 0)})"
        )
        goal = f"  goal {self.goal}" if self.goal else ""
        return f"{self.name:<44}{_shown(self.value):>12} {self.unit:<15}{beside}{goal}{'  ' + of if of else ''}"


def say(figures: Iterable[Figure]) -> None:
    """Prints rows as they come, then the lines."""
    told = []
    for figure in figures:
        told.append(figure)
        print(figure.row(), flush=True)
    print()
    for figure in told:
        print(figure.line(), flush=True)


@cache
def machine() -> str:
    """What the figures were taken on."""
    processor = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"


def percentile(values: Iterable[float], percent: float) -> float:
    """The least value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
