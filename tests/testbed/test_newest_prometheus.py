"""What `make compat-prometheus` builds, and what it says where it cannot."""

from pathlib import Path

import pytest

from tools import newest_prometheus
from tools.newest_prometheus import PROGRAMS, find_go, obtain
from tools.testbed import CannotObtainError


def machine_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go: str) -> None:
    (tmp_path / "go").write_text(go)
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_both_programs_are_built_at_one_version_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    machine_with(
        tmp_path,
        monkeypatch,
        f'#!/bin/sh\necho "$@" >> {asked}\ntouch "$GOBIN/prometheus" "$GOBIN/promtool"\n',
    )
    for _ in range(2):
        obtain(tmp_path / "built")
    assert sorted(path.name for path in (tmp_path / "built").iterdir()) == sorted(PROGRAMS)
    (line,) = asked.read_text().splitlines()
    install, *modules = line.split()
    assert (install, {module.partition("@")[2] for module in modules}) == ("install", {newest_prometheus.VERSION})


def test_a_build_that_fails_leaves_nothing_that_looks_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine_with(tmp_path, monkeypatch, '#!/bin/sh\ntouch "$GOBIN/prometheus"\necho "go: no such module"; exit 1\n')
    with pytest.raises(CannotObtainError, match="go: no such module"):
        obtain(tmp_path / "built")
    assert not (tmp_path / "built").exists()


def test_without_go_what_to_install_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotObtainError, match=r"no Go on PATH; install Go 1\.26 or newer"):
        find_go(beside=str(tmp_path))
