"""The real servers as fixtures. Each is started when the first test asks for it and stopped when the run ends.

Fixtures of a whole run are synchronous: a test has an event loop of its own. The machinery lies in `tests/servers`.
"""

import itertools
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.servers.kafka import Kafka
from tests.servers.parts import MissingPartError, Part, find
from tests.servers.postgresql import PostgreSQL

if TYPE_CHECKING:
    # Playwright takes .3 s to import, which only tests of pages should pay.
    from playwright.async_api import Page
    from sqlalchemy import Engine

    from tests.servers.browser import Chromium, PageOpener

_NUMBERS: Final = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses tests that share an id: xdist would run a single one of them, and say nothing."""
    shared = [name for name, times in Counter(item.nodeid for item in items).items() if times > 1]
    if shared:
        raise pytest.UsageError(f"tests share an id, so that one of them alone would run: {', '.join(shared)}")


def _find_or_fail(part: Part) -> Path:
    """Where a part is. One that is missing fails its tests, loudly: a skipped test would look like a passed one."""
    try:
        return find(part)
    except MissingPartError as missing:
        pytest.fail(f"THE TESTBED IS NOT COMPLETE: {missing}", pytrace=False)


@pytest.fixture(autouse=True)
def _state_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sends what another one, or this machine's user, left unsent."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A real Apache Kafka node. A test that kills or stops it starts it again."""
    _find_or_fail(Part.JAVA)
    _find_or_fail(Part.KAFKA)
    with Kafka() as node:
        yield node


@pytest.fixture
def make_topic(kafka: Kafka) -> Callable[..., str]:
    """Makes topics with names of their own: `make_topic(partitions=4)`; takes what `Kafka.create_topic` takes."""

    def make(partitions: int = 1, **settings: object) -> str:
        name = f"topic-{os.getpid()}-{next(_NUMBERS)}"
        kafka.create_topic(name, partitions, **settings)  # type: ignore[arg-type]
        return name

    return make


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    """A fresh topic with one partition, stamped by the broker."""
    return make_topic()


@pytest.fixture
def group() -> str:
    """The name of a consumer group that no other test uses."""
    return f"group-{os.getpid()}-{next(_NUMBERS)}"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store at the newest schema without a row, made once: to make one takes longer than most tests do."""
    from collector.store.engine import make_engine, migrate

    path = tmp_path_factory.mktemp("empty-store") / "store.db"
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def empty_engine(empty_store: Path, tmp_path: Path) -> Iterator["Engine"]:
    """A copy of it, for tests that need any store."""
    from collector.store.engine import make_engine

    engine = make_engine(f"sqlite:///{shutil.copy(empty_store, tmp_path)}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server. A test that kills or stops it starts it again."""
    _find_or_fail(Part.POSTGRESQL)
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def empty_postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """SQLAlchemy URL of a fresh database without tables."""
    name = postgresql.make_database(migrated=False)
    yield postgresql.url(name)
    postgresql.drop_database(name)


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """SQLAlchemy URL of a fresh database at the newest schema."""
    name = postgresql.make_database(migrated=True)
    yield postgresql.url(name)
    postgresql.drop_database(name)


@pytest.fixture(scope="session")
def prometheus_binary() -> Path:
    """Where `prometheus` is; `tests.servers.prometheus.Prometheus` starts one with a configuration."""
    return _find_or_fail(Part.PROMETHEUS)


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Where `promtool` is; `tests.servers.prometheus.promtool` runs it."""
    return _find_or_fail(Part.PROMTOOL)


@pytest.fixture(scope="session")
def alertmanager_binary() -> Path:
    """Where `alertmanager` is; `tests.servers.alertmanager.Alertmanager` starts one with a configuration."""
    return _find_or_fail(Part.ALERTMANAGER)


@pytest.fixture(scope="session")
def amtool() -> Path:
    """Where `amtool` is; `tests.servers.alertmanager.amtool` runs it."""
    return _find_or_fail(Part.AMTOOL)


@pytest.fixture(scope="session")
def chromium() -> Iterator["Chromium"]:
    """A real browser, one process for the whole run."""
    for part in (Part.CHROMIUM, Part.FONTS, Part.EMOJI):
        _find_or_fail(part)
    from tests.servers.browser import Chromium

    with Chromium() as browser:
        yield browser


@pytest.fixture
async def open_page(chromium: "Chromium") -> AsyncIterator["PageOpener"]:
    """Pages of any size and color scheme: call it with `width=400, height=800, color_scheme="dark"` and await it.

    Console errors and warnings, page errors, failed requests and answers of 400 and above fail the test; one that
    expects some asserts and clears `open_page.complaints`.
    """
    from tests.servers.browser import opening_pages

    async with opening_pages(chromium) as opener:
        yield opener
    assert opener.complaints == []


@pytest.fixture
async def page(open_page: "PageOpener") -> "Page":
    """One page, 1280 by 800, light, that fails its test as `open_page` says."""
    return await open_page()
