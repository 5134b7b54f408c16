"""GrafanaPort with grafana-client. The only place that knows its calls and its errors.

Every call says what it is for, in words that follow "to", and which role it needs: errors are made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaException

from collector import __version__
from collector.errors import (
    ConfigError,
    GrafanaForbidden,
    GrafanaLoginRefused,
    GrafanaRefused,
    GrafanaTimedOut,
    GrafanaUnreachable,
    NotGrafana,
)
from collector.provision.marks import key_of
from collector.provision.plan import digest_of
from collector.provision.port import ADMIN, EDITOR, Account
from collector.provision.values import (
    Dashboard,
    DataSource,
    Folder,
    FoundDashboard,
    FoundDataSource,
    FoundMark,
    Json,
    Listed,
    Mark,
    Version,
)

LISTED_MAX: Final = 5_000
FOLDERS_MAX: Final = 1_000
_VERSIONS: Final = 50
_UNKNOWN, _CLASHES = 404, (409, 412)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token, or user and password; and where they came from, which errors name."""

    source: str
    token: str | None = None
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.source!r})"


@dataclass(frozen=True, slots=True)
class _No:
    """An answer that the caller said it can deal with."""

    status: int
    message: str
    word: str


class Grafana:
    """One Grafana. Raises ConfigError for an address that cannot be used."""

    def __init__(self, url: str, credentials: Credentials, timeout_s: float) -> None:
        self.url = checked(url)
        self._credentials = credentials
        self._timeout_s = timeout_s
        there = urlsplit(self.url)
        host = f"[{there.hostname}]" if ":" in (there.hostname or "") else there.hostname
        path = there.path.strip("/")
        self._api = GrafanaApi(
            credentials.token or (credentials.user, credentials.password),
            host=host,
            port=there.port,
            url_path_prefix=f"{path}/" if path else "",
            protocol=there.scheme,
            timeout=timeout_s,
            user_agent=f"roomwatch/{__version__}",
        )
        # A redirect would make a GET of what should be written, and might lead a token elsewhere.
        self._api.client.s.max_redirects = 0

    def version(self) -> str | None:
        """See GrafanaPort."""
        told = self._ask("tell its version", EDITOR, self._api.health.check)
        if not isinstance(told, Mapping) or "database" not in told:
            raise NotGrafana(self.url, "tell its version", "its answer is of another shape")
        return told.get("version") or None

    def folder(self, uid: str) -> Folder | None:
        """See GrafanaPort."""
        # Not by its uid: Grafana says 403 of a folder that is not there, to whoever may not read all of them.
        listed = self._list("list folders", EDITOR, self._api.client.GET, f"/folders?limit={FOLDERS_MAX}")
        found = next((one for one in listed if one.get("uid") == uid), None)
        return None if found is None else Folder(uid, str(found.get("title", "")), int(found.get("version") or 0))

    def create_folder(self, folder: Folder) -> str | None:
        """See GrafanaPort."""
        what = f"make the folder {folder.title}"
        return self._saved(
            self._ask(what, EDITOR, self._api.folder.create_folder, folder.title, folder.uid, may=_CLASHES)
        )

    def rename_folder(self, folder: Folder) -> str | None:
        """See GrafanaPort."""
        rename = self._api.folder.update_folder
        self._ask(f"rename the folder {folder.uid}", EDITOR, rename, folder.uid, folder.title, overwrite=True)
        return None

    def dashboard(self, uid: str) -> FoundDashboard | None:
        """See GrafanaPort."""
        what = f"show the dashboard {uid}"
        told = self._ask(what, EDITOR, self._api.dashboard.get_dashboard, uid, may=(_UNKNOWN,))
        if isinstance(told, _No):
            return None
        try:
            body, meta = told["dashboard"], told["meta"]
            number = int(meta.get("version") or body.get("version") or 0)
            versions = self._versions(uid)
        except (TypeError, KeyError, AttributeError):
            raise NotGrafana(self.url, what, "its answer is of another shape") from None
        return FoundDashboard(
            uid=uid,
            folder_uid=meta.get("folderUid") or "",
            version=number,
            body=body,
            versions=versions,
            by_file=bool(meta.get("provisioned")),
            last_ours=self._last_ours(uid, versions),
        )

    def _versions(self, uid: str) -> tuple[Version, ...]:
        """The versions that Grafana keeps, the latest first. Up to Grafana 10 they are the whole answer."""
        path = f"/dashboards/uid/{quote(uid)}/versions?limit={_VERSIONS}"
        told = self._ask(f"list versions of the dashboard {uid}", EDITOR, self._api.client.GET, path, may=(_UNKNOWN,))
        if isinstance(told, _No):
            return ()
        listed = told["versions"] if isinstance(told, Mapping) else told
        versions = [
            Version(int(one["version"]), one.get("message") or "", one.get("createdBy") or "") for one in listed
        ]
        return tuple(sorted(versions, key=lambda version: -version.number))

    def _last_ours(self, uid: str, versions: Sequence[Version]) -> Json | None:
        ours = next((version for version in versions if digest_of(version)), None)
        if ours is None or ours is versions[0]:
            return None
        get = self._api.dashboard_versions.get_dashboard_version
        what = f"show version {ours.number} of the dashboard {uid}"
        told = self._ask(what, EDITOR, get, dashboard_uid=uid, version_id=ours.number, may=(_UNKNOWN,))
        data = told.get("data") if isinstance(told, Mapping) else None
        return data if isinstance(data, Mapping) else None

    def dashboards(self, tag: str) -> Sequence[Listed]:
        """See GrafanaPort."""
        search = self._api.search.search_dashboards
        listed = self._list("search dashboards", EDITOR, search, tag=tag, type_="dash-db", limit=LISTED_MAX)
        return [
            Listed(one["uid"], one.get("title", ""), one.get("folderUid") or "", frozenset(one.get("tags") or ()))
            for one in listed
        ]

    def save_dashboard(
        self, dashboard: Dashboard, folder_uid: str, message: str, *, over: int | None, force: bool
    ) -> str | None:
        """See GrafanaPort."""
        body = {**dashboard.body, "id": None, **({} if over is None else {"version": over})}
        sent = {"dashboard": body, "folderUid": folder_uid, "message": message, "overwrite": force}
        what = f"save the dashboard {dashboard.uid}"
        told = self._ask(what, EDITOR, self._api.dashboard.update_dashboard, sent, may=(400, *_CLASHES))
        if isinstance(told, _No) and told.status == 400 and "same uid" not in told.message:
            raise GrafanaRefused(self.url, what, told.status, told.message)
        return self._saved(told)

    def delete_dashboard(self, uid: str) -> None:
        """See GrafanaPort."""
        delete = self._api.dashboard.delete_dashboard
        self._ask(f"delete the dashboard {uid}", EDITOR, delete, uid, may=(_UNKNOWN,))

    def data_source(self, uid: str) -> FoundDataSource | None:
        """See GrafanaPort."""
        what = f"show the data source {uid}"
        told = self._ask(what, ADMIN, self._api.datasource.get_datasource_by_uid, uid, may=(_UNKNOWN,))
        if isinstance(told, _No):
            return None
        if not isinstance(told, Mapping):
            raise NotGrafana(self.url, what, "its answer is of another shape")
        secrets = frozenset(name for name, kept in (told.get("secureJsonFields") or {}).items() if kept)
        return FoundDataSource(uid, told, secrets, by_file=bool(told.get("readOnly")))

    def create_data_source(self, source: DataSource, body: Json) -> str | None:
        """See GrafanaPort."""
        what = f"make the data source {source.name}"
        sent = {**body, "secureJsonData": dict(source.secrets)}
        return self._saved(self._ask(what, ADMIN, self._api.datasource.create_datasource, sent, may=_CLASHES))

    def update_data_source(self, source: DataSource, body: Json) -> str | None:
        """See GrafanaPort."""
        what = f"change the data source {source.name}"
        update = self._api.datasource.update_datasource_by_uid
        sent = {**body, "secureJsonData": dict(source.secrets)}
        return self._saved(self._ask(what, ADMIN, update, source.uid, sent, may=_CLASHES))

    def marks(self, tags: Sequence[str], since_ms: int, until_ms: int) -> Sequence[FoundMark]:
        """See GrafanaPort."""
        find = self._api.annotations.get_annotation
        listed = self._list(
            "list annotations", EDITOR, find, time_from=since_ms, time_to=until_ms, tags=tags, limit=LISTED_MAX
        )
        found = []
        for one in listed:
            theirs = tuple(one.get("tags") or ())
            if (key := key_of(theirs)) is not None:
                mark = Mark(key, key, int(one["time"]), int(one.get("timeEnd") or 0), one.get("text") or "", theirs)
                found.append(FoundMark(int(one["id"]), mark))
        return found

    def create_mark(self, mark: Mark) -> None:
        """See GrafanaPort."""
        self._ask("make an annotation", EDITOR, self._api.annotations.add_annotation, **_sent(mark))

    def update_mark(self, number: int, mark: Mark) -> None:
        """See GrafanaPort."""
        self._ask("change an annotation", EDITOR, self._api.annotations.update_annotation, number, **_sent(mark))

    def account(self, name: str) -> Account | None:
        """See GrafanaPort."""
        pages = self._list("list service accounts", ADMIN, self._api.serviceaccount.search, name, 1, 1_000)
        for one in pages[0].get("serviceAccounts") or () if pages else ():
            if one.get("name") == name:
                return Account(int(one["id"]), name, str(one.get("role", "")))
        return None

    def create_account(self, name: str, role: str) -> Account:
        """See GrafanaPort."""
        sent = {"name": name, "role": role}
        what = f"make the service account {name}"
        told = self._ask(what, ADMIN, self._api.client.POST, "/serviceaccounts", json=sent)
        return Account(int(self._field(told, "id", what)), name, role)

    def create_token(self, account: Account, content: Mapping[str, str | int]) -> str:
        """See GrafanaPort."""
        what = f"make a token of the service account {account.name}"
        told = self._ask(what, ADMIN, self._api.serviceaccount.create_token, account.number, dict(content))
        return str(self._field(told, "key", what))

    def _list(self, what: str, role: str, call: Callable[..., Any], *args: Any, **named: Any) -> list[Any]:
        told = self._ask(what, role, call, *args, **named)
        if not isinstance(told, list):
            raise NotGrafana(self.url, what, "its answer is of another shape")
        return told

    def _field(self, told: Any, name: str, what: str) -> Any:
        if not isinstance(told, Mapping) or name not in told:
            raise NotGrafana(self.url, what, f"its answer has no {name}")
        return told[name]

    def _saved(self, told: Any) -> str | None:
        return told.word or told.message if isinstance(told, _No) else None

    def _ask(
        self, what: str, role: str, call: Callable[..., Any], *args: Any, may: Collection[int] = (), **named: Any
    ) -> Any:
        """One call. Refusals with a status of `may` are an answer, where they are Grafana's."""
        try:
            told = call(*args, **named)
        except requests.exceptions.Timeout:
            raise GrafanaTimedOut(self.url, what, self._timeout_s) from None
        except requests.exceptions.TooManyRedirects:
            raise NotGrafana(self.url, what, "it leads elsewhere by a redirect") from None
        except requests.exceptions.InvalidJSONError:
            raise NotGrafana(self.url, what, "its answer is not JSON") from None
        except requests.exceptions.RequestException as error:
            raise GrafanaUnreachable(self.url, _reason(error)) from None
        except GrafanaException as error:
            return self._refusal(what, role, error, may)
        if isinstance(told, str):
            raise NotGrafana(self.url, what, "its answer is not JSON")
        return told

    def _refusal(self, what: str, role: str, error: GrafanaException, may: Collection[int]) -> _No:
        status, told = int(error.status_code), error.response
        if status == 401:
            raise GrafanaLoginRefused(self.url, self._credentials.source) from None
        if status == 403:
            raise GrafanaForbidden(self.url, what, role) from None
        if not isinstance(told, Mapping) and status < 500:
            raise NotGrafana(self.url, what, f"status {status}, and its answer is not JSON") from None
        message = str(told.get("message", "")) if isinstance(told, Mapping) else str(told)
        if status in may:
            return _No(status, message, str(told.get("status") or ""))
        raise GrafanaRefused(self.url, what, status, message) from None


def checked(url: str) -> str:
    """The address without a slash at its end. Raises ConfigError, without the password that may stand in it."""
    try:
        there = urlsplit(url)
        port = there.port
    except ValueError as error:
        raise ConfigError("--url", f"is no address: {error}") from None
    if there.username or there.password:
        raise ConfigError("--url", "holds credentials; set ROOMWATCH_GRAFANA_TOKEN instead, others can read arguments")
    if there.scheme not in {"http", "https"} or not there.hostname or port == 0:
        raise ConfigError("--url", "is no address such as https://grafana.example.org", value=url)
    if there.query or there.fragment:
        raise ConfigError("--url", "must end with Grafana's path", value=url)
    return url.rstrip("/")


def _sent(mark: Mark) -> dict[str, Any]:
    return {"time_from": mark.since_ms, "time_to": mark.until_ms, "tags": list(mark.tags), "text": mark.text}


def _reason(error: BaseException) -> str:
    """The innermost of what a client wrapped: Connection refused, certificate verify failed, Name not known."""
    text = str(error)
    for mark in ("[Errno", "certificate verify failed", "Name or service", "Remote end", "Failed to"):
        if mark in text:
            return text[text.index(mark) :].strip("()'\" ")
    return text
