"""A service account for the runs to come: the least role, its token once, in a file that only its owner can read."""

import stat
from pathlib import Path

import pytest

from tests.collector.provision.conftest import Run
from tests.servers.grafana_calls import refused
from tests.servers.grafana_stub import EDITOR_TOKEN, GrafanaStub


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "grafana.token"


def test_an_account_is_made_once_and_its_token_provisions(stub: GrafanaStub, provision: Run, file: Path) -> None:
    shown = provision("--service-account", str(file), "--dry-run")
    assert (shown.returncode, file.exists(), stub.written) == (1, False, [])
    made = provision("--service-account", str(file), "--token-days", "30")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == (
        f"service account roomwatch (Editor) made; its new token, valid 30 days, is in {file} (mode 600)\n"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stub.state.accounts[1] == {"id": 1, "name": "roomwatch", "role": "Editor", "secondsToLive": 30 * 86_400}
    token = file.read_text().strip()
    assert stub.state.tokens == {token: "Editor"}
    assert token not in made.stdout
    with_it = provision(grafana_token="", grafana_token_file=file, prometheus_url="")
    assert with_it.returncode == 0
    again = provision("--service-account", f"{file}.2")
    assert "roomwatch (Editor) was there; its new token" in again.stdout
    assert len(stub.state.accounts) == 1


def test_a_file_that_is_there_is_not_written_over(stub: GrafanaStub, provision: Run, file: Path) -> None:
    file.write_text("a token")
    ended = provision("--service-account", str(file))
    assert (ended.returncode, file.read_text(), stub.written) == (2, "a token", [])
    assert "is there already" in ended.stderr


def test_a_file_that_cannot_be_written_costs_no_token(stub: GrafanaStub, provision: Run, tmp_path: Path) -> None:
    ended = provision("--service-account", str(tmp_path / "nowhere" / "token"))
    assert (ended.returncode, stub.written) == (2, [])
    assert "cannot be written: No such file or directory" in ended.stderr


def test_an_account_with_another_role_is_let_be(stub: GrafanaStub, provision: Run, file: Path) -> None:
    stub.state.accounts[1] = {"id": 1, "name": "roomwatch", "role": "Admin"}
    ended = provision("--service-account", str(file))
    assert (ended.returncode, file.exists(), stub.written) == (2, False, [])
    assert "an account roomwatch with the role Admin, not Editor" in ended.stderr


def test_whoever_may_not_make_accounts_is_told_the_role(provision: Run, file: Path) -> None:
    ended = provision("--service-account", str(file), grafana_token=EDITOR_TOKEN)
    assert (ended.returncode, file.exists()) == (2, False)
    assert "list service accounts (403); it needs the role Admin" in ended.stderr


def test_a_token_that_is_refused_leaves_no_empty_file(stub: GrafanaStub, provision: Run, file: Path) -> None:
    stub.before = lambda named: refused(400, "too many tokens") if named.endswith("/tokens") else None
    ended = provision("--service-account", str(file))
    assert (ended.returncode, file.exists()) == (2, False)
    assert "refused to make a token of the service account roomwatch (400): 'too many tokens'" in ended.stderr
