"""Brings plan and Grafana together: everything is looked at first, then changed thing by thing.

So what cannot be read, or may not be, stops a run before it has changed anything. What was changed when a later thing
fails stays: the next run goes on from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from collector.errors import GrafanaTooOld
from collector.provision.marks import TAGS
from collector.provision.plan import (
    message,
    plan_dashboard,
    plan_data_source,
    plan_folder,
    plan_marks,
    plan_pruned,
    prunable,
)
from collector.provision.port import GrafanaPort
from collector.provision.values import TAG, Dashboard, DataSource, Folder, Kind, Mark, Step, Verdict

NEEDED: Final = (10, 4)
"""The oldest Grafana that the dashboards are made for."""
CHANGES: Final = frozenset({Verdict.CREATE, Verdict.UPDATE, Verdict.DELETE})
_STANDS_IN_THE_WAY: Final = {
    "name-exists": "another dashboard of the folder has this title: rename that one, and run again",
    "plugin-dashboard": "belongs to a plugin of Grafana's; --force overwrites it",
}
"""What Grafana refuses for more than a change in between, by its own words; running again alone would not help."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should be there. `marks` is None where nobody asked for them."""

    folder: Folder
    sources: Sequence[DataSource]
    dashboards: Sequence[Dashboard]
    marks: Sequence[Mark] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be done. `force`: write over what a person changed; `secrets`: send passwords again."""

    force: bool = False
    prune: bool = False
    secrets: bool = False


def check_version(port: GrafanaPort, url: str) -> str:
    """Grafana's version, or "of unknown version" where it does not tell strangers. Raises GrafanaTooOld."""
    told = port.version()
    match = re.match(r"(\d+)\.(\d+)", told or "")
    if match and (int(match[1]), int(match[2])) < NEEDED:
        raise GrafanaTooOld(url, told or "", ".".join(map(str, NEEDED)))
    return told or "of unknown version"


def look(port: GrafanaPort, wanted: Wanted, choice: Choice) -> list[Step]:
    """What is to be done, in the order in which it has to be. Changes nothing."""
    steps = [plan_folder(port.folder(wanted.folder.uid), wanted.folder, force=choice.force)]
    for source in wanted.sources:
        there = None if source.missing else port.data_source(source.uid)
        steps.append(plan_data_source(there, source, force=choice.force, secrets=choice.secrets))
    steps += [_look_at(port, one, wanted.folder, force=choice.force) for one in wanted.dashboards]
    if choice.prune:
        listed, shipped = port.dashboards(TAG), {one.uid for one in wanted.dashboards}
        found = {one.uid: port.dashboard(one.uid) for one in prunable(listed, shipped, wanted.folder.uid)}
        there_still = {uid: dashboard for uid, dashboard in found.items() if dashboard is not None}
        steps += plan_pruned(listed, shipped, wanted.folder.uid, there_still, force=choice.force)
    if wanted.marks:
        since, until = min(one.since_ms for one in wanted.marks), max(one.until_ms for one in wanted.marks)
        steps += plan_marks(port.marks(TAGS, since, until), wanted.marks)
    return steps


def _look_at(port: GrafanaPort, dashboard: Dashboard, folder: Folder, *, force: bool) -> Step:
    return plan_dashboard(port.dashboard(dashboard.uid), dashboard, folder.uid, force=force)


def make(port: GrafanaPort, step: Step, folder: Folder, program_version: str, *, force: bool) -> Step:
    """Does one step, and answers what became of it: somebody else may have come in between."""
    if step.verdict not in CHANGES:
        return step
    if step.kind is Kind.DASHBOARD:
        return _make_dashboard(port, step, folder, program_version, force=force)
    refused = _MAKERS[step.kind](port, step)
    return step if refused is None else replace(step, verdict=Verdict.KEPT, why=f"Grafana says: {refused}")


def _make_dashboard(port: GrafanaPort, step: Step, folder: Folder, program_version: str, *, force: bool) -> Step:
    if step.verdict is Verdict.DELETE:
        port.delete_dashboard(step.uid)
        return step
    dashboard: Dashboard = step.payload
    words = message(program_version, dashboard)
    refused = port.save_dashboard(dashboard, folder.uid, words, over=step.over, force=force)
    if refused is None:
        return step
    again = _look_at(port, dashboard, folder, force=False)
    if again.verdict not in CHANGES:
        return again
    why = _STANDS_IN_THE_WAY.get(refused, f"was changed meanwhile (Grafana says: {refused}); run again")
    return replace(step, verdict=Verdict.KEPT, why=why)


def _make_folder(port: GrafanaPort, step: Step) -> str | None:
    folder: Folder = step.payload
    return port.create_folder(folder) if step.verdict is Verdict.CREATE else port.rename_folder(folder)


def _make_data_source(port: GrafanaPort, step: Step) -> str | None:
    source, body = step.payload
    create = step.verdict is Verdict.CREATE
    return port.create_data_source(source, body) if create else port.update_data_source(source, body)


def _make_mark(port: GrafanaPort, step: Step) -> None:
    number, mark = step.payload
    if number is None:
        port.create_mark(mark)
    else:
        port.update_mark(number, mark)


_MAKERS: Final[Mapping[Kind, Callable[[GrafanaPort, Step], str | None]]] = {
    Kind.FOLDER: _make_folder,
    Kind.DATA_SOURCE: _make_data_source,
    Kind.INCIDENT: _make_mark,
}
