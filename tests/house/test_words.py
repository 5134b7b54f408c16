"""What must not stand in any file: registries' addresses, machines' paths, things left to do, rooms without a name."""

import re
from pathlib import Path

import pytest

from tests.house.tree import text, tracked

HERE = Path("tests/house/test_words.py")
REGISTRY = re.compile(
    r"//(?:[\w-]+\.)*(?:py(?:pi|thonhosted)\.org|npmjs\.\w+|maven(?:\.apache)?\.org/maven2|golang\.org|debian\.org|crates\.io)"
)
LEFT_TO_DO = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
MACHINE_PATH = re.compile(r"(?:^|[\s\"'`(=])/(?:work|farm|root|home)/")
NAMELESS = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "manager",
    "managers",
    "service",
    "services",
    "misc",
}


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in tracked()
        if path != HERE
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize(
    "pattern", [REGISTRY, LEFT_TO_DO, MACHINE_PATH], ids=["registry", "left-to-do", "machine-path"]
)
def test_no_file_holds(pattern: re.Pattern[str]) -> None:
    assert lines_with(pattern) == []


def test_every_file_is_named_after_its_subject() -> None:
    nameless = [str(p) for p in tracked(".py", ".md") if NAMELESS & {part.removesuffix(p.suffix) for part in p.parts}]
    assert nameless == []
