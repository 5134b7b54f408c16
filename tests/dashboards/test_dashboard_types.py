"""The dashboards are what Grafana's own types of four majors say a dashboard is."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.shown import COMMITTED
from tests.servers.parts import Part, find
from tools.dashboards.typed import MAJORS, complaints, write

Dashboard = dict[str, Any]


def said_of(dashboards: list[Dashboard], folder: Path) -> dict[str, str]:
    packages, node = find(Part.GRAFANA_TYPES), find(Part.NODE)
    return {project.name: complaints(project, packages, node) for project in write(dashboards, folder, packages)}


def test_no_major_of_grafana_finds_fault_with_a_dashboard(tmp_path: Path) -> None:
    assert said_of(list(COMMITTED.values()), tmp_path) == {f"v{major}": "" for major in MAJORS}


def first(dashboard: Dashboard, kind: str) -> Dashboard:
    found: Dashboard = next(panel for panel in dashboard["panels"] if panel["type"] == kind)
    return found


SPOILED: list[tuple[Callable[[Dashboard], object], str]] = [
    (lambda d: first(d, "stat")["gridPos"].update(width=3), "'\"width\"' does not exist"),
    (lambda d: first(d, "stat")["fieldConfig"]["defaults"]["thresholds"].update(mode="absolut"), '"absolut"'),
    (lambda d: first(d, "stat")["options"].update(colourMode="none"), "'\"colourMode\"' does not exist"),
    (lambda d: first(d, "timeseries")["fieldConfig"]["defaults"]["custom"].update(drawStyle="lines"), '"lines"'),
    (lambda d: d["templating"]["list"][1].update(type="querry"), '"querry"'),
]


@pytest.fixture(scope="module")
def said_of_spoiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    dashboards = []
    for number, (spoil, _) in enumerate(SPOILED):
        dashboard = copy.deepcopy(COMMITTED["roomwatch-overview.json"])
        spoil(dashboard)
        dashboards.append(dashboard | {"uid": f"spoiled-{number}"})
    return said_of(dashboards, tmp_path_factory.mktemp("spoiled"))


@pytest.mark.parametrize("fault", [fault for _, fault in SPOILED])
def test_every_major_finds(said_of_spoiled: dict[str, str], fault: str) -> None:
    assert {major for major, said in said_of_spoiled.items() if fault in said} == said_of_spoiled.keys()
