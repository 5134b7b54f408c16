"""The pages on a real server, over a store that tests fill further."""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import expect
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from collector.api.app import make_app
from collector.api.health import Readiness
from collector.api.server import Server
from collector.ingest.decode import Record
from collector.metrics import Metrics
from collector.store.engine import make_engine, migrate
from collector.store.incidents import Alert, Incidents
from collector.store.reader import Reader
from tests.collector.api.doors import House
from tests.filling import fill
from tests.histories import Life
from tests.pages.scene import NOW_US, SPIKE, lives, room_of_the_story
from tests.servers.processes import free_port
from tests.waiting import wait_until

TOKEN = "a-token"  # noqa: S105 - of these tests

# A machine that has other things to do opens a page in more than Playwright's five seconds.
expect.set_options(timeout=30_000)


class Site:
    """One server that can be stopped and started again on its port. `now_us` is its clock, moved by hand."""

    def __init__(self, engine: Engine) -> None:
        self.now_us = NOW_US
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._engine = engine
        metrics = Metrics(CollectorRegistry(), version="9.9.9")
        self._app = make_app(
            Reader(engine),
            metrics,
            lambda: Readiness(ready=True),
            "9.9.9",
            clock_us=lambda: self.now_us,
            kept=Incidents(engine),
            alertmanager_token=TOKEN,
            packet_key=lambda: Ed25519PrivateKey.from_private_bytes(b"k" * 32),
        )
        self.start()

    def fill(self, told: Iterable[Life], extra: Sequence[Record] = ()) -> None:
        """Stores these lives as they are at `now_us`, and after them records as they are."""
        fill(self._engine, told, now_us=self.now_us, extra=extra)

    def keep(self, *alerts: Alert) -> None:
        """Takes what Alertmanager tells."""
        Incidents(self._engine).keep(alerts, self.now_us)

    def start(self) -> None:
        """Answers from here on."""
        self._server = Server(self._app, "127.0.0.1", self.port, on_stop=self._app.state.news.end)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()), name="site")
        self._thread.start()
        # A test that starts it again has a loop that runs already.
        waiting = threading.Thread(target=lambda: asyncio.run(self._server.is_serving()))
        waiting.start()
        waiting.join()

    def stop(self) -> None:
        """Answers no more."""
        self._server.stop()
        self._thread.join()
        self._server.close()


@contextmanager
def site_of(
    path: Path, told: Sequence[Life], alerts: Sequence[Alert] = (), records: Sequence[Record] = ()
) -> Iterator[Site]:
    """A server over a store of its own, with these lives, alerts, and records as they are."""
    engine = make_engine(f"sqlite:///{path}/store.db")
    migrate(engine)
    site = Site(engine)
    if told:
        site.fill(told, records)
    site.keep(*alerts)
    yield site
    site.stop()
    engine.dispose()


@contextmanager
def serving(house: House) -> Iterator[str]:
    """The address of a server that asks for a login."""
    port = free_port()
    config = uvicorn.Config(house.app, host="127.0.0.1", port=port, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="house")
    thread.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@contextmanager
def house_of(path: Path) -> Iterator[House]:
    """Logins over a store of their own."""
    engine = make_engine(f"sqlite:///{path}/store.db")
    migrate(engine)
    yield House(engine)
    engine.dispose()


@pytest.fixture
def empty_site(tmp_path: Path) -> Iterator[Site]:
    """Nothing has happened yet."""
    with site_of(tmp_path, ()) as site:
        yield site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The room of the story."""
    with site_of(tmp_path, room_of_the_story()) as site:
        yield site


@pytest.fixture(scope="session")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole scene with the incident that Alertmanager told of; not to be filled further."""
    with site_of(tmp_path_factory.mktemp("scene"), lives(), [SPIKE]) as site:
        yield site
