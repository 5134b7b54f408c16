"""When outages began by the right time, and more of what answers sum up: what came of them, what sessions joined with.

What sessions that are gone had come to is not known any more; their rollups say nothing of it, or 0. On a large store
this takes minutes a million sessions, and twice the room of `outages`. Collectors of versions before have to be
stopped: what they write lacks what this adds.

Revision: 2026_11_30_sums
After: 2026_11_29_odd_sessions
"""

from __future__ import annotations

from struct import unpack
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_sums"
down_revision = "2026_11_29_odd_sessions"
branch_labels = None
depends_on = None

MICROS = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
WRONG_CLOCK = sa.text("clock_offset_us < -2000000 OR clock_offset_us > 2000000")
SAMPLE = sa.text("opened_at / 1000 * 7919 % 1000003 % 64 = 0")
SAMPLE_OF_TIMES = sa.text(
    "CAST(date_part('epoch', opened_at - '1970-01-01 00:00:00+00'::timestamptz) * 1000 AS BIGINT)"
    " * 7919 % 1000003 % 64 = 0"
)
CLOCK_TOLERANCE_US = 2_000_000
FULL_TOKEN_S = 86_400
FLAP_MS = 10_000
KEY = (
    "minute", "kafka_partition", "kind", "code", "cause", "outcome", "fate",
    "region", "sdk", "sdk_version", "app_version",
)  # fmt: skip
OF_SESSION = (
    "kafka_partition", "region", "sdk", "sdk_version", "app_version", "clock_offset_us", "policy", "session_id",
    "fate", "terminal_type", "terminal_code", "state", "outages", "connected_ms", "token_ttl_s",
    "received_to", "received_more",
)  # fmt: skip
TIMES = ("connecting_at", "joined_at", "ended_at")
AT_ONCE = 10_000
KEYS_MAX = 100_000


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL statement_timeout = 0")
        # In the order in which writers take them, so that none is in the middle of a batch.
        op.execute("LOCK TABLE sessions, outages, rollups")
    op.add_column("outages", sa.Column("opened_at", MICROS, nullable=True))
    for name in ("c", "d"):
        op.add_column("rollups", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index(
        "sessions_wrong_clock",
        "sessions",
        ["last_append_at"],
        sqlite_where=WRONG_CLOCK,
        postgresql_where=WRONG_CLOCK,
    )
    date_outages()
    with op.batch_alter_table("outages") as outages:
        outages.alter_column("opened_at", existing_type=MICROS, nullable=False)
    with op.batch_alter_table("rollups") as rollups:
        for name in ("c", "d"):
            rollups.alter_column(name, existing_type=sa.BigInteger(), server_default=None)
    op.drop_index("outages_started", "outages")
    op.create_index("outages_opened", "outages", ["opened_at", "session_id", "number"])
    op.create_index("outages_sample", "outages", ["opened_at"], sqlite_where=SAMPLE, postgresql_where=SAMPLE_OF_TIMES)
    add_sums()
    make_fives()


def downgrade() -> None:
    op.drop_table("whole_fives")
    op.drop_table("rollup_fives")
    op.drop_index("outages_sample", "outages")
    op.drop_index("outages_opened", "outages")
    op.create_index("outages_started", "outages", ["started_at"])
    op.drop_index("sessions_wrong_clock", "sessions")
    op.drop_column("outages", "opened_at")
    one_outcome()
    for name in ("c", "d"):
        op.drop_column("rollups", name)


def make_fives() -> None:
    words = ("kind", "cause", "outcome", "fate", "region", "sdk", "sdk_version", "app_version")
    types = dict.fromkeys(words, sa.Text()) | {"code": sa.Integer()}
    op.create_table(
        "rollup_fives",
        sa.Column("five", sa.Integer(), autoincrement=False, primary_key=True),
        *(sa.Column(name, types[name], autoincrement=False, primary_key=True) for name in KEY[2:]),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in "nabcd"),
    )
    op.create_table(
        "whole_fives",
        sa.Column("five", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("is_summed", sa.Integer(), nullable=False),
    )


def date_outages() -> None:
    shift = "" if op.get_bind().dialect.name == "sqlite" else " * interval '1 microsecond'"
    op.execute("UPDATE outages SET opened_at = started_at")
    op.execute(
        f"UPDATE outages SET opened_at = outages.started_at + s.clock_offset_us{shift} FROM sessions AS s"
        f" WHERE s.session_id = outages.session_id AND abs(s.clock_offset_us) > {CLOCK_TOLERANCE_US}"
    )


def add_sums() -> None:
    """To the rows of rollups; their `b` of outages becomes attempts where the session core drives.

    Outages that began move to the row of what became of them.
    """
    op.execute("UPDATE rollups SET b = 0 WHERE kind = 'outage_ended'")
    sums: dict[tuple[object, ...], list[int]] = {}

    def add(key: tuple[object, ...], b: int, c: int, d: int, *, n: int = 0, a: int = 0) -> None:
        told = sums.setdefault(key, [0, 0, 0, 0, 0])
        told[:] = [old + more for old, more in zip(told, (n, a, b, c, d), strict=True)]
        if len(sums) >= KEYS_MAX:
            put(sums)

    columns = [f"s.{name}" for name in OF_SESSION]
    times = [f"{us(f's.{name}')} AS {name}" for name in TIMES]
    away = "EXISTS (SELECT 1 FROM outages AS o WHERE o.session_id = s.session_id) AS was_away"
    for row in streamed(f"SELECT {', '.join([*columns, *times, away])} FROM sessions AS s"):
        if row.token_ttl_s is not None and joined(row):
            told = row.joined_at if row.joined_at is not None else row.connecting_at
            at_us = us_of_id(row.session_id) if told is None else told
            add(key_of(row, at_us, "joined", -1, "", "", ""), 0, 1, int(row.token_ttl_s < FULL_TOKEN_S))
        if row.ended_at is not None:
            add(key_of(row, row.ended_at, "ended", row.terminal_code, "", "", row.fate), 0, *received(row))
    ended = f"coalesce({us('o.closing_at')}, {us('o.started_at')} + o.downtime_ms * 1000)"
    for row in streamed(
        f"SELECT {', '.join(columns[:7])}, o.closing_code, o.cause, o.outcome, o.attempts, o.since_previous_ms,"
        f" {us('o.started_at')} AS began_at, {ended} AS ended_at"
        " FROM outages AS o JOIN sessions AS s ON s.session_id = o.session_id"
    ):
        flap = int(row.since_previous_ms is not None and row.since_previous_ms < FLAP_MS)
        for outcome, sign in (("", -1), (row.outcome, 1)):
            began = key_of(row, row.began_at, "outage", -1, row.cause or "", outcome, "")
            add(began, 0, 0, 0, n=sign, a=sign * flap)
        if row.outcome == "open":
            continue
        driven = row.policy != "observed"
        at_first = driven and row.outcome == "recovered" and row.attempts == 1
        key = key_of(row, row.ended_at, "outage_ended", row.closing_code, row.cause or "", row.outcome, "")
        add(key, row.attempts if driven else 0, int(driven), int(at_first))
    put(sums)
    op.execute("DELETE FROM rollups WHERE kind = 'outage' AND n = 0 AND a = 0")


def one_outcome() -> None:
    """Outages that began are told apart by their outcome no more."""
    by = [name for name in KEY if name != "outcome"]
    op.execute(
        f"INSERT INTO rollups ({', '.join([*by, 'outcome', *'nabcd'])})"
        f" SELECT {', '.join(by)}, '', {', '.join(f'sum({name})' for name in 'nabcd')} FROM rollups"
        f" WHERE kind = 'outage' AND outcome <> '' GROUP BY {', '.join(by)}"
        f" ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET n = rollups.n + excluded.n, a = rollups.a + excluded.a"
    )
    op.execute("DELETE FROM rollups WHERE kind = 'outage' AND outcome <> ''")


def put(sums: dict[tuple[object, ...], list[int]]) -> None:
    names = (*KEY, "n", "a", "b", "c", "d")
    added = ", ".join(f"{name} = rollups.{name} + excluded.{name}" for name in "nabcd")
    statement = sa.text(
        f"INSERT INTO rollups ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
        f" ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {added}"
    )
    rows = [dict(zip(names, (*key, *told), strict=True)) for key, told in sums.items() if any(told)]
    for first in range(0, len(rows), AT_ONCE):
        op.get_bind().execute(statement, rows[first : first + AT_ONCE])
    sums.clear()


def streamed(query: str) -> sa.CursorResult[Any]:
    return op.get_bind().execute(sa.text(query).execution_options(yield_per=AT_ONCE))


def us(column: str) -> str:
    if op.get_bind().dialect.name == "sqlite":
        return column
    return f"CAST(round(extract(epoch FROM {column}) * 1000000) AS BIGINT)"


def us_of_id(session_id: Any) -> int:
    packed = session_id if isinstance(session_id, bytes) else session_id.bytes
    return int.from_bytes(packed[:6]) * 1_000


def key_of(
    row: Any, at_us: int, kind: str, code: int | None, cause: str, outcome: str, fate: str
) -> tuple[object, ...]:
    shift = row.clock_offset_us if abs(row.clock_offset_us) > CLOCK_TOLERANCE_US else 0
    words = (cause, outcome, fate, *(word or "" for word in (row.region, row.sdk, row.sdk_version, row.app_version)))
    return ((at_us + shift) // 60_000_000, row.kafka_partition, kind, -1 if code is None else code, *words)


def joined(row: Any) -> bool:
    told = row.joined_at is not None or row.terminal_type == "room.disconnected"
    return told or row.state in {"connected", "reconnecting"} or row.outages + row.connected_ms > 0 or row.was_away


def received(row: Any) -> tuple[int, int]:
    if not row.received_more:
        return row.received_to, row.received_to
    packed = bytes(row.received_more)
    bounds = unpack(f"!{len(packed) // 4}i", packed)
    return row.received_to + sum(bounds[1::2]) - sum(bounds[::2]), bounds[-1]
