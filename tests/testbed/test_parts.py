"""Where the parts of the testbed are looked for, in which order."""

from pathlib import Path

import pytest

from tests.servers.parts import MissingPartError, Part, find, has


def _program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose PATH has one promtool and nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv(Part.PROMTOOL.value.variable, raising=False)
    return _program(tmp_path / "bin", "promtool")


def test_a_program_on_the_path_is_found(elsewhere: Path) -> None:
    assert find(Part.PROMTOOL) == elsewhere


def test_a_path_in_the_variable_comes_first(elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = _program(tmp_path / "named", "promtool-3")
    monkeypatch.setenv("ROOMWATCH_TEST_PROMTOOL", str(named))
    assert (find(Part.PROMTOOL), elsewhere.exists()) == (named, True)


def test_a_variable_that_leads_nowhere_is_not_made_up_for_by_the_path(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOMWATCH_TEST_PROMTOOL", f"{elsewhere}-3")
    with pytest.raises(
        MissingPartError, match=r"ROOMWATCH_TEST_PROMTOOL=.*promtool-3 leads to no promtool; correct it"
    ):
        find(Part.PROMTOOL)


def test_a_missing_part_names_make_setup_and_its_variable(elsewhere: Path) -> None:
    elsewhere.unlink()
    with pytest.raises(MissingPartError, match=r"promtool is missing .*`make setup`.* ROOMWATCH_TEST_PROMTOOL"):
        find(Part.PROMTOOL)
    assert not has(Part.PROMTOOL)


def test_a_part_of_many_files_is_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = _program(tmp_path / "lib", "kafka_2.13-4.4.0.jar")
    monkeypatch.setenv("ROOMWATCH_TEST_KAFKA_LIB", str(jar.parent))
    assert find(Part.KAFKA) == jar.parent


@pytest.mark.parametrize("part", list(Part), ids=lambda part: part.name.lower())
def test_every_part_has_a_variable_of_its_own_and_a_way_to_be_obtained(part: Part) -> None:
    variables = [other.value.variable for other in Part]
    assert variables.count(part.value.variable) == 1
    assert part.value.debian_packages or part in {Part.KAFKA, Part.GRAFANA_TYPES, Part.PAGE_CHECKS}
