"""A stub of Grafana, and `roomwatch provision` run against it: as a process, or in this one, which takes a tenth."""

import logging
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.cli import execute
from collector.shipped import dashboards_dir
from tests.servers.grafana_stub import ADMIN_TOKEN, GrafanaStub
from tests.stage import environment, roomwatch

Ended = subprocess.CompletedProcess[str]
Run = Callable[..., Ended]


@pytest.fixture
def stub() -> Iterator[GrafanaStub]:
    """A Grafana, as far as provisioning asks it."""
    with GrafanaStub() as server:
        yield server


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Files to provision from: the folder as it is shipped, two dashboards, two data sources."""
    there = tmp_path / "files"
    sources = there / "provisioning" / "datasources"
    shutil.copytree(dashboards_dir() / "provisioning" / "dashboards", there / "provisioning" / "dashboards")
    sources.mkdir()
    (sources / "roomwatch.yml").write_text(SOURCES)
    for name in ("a", "b"):
        (there / f"roomwatch-{name}.json").write_text(board(name))
    return there


SOURCES = """
datasources:
  - name: Roomwatch Prometheus
    uid: roomwatch-prometheus
    type: prometheus
    access: proxy
    url: $ROOMWATCH_PROMETHEUS_URL
    jsonData: {httpMethod: POST, timeInterval: 15s}
  - name: Roomwatch store
    uid: roomwatch-store
    type: grafana-postgresql-datasource
    url: $ROOMWATCH_PG_HOST
    user: grafana
    jsonData: {database: roomwatch}
    secureJsonData: {password: $ROOMWATCH_PG_PASSWORD}
"""


def board(name: str, title: str | None = None) -> str:
    """A dashboard's file."""
    panels = '[{"id": 1, "title": "Drops"}]'
    return f'{{"uid": "roomwatch-{name}", "title": "{title or name}", "tags": ["roomwatch"], "panels": {panels}}}'


def given(stub: GrafanaStub, files: Path, arguments: tuple[str, ...]) -> list[str]:
    """The command line."""
    return ["provision", "--url", stub.url, "--files", str(files), *arguments]


USUAL = {"grafana_token": ADMIN_TOKEN, "prometheus_url": "http://p:9090", "url": "http://r:8787"}
"""As an administrator, with the variables of one of the data sources."""


@pytest.fixture
def provision_process(stub: GrafanaStub, files: Path) -> Run:
    """Runs the command on those files as a process."""
    return lambda *arguments, **settings: roomwatch(*given(stub, files, arguments), **{**USUAL, **settings})


@pytest.fixture
def provision(
    stub: GrafanaStub, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Runs the command on those files in this process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def run(*arguments: str, **settings: object) -> Ended:
        capsys.readouterr()
        with monkeypatch.context() as here:
            for name, value in environment({**USUAL, **settings}).items():
                here.setenv(name, value)
            code = execute(given(stub, files, arguments))
        said = capsys.readouterr()
        return Ended(arguments, code, said.out, said.err)

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
