"""The real servers as fixtures. Each is started when the first test asks for it and stopped when the run ends.

Fixtures of a whole run are synchronous: a test has an event loop of its own. The machinery lies in `tests/servers`.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.servers.kafka import Kafka
from tests.servers.parts import MissingPartError, Part, find
from tests.servers.postgresql import PostgreSQL

_NUMBERS: Final = itertools.count(1)


def _find_or_fail(*parts: Part) -> None:
    """A part that is missing fails its tests, loudly; a skipped test would look like a passed one."""
    for part in parts:
        try:
            find(part)
        except MissingPartError as missing:
            pytest.fail(f"THE TESTBED IS NOT COMPLETE: {missing}", pytrace=False)


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A real Apache Kafka node. A test that kills or stops it starts it again."""
    _find_or_fail(Part.JAVA, Part.KAFKA)
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
