"""A peer: the script that one writes by hand. confluent-kafka reads, psycopg's executemany writes into one flat table.

It survives a repeated batch (ON CONFLICT DO NOTHING; offsets are committed after the rows), merges nothing, refuses
nothing, and knows no rebalance. psycopg 3 sends executemany in pipeline mode, which is its fast way of single rows.

    python benchmarks/peers/executemany.py BOOTSTRAP TOPIC GROUP DSN
"""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
from confluent_kafka import Consumer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.flat import COLUMNS, row_of

BATCH = 5_000
INSERT = f"INSERT INTO flat ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))}) ON CONFLICT DO NOTHING"


def main(bootstrap: str, topic: str, group: str, dsn: str) -> None:
    """Until it is stopped."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
         "enable.auto.commit": False, "queued.max.messages.kbytes": 65_536}
    )  # fmt: skip
    consumer.subscribe([topic])
    with psycopg.connect(dsn) as connection:
        while True:
            records = consumer.consume(BATCH, timeout=0.2)
            rows = [tuple(row_of(record).values()) for record in records if record.error() is None]
            if not rows:
                continue
            with connection.cursor() as cursor:
                cursor.executemany(INSERT, rows)
            connection.commit()
            consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
