"""A store at the newest schema, one of each kind in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from collector.store.engine import make_engine, migrate


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Made by every migration from the first on."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path}/store.db")
    else:
        engine = make_engine(request.getfixturevalue("empty_postgresql_url"))
    migrate(engine)
    yield engine
    engine.dispose()
