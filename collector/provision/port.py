"""What is asked of Grafana, in values of ours. grafana.py answers with grafana-client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

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
)

EDITOR: Final = "Editor"
"""The least of Grafana's roles that writes folders, dashboards and annotations."""
ADMIN: Final = "Admin"


@dataclass(frozen=True, slots=True)
class Account:
    """A service account of Grafana."""

    number: int
    name: str
    role: str


class GrafanaPort(Protocol):
    """Every method blocks, and raises a GrafanaError.

    What saves answers None where it was saved. Where something else came in between, it answers with Grafana's word
    for it, as `version-mismatch`, and nothing was changed.
    """

    def version(self) -> str | None:
        """Grafana's version, asked without credentials; None: it does not tell strangers."""

    def folder(self, uid: str) -> Folder | None:
        """The folder that is there."""

    def create_folder(self, folder: Folder) -> str | None:
        """Makes the folder."""

    def rename_folder(self, folder: Folder) -> str | None:
        """Gives the folder its title."""

    def dashboard(self, uid: str) -> FoundDashboard | None:
        """The dashboard that is there, with its versions."""

    def dashboards(self, tag: str) -> Sequence[Listed]:
        """All dashboards with the tag."""

    def save_dashboard(
        self, dashboard: Dashboard, folder_uid: str, message: str, *, over: int | None, force: bool
    ) -> str | None:
        """Makes it, or writes it over version `over`; with `force` over whatever is there."""

    def delete_dashboard(self, uid: str) -> None:
        """Deletes the dashboard."""

    def data_source(self, uid: str) -> FoundDataSource | None:
        """The data source that is there."""

    def create_data_source(self, source: DataSource, body: Json) -> str | None:
        """Makes the data source."""

    def update_data_source(self, source: DataSource, body: Json) -> str | None:
        """Writes the data source over; secrets that are not given stay."""

    def marks(self, tags: Sequence[str], since_ms: int, until_ms: int) -> Sequence[FoundMark]:
        """The marks with all of these tags that reach into the time."""

    def create_mark(self, mark: Mark) -> None:
        """Makes the mark."""

    def update_mark(self, number: int, mark: Mark) -> None:
        """Writes the mark over."""

    def account(self, name: str) -> Account | None:
        """The service account of this name."""

    def create_account(self, name: str, role: str) -> Account:
        """Makes the service account."""

    def create_token(self, account: Account, content: Mapping[str, str | int]) -> str:
        """A new token of the account: Grafana tells it this once."""
