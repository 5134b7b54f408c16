"""What peers of the collector store."""

from datetime import UTC, datetime

import msgspec

from benchmarks.load import fleet
from benchmarks.peers.flat import COLUMNS, KEY, flat
from collector.ingest.decode import Record, Refusal, decode
from collector.ingest.rows import event_row
from collector.store.changes import EVENT_COLUMNS

BEGINS_US = 1_795_000_000_000_000


def test_peers_store_in_each_column_what_our_row_of_the_event_has() -> None:
    for offset, told in enumerate(fleet(100, 20, BEGINS_US)):
        event = decode(Record(told.partition, offset, told.append_at_us, told.key, told.value))
        assert not isinstance(event, Refusal)
        record = Record(told.partition, offset, told.append_at_us, told.key, told.value)
        ours = dict(zip(EVENT_COLUMNS, event_row(event, record, 0), strict=True))

        theirs = flat(msgspec.json.decode(told.value), told.partition, offset, told.append_at_us)

        shared = ours.keys() & theirs.keys() - {"extra"}
        assert {name: theirs[name] for name in shared} == {
            **{n: ours[n] for n in shared},
            "session_id": told.key.decode(),
        }


def test_no_two_events_of_a_fleet_have_the_same_key_for_peers() -> None:
    rows = [flat(msgspec.json.decode(told.value), 0, 0, 0) for told in fleet(100, 20, BEGINS_US)]

    assert len({tuple(row[name] for name in KEY) for row in rows}) == len(rows)


def test_a_row_has_the_columns_of_the_table_in_their_order() -> None:
    told = next(fleet(1, 1, BEGINS_US))

    row = flat(msgspec.json.decode(told.value), 0, 0, 0)

    assert list(row) == list(COLUMNS)
    assert datetime.fromtimestamp(row["event_at"] / 1e6, UTC).year == 2026
