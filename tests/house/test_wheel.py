"""The distribution: what an application gets that embeds the core, and what a collector gets."""

import email
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.tree import ROOT, tracked


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        ".",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(out.glob("roomwatch-*.whl")))


def test_the_wheel_installs_two_packages_and_no_folder_that_could_clash(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"session_core", "collector"}


@pytest.mark.parametrize("folder", ["dashboards", "migrations"])
def test_dashboards_and_migrations_are_shipped_under_the_collector(wheel: zipfile.ZipFile, folder: str) -> None:
    here = {str(Path("collector") / p) for p in tracked() if p.parts[0] == folder}
    assert here
    assert here <= set(wheel.namelist())


def test_pages_are_shipped(wheel: zipfile.ZipFile) -> None:
    kinds = {Path(name).suffix for name in wheel.namelist() if name.startswith("collector/api/")}
    assert {".py", ".html", ".css", ".js"} <= kinds


def test_an_application_that_embeds_the_core_installs_msgspec_and_aiokafka_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = email.message_from_string(wheel.read(name).decode())
    always = [r for r in metadata.get_all("Requires-Dist", []) if "extra ==" not in r]
    assert sorted(r.split(">")[0].strip() for r in always) == ["aiokafka", "msgspec"]
