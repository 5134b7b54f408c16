"""Every statement that writes names what its rows would be distributed by: a session's id, or a Kafka partition.

Held to what a real PostgreSQL was told, not to what the code says: its log of statements is read.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.changes import Changes, DeadLetter, OffsetMove
from collector.store.engine import make_engine
from collector.store.letters import Letters
from tests.contract.stored import NOW_US, TOPIC, Stored
from tests.filling import fill
from tests.histories import START_US, fleet
from tests.servers.postgresql import PostgreSQL

KEYS = {
    "events": "session_id",
    "sessions": "session_id",
    "outages": "session_id",
    "rollups": "kafka_partition",
    "kafka_offsets": "kafka_partition",
    "dead_letters": "kafka_partition",
}
WRITES = re.compile(r"^(?:INSERT INTO|UPDATE|DELETE FROM|COPY|TRUNCATE)\s+\"?(?:public\.)?(\w+)", re.IGNORECASE)
ENTRY = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*?)(?=\n\d{4}-\d\d-\d\d |\Z)", re.DOTALL)


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """A server of its own, whose log is read."""
    with PostgreSQL(settings=["log_statement=all", "log_line_prefix=%m "]) as own:
        yield own


def written_statements(log: Path) -> list[tuple[str, str]]:
    """Table and text of every statement in the log that changes one of ours."""
    statements = [" ".join(found.group(1).split()) for found in ENTRY.finditer(log.read_text())]
    tables = [(match.group(1).lower(), text) for text in statements if (match := WRITES.match(text))]
    return [(re.sub(r"_(\d{4}.*|stray.*)$", "", table), text) for table, text in tables]


def test_no_statement_that_writes_lacks_the_key_that_its_rows_would_be_distributed_by(server: PostgreSQL) -> None:
    engine = make_engine(server.url(server.make_database(migrated=True)))
    lives = fleet(60)
    fill(engine, lives[:40], now_us=START_US + 40_000_000)
    fill(engine, lives, now_us=START_US + 4_000_000_000)
    letter = DeadLetter(TOPIC, 0, 7, START_US, "not-json", "$", "no", None, b"{")
    stored = Stored(engine)
    stored.write(Changes(dead_letters=[letter], offsets=[OffsetMove(3, 0, 8)]))
    Letters(engine).note_replayed(TOPIC, 0, [7], NOW_US)
    engine.dispose()
    found = written_statements(server.log_file)
    ours = [(table, text) for table, text in found if table in KEYS]
    assert {table for table, _ in ours} == set(KEYS)
    assert [text for table, text in ours if not re.search(rf"\b{KEYS[table]}\b", text)] == []
    assert {table for table, _ in found} - set(KEYS) <= {
        "stage_sessions",
        "stage_outages",
        "stage_rollups",
        "alembic_version",
    }


def test_no_statement_asks_for_a_sequence_a_lock_of_a_table_or_a_message() -> None:
    sources = [path.read_text() for path in Path("collector/store").glob("*.py")]
    words = ("nextval", "LOCK TABLE", "LISTEN ", "NOTIFY ", "SERIAL", "setval")
    assert [word for word in words if any(word in source for source in sources)] == []
