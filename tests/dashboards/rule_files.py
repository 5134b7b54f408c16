"""The rules that are shipped, as data and as text."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
DASHBOARDS: Final = ROOT / "dashboards"
RULE_FILES: Final = (DASHBOARDS / "recording_rules.yml", DASHBOARDS / "alerts.yml")
TEST_FILES: Final = tuple(sorted(DASHBOARDS.glob("*_test.yml")))

CASES_OF_SPIKES: Final = {"alerts_spikes_test.yml", "alerts_history_test.yml"}

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


def copy_for_cases(folder: Path, cases: str) -> None:
    """Copies tests and rules, of these only the groups that the file of cases is about.

    Groups do not ask each other's rules, and each rule costs time at each of thousands of evaluations.
    """
    about_spikes = cases in CASES_OF_SPIKES
    for path in TEST_FILES:
        shutil.copy(path, folder)
    for path in RULE_FILES:
        head, *parts = re.split(r"^(?=  - name: )", path.read_text(), flags=re.MULTILINE)
        kept = [part for part in parts if part.startswith("  - name: roomwatch-spikes") == about_spikes]
        (folder / path.name).write_text(head + "".join(kept))
