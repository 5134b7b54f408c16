"""Every statement that writes names what its rows would be distributed by: a session's id, or a Kafka partition.

Held to what a real PostgreSQL was told, not to what the code says: its log of statements is read. docs/scaling.md says
what that is good for, and what is told of the few that go by age.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine

from collector.archive import Archive
from collector.errors import RowRefused
from collector.ingest.partitions import Holder
from collector.ingest.replay import Replay
from collector.store.ageing import Ageing
from collector.store.changes import Changes, DeadLetter, OffsetMove
from collector.store.days import day_of
from collector.store.engine import make_engine, migrate
from collector.store.letters import Letters
from collector.store.retention import DAY_US, Retention
from collector.store.writer import Writer
from tests.contract.stored import NOW_US, TOPIC, Stored
from tests.filling import fill
from tests.histories import START_US, Life, fleet, records, session_id
from tests.servers.postgresql import PostgreSQL

KEYS = {
    "events": "session_id",
    "sessions": "session_id",
    "outages": "session_id",
    "rollups": "kafka_partition",
    "kafka_offsets": "kafka_partition",
    "dead_letters": "kafka_partition",
}
NO_ROWS_OF_OURS = {"stage_sessions", "stage_outages", "stage_rollups", "alembic_version", "incidents"}
"""Temporary tables of one connection, the schema's version, and what Alertmanager tells, of no session: one place."""
SUMMED = {"rollup_fives", "whole_fives", "rollup_hours", "whole_hours"}
"""Few rows a day, summed up over all partitions: one place too."""
BY_AGE = {("DELETE", "outages"), ("DELETE", "rollups"), ("DELETE", "dead_letters")}
"""What retention finds by age, wherever it lies."""

HEAD = re.compile(
    r"(?:(?<=^)|(?<=\())\s*(INSERT INTO|UPDATE|DELETE FROM|COPY|TRUNCATE(?: TABLE)?|MERGE INTO)\s+(?:ONLY\s+)?"
    r"\"?(?:public\"?\.\"?)?(\w+)",
    re.IGNORECASE,
)
ENTRY = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*?)(?=\n\d{4}-\d\d-\d\d |\Z)", re.DOTALL)


class Write(NamedTuple):
    """One change of one table; several may stand in a statement, as parts of its WITH."""

    verb: str
    table: str
    text: str

    @property
    def is_keyed(self) -> bool:
        """Whether it says where its rows lie."""
        key = KEYS[self.table]
        if self.verb in {"INSERT", "COPY"}:
            columns = re.search(r"\(([^()]*)\)", self.text)
            return columns is not None and key in re.findall(r"\w+", columns.group(1))
        own = self.text
        while (shorter := re.sub(r"\([^()]*\)", "", own)) != own:
            own = shorter
        _, _, condition = own.partition(" WHERE ")
        return re.search(rf"\b{key}\"? (?:=|IN)", condition) is not None


def writes_of(statement: str) -> list[Write]:
    """The changes of rows that a statement makes."""
    text = " ".join(statement.split())
    found = []
    for head in HEAD.finditer(text):
        table = re.sub(r"_(?:stray_)?\d{8}$", "", head.group(2).lower())
        found.append(Write(head.group(1).split()[0].upper(), table, _part(text[head.start(1) :])))
    return found


def _part(text: str) -> str:
    """Up to the bracket that closes the part of a WITH that it is."""
    depth = 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 0:
            return text[:place]
    return text


class Log:
    """What a server was told since it was last asked."""

    def __init__(self, server: PostgreSQL) -> None:
        self._file = server.log_file
        self._read = 0

    def writes(self) -> list[Write]:
        """Changes of rows of any table, but for the stages' own."""
        text = self._file.read_text()
        new, self._read = text[self._read :], len(text)
        told = [write for entry in ENTRY.finditer(new) for write in writes_of(entry.group(1))]
        return [write for write in told if write.table not in NO_ROWS_OF_OURS | SUMMED]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server of its own, whose log is read."""
    with PostgreSQL(settings=["log_statement=all", "log_line_prefix=%m "]) as own:
        yield own


@pytest.fixture
def engine(server: PostgreSQL) -> Iterator[Engine]:
    made = make_engine(server.url(server.make_database(migrated=True)))
    yield made
    made.dispose()


@pytest.fixture
def log(server: PostgreSQL, engine: Engine) -> Log:
    """From here on."""
    assert engine.dialect.name == "postgresql"
    began = Log(server)
    began.writes()
    return began


def keyless(writes: list[Write]) -> list[Write]:
    return [write for write in writes if not write.is_keyed]


def tables(writes: list[Write]) -> set[str]:
    return {write.table for write in writes}


def test_batches_sweeps_and_dead_letters_name_the_key(engine: Engine, log: Log) -> None:
    lives = fleet(60)
    fill(engine, lives[:40], now_us=START_US + 40_000_000)
    fill(engine, lives, now_us=START_US + 4_000_000_000)
    letter = DeadLetter(TOPIC, 0, 7, START_US, "not-json", "$", "no", None, b"{")
    Stored(engine).write(Changes(dead_letters=[letter], offsets=[OffsetMove(3, 0, 8)]))
    Letters(engine).note_replayed(TOPIC, 0, [7], NOW_US)
    found = log.writes()
    assert keyless(found) == []
    assert tables(found) == set(KEYS)
    assert {(write.verb, write.table) for write in found} >= {("UPDATE", "sessions"), ("UPDATE", "dead_letters")}


def test_looking_for_the_row_that_the_database_refuses_names_the_key(engine: Engine, log: Log) -> None:
    life = Life(session_id(1)).connecting().connected()
    spoilt = life.later(10).disconnected(reason="leave")
    fill(engine, [spoilt], now_us=NOW_US)
    log.writes()
    # The same seqs once more: the events' key refuses them, and whose they are is looked for.
    again = Holder(TOPIC, lambda _: {})
    again.assign({9: 0})
    changes = again.take([one._replace(partition=9) for one in records([spoilt])], NOW_US).changes
    with pytest.raises(RowRefused):
        Writer(engine, "cluster", TOPIC, "another").write(replace(changes, sessions=[], outages=[]), NOW_US)
    found = log.writes()
    assert keyless(found) == []
    assert ("COPY", "events") in {(write.verb, write.table) for write in found}


async def test_a_replay_names_the_key(engine: Engine, log: Log) -> None:
    writer = Writer(engine, "cluster", TOPIC, "group")
    replay = Replay(Holder(TOPIC, writer.load), writer.write, now_us=lambda: NOW_US, in_thread=_at_once)
    log_of_fleet = records(fleet(20))
    replay._holder.assign({0: 0})
    await replay._merged(log_of_fleet)
    found = log.writes()
    assert keyless(found) == []
    assert tables(found) == {"events", "sessions", "outages", "rollups"}


def test_what_retention_deletes_by_age_is_all_that_lacks_the_key(engine: Engine, log: Log) -> None:
    old_us = NOW_US - 300 * DAY_US
    lives = [Life(session_id(n, old_us), old_us).connecting().connected().later(9_000).reconnecting() for n in range(3)]
    fill(engine, [life.later(90_000).disconnected(53002) for life in lives], now_us=NOW_US)
    letter = DeadLetter(TOPIC, 0, 7, old_us, "not-json", "$", "no", None, b"{")
    Writer(engine, "cluster", TOPIC, "group").write(Changes(dead_letters=[letter]), old_us)
    log.writes()
    keeps = Retention(events_days=1, sessions_days=2, outages_days=2, rollups_days=2, dead_letters_days=1)
    assert Ageing(engine, keeps).run(NOW_US, lambda _: False, lambda _: None)
    found = log.writes()
    assert {(write.verb, write.table) for write in keyless(found)} == BY_AGE
    assert ("DELETE", "sessions") in {(write.verb, write.table) for write in found}
    assert ("DELETE", "events") in {(write.verb, write.table) for write in found}


def test_the_archive_and_its_look_at_the_store_write_nothing(engine: Engine, log: Log, tmp_path: Path) -> None:
    life = Life(session_id(1)).connecting().connected().disconnected(reason="leave")
    fill(engine, [life], now_us=NOW_US)
    log.writes()
    Archive(tmp_path).write(engine, day_of(life.session_id), lambda _done, _of: None)
    assert log.writes() == []


def test_an_upgrade_says_whose_rows_it_changes(server: PostgreSQL) -> None:
    log = Log(server)
    log.writes()
    engine = make_engine(server.url(server.make_database(migrated=False)))
    migrate(engine)
    engine.dispose()
    changed = {(write.verb, write.table) for write in log.writes()}
    assert changed <= {("UPDATE", "outages"), ("UPDATE", "rollups"), ("DELETE", "rollups"), ("UPDATE", "sessions")}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM sessions WHERE told_until < now()",
        "UPDATE sessions SET session_id = session_id, fate = 'lost' WHERE fate = 'live'",
        "UPDATE rollups SET n = 0",
        "WITH gone AS (DELETE FROM events_20261124 WHERE append_at < '1' RETURNING 1) SELECT session_id = '1'",
        "DELETE FROM outages WHERE ctid = ANY(ARRAY(SELECT ctid FROM outages WHERE session_id = '1'))",
        "WITH old AS (DELETE FROM events_stray_19700101 AS e WHERE ctid = ANY('{}') RETURNING 1) SELECT 1",
        "INSERT INTO outages (number, kafka_partition) SELECT number, kafka_partition FROM s WHERE session_id = '1'",
        'COPY "rollups" ("minute", "kind") FROM STDIN (FORMAT binary)',
        "INSERT INTO kafka_offsets SELECT * FROM another",
        "TRUNCATE dead_letters",
        "MERGE INTO public.rollups USING s ON (rollups.minute = s.minute) WHEN MATCHED THEN DELETE",
    ],
)
def test_a_statement_that_lost_its_key_is_found(statement: str) -> None:
    assert [write.is_keyed for write in writes_of(statement)] == [False]


def test_no_statement_asks_for_a_sequence_a_lock_of_a_table_or_a_message() -> None:
    sources = [path.read_text() for path in Path("collector/store").glob("*.py")]
    words = ("nextval", "LOCK TABLE", "LISTEN ", "NOTIFY ", "SERIAL", "setval")
    assert [word for word in words if any(word in source for source in sources)] == []


async def _at_once(step: Callable[[], object]) -> object:
    return step()
