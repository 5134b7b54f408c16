"""An export as bytes: CSV for spreadsheets, JSON Lines for programs, Parquet for tables. A format holds no row back.

Rules:
1. A cell of CSV that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) gets a
   ' before it: names are chosen by participants, and opening a file must not run what they wrote. Numbers stay.
2. Where an export ends at its row limit, the file says so at its end: a row of one cell in CSV, an object of one key in
   JSON Lines, `roomwatch.truncated` among the metadata of Parquet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal, Protocol

import msgspec

from collector.errors import FormatMissing
from collector.store.exporting import Column, Value

Format = Literal["csv", "jsonl", "parquet"]

MEDIA: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
ROW_GROUP: Final = 20_000
"""Rows of a row group of Parquet."""

Rows = list[tuple[Value, ...]]


class Writer(Protocol):
    """Makes bytes of rows."""

    def write(self, rows: Rows) -> bytes:
        """What these rows add to the file; it may come with later ones."""

    def end(self, truncated: str | None) -> bytes:
        """How the file ends; `truncated` says why it ends early."""


def make_writer(wanted: Format, columns: Sequence[Column], about: dict[str, str]) -> Writer:
    """The writer of a format; `about` goes into the file where the format has a place for it. Raises FormatMissing."""
    if wanted == "csv":
        return _Csv(columns)
    if wanted == "jsonl":
        return _JsonLines(columns)
    try:
        return _Parquet(columns, about)
    except ImportError as error:
        raise FormatMissing(wanted, error.name or "pyarrow") from None


def written(writer: Writer, chunks: Iterable[Rows]) -> Iterator[bytes]:
    """The file of these rows but for its end."""
    for rows in chunks:
        if part := writer.write(rows):
            yield part


class _Csv:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._began = False

    def write(self, rows: Rows) -> bytes:
        text = io.StringIO()
        lines = csv.writer(text)
        self._begin(lines)
        lines.writerows([_cell(value) for value in row] for row in rows)
        return text.getvalue().encode()

    def end(self, truncated: str | None) -> bytes:
        text = io.StringIO()
        lines = csv.writer(text)
        self._begin(lines)
        if truncated:
            lines.writerow([f"# truncated: {truncated}"])
        return text.getvalue().encode()

    def _begin(self, lines: Any) -> None:
        if not self._began:
            self._began = True
            lines.writerow(column.name for column in self._columns)


def _cell(value: Value) -> str | int | None:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


class _JsonLines:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._encoder = msgspec.json.Encoder()

    def write(self, rows: Rows) -> bytes:
        return self._encoder.encode_lines([dict(zip(self._names, row, strict=True)) for row in rows])

    def end(self, truncated: str | None) -> bytes:
        return self._encoder.encode_lines([{"truncated": truncated}]) if truncated else b""


class _Parquet:
    def __init__(self, columns: Sequence[Column], about: dict[str, str]) -> None:
        import pyarrow as pa  # noqa: PLC0415 - of the extra `archive`
        import pyarrow.parquet as pq  # noqa: PLC0415 - likewise

        types = {"text": pa.string(), "number": pa.int64(), "flag": pa.bool_(), "time": pa.timestamp("us", tz="UTC")}
        self._pa = pa
        self._schema = pa.schema([pa.field(column.name, types[column.kind]) for column in columns])
        self._file = _Sink()
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._writer.add_key_value_metadata(about)
        self._waiting: list[Any] = []

    def write(self, rows: Rows) -> bytes:
        columns = zip(*rows, strict=True)
        arrays = [self._pa.array(values, type=field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._waiting.append(self._pa.record_batch(arrays, schema=self._schema))
        if sum(batch.num_rows for batch in self._waiting) >= ROW_GROUP:
            self._settle()
        return self._file.take()

    def end(self, truncated: str | None) -> bytes:
        self._settle()
        if truncated:
            self._writer.add_key_value_metadata({"roomwatch.truncated": truncated})
        self._writer.close()
        return self._file.take()

    def _settle(self) -> None:
        if self._waiting:
            self._writer.write_table(self._pa.Table.from_batches(self._waiting), row_group_size=2 * ROW_GROUP)
            self._waiting.clear()


class _Sink(io.RawIOBase):
    """A file that is read while it is written."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._size += len(self._parts[-1])
        return len(self._parts[-1])

    def take(self) -> bytes:
        """What was written since."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
