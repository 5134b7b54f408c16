"""What is committed is what a Grafana gives back: the shipped dashboards, written and read again, differ in nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from collector.provision.differences import differences
from collector.shipped import dashboards_dir
from tests.collector.provision.conftest import Run
from tests.servers.grafana_stub import GrafanaStub

GRAFANA_S = frozenset({"id", "version"})
"""What Grafana counts itself."""
SHIPPED = {path.stem: json.loads(path.read_text()) for path in sorted(dashboards_dir().glob("roomwatch-*.json"))}


@pytest.fixture
def files() -> Path:
    """The files as they are shipped."""
    return dashboards_dir()


@pytest.fixture
def read_back(stub: GrafanaStub, provision: Run) -> dict[str, Any]:
    """The dashboards as they lie in Grafana after one run."""
    assert provision().returncode == 0
    return {uid: held.body for uid, held in stub.state.dashboards.items()}


def own(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in GRAFANA_S}


def test_each_shipped_dashboard_is_read_back_as_it_is_committed(read_back: dict[str, Any]) -> None:
    assert sorted(read_back) == sorted(SHIPPED)
    found = {uid: differences(own(SHIPPED[uid]), own(body)) for uid, body in read_back.items()}
    assert found == dict.fromkeys(SHIPPED, ())


def test_the_next_run_finds_nothing_to_do_and_one_over_an_edit_finds_that_alone(
    stub: GrafanaStub, provision: Run, read_back: dict[str, Any]
) -> None:
    written = list(stub.written)
    assert (provision("--diff").returncode, stub.written) == (0, written)
    uid = min(read_back)
    stub.state.edit(uid, lambda body: body.update(refresh="5s"))
    ended = provision("--diff")
    assert ended.returncode == 1
    assert [line.strip() for line in ended.stdout.splitlines() if "refresh" in line] == [
        f'- refresh: "{SHIPPED[uid]["refresh"]}"',
        '+ refresh: "5s"',
    ]
