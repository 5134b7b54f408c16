"""What should be in Grafana, read from the files that are shipped for its file provisioning.

So a dashboard, the folder and a data source are each said once, for both ways. Variables in values are filled in as
Grafana does it: $NAME and ${NAME} from the environment, $$ for a dollar.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from collector.errors import ConfigError
from collector.provision.values import Dashboard, DataSource, Folder, without

_VARIABLE: Final = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>\w+)\}|(?P<plain>[A-Za-z_]\w*))")
_NOT_OF_THE_API: Final = ("orgId", "version", "secureJsonData", "editable")
"""What stands in files only, or is told apart from the rest."""
_SECOND_FORMAT: Final = ("apiVersion", "elements", "spec")


def read_folder(folder: Path) -> Folder:
    """The folder that the dashboards go to."""
    for name, document in _documents(folder / "provisioning" / "dashboards"):
        for provider in document.get("providers", ()):
            if provider.get("folderUid"):
                return Folder(provider["folderUid"], provider.get("folder") or provider["folderUid"])
        raise ConfigError(str(name), "names no folderUid")
    raise ConfigError(str(folder), "holds no file provisioning/dashboards/*.yml")


def read_dashboards(folder: Path) -> list[Dashboard]:
    """The dashboards, by their file's name."""
    dashboards = []
    for path in sorted(folder.glob("roomwatch-*.json")):
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(str(path), f"cannot be read: {error}") from None
        dashboards.append(_dashboard(path, body))
    if not dashboards:
        raise ConfigError(str(folder), "holds no dashboard, no file roomwatch-*.json")
    return dashboards


def _dashboard(path: Path, body: Any) -> Dashboard:
    if not isinstance(body, dict) or not body.get("uid") or not body.get("title"):
        raise ConfigError(str(path), "is no dashboard: it has no uid or no title")
    if any(key in body for key in _SECOND_FORMAT):
        why = "is in the second format, as Grafana 13 exports it; the classic one is needed"
        raise ConfigError(str(path), why)
    return Dashboard(body["uid"], body["title"], without(body, ("id", "version")))


def read_data_sources(folder: Path, variables: Mapping[str, str]) -> list[DataSource]:
    """The data sources, in the order of their files."""
    return [
        data_source(told, variables)
        for _, document in _documents(folder / "provisioning" / "datasources")
        for told in document.get("datasources", ())
    ]


def data_source(told: Mapping[str, Any], variables: Mapping[str, str]) -> DataSource:
    """What a file tells of a data source, with its variables filled in. Pure.

    One whose variables are not all set is missing them; an empty one counts as not set, except in a secret's value: a
    database may ask for no password.
    """
    missing: dict[str, None] = {}
    secrets = {name: filled(text, variables, {}) for name, text in told.get("secureJsonData", {}).items()}
    body = filled(without(told, _NOT_OF_THE_API), variables, missing)
    given = {name: text for name, text in secrets.items() if text}
    return DataSource(body["uid"], body["name"], body, given, tuple(missing))


def filled(value: Any, variables: Mapping[str, str], missing: dict[str, None]) -> Any:
    """The value with its variables filled in, as Grafana does it. Pure, but that it adds to `missing`."""
    if isinstance(value, Mapping):
        return {key: filled(one, variables, missing) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, variables, missing) for one in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name = match["braced"] or match["plain"]
        if not variables.get(name):
            missing[name] = None
        return variables.get(name, "")

    return _VARIABLE.sub(fill, value)


def _documents(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for path in sorted(folder.glob("*.y*ml")):
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ConfigError(str(path), f"cannot be read: {error}") from None
        if isinstance(document, Mapping):
            yield path, document
