"""What Alertmanager tells, kept: one row an alert and start, however often and in whatever order it is told.

Questions about them are reader_incidents.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, func
from sqlalchemy.dialects import postgresql, sqlite

from collector.store.failures import plainly
from collector.store.sqlite_connection import writing
from collector.store.tables import incidents

_INSERT: Final[Mapping[str, Callable[..., Any]]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires or fired. Times are µs since 1970; `ended_at_us` is None while it fires.

    `fingerprint` is Alertmanager's: alerts of the same labels have the same.
    """

    fingerprint: str
    started_at_us: int
    ended_at_us: int | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Incidents:
    """The kept incidents. Methods block, and raise StoreUnavailable or SchemaMismatch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, alerts: Sequence[Alert], now_us: int) -> None:
        """Keeps what is told of these alerts at `now_us`; one that had ended stays ended, whatever comes late."""
        # PostgreSQL takes a key once a statement: the last word of each counts.
        last = {(alert.fingerprint, alert.started_at_us): _row(alert, now_us) for alert in alerts}
        if not last:
            return
        insert = _INSERT[self._engine.dialect.name](incidents)
        told = insert.excluded
        kept = insert.on_conflict_do_update(
            index_elements=[incidents.c.fingerprint, incidents.c.started_at],
            set_={
                "ended_at": func.coalesce(told.ended_at, incidents.c.ended_at),
                "told_at": told.told_at,
                "labels": told.labels,
                "annotations": told.annotations,
                "severity": told.severity,
            },
        )
        with plainly(self._engine), self._engine.connect() as connection:
            writing(connection)
            connection.execute(kept, list(last.values()))
            connection.commit()


def _row(alert: Alert, now_us: int) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "started_at": alert.started_at_us,
        "ended_at": alert.ended_at_us,
        "told_at": now_us,
        "alertname": alert.labels["alertname"],
        "severity": alert.labels.get("severity"),
        "labels": msgspec.json.encode(alert.labels).decode(),
        "annotations": msgspec.json.encode(alert.annotations).decode(),
    }
