"""What is spoken of between plan and Grafana: plain, frozen values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

Json = Mapping[str, Any]

TAG: Final = "roomwatch"
"""On everything that is made here and can carry a tag."""


class Kind(StrEnum):
    """What is provisioned, as people read it."""

    FOLDER = "folder"
    DATA_SOURCE = "data source"
    DASHBOARD = "dashboard"
    INCIDENT = "incident"
    ACCOUNT = "account"


class Verdict(StrEnum):
    """What becomes of one thing."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """It differs, and is a person's or a file's: it stays as it is."""
    LEFT_OUT = "left out"
    """Its settings were not given."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the dashboards lie. `version` is Grafana's; a wanted one has none."""

    uid: str
    title: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard that should be there."""

    uid: str
    title: str
    body: Json


@dataclass(frozen=True, slots=True)
class Version:
    """One of the versions that Grafana keeps of a dashboard."""

    number: int
    message: str
    by: str


@dataclass(frozen=True, slots=True)
class FoundDashboard:
    """A dashboard that is there. `versions`: the latest first, as far as Grafana tells them.

    `last_ours` is the body of the latest version that was written here, where a later one is a person's.
    """

    uid: str
    folder_uid: str
    version: int
    body: Json
    versions: tuple[Version, ...] = ()
    by_file: bool = False
    last_ours: Json | None = None


@dataclass(frozen=True, slots=True)
class DataSource:
    """A data source that should be there; `secrets` are what Grafana keeps and tells nobody.

    `missing` are the variables that its file names and that are not set: then it is left out.
    """

    uid: str
    name: str
    body: Json
    secrets: Mapping[str, str]
    missing: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"DataSource({self.uid!r}, secrets={sorted(self.secrets)})"


@dataclass(frozen=True, slots=True)
class FoundDataSource:
    """A data source that is there, and the names of its secrets."""

    uid: str
    body: Json
    secrets: frozenset[str]
    by_file: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """An incident as it is shown in Grafana: a region with tags. Times are ms since 1970."""

    key: str
    title: str
    since_ms: int
    until_ms: int
    text: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundMark:
    """A mark that is there, by Grafana's number."""

    number: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Listed:
    """What a search for dashboards tells of one."""

    uid: str
    title: str
    folder_uid: str
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a plan: what becomes of one thing, and why.

    `payload` is what is written, None where nothing is; `over` the version of a dashboard that it is written over.
    """

    kind: Kind
    uid: str
    title: str
    verdict: Verdict
    why: str = ""
    diff: tuple[str, ...] = ()
    payload: Any = None
    over: int | None = None


def digest(body: Any) -> str:
    """A name for content, the same for the same content."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def without(body: Json, keys: Sequence[str]) -> dict[str, Any]:
    """The body without some of its keys."""
    return {key: value for key, value in body.items() if key not in keys}
