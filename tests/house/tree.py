"""The tree as the house rules see it: what git tracks, and what Python definitions are in it."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Function(NamedTuple):
    """A function and how many lines it takes."""

    path: Path
    line: int
    name: str
    lines: int


@cache
def tracked(*endings: str) -> tuple[Path, ...]:
    """The files that git tracks or would track, with one of these endings (all, without any), relative to the root."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    paths = (Path(name) for name in listing.split("\0") if name)
    return tuple(sorted(p for p in paths if (ROOT / p).is_file() and (not endings or p.suffix in endings)))


@cache
def text(path: Path) -> str:
    """A tracked file's text; empty for what is not text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def syntax(path: Path) -> ast.Module:
    """A tracked Python file's syntax tree."""
    return ast.parse(text(path), filename=str(path))


def functions() -> list[Function]:
    """Every function of the tree."""
    return [
        Function(path, node.lineno, node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for path in tracked(".py")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
