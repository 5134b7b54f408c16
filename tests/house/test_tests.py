"""Tests assert, wait for conditions, and replace nothing of ours."""

import ast
from pathlib import Path

from tests.house.tree import syntax, text, tracked

HOUSE = Path("tests/house")
MAY_SLEEP = {Path("tests/waiting.py")}
REPLACES = ("MagicMock", "AsyncMock", "unittest.mock", "mock.patch", "monkeypatch.setattr")
SKIPS = ("pytest.skip", "pytest.xfail", "mark.skip", "mark.xfail")
TEST_FILES = [p for p in tracked(".py") if p.parts[0] == "tests" and p.parts[:2] != HOUSE.parts]


def calls(path: Path) -> list[tuple[int, str, ast.Call]]:
    return [(n.lineno, ast.unparse(n.func), n) for n in ast.walk(syntax(path)) if isinstance(n, ast.Call)]


def test_no_test_sleeps() -> None:
    sleeps = [
        f"{path}:{line}"
        for path in TEST_FILES
        if path not in MAY_SLEEP
        for line, name, call in calls(path)
        if name in {"time.sleep", "asyncio.sleep", "sleep"} and ast.unparse(call).split("(", 1)[1] != "0)"
    ]
    assert sleeps == []


def test_no_test_replaces_code_of_ours_or_skips() -> None:
    found = [f"{path}: {word}" for path in TEST_FILES for word in (*REPLACES, *SKIPS) if word in text(path)]
    assert found == []


def test_every_test_asserts_something() -> None:
    """An assert, a `raises`, or a call of something named assert…, check… or expect… that does."""
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path in TEST_FILES
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if not _asserts(node)
    ]
    assert silent == []


def _asserts(test: ast.AST) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rsplit(".", 1)[-1]
            if name in {"raises", "eventually", "wait_until", "run_state_machine_as_test"}:
                return True
            if name.lstrip("_").startswith(("assert", "check", "expect")):
                return True
    return False
