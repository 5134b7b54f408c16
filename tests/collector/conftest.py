"""Stages for tests of the whole collector: topics of real Kafka and a store each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.kafka import Kafka
from tests.stage import Stage

LETTERS = {"max.message.bytes": "10490000"}


@pytest.fixture
def make_stage(kafka: Kafka, make_topic: Callable[..., str], tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Makes stages: `make_stage(url)` on that store, without one on a fresh SQLite file."""
    stages: list[Stage] = []

    def make(url: str | None = None, partitions: int = 4, **settings: object) -> Stage:
        topic = make_topic(partitions)
        kafka.create_topic(f"{topic}.dead-letters", settings=LETTERS)
        stage = Stage(kafka, topic, partitions, url or f"sqlite:///{tmp_path}/{topic}.db", tmp_path, settings=settings)
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        stage.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, make_stage: Callable[..., Stage]) -> Stage:
    """A stage on either store."""
    return make_stage(None if request.param == "sqlite" else request.getfixturevalue("postgresql_url"))
