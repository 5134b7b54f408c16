"""The two stores that keep one contract."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from collector.store.engine import make_engine
from tests.contract.stored import Stored


@pytest.fixture(params=["sqlite", "postgresql"])
def store_engine(request: pytest.FixtureRequest, empty_store: Path, tmp_path: Path) -> Iterator[Engine]:
    """A fresh store at the newest schema, one of each kind in turn."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{shutil.copy(empty_store, tmp_path)}?timeout=0.1")
    else:
        engine = make_engine(request.getfixturevalue("postgresql_url"))
    yield engine
    engine.dispose()


@pytest.fixture
def store(store_engine: Engine) -> Stored:
    """The same, opened by one collector."""
    return Stored(store_engine)
