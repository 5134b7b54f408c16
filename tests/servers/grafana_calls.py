"""What a Grafana holds, and the calls that provisioning makes of it. Behind grafana_stub.py.

Read in Grafana's documentation and its source, versions 10.4 to 13. Where versions differ, `State` says which it is.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

Json = dict[str, Any]
UID: Final = re.compile(r"[a-zA-Z0-9\-_]{1,40}")


class Answer(NamedTuple):
    """A status and what is told."""

    status: int
    body: Any


@dataclass
class Call:
    """What was asked: parts of the path, the query, the body, and the asker's role."""

    parts: tuple[str, ...]
    query: dict[str, list[str]]
    body: Any
    role: str


@dataclass
class Held:
    """A dashboard with its versions: (number, message, by, body)."""

    folder_uid: str
    versions: list[tuple[int, str, str, Json]]
    by_file: bool = False

    @property
    def number(self) -> int:
        """The latest version's."""
        return self.versions[-1][0]

    @property
    def body(self) -> Json:
        """The latest version's."""
        return self.versions[-1][3]


@dataclass
class State:
    """What it holds. `folder_exists`: how it refuses a folder that is there; `wraps_versions`: since Grafana 11.

    `migrates`: it brings what it takes in to a newer schema, as it may.
    """

    version: str | None = "11.6.16"
    folder_exists: int = 412
    wraps_versions: bool = True
    migrates: bool = False
    folders: dict[str, Json] = field(default_factory=dict)
    dashboards: dict[str, Held] = field(default_factory=dict)
    sources: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    annotations: dict[int, Json] = field(default_factory=dict)
    accounts: dict[int, Json] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def edit(self, uid: str, change: Callable[[Json], object], by: str = "ada", message: str = "") -> None:
        """A person saves a dashboard in the editor."""
        held = self.dashboards[uid]
        body = copy.deepcopy(held.body)
        change(body)
        held.versions.append((held.number + 1, message, by, {**body, "version": held.number + 1}))


def refused(code: int, message: str, **more: str) -> Answer:
    """A refusal in Grafana's words."""
    return Answer(code, {"message": message, **more})


def health(state: State, _: Call) -> Answer:
    """Needs no credentials; the version may be hidden from strangers."""
    return Answer(200, {"database": "ok", **({"version": state.version} if state.version else {})})


def list_folders(state: State, _: Call) -> Answer:
    """Folders without their version, as Grafana lists them."""
    listed = [{"id": one["id"], "uid": one["uid"], "title": one["title"]} for one in state.folders.values()]
    return Answer(200, listed)


def create_folder(state: State, call: Call) -> Answer:
    """Refuses a uid that is there, with 412 or 409 by version."""
    uid, title = call.body["uid"], call.body.get("title")
    if not title:
        return refused(400, "folder title cannot be empty")
    if not UID.fullmatch(uid):
        return refused(400, "uid contains illegal characters")
    if uid in state.folders:
        return refused(state.folder_exists, "a folder with the same uid already exists")
    state.folders[uid] = {"id": len(state.folders) + 1, "uid": uid, "title": title, "version": 1}
    return Answer(200, state.folders[uid])


def update_folder(state: State, call: Call) -> Answer:
    """Needs the version, or `overwrite`."""
    folder = state.folders.get(call.parts[0])
    if folder is None:
        return refused(404, "folder not found")
    if not call.body.get("overwrite") and call.body.get("version") != folder["version"]:
        return refused(412, "the folder has been changed by someone else", status="version-mismatch")
    folder.update(title=call.body["title"], version=folder["version"] + 1)
    return Answer(200, folder)


def get_dashboard(state: State, call: Call) -> Answer:
    """The body with `meta`."""
    held = state.dashboards.get(call.parts[0])
    if held is None:
        return refused(404, "Dashboard not found")
    meta = {"version": held.number, "folderUid": held.folder_uid, "provisioned": held.by_file}
    return Answer(200, {"dashboard": held.body, "meta": meta})


def list_versions(state: State, call: Call) -> Answer:
    """The latest first."""
    held = state.dashboards.get(call.parts[0])
    if held is None:
        return refused(404, "Dashboard not found")
    listed = [
        {"version": number, "message": message, "createdBy": by} for number, message, by, _ in reversed(held.versions)
    ]
    return Answer(200, {"continueToken": "", "versions": listed} if state.wraps_versions else listed)


def get_version(state: State, call: Call) -> Answer:
    """One version with its body."""
    held = state.dashboards.get(call.parts[0])
    for number, message, by, body in held.versions if held else ():
        if number == int(call.parts[1]):
            return Answer(200, {"version": number, "message": message, "createdBy": by, "data": body})
    return refused(404, "Dashboard version not found")


def save_dashboard(state: State, call: Call) -> Answer:
    """Without `folderUid` the dashboard goes to the root; without `overwrite` the version has to be the latest."""
    told, body = call.body, call.body["dashboard"]
    fault = _fault_of(told)
    if fault:
        return refused(400, fault)
    uid, overwrite = body["uid"], told.get("overwrite", False)
    held, folder_uid = state.dashboards.get(uid), told.get("folderUid", "")
    if folder_uid and folder_uid not in state.folders:
        return refused(400, "folder not found")
    if held is not None and held.by_file:
        return refused(400, "Cannot save provisioned dashboard")
    if held is not None and not overwrite and body.get("version") != held.number:
        return refused(412, "The dashboard has been changed by someone else", status="version-mismatch")
    number = 1 if held is None else held.number + 1
    kept = {**copy.deepcopy(body), "id": 7, "version": number}
    if state.migrates:
        kept = {**kept, "schemaVersion": 42, "preload": False}
    version = (number, told.get("message", ""), "sa-roomwatch", kept)
    state.dashboards[uid] = Held(folder_uid, [*(held.versions if held else ()), version])
    return Answer(200, {"uid": uid, "version": number, "status": "success"})


def _fault_of(told: Json) -> str:
    body = told["dashboard"]
    if not body.get("title"):
        return "Dashboard title cannot be empty"
    if not UID.fullmatch(body.get("uid") or ""):
        return "uid contains illegal characters"
    if len(told.get("message", "")) > 500:
        return "message is too long, max 500 characters"
    if "elements" in body:
        return "dashboard appears to be in v2 format. Please use the /apis/dashboard.grafana.app/v2 API"
    return ""


def delete_dashboard(state: State, call: Call) -> Answer:
    """Gone for good."""
    if state.dashboards.pop(call.parts[0], None) is None:
        return refused(404, "Dashboard not found")
    return Answer(200, {"message": "Dashboard deleted"})


def search(state: State, call: Call) -> Answer:
    """By tag."""
    (tag,) = call.query["tag"]
    return Answer(
        200,
        [
            {"uid": uid, "title": held.body["title"], "tags": held.body.get("tags", []), "folderUid": held.folder_uid}
            for uid, held in state.dashboards.items()
            if tag in held.body.get("tags", [])
        ],
    )


def get_source(state: State, call: Call) -> Answer:
    """Of secrets it tells the names."""
    source = state.sources.get(call.parts[0])
    if source is None:
        return refused(404, "Data source not found")
    fields = dict.fromkeys(state.secrets[call.parts[0]], True)
    return Answer(200, {**source, "secureJsonFields": fields})


def create_source(state: State, call: Call) -> Answer:
    """Refuses a name that is there."""
    told = dict(call.body)
    if any(told["name"] == one["name"] or told["uid"] == one["uid"] for one in state.sources.values()):
        return refused(409, "data source with the same name already exists")
    state.secrets[told["uid"]] = told.pop("secureJsonData", {})
    added = {"id": len(state.sources) + 1, "orgId": 1, "user": "", "database": "", "basicAuth": False}
    state.sources[told["uid"]] = {**added, "isDefault": False, "readOnly": False, "version": 1, **told}
    return Answer(200, {"datasource": state.sources[told["uid"]]})


def update_source(state: State, call: Call) -> Answer:
    """Replaces all of it but secrets that are not given."""
    uid, told = call.parts[0], dict(call.body)
    old = state.sources.get(uid)
    if old is None:
        return refused(404, "Data source not found")
    if old["readOnly"]:
        return refused(403, "Cannot update read-only data source")
    state.secrets[uid].update(told.pop("secureJsonData", {}))
    fresh = {"id": old["id"], "orgId": 1, "user": "", "database": "", "basicAuth": False, "isDefault": False}
    state.sources[uid] = {**fresh, "readOnly": False, "version": old["version"] + 1, **told}
    return Answer(200, {"datasource": state.sources[uid]})


def find_annotations(state: State, call: Call) -> Answer:
    """With all of the tags, reaching into the time; a hundred unless a limit is told."""
    tags, limit = set(call.query.get("tags", [])), int(call.query.get("limit", ["100"])[0])
    since, until = (int(call.query[name][0]) for name in ("from", "to"))
    found = [
        {"id": number, **one}
        for number, one in state.annotations.items()
        if tags <= set(one["tags"]) and one["time"] <= until and one["timeEnd"] >= since
    ]
    return Answer(200, found[:limit])


def create_annotation(state: State, call: Call) -> Answer:
    """A time and a text are needed."""
    if not call.body.get("text"):
        return refused(400, "Failed to save annotation: text field should not be empty")
    number = len(state.annotations) + 1
    state.annotations[number] = {key: call.body[key] for key in ("time", "timeEnd", "tags", "text")}
    return Answer(200, {"message": "Annotation added", "id": number})


def update_annotation(state: State, call: Call) -> Answer:
    """Replaces all of it."""
    number = int(call.parts[0])
    if number not in state.annotations:
        return refused(404, "Annotation not found")
    state.annotations[number] = {key: call.body[key] for key in ("time", "timeEnd", "tags", "text")}
    return Answer(200, {"message": "Annotation updated"})


def find_accounts(state: State, call: Call) -> Answer:
    """By a part of the name."""
    part = call.query.get("query", [""])[0]
    found = [one for one in state.accounts.values() if part in one["name"]]
    return Answer(200, {"totalCount": len(found), "serviceAccounts": found})


def create_account(state: State, call: Call) -> Answer:
    """Refuses a name that is there."""
    if any(one["name"] == call.body["name"] for one in state.accounts.values()):
        return refused(400, "service account already exists")
    number = len(state.accounts) + 1
    state.accounts[number] = {"id": number, **call.body}
    return Answer(201, state.accounts[number])


def create_token(state: State, call: Call) -> Answer:
    """The key is told this once."""
    account = state.accounts[int(call.parts[0])]
    key = f"glsa_{call.body['name']}"
    state.tokens[key] = account["role"]
    account["secondsToLive"] = call.body["secondsToLive"]
    return Answer(200, {"id": 1, "name": call.body["name"], "key": key})


def query(_: State, call: Call) -> Answer:
    """Each query has to name its data source and ask something."""
    told = call.body["queries"]
    if not all(one["datasource"]["uid"] and (one.get("expr") or one.get("rawSql")) for one in told):
        return refused(400, "bad query")
    return Answer(200, {"results": {one["refId"]: {"status": 200, "frames": []} for one in told}})


_ANY: Final = r"([^/]+)"
CALLS: Final[list[tuple[re.Pattern[str], str | None, Callable[[State, Call], Answer]]]] = [
    (re.compile(pattern), role, call)
    for pattern, role, call in (
        ("GET /health", None, health),
        ("GET /folders", "Viewer", list_folders),
        ("POST /folders", "Editor", create_folder),
        (f"PUT /folders/{_ANY}", "Editor", update_folder),
        (f"GET /dashboards/uid/{_ANY}", "Viewer", get_dashboard),
        (f"GET /dashboards/uid/{_ANY}/versions", "Editor", list_versions),
        (f"GET /dashboards/uid/{_ANY}/versions/{_ANY}", "Editor", get_version),
        ("POST /dashboards/db", "Editor", save_dashboard),
        (f"DELETE /dashboards/uid/{_ANY}", "Editor", delete_dashboard),
        ("GET /search", "Viewer", search),
        (f"GET /datasources/uid/{_ANY}", "Admin", get_source),
        ("POST /datasources", "Admin", create_source),
        (f"PUT /datasources/uid/{_ANY}", "Admin", update_source),
        ("POST /ds/query", "Viewer", query),
        ("GET /annotations", "Viewer", find_annotations),
        ("POST /annotations", "Editor", create_annotation),
        (f"PUT /annotations/{_ANY}", "Editor", update_annotation),
        ("GET /serviceaccounts/search", "Admin", find_accounts),
        ("POST /serviceaccounts/?", "Admin", create_account),
        (f"POST /serviceaccounts/{_ANY}/tokens", "Admin", create_token),
    )
]
