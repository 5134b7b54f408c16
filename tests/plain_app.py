"""The application over a store with nothing beside it: no tokens, no packets, ready, and a clock that stands."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from collector.api.app import make_app
from collector.api.health import Readiness
from collector.metrics import Metrics
from collector.store.incidents import Incidents
from collector.store.reader import Reader


def plain_app(engine: Engine, now_us: int, version: str = "9.9.9") -> FastAPI:
    """What a collector answers whose wall clock shows `now_us`."""
    return make_app(
        Reader(engine),
        Metrics(CollectorRegistry(), version=version),
        lambda: Readiness(ready=True),
        version,
        clock_us=lambda: now_us,
        kept=Incidents(engine),
    )
