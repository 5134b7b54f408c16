"""The application over a store that holds the room of the story."""

import pytest
from httpx import ASGITransport, AsyncClient
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from collector.api.app import make_app
from collector.api.health import Check, Readiness
from collector.metrics import Metrics
from collector.store.incidents import Incidents
from collector.store.reader import Reader
from tests.filling import fill
from tests.pages.scene import NOW_US, room_of_the_story


class World:
    """What tests turn: the clock, whether the collector is ready, and the token that Alertmanager has to show."""

    def __init__(self) -> None:
        self.now_us = NOW_US
        self.alertmanager_token: str | None = "open sesame"  # noqa: S105 - of these tests
        self.readiness = Readiness(ready=True, checks=(Check(name="store", ok=True),))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def engine(empty_engine: Engine) -> Engine:
    fill(empty_engine, room_of_the_story(), now_us=NOW_US)
    return empty_engine


def client_of(engine: Engine, world: World) -> AsyncClient:
    metrics = Metrics(CollectorRegistry(), version="9.9.9")
    app = make_app(
        Reader(engine),
        metrics,
        lambda: world.readiness,
        "9.9.9",
        clock_us=lambda: world.now_us,
        kept=Incidents(engine),
        alertmanager_token=world.alertmanager_token,
    )
    return AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://test")


@pytest.fixture
def api(engine: Engine, world: World) -> AsyncClient:
    return client_of(engine, world)


@pytest.fixture
def empty_api(empty_engine: Engine, world: World) -> AsyncClient:
    return client_of(empty_engine, world)
