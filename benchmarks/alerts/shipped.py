"""The rules as they are shipped, made into expressions that can be asked of the past.

A recording rule writes a series as time goes by; over a month that has passed the same is had in two ways. A name that
tiles are taken of, or that is used often, is evaluated at every step and stored as the rule would have stored it. Any
other is exchanged for the expression it stands for. Both read dashboards/*.yml: no rule is copied here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

DASHBOARDS: Final = Path(__file__).resolve().parents[2] / "dashboards"
ALERT: Final = "RtcFailureSpike"
GROUPS: Final = ("roomwatch-spikes-recording", "roomwatch-spikes")
OFTEN: Final = 4
TWICE: Final = 2
DAYS: Final = ("[23h59m59s:", "[6d23h59m59s:")
SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True)
class Stored:
    """A recorded series that is to be stored: its expression, and how often it is needed."""

    name: str
    expression: str
    step_s: int


@dataclass(frozen=True)
class Alert:
    """When to page: an expression, for how long it has to be true, for how long a page outlives it."""

    expression: str
    wait_s: int
    keep_s: int


def alert_with_what_it_needs(every_s: int) -> tuple[list[list[Stored]], Alert]:
    """The alert on spikes, and what to store for it: level by level, each reading only those before."""
    groups = _groups()
    recorded: dict[str, list[dict[str, Any]]] = {}
    for rule in groups[0]["rules"]:
        recorded.setdefault(rule["record"], []).append(rule)
    found = next(rule for rule in groups[1]["rules"] if rule["alert"] == ALERT)
    name, labels, span = "|".join(recorded), r"\{[^}]*\}", r"\[\w+(?::(?P<step>\w+))?\]"
    names = re.compile(rf"\b(?P<name>{name})\b(?P<labels>{labels})?(?P<range>{span})?")
    texts = [found["expr"], *(rule["expr"] for rules in recorded.values() for rule in rules)]
    dear = {name for name, rules in recorded.items() if any(span in rule["expr"] for span in DAYS for rule in rules)}
    steps = dict(_to_store(names, texts, every_s, seconds(groups[0]["interval"]), dear))

    def expanded(text: str) -> str:
        return names.sub(_instead, text)

    def _instead(match: re.Match[str]) -> str:
        if match["name"] in steps:
            return match[0]
        return f"({expanded(_expression(recorded[match['name']]))})"

    stored = [Stored(name, expanded(_expression(recorded[name])), step_s) for name, step_s in steps.items()]
    alert = Alert(expanded(found["expr"]), seconds(found.get("for", "0s")), seconds(found["keep_firing_for"]))
    return list(_levels(stored, names)), alert


def seconds(span: str) -> int:
    """A duration of Prometheus with one unit."""
    return int(span[:-1]) * SECONDS[span[-1]]


def _groups() -> list[dict[str, Any]]:
    found = {}
    for name in ("recording_rules.yml", "alerts.yml"):
        for group in yaml.safe_load((DASHBOARDS / name).read_text())["groups"]:
            found[group["name"]] = group
    return [found[name] for name in GROUPS]


def _expression(rules: list[dict[str, Any]]) -> str:
    """All rules that record one name, as one expression with their labels."""
    parts = []
    for rule in rules:
        text = f"({rule['expr'].strip()})"
        for label, value in rule.get("labels", {}).items():
            text = f'label_replace({text}, "{label}", "{value}", "", "")'
        parts.append(text)
    return " or ".join(parts)


def _to_store(
    names: re.Pattern[str], texts: list[str], every_s: int, recorded_every_s: int, dear: set[str]
) -> Iterator[tuple[str, int]]:
    """Names that ranges or some labels are taken of, and names used often; at the step of tiles if nothing else reads.

    A range without a step is of all that was recorded, however seldom the alert is asked.
    """
    uses: dict[str, list[int]] = {}
    selected = set()
    for match in (match for text in texts for match in names.finditer(text)):
        step = seconds(match["step"]) if match["step"] else recorded_every_s if match["range"] else every_s
        uses.setdefault(match["name"], []).append(step)
        if match["range"] or match["labels"]:
            selected.add(match["name"])
    for name, steps in uses.items():
        if len(steps) >= (TWICE if name in dear else OFTEN) or name in selected:
            yield name, min(steps)


def _levels(stored: list[Stored], names: re.Pattern[str]) -> Iterator[list[Stored]]:
    left, done = list(stored), set[str]()
    while left:
        level = [rule for rule in left if {match["name"] for match in names.finditer(rule.expression)} <= done]
        if not level:
            raise ValueError("recording rules need each other in a circle")
        yield level
        done |= {rule.name for rule in level}
        left = [rule for rule in left if rule.name not in done]
