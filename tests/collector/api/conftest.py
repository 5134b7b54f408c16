"""The application over a store that holds the room of the story."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from collector.api.app import make_app
from collector.api.health import Check, Readiness
from collector.api.packets import PacketKey
from collector.metrics import Metrics
from collector.store.engine import make_engine
from collector.store.incidents import Incidents
from collector.store.reader import Reader
from tests.filling import fill
from tests.pages.scene import NOW_US, room_of_the_story

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


class World:
    """What tests turn: the clock, whether the collector is ready, and the token that Alertmanager has to show."""

    def __init__(self) -> None:
        self.now_us = NOW_US
        self.alertmanager_token: str | None = "open sesame"  # noqa: S105 - of these tests
        self.packet_key: PacketKey | None = lambda: KEY
        self.readiness = Readiness(ready=True, checks=(Check(name="store", ok=True),))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def story_store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the room of the story, written once."""
    path = Path(shutil.copy(empty_store, tmp_path_factory.mktemp("story-store")))
    engine = make_engine(f"sqlite:///{path}")
    fill(engine, room_of_the_story(), now_us=NOW_US)
    engine.dispose()
    return path


@pytest.fixture
def engine(story_store: Path, tmp_path: Path) -> Iterator[Engine]:
    """A copy of it."""
    engine = make_engine(f"sqlite:///{shutil.copy(story_store, tmp_path)}")
    yield engine
    engine.dispose()


def app_of(engine: Engine, world: World) -> FastAPI:
    metrics = Metrics(CollectorRegistry(), version="9.9.9")
    return make_app(
        Reader(engine),
        metrics,
        lambda: world.readiness,
        "9.9.9",
        clock_us=lambda: world.now_us,
        kept=Incidents(engine),
        alertmanager_token=world.alertmanager_token,
        packet_key=world.packet_key,
    )


def client_of(engine: Engine, world: World) -> AsyncClient:
    app = app_of(engine, world)
    return AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://test")


@pytest.fixture
def api(engine: Engine, world: World) -> AsyncClient:
    return client_of(engine, world)


@pytest.fixture
def empty_api(empty_engine: Engine, world: World) -> AsyncClient:
    return client_of(empty_engine, world)
