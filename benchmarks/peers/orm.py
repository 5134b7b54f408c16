"""A peer: a collector written with an ORM, as one begins: SQLAlchemy's `add_all` a batch, a session row got or made.

Events that are there already are found by one query a batch; a session is asked for by its key and made when it is
missing, with the few facts that a list of sessions wants. Rows and then offsets are committed.

    python benchmarks/peers/orm.py BOOTSTRAP TOPIC GROUP SQLALCHEMY_URL
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from confluent_kafka import Consumer
from sqlalchemy import BigInteger, Uuid, create_engine, select, tuple_
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.flat import row_of

BATCH = 1_000


class Model(DeclarativeBase):
    """What all tables share."""

    type_annotation_map = {int: BigInteger, UUID: Uuid(as_uuid=True)}  # noqa: RUF012 - the ORM's way


class StoredSession(Model):
    """A participant's life in a room."""

    __tablename__ = "orm_sessions"

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    room_sid: Mapped[str | None]
    participant_sid: Mapped[str | None]
    state: Mapped[str | None]
    last_event_at: Mapped[int]


class StoredEvent(Model):
    """An event, flat."""

    __tablename__ = "flat"

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    event_at: Mapped[int]
    append_at: Mapped[int]
    kafka_partition: Mapped[int]
    kafka_offset: Mapped[int]
    room_sid: Mapped[str | None]
    participant_sid: Mapped[str | None]
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    subject_sid: Mapped[str | None]
    region: Mapped[str | None]
    network_type: Mapped[str | None]
    error_code: Mapped[int | None]
    error_origin: Mapped[str | None]
    reason: Mapped[str | None]
    outage_number: Mapped[int | None]
    attempts: Mapped[int | None]
    downtime_ms: Mapped[int | None]
    extra: Mapped[str | None]


def prepare(url: str) -> None:
    """Makes the table of sessions; that of events is the one of all peers."""
    engine = create_engine(url)
    Model.metadata.create_all(engine, [StoredSession.__table__])  # type: ignore[list-item]
    engine.dispose()


def store(session: Session, rows: list[dict[str, Any]]) -> None:
    """One batch."""
    new: dict[tuple[Any, ...], dict[str, Any]] = {(row["session_id"], row["seq"], row["n"]): row for row in rows}
    key = tuple_(StoredEvent.session_id, StoredEvent.seq, StoredEvent.n)
    for there in session.execute(select(StoredEvent.session_id, StoredEvent.seq, StoredEvent.n).where(key.in_(new))):
        del new[tuple(there)]
    session.add_all(StoredEvent(**row) for row in new.values())
    met: dict[UUID, StoredSession] = {}
    for row in new.values():
        session_id = row["session_id"]
        known = met.get(session_id) or session.get(StoredSession, session_id)
        if known is None:
            known = StoredSession(session_id=session_id, last_event_at=0)
            session.add(known)
        met[session_id] = known
        known.room_sid = row["room_sid"] or known.room_sid
        known.participant_sid = row["participant_sid"] or known.participant_sid
        known.state = row["to_state"] or known.state
        known.last_event_at = max(known.last_event_at, row["event_at"])
    session.commit()


def main(bootstrap: str, topic: str, group: str, url: str) -> None:
    """Until it is stopped."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
         "enable.auto.commit": False}
    )  # fmt: skip
    consumer.subscribe([topic])
    engine = create_engine(url)
    while True:
        records = consumer.consume(BATCH, timeout=0.2)
        rows = [row_of(record) for record in records if record.error() is None]
        if rows:
            for row in rows:
                row["session_id"] = UUID(row["session_id"])
            with Session(engine, autoflush=False) as session:
                store(session, rows)
            consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
