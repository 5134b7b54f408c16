"""What the extra `grafana` must not bring: a client that replaces urllib3 for every program of the environment."""

import importlib.metadata
import importlib.util
import re

import pytest

from tests.house.tree import ROOT

REPLACERS = ("urllib3-future", "niquests")


@pytest.mark.parametrize("name", REPLACERS)
def test_it_is_neither_installed_nor_locked(name: str) -> None:
    locked = "\n".join(path.read_text() for path in (ROOT / "requirements").glob("*.txt"))
    assert importlib.util.find_spec(name.replace("-", "_")) is None
    assert re.findall(rf"^{name}\b.*", locked, re.MULTILINE) == []
    assert re.findall(r"^grafana-client==3\.\S+", locked, re.MULTILINE) != []


def test_urllib3_is_the_one_that_was_installed() -> None:
    assert importlib.import_module("urllib3").__version__ == importlib.metadata.version("urllib3")
