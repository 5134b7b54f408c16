"""Apache Spark reads the archive and answers as the API does. `make spark`: half a gigabyte, and Java 17.

Not among what `make test` collects: see norecursedirs in pyproject.toml.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from collector.archive import TABLES
from collector.store.engine import make_engine, migrate
from tests.archives import SESSIONS, failures_by_the_api, fill_a_month, statements, write_all


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def month(folder: Path) -> Iterator[Engine]:
    """A store with a month of sessions."""
    engine = make_engine(f"sqlite:///{folder}/store.db")
    migrate(engine)
    fill_a_month(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def archive(month: Engine, folder: Path) -> Path:
    """All of its days as files."""
    write_all(month, folder / "archive")
    return folder / "archive" / "v1"


@pytest.fixture(scope="module")
def spark(folder: Path) -> Iterator[Any]:
    """Spark on this machine alone, listening on loopback."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"  # noqa: TID251 - the JVM's
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .getOrCreate()
    )
    yield session
    session.stop()


def test_spark_answers_the_failure_codes_of_a_month_as_the_api_does(month: Engine, archive: Path, spark: Any) -> None:
    _, sql = statements()
    spark.read.parquet(f"{archive}/day=*/sessions").createOrReplaceTempView("sessions")
    found = sorted((row.phase, row.code, row.sessions) for row in spark.sql(sql).collect())
    assert found == failures_by_the_api(month)
    assert sum(count for _, _, count in found) > SESSIONS // 20


@pytest.mark.parametrize("name", TABLES)
def test_all_rows_of_a_table_are_read_with_their_day(month: Engine, archive: Path, spark: Any, name: str) -> None:
    rows = spark.read.option("basePath", str(archive)).parquet(f"{archive}/day=*/{name}")
    with month.connect() as connection:
        stored = connection.execute(select(func.count()).select_from(TABLES[name])).scalar_one()
    assert rows.count() == stored > 0
    assert {f"day={one.day}" for one in rows.select("day").distinct().collect()} == {
        path.parent.name for path in archive.glob(f"day=*/{name}") if path.is_dir()
    }
