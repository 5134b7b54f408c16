"""Apache Spark reads the archive and answers as the API does. `make spark`: half a gigabyte, and Java 17.

Not among what `make test` collects: see norecursedirs in pyproject.toml.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from collector.store.engine import make_engine, migrate
from tests.archives import SESSIONS, failures_by_the_api, fill_a_month, statements, write_all


@pytest.fixture
def month(tmp_path: Path) -> Iterator[Engine]:
    """A store with a month of sessions."""
    engine = make_engine(f"sqlite:///{tmp_path}/store.db")
    migrate(engine)
    fill_a_month(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def spark(tmp_path: Path) -> Iterator[Any]:
    """Spark on this machine alone, listening on loopback."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"  # noqa: TID251 - the JVM's
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.warehouse.dir", str(tmp_path / "warehouse"))
        .getOrCreate()
    )
    yield session
    session.stop()


def test_spark_answers_the_failure_codes_of_a_month_as_the_api_does(month: Engine, tmp_path: Path, spark: Any) -> None:
    write_all(month, tmp_path / "archive")
    _, sql = statements()
    spark.read.parquet(f"{tmp_path}/archive/v1/day=*/sessions").createOrReplaceTempView("sessions")
    found = sorted((row.phase, row.code, row.sessions) for row in spark.sql(sql).collect())
    assert found == failures_by_the_api(month)
    assert sum(count for _, _, count in found) > SESSIONS // 20


def test_all_rows_of_all_tables_are_read_with_their_day(month: Engine, tmp_path: Path, spark: Any) -> None:
    archive = write_all(month, tmp_path / "archive")
    root = f"{tmp_path}/archive/v1"
    sessions = spark.read.option("basePath", root).parquet(f"{root}/day=*/sessions")
    assert sessions.count() == SESSIONS
    assert sorted(str(row.day) for row in sessions.select("day").distinct().collect()) == [
        day.isoformat() for day in archive.days()
    ]
