"""What `roomwatch check` finds in the store."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from collector.errors import ClusterChanged
from collector.store.check import check_store, require_cluster
from collector.store.engine import make_engine, migrate
from collector.store.place import Place
from collector.store.schema_version import expected_version
from collector.store.tables import kafka_offsets

HERE = Place("here", "t", "g")
NOW_US = 1_795_000_000_000_000


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path}/store.db")
    yield engine
    engine.dispose()


@pytest.fixture
def migrated(empty: Engine) -> Engine:
    migrate(empty)
    return empty


def put_offsets(engine: Engine, place: Place) -> None:
    with engine.begin() as connection:
        row = {"kafka_partition": 0, "next_offset": 5, **place._asdict()}
        connection.execute(insert(kafka_offsets), [row])


def test_a_store_without_tables_names_the_command(empty: Engine) -> None:
    found = check_store(empty, HERE, NOW_US)
    assert [(finding.name, finding.ok, finding.mend) for finding in found] == [("schema", False, "roomwatch migrate")]


def test_a_store_at_the_newest_schema_is_as_it_should_be(migrated: Engine) -> None:
    found = check_store(migrated, HERE, NOW_US)
    assert [(finding.name, finding.ok) for finding in found] == [("schema", True)]
    assert expected_version() in found[0].detail


def test_a_database_servers_clock_is_compared(postgresql_url: str) -> None:
    engine = make_engine(postgresql_url)
    now_us = time.time_ns() // 1000  # noqa: TID251 - the database tells the real time
    try:
        told = {ahead_s: check_store(engine, HERE, now_us - ahead_s * 1_000_000)[1] for ahead_s in (0, 3_600, -3_600)}
    finally:
        engine.dispose()
    assert {ahead_s: finding.ok for ahead_s, finding in told.items()} == {0: True, 3_600: False, -3_600: False}
    assert "ahead of" in told[3_600].detail
    assert "behind" in told[-3_600].detail


def test_offsets_of_another_cluster_alone_are_refused(migrated: Engine) -> None:
    require_cluster(migrated, HERE)
    put_offsets(migrated, HERE._replace(cluster_id="elsewhere"))
    with pytest.raises(ClusterChanged) as caught:
        require_cluster(migrated, HERE)
    assert (caught.value.stored, caught.value.found) == ("elsewhere", "here")
    assert [finding.ok for finding in check_store(migrated, HERE, NOW_US)] == [True, False]


@pytest.mark.parametrize("other", [Place("elsewhere", "t2", "g"), Place("elsewhere", "t", "g2"), HERE])
def test_other_topics_and_groups_of_other_clusters_do_not_matter(migrated: Engine, other: Place) -> None:
    put_offsets(migrated, other)
    require_cluster(migrated, HERE)
    assert all(finding.ok for finding in check_store(migrated, HERE, NOW_US))
