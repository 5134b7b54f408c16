"""A moment that a question computes with is the microsecond that was stored, in both databases."""

from random import Random

from sqlalchemy import Engine, insert, select

from collector.ingest.decode import EARLIEST_US, LATEST_US
from collector.store.functions import EpochUs
from collector.store.tables import incidents


def test_moments_are_exact_over_the_whole_range(empty_engine: Engine) -> None:
    rng = Random(1)
    moments = sorted({EARLIEST_US, LATEST_US - 1, *(rng.randrange(EARLIEST_US, LATEST_US) for _ in range(3_000))})
    rows = [
        {
            "fingerprint": "0" * 16,
            "started_at": at,
            "told_at": at,
            "alertname": "x",
            "labels": "{}",
            "annotations": "{}",
        }
        for at in moments
    ]
    with empty_engine.begin() as connection:
        connection.execute(insert(incidents), rows)
        found = connection.execute(select(EpochUs(incidents.c.told_at)).order_by(incidents.c.told_at)).scalars().all()
    assert list(found) == moments
