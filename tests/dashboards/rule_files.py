"""The rules that are shipped, as data and as text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
DASHBOARDS: Final = ROOT / "dashboards"
RULE_FILES: Final = (DASHBOARDS / "recording_rules.yml", DASHBOARDS / "alerts.yml")
TEST_FILES: Final = tuple(sorted(DASHBOARDS.glob("*_test.yml")))

Rule = dict[str, Any]


def groups() -> Iterator[dict[str, Any]]:
    """Every group of rules."""
    for path in RULE_FILES:
        yield from yaml.safe_load(path.read_text())["groups"]


def rules() -> list[Rule]:
    """Every rule."""
    return [rule for group in groups() for rule in group["rules"]]


def alerts() -> list[Rule]:
    """Every rule that alerts."""
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """The names of the series that rules record."""
    return {rule["record"] for rule in rules() if "record" in rule}
