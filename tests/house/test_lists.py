"""Metrics, settings, errors and events each have one file that lists them all."""

import ast
from pathlib import Path

import pytest

from collector.errors import CollectorError
from session_core.errors import SessionCoreError
from tests.house.tree import syntax, tracked

PACKAGES = [path for path in tracked(".py") if path.parts[0] in {"session_core", "collector"}]
# Decisions inside one room, told by raising; they never leave it and so need no code.
INSIDE_A_ROOM = {"collector/ingest/merge.py: TooManyGapsError", "collector/ingest/storing.py: Abandoned"}
ERROR_FILES = {Path("session_core/errors.py"), *Path("collector/errors").glob("*.py")}


def subclasses(root: type) -> set[type]:
    below: set[type] = set(root.__subclasses__())
    return below.union(*(subclasses(child) for child in below)) if below else set()


def imported_names(path: Path, module: str) -> set[str]:
    """What a file imports from a module."""
    return {
        alias.name
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }


def test_errors_are_defined_in_the_files_that_list_them() -> None:
    elsewhere = {
        f"{path}: {node.name}"
        for path in PACKAGES
        if path not in ERROR_FILES
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)
    }
    assert elsewhere <= INSIDE_A_ROOM


@pytest.mark.parametrize("root", [CollectorError, SessionCoreError])
def test_every_error_has_a_code_of_its_own(root: type) -> None:
    codes = [(error.__name__, vars(error).get("code")) for error in subclasses(root)]
    assert [name for name, code in codes if not isinstance(code, str)] == []
    assert len({code for _, code in codes}) == len(codes)


def test_metrics_are_made_in_one_file() -> None:
    kinds = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
    makers = {str(path) for path in PACKAGES if kinds & imported_names(path, "prometheus_client")}
    assert makers == {"collector/metric_list.py"}


def test_each_package_reads_the_environment_in_one_file() -> None:
    readers = {
        str(path)
        for path in PACKAGES
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    }
    assert readers <= {"collector/kafka_settings.py", "session_core/outbox_folder.py"}


def test_settings_are_known_to_the_edge_only() -> None:
    importers = {str(path) for path in PACKAGES if imported_names(path, "collector.settings")}
    assert {path for path in importers if not path.startswith("collector/cli/")} <= {"collector/runtime.py"}
