"""What a store's URL means, and that no password of it is shown."""

import subprocess
import sys

import pytest
from sqlalchemy import make_url

from collector.errors import ConfigError
from collector.store.url import masked, parse_url


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("sqlite://", "sqlite+pysqlite://"),
        ("sqlite:///roomwatch.db", "sqlite+pysqlite:///roomwatch.db"),
        (" sqlite:////var/lib/roomwatch.db\n", "sqlite+pysqlite:////var/lib/roomwatch.db"),
        ("sqlite:///roomwatch.db?timeout=2", "sqlite+pysqlite:///roomwatch.db?timeout=2"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgres://u:p@h:5433/d?sslmode=require", "postgresql+psycopg://u:p@h:5433/d?sslmode=require"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
    ],
)
def test_a_url_is_understood_in_each_of_its_spellings(url: str, means: str) -> None:
    assert parse_url(url).render_as_string(hide_password=False) == means


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "is not a URL"),
        ("roomwatch.db", "is not a URL"),
        ("postgresql://u:s3cr3t@h:port/d", "is not a URL"),
        ("mysql://u:s3cr3t@h/d", "a store cannot be 'mysql'"),
        ("postgresql+asyncpg://u:s3cr3t@h/d", "a store cannot be 'postgresql\\+asyncpg'"),
        ("postgresql://u:s3cr3t@h", "names no database"),
        ("postgresql://u@h?password=s3cr3t", "names no database"),
        ("sqlite:///roomwatch.db?tmeout=2", "SQLite knows no parameter 'tmeout'"),
    ],
)
def test_a_url_that_means_no_store_is_refused_in_one_line_without_its_password(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        parse_url(url)
    assert "database_url" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:s3cr3t@h/d",
        "postgresql+psycopg://u@h/d?password=s3cr3t",
        "postgresql+psycopg://u@h/d?sslpassword=s3cr3t&sslmode=require",
    ],
)
def test_a_password_is_not_shown_wherever_it_stands(url: str) -> None:
    shown = masked(make_url(url))
    assert shown.startswith("postgresql://u")
    assert "s3cr3t" not in shown


def test_without_psycopg_the_extra_to_install_is_named_and_sqlite_still_opens() -> None:
    program = """
import sys
sys.modules["psycopg"] = None
from collector.errors import ConfigError
from collector.store.engine import make_engine, migrate
from collector.store.writer import Writer
engine = make_engine("sqlite://")
migrate(engine)
assert Writer(engine, "c", "t", "g").offsets([0]) == {}
engine.dispose()
try:
    make_engine("postgresql://u:s3cr3t@h/d")
except ConfigError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'roomwatch[postgresql]'" in ran.stdout
    assert "s3cr3t" not in ran.stdout
