"""The set-up of the testbed says what it does and what is to be done."""

from pathlib import Path

import pytest

from tests.servers.kafka_setup import prepare
from tools.testbed import CannotObtainError, install_packages, main


def _machine_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    for name in programs:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_testbed_that_is_complete_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    prepare()
    # First: `install` would obtain what is missing, which is not a test's to do.
    assert main(["status"]) == 0
    capsys.readouterr()
    assert main(["install"]) == 0
    assert capsys.readouterr().out == "testbed: everything is there\n"


def test_status_names_every_part_and_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    prepare()
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == {"there"}
    assert {"kafka", "postgresql", "prometheus", "chromium"} <= {line.split()[1] for line in lines}


def test_a_part_that_a_variable_names_wrongly_is_told_and_not_obtained_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOMWATCH_TEST_AMTOOL", "nowhere/amtool")
    assert (main(["install"]), main(["status"])) == (1, 1)
    said = capsys.readouterr()
    assert said.err == "testbed: ROOMWATCH_TEST_AMTOOL=nowhere/amtool leads to no amtool; correct it or unset it\n"
    assert "missing  ROOMWATCH_TEST_AMTOOL=nowhere/amtool leads to no amtool" in said.out


def test_without_root_the_one_command_to_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _machine_with(tmp_path, monkeypatch, "apt-get")
    with pytest.raises(
        CannotObtainError,
        match=r"run: sudo apt-get install -y --no-install-recommends --no-upgrade chromium prometheus$",
    ):
        install_packages(["chromium", "prometheus"], is_root=False)


def test_without_apt_the_packages_and_the_variables_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _machine_with(tmp_path, monkeypatch)
    with pytest.raises(CannotObtainError) as refused:
        install_packages(["prometheus"], is_root=True)
    assert str(refused.value) == (
        "this machine has no apt-get; install what Debian calls prometheus, "
        "or name it in ROOMWATCH_TEST_PROMETHEUS, ROOMWATCH_TEST_PROMTOOL"
    )
