"""The shipped alert on spikes over simulated months, through a real Prometheus, beside rules that many have.

    make alerts-sim, or: python benchmarks/alerts/run.py --days 10 --volumes 3120 --seeds 101
    make alerts-model, or: python benchmarks/alerts/run.py --model --seeds 101 102 103 104 301 302 303 304 305 306

Rows as they come, then lines of JSON, then a picture of them. With --model the alert alone, computed by numpy: a month
in seconds. Seeds 1 to 9, 201 to 206 and 401 to 415 were used to choose the rule and are not for reporting. What a
month is made of: world.py. What is counted: judge.py.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.alerts import model, picture  # noqa: E402
from benchmarks.alerts.asked import parser_of_months  # noqa: E402
from benchmarks.alerts.judge import Verdict, judge  # noqa: E402
from benchmarks.alerts.past import Past  # noqa: E402
from benchmarks.alerts.rules import OTHERS  # noqa: E402
from benchmarks.alerts.shipped import ALERT, Alert, alert_with_what_it_needs  # noqa: E402
from benchmarks.alerts.world import make  # noqa: E402
from benchmarks.figures import machine, percentile  # noqa: E402

SEEDS: Final = (101, 102, 103, 104)
SIZES: Final = ((0, 5), (5, 10), (10, 20), (20, 50), (50, float("inf")))
HEAD: Final = (
    f"{'failures':<12}{'an hour':>8}  {'rule':<48}{'recall':>8}{'precision':>10}{'min p50':>8}{'p90':>6}"
    f"{'sudden':>7}{'again':>6}  false pages by cause"
)
Case = tuple[str, int, int, int, int]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = parser_of_months(__doc__, SEEDS)
    parser.add_argument("--every", type=int, default=30, help="seconds between evaluations; 60 takes half the time")
    parser.add_argument("--model", action="store_true", help="the alert alone, by model.py instead of a Prometheus")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--lines", type=Path, help="write the lines of JSON here too")
    parser.add_argument("--picture", type=Path, help="draw them here, as SVG")
    given = parser.parse_args(arguments)
    seeds = " ".join(map(str, given.seeds))
    print(f"seeds {seeds}, {given.days} days each, evaluated every {given.every} s, {machine()}\n{HEAD}", flush=True)
    cells = [(kind, volume) for kind in given.kinds for volume in given.volumes]
    cases = [(*cell, seed, given.days, given.every) for cell in cells for seed in given.seeds]
    told = []
    with get_context("spawn").Pool(given.processes) as pool:
        worlds = pool.imap(measure_by_model if given.model else measure, cases)
        for kind, volume in cells:
            for name, verdict in _summed([next(worlds) for _ in given.seeds]).items():
                told.append(_facts(kind, volume, name, verdict) | _of(given))
                print(_row(told[-1]), flush=True)
            if given.lines:
                given.lines.write_text(_lines(told))
    print(f"\n{_lines(told)}", end="")
    if given.picture:
        given.picture.write_text(picture.drawn(told))


def _lines(told: Sequence[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(facts)}\n" for facts in told)


def measure(case: Case) -> dict[str, Verdict]:
    """What each rule did in one world."""
    kind, volume, seed, days, every_s = case
    world = make(seed, volume, kind, days)
    levels, shipped = alert_with_what_it_needs(every_s)
    verdicts = {}
    with tempfile.TemporaryDirectory(prefix="roomwatch-alerts-") as folder, Past(world, Path(folder), every_s) as past:
        for level in levels:
            past.store(level)
        rules: dict[str, Alert] = {**OTHERS, ALERT: shipped}
        for name, alert in rules.items():
            verdicts[name] = Verdict()
            judge(verdicts[name], world, alert, past.true_at(alert.expression), every_s)
    return verdicts


def measure_by_model(case: Case) -> dict[str, Verdict]:
    """What the alert did in one world, as the model has it."""
    kind, volume, seed, days, every_s = case
    world, verdict = make(seed, volume, kind, days), Verdict()
    _, shipped = alert_with_what_it_needs(every_s)
    judge(verdict, world, shipped, model.true_at(world, every_s=every_s), every_s)
    return {ALERT: verdict}


def _of(given: argparse.Namespace) -> dict[str, Any]:
    return {
        "seeds": list(given.seeds),
        "days": given.days,
        "evaluated_every_s": given.every,
        "by": "model" if given.model else "Prometheus",
    }


def _summed(worlds: Sequence[dict[str, Verdict]]) -> dict[str, Verdict]:
    total = {name: Verdict() for name in worlds[0]}
    for verdicts in worlds:
        for name, verdict in verdicts.items():
            total[name].worlds += verdict.worlds
            total[name].incidents += verdict.incidents
            total[name].false += verdict.false
            total[name].repeated += verdict.repeated
    return total


def _facts(kind: str, volume: int, name: str, verdict: Verdict) -> dict[str, Any]:
    minutes = verdict.minutes()
    return {
        "name": name,
        "failures": kind,
        "attempts_per_hour": volume,
        "incidents": len(verdict.incidents),
        "incidents_that_count": len(verdict.that_count),
        "found": len(minutes),
        "recall": round(verdict.recall, 3),
        "precision": round(verdict.precision, 3),
        "minutes_p50": statistics.median(minutes) if minutes else None,
        "minutes_p90": percentile(minutes, 90) if minutes else None,
        "minutes_p50_sudden": statistics.median(verdict.minutes(1) or [0]) if minutes else None,
        "false_pages_per_30_days": round(verdict.false.total() / verdict.worlds, 2),
        "false": dict(verdict.false.most_common()),
        "repeated": verdict.repeated,
        "found_by_size": {_size(*size): list(verdict.of_size(*size)) for size in SIZES},
        "machine": machine(),
    }


def _size(least: float, below: float) -> str:
    return f"{least:.0f}+" if below == float("inf") else f"{least:.0f}-{below:.0f}"


def _row(facts: dict[str, Any]) -> str:
    causes = ", ".join(f"{cause} {number}" for cause, number in facts["false"].items())
    cells = "".join(_cells(facts))
    return f"{facts['failures']:<12}{facts['attempts_per_hour']:>8}  {facts['name']:<48}{cells}  {causes}"


def _cells(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['recall']:>8.2f}{facts['precision']:>10.2f}"
    for name, width in (("minutes_p50", 8), ("minutes_p90", 6), ("minutes_p50_sudden", 7)):
        yield f"{'-' if facts[name] is None else facts[name]:>{width}}"
    yield f"{facts['repeated']:>6}"


if __name__ == "__main__":
    main()
