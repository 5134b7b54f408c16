"""A world as a real Prometheus has it: blocks made by promtool, and what expressions say at every step of 30 days."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

import httpx
import numpy as np

from benchmarks.alerts.shipped import Stored
from benchmarks.alerts.world import DAY, REGIONS, START, STEP_S, STREAMS, Numbers, World
from tests.servers.prometheus import Prometheus, promtool

SCRAPED_AFTER_S: Final = 7
"""Rules are evaluated between scrapes, not at the same instant."""
POINTS: Final = 10_000
"""In one answer; Prometheus gives 11 000 at most."""
PATIENCE_S: Final = 600
OPTIONS: Final = (
    "--storage.tsdb.retention.time=100y",
    "--query.max-samples=500000000",
    "--query.timeout=10m",
)
Series = dict[str, Any]


class Past:
    """One world in a Prometheus of its own; a context."""

    def __init__(self, world: World, folder: Path, every_s: int) -> None:
        """Alerts are evaluated every so many seconds."""
        self._world = world
        self._every_s = every_s
        self._folder = folder
        self._prometheus: Prometheus | None = None

    def __enter__(self) -> Self:
        with (self._folder / "scraped").open("w") as file:
            _write_world(file, self._world)
        self._take("scraped")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def store(self, rules: Iterable[Stored]) -> None:
        """Evaluates rules of one level and keeps what they give."""
        with (self._folder / "recorded").open("w") as file:
            for rule in rules:
                file.write(f"# TYPE {rule.name} gauge\n")
                for series in self._answers(rule.expression, rule.step_s):
                    labels = _labels(series["metric"])
                    file.writelines(f"{rule.name}{labels} {value} {at}\n" for at, value in series["values"])
            file.write("# EOF\n")
        self._stop()
        self._take("recorded")

    def true_at(self, expression: str) -> dict[tuple[str, str], set[int]]:
        """The steps at which an expression gives something, by phase and code."""
        return {labels: set(values) for labels, values in self.values(expression).items()}

    def values(self, expression: str) -> dict[tuple[str, str], dict[int, float]]:
        """What an expression gives at each step, by phase and code."""
        found: dict[tuple[str, str], dict[int, float]] = {}
        for series in self._answers(expression, self._every_s):
            labels = series["metric"]
            values = {(round(float(at)) - START) // STEP_S: float(value) for at, value in series["values"]}
            found.setdefault((labels["phase"], labels["code"]), {}).update(values)
        return found

    def _answers(self, expression: str, step_s: int) -> Iterator[Series]:
        """Series in pieces, in order of time within a series, as OpenMetrics wants them."""
        first, last = START, START + self._world.days * DAY * STEP_S - STEP_S
        pieces: dict[str, Series] = {}
        for begin in range(first, last + 1, POINTS * step_s):
            end = min(last, begin + (POINTS - 1) * step_s)
            for series in self._ask(expression, begin, end, step_s):
                whole = pieces.setdefault(_labels(series["metric"]), {"metric": series["metric"], "values": []})
                whole["values"] += series["values"]
        yield from pieces.values()

    def _ask(self, expression: str, begin: int, end: int, step_s: int) -> list[Series]:
        if self._prometheus is None:
            self._prometheus = Prometheus("global: {}\n", storage=self._folder / "blocks", options=OPTIONS)
            self._prometheus.__enter__()
        answer = httpx.post(
            f"{self._prometheus.url}/api/v1/query_range",
            data={"query": expression, "start": begin, "end": end, "step": step_s},
            timeout=PATIENCE_S,
        ).json()
        if answer["status"] != "success":
            raise ValueError(f"{answer['error']}: {expression}")
        result: list[Series] = answer["data"]["result"]
        return result

    def _take(self, name: str) -> None:
        promtool(
            "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1488h", "-q",
            self._folder / name, self._folder / "blocks",
        )  # fmt: skip
        (self._folder / name).unlink()

    def _stop(self) -> None:
        if self._prometheus is not None:
            self._prometheus.close()
            self._prometheus = None


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__")
    return f"{{{inner}}}" if inner else ""


def _write_world(file: TextIO, world: World) -> None:
    """What the collector's /metrics would have shown, as far as the alert on spikes reads it."""
    there = [step for step in range(world.attempts.shape[1]) if step not in world.missing]
    file.write("# TYPE rtc_connect_attempts counter\n")
    for region, counted in zip(REGIONS, world.attempts, strict=True):
        _write(file, f'rtc_connect_attempts_total{{region="{region}"}}', counter(world, counted), there)
    file.write("# TYPE rtc_terminal_failures counter\n")
    for stream, by_region in zip(STREAMS, world.failures, strict=True):
        for region, counted in zip(REGIONS, by_region, strict=True):
            labels = f'phase="{stream.phase}",code="{stream.code}",region="{region}"'
            _write(file, f"rtc_terminal_failures_total{{{labels}}}", counter(world, counted), there)
    file.write("# TYPE rtc_sessions_live gauge\n")
    for region, live in zip(REGIONS, world.live, strict=True):
        _write(file, f'rtc_sessions_live{{region="{region}"}}', live, there)
    file.write("# TYPE rtc_collector_lag_seconds gauge\n")
    for partition, lag in enumerate(world.lag):
        _write(file, f'rtc_collector_lag_seconds{{partition="{partition}"}}', lag, there)
    file.write("# EOF\n")


def counter(world: World, counted: Numbers) -> Numbers:
    """A total that begins at 0 after each restart."""
    total = np.cumsum(counted)
    for start, end in itertools.pairwise([*sorted(world.resets), len(total)]):
        total[start:end] -= total[start:end][0] - counted[start]
    return total


def _write(file: TextIO, name: str, values: Numbers, there: list[int]) -> None:
    at = START + SCRAPED_AFTER_S
    file.writelines(
        f"{name} {value:.0f} {at + step * STEP_S}\n" for step, value in zip(there, values[there], strict=True)
    )
