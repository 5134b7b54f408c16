"""What is there and what should be → what to do. Pure.

How a person's edit is known:
1. Of a dashboard Grafana keeps versions, each with a message. Ours say so, with a digest of what was written. While the
   latest version is ours, nobody has edited it since, whatever Grafana made of the content when it took it in.
2. A data source has no versions; its jsonData takes our digest of all that was written. While the rest has that digest,
   nobody has edited it.
3. What equals what should be is as it should be, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from collector.provision.differences import differences
from collector.provision.values import (
    TAG,
    Dashboard,
    DataSource,
    Folder,
    FoundDashboard,
    FoundDataSource,
    FoundMark,
    Json,
    Kind,
    Listed,
    Mark,
    Step,
    Verdict,
    Version,
    digest,
    without,
)

_MESSAGE: Final = re.compile(r"^roomwatch \S+ \[(?P<digest>[0-9a-f]{64})\]$")
_MADE_BY_GRAFANA: Final = ("id", "version", "iteration")
"""Keys of a dashboard that Grafana sets by itself."""
MARKER: Final = "roomwatchDigest"
_OWNED: Final = ("name", "type", "access", "url", "user", "database", "jsonData")
_LET_BE: Final = ("basicAuth", "basicAuthUser", "withCredentials", "isDefault")
"""Of a data source: what files say, and what is a person's to choose."""
BY_FILE: Final = "comes from a file on the Grafana server, which stays stronger: change it there"


def message(program_version: str, dashboard: Dashboard) -> str:
    """What a version of a dashboard says that was written here."""
    return f"roomwatch {program_version} [{digest(dashboard.body)}]"


def digest_of(version: Version) -> str | None:
    """The digest of what was written here as this version; None: somebody else wrote it."""
    match = _MESSAGE.match(version.message)
    return match["digest"] if match else None


def last_ours(versions: Sequence[Version]) -> Version | None:
    """The latest version that was written here."""
    return next((version for version in versions if digest_of(version)), None)


def plan_folder(found: Folder | None, wanted: Folder, *, force: bool) -> Step:
    """What becomes of the folder."""
    step = partial(Step, Kind.FOLDER, wanted.uid, wanted.title)
    if found is None:
        return step(Verdict.CREATE, payload=wanted)
    if found.title == wanted.title:
        return step(Verdict.UNCHANGED)
    diff = differences({"title": found.title}, {"title": wanted.title})
    if force:
        return step(Verdict.UPDATE, diff=diff, payload=wanted)
    return step(Verdict.KEPT, f"is called {found.title!r} in Grafana; --force renames it", diff)


def plan_dashboard(found: FoundDashboard | None, wanted: Dashboard, folder_uid: str, *, force: bool) -> Step:
    """What becomes of a dashboard that is shipped."""
    step = partial(Step, Kind.DASHBOARD, wanted.uid, wanted.title)
    if found is None:
        return step(Verdict.CREATE, payload=wanted)
    there, here = without(found.body, _MADE_BY_GRAFANA), without(wanted.body, _MADE_BY_GRAFANA)
    latest = found.versions[0] if found.versions else None
    at_home = found.folder_uid == folder_uid
    written = digest_of(latest) if latest else None
    if at_home and (there == here or written == digest(wanted.body)):
        return step(Verdict.UNCHANGED)
    to_come = differences(there, here) + _moved(found.folder_uid, folder_uid)
    if found.by_file:
        return step(Verdict.KEPT, BY_FILE, to_come)
    if force or (written and at_home):
        return step(Verdict.UPDATE, diff=to_come, payload=wanted, over=found.version)
    theirs = _what_they_changed(found, there, here) + _moved(folder_uid, found.folder_uid)
    return step(Verdict.KEPT, f"{_who_edited(found, latest)}; --force overwrites it", theirs)


def _what_they_changed(found: FoundDashboard, there: Json, here: Json) -> tuple[str, ...]:
    """From the last version of ours to what is there; without one, from what would be written."""
    base = here if found.last_ours is None else without(found.last_ours, _MADE_BY_GRAFANA)
    return differences(base, there)


def _moved(old: str, new: str) -> tuple[str, ...]:
    return differences({"folder": old or "(none)"}, {"folder": new or "(none)"})


def _who_edited(found: FoundDashboard, latest: Version | None) -> str:
    if latest is None or last_ours(found.versions) is None:
        return "was not made by roomwatch"
    if digest_of(latest):
        return "was moved to another folder in Grafana"
    by = f" by {latest.by}" if latest.by else ""
    return f"was edited in Grafana{by} (version {latest.number})"


def plan_data_source(found: FoundDataSource | None, wanted: DataSource, *, force: bool, secrets: bool) -> Step:
    """What becomes of a data source. `secrets`: passwords are sent again, since Grafana tells nobody which it has."""
    step = partial(Step, Kind.DATA_SOURCE, wanted.uid, wanted.name)
    if wanted.missing:
        return step(Verdict.LEFT_OUT, f"set {', '.join(wanted.missing)} for it")
    body = _full_body(wanted.body, found)
    if found is None:
        return step(Verdict.CREATE, payload=(wanted, body))
    there, here = _view(found.body), _view(body)
    lacking = set(wanted.secrets) - found.secrets
    resent = set(wanted.secrets) if secrets else lacking
    told = tuple(f"+ secureJsonData.{name}: (secret)" for name in sorted(resent))
    if there == here and not resent:
        return step(Verdict.UNCHANGED)
    diff = differences(there, here) + told
    if found.by_file:
        return step(Verdict.KEPT, BY_FILE, diff)
    ours = (found.body.get("jsonData") or {}).get(MARKER) == digest(there)
    if there == here or ours or force:
        return step(Verdict.UPDATE, diff=diff, payload=(wanted, body))
    return step(Verdict.KEPT, "was edited in Grafana, or not made by roomwatch; --force overwrites it", diff)


def _full_body(wanted: Json, found: FoundDataSource | None) -> dict[str, Any]:
    """What is written: what is wanted, what a person chose or added beside it, and our digest of the whole."""
    there: Json = {} if found is None else found.body
    data = {**(there.get("jsonData") or {}), **wanted.get("jsonData", {})}
    body = {**{key: there[key] for key in _LET_BE if key in there}, **wanted, "jsonData": data}
    return {**body, "jsonData": {**data, MARKER: digest(_view(body))}}


def _view(body: Json) -> dict[str, Any]:
    """What of a data source counts: without what Grafana adds, and without what is empty."""
    shown = {key: body[key] for key in _OWNED if body.get(key)}
    data = without(shown.get("jsonData", {}), (MARKER,))
    return {**shown, "jsonData": data}


def plan_pruned(
    listed: Iterable[Listed],
    wanted: Collection[str],
    folder_uid: str,
    found: Mapping[str, FoundDashboard],
    *,
    force: bool,
) -> list[Step]:
    """What becomes of dashboards that are in our folder, carry our tag, and are shipped no more.

    One that was never written here, such as a person's copy, is not spoken of.
    """
    steps = []
    for one in prunable(listed, wanted, folder_uid):
        there = found.get(one.uid)
        if there is None or last_ours(there.versions) is None:
            continue
        step = partial(Step, Kind.DASHBOARD, one.uid, one.title)
        latest = there.versions[0]
        if there.by_file:
            steps.append(step(Verdict.KEPT, BY_FILE))
        elif digest_of(latest) or force:
            steps.append(step(Verdict.DELETE, "is shipped no more", payload=one.uid))
        else:
            diff = _what_they_changed(there, without(there.body, _MADE_BY_GRAFANA), {})
            steps.append(step(Verdict.KEPT, f"{_who_edited(there, latest)}; --force deletes it", diff))
    return steps


def prunable(listed: Iterable[Listed], wanted: Collection[str], folder_uid: str) -> list[Listed]:
    """Of the dashboards that a search found, those that could be ours and are shipped no more."""
    return [one for one in listed if one.folder_uid == folder_uid and TAG in one.tags and one.uid not in wanted]


def plan_marks(found: Iterable[FoundMark], wanted: Iterable[Mark]) -> list[Step]:
    """What becomes of the marks of incidents. They are the store's to say: nobody's edit is looked for."""
    there: dict[str, FoundMark] = {}
    for one in found:
        there.setdefault(one.mark.key, one)
    steps = []
    for mark in wanted:
        step = partial(Step, Kind.INCIDENT, mark.key, mark.title)
        old = there.get(mark.key)
        if old is None:
            steps.append(step(Verdict.CREATE, payload=(None, mark)))
        elif _told(old.mark) == _told(mark):
            steps.append(step(Verdict.UNCHANGED))
        else:
            diff = differences(_told(old.mark), _told(mark))
            steps.append(step(Verdict.UPDATE, diff=diff, payload=(old.number, mark)))
    return steps


def _told(mark: Mark) -> dict[str, Any]:
    return {"from": mark.since_ms, "to": mark.until_ms, "text": mark.text, "tags": sorted(mark.tags)}
