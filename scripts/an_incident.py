"""Keeps one incident of this hour in the store of ROOMWATCH_DATABASE_URL, which it makes: smoke-grafana.sh marks it."""

from __future__ import annotations

import time

from collector.settings import Settings
from collector.store.engine import make_engine, migrate
from collector.store.incidents import Alert, Incidents

HOUR_US = 3_600_000_000


def main() -> None:
    """All of it."""
    engine = make_engine(Settings().database_url.get_secret_value())
    migrate(engine)
    now_us = time.time_ns() // 1000  # noqa: TID251 - a program
    labels = {"alertname": "RtcFailureSpike", "code": "53000", "phase": "session", "severity": "page"}
    one = Alert("smoke", now_us - HOUR_US, now_us, labels, {"summary": "An incident to be marked"})
    Incidents(engine).keep([one], now_us)
    engine.dispose()


if __name__ == "__main__":
    main()
