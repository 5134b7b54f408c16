"""A batch while it is gathered: what its records came with."""

from __future__ import annotations

from typing import NamedTuple

from collector.ingest.decode import Record
from collector.ingest.gathering import Gathered


class Raw(NamedTuple):
    """What is asked of a record of the client."""

    offset: int
    headers: tuple[tuple[str, bytes], ...]


def test_each_record_has_the_headers_that_it_came_with_also_where_offsets_have_holes() -> None:
    gathered = Gathered()
    gathered.add(0, [Raw(offset, (("n", b"%d" % offset),)) for offset in (3, 4, 9)], [])
    gathered.add(1, [Raw(4, ())], [])
    gathered.add(0, [Raw(12, (("n", b"12"), ("n", b"again")))], [])
    assert [gathered.headers(0, offset) for offset in (3, 4, 9)] == [(("n", b"3"),), (("n", b"4"),), (("n", b"9"),)]
    assert gathered.headers(0, 12) == (("n", b"12"), ("n", b"again"))
    assert [gathered.headers(1, 4), gathered.headers(0, 5), gathered.headers(0, 13), gathered.headers(2, 3)] == [()] * 4


def test_what_is_let_go_is_gone_with_what_it_came_with() -> None:
    gathered = Gathered()
    gathered.add(0, [Raw(3, (("n", b"3"),))], [Record(0, 3, 1, b"key", b"value")])
    gathered.let_go()
    assert (gathered.records, gathered.headers(0, 3)) == ([], ())
