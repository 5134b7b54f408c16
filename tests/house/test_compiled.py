"""What may be compiled: files that a compiler of annotated Python can take as they are."""

import ast
import tomllib

from tests.house.tree import ROOT, text, tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MODULES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]


def test_every_file_to_compile_is_there() -> None:
    assert {str(path) for path in tracked(".py")} >= set(MODULES)


def test_no_file_to_compile_defines_a_struct_whose_settings_the_compiler_would_lose() -> None:
    classes = [
        (path, node)
        for path in tracked(".py")
        if str(path) in MODULES
        for node in ast.walk(ast.parse(text(path)))
        if isinstance(node, ast.ClassDef)
    ]
    assert classes
    bases = {f"{path}: {node.name}": [ast.unparse(base) for base in node.bases] for path, node in classes}
    assert {name for name, of in bases.items() if any("Struct" in base for base in of)} == set()
