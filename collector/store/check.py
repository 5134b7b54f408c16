"""What `roomwatch check` asks of the store, and what a start has to know of it beside its schema."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Engine, func, select

from collector.errors import ClusterChanged
from collector.store.failures import plainly
from collector.store.place import Place
from collector.store.schema import schema_state
from collector.store.tables import kafka_offsets
from collector.store.url import POSTGRESQL, masked
from session_core.instants import us_from_utc

SKEW_MAX_US: Final = 2_000_000
"""Beyond this a clock is wrong: sessions' times are corrected from here on."""


class Finding(NamedTuple):
    """One thing that was looked at. `mend` is the command, or the sentence, that puts it right."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def check_store(engine: Engine, place: Place, now_us: int) -> list[Finding]:
    """Schema, clock, and whose offsets it holds. Raises StoreUnreachable."""
    state = schema_state(engine)
    where = masked(engine.url)
    if state.mend is not None:
        found = "no tables yet" if state.found is None else f"version {state.found}"
        return [Finding("schema", False, f"{where}: {found}, {state.expected} is needed", state.mend)]
    findings = [Finding("schema", True, f"{where}: version {state.expected}")]
    if engine.dialect.name == POSTGRESQL:
        findings.append(_clock(engine, now_us))
    stored = _stored_clusters(engine, place)
    if stored and place.cluster_id not in stored:
        detail = f"those of the group {place.consumer_group} are of the cluster {min(stored)}, not {place.cluster_id}"
        findings.append(Finding("offsets", False, detail, ClusterChanged.remedy))
    return findings


def require_cluster(engine: Engine, place: Place) -> None:
    """Raises ClusterChanged where the group's offsets of this topic are another cluster's alone."""
    stored = _stored_clusters(engine, place)
    if stored and place.cluster_id not in stored:
        raise ClusterChanged(place.topic, min(stored), place.cluster_id)


def ask(engine: Engine) -> None:
    """Asks the store the least there is to ask. Raises a StoreError where it does not answer."""
    with plainly(engine), engine.connect() as connection:
        connection.execute(select(1))


def _stored_clusters(engine: Engine, place: Place) -> set[str]:
    """The clusters that offsets of this topic and group were stored of."""
    of = kafka_offsets.c
    query = select(of.cluster_id).where(of.topic == place.topic, of.consumer_group == place.consumer_group).distinct()
    with plainly(engine), engine.connect() as connection:
        return set(connection.scalars(query))


def _clock(engine: Engine, now_us: int) -> Finding:
    with plainly(engine), engine.connect() as connection:
        ahead_us = us_from_utc(connection.execute(select(func.clock_timestamp())).scalar_one()) - now_us
    detail = (
        f"the database is {abs(ahead_us) / 1_000_000:.1f} s {'ahead of' if ahead_us > 0 else 'behind'} this machine"
    )
    return Finding("database clock", abs(ahead_us) <= SKEW_MAX_US, detail, "run chrony or another NTP client on both")
