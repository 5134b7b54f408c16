"""What the two databases say differently, as functions that each is told in its own words; here and nowhere else."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from collector.store.tables import SAMPLE_ONE_IN, SPREAD, SPREAD_OF_TIMES, TOLD_LATE, TOLD_LATE_OF_TIMES


class EpochUs(FunctionElement[int]):
    """A moment as µs since 1970, so that one arithmetic serves both databases."""

    type = BigInteger()
    name = "epoch_us"
    inherit_cache = True


@compiles(EpochUs)
def _as_it_is(element: EpochUs, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(EpochUs, "postgresql")
def _from_timestamptz(element: EpochUs, compiler: SQLCompiler, **kw: Any) -> str:
    # A double tells microseconds apart until 2100 and beyond, and the cast rounds to the nearest; extract() gives a
    # numeric, with which this takes several times as long.
    return f"CAST(date_part('epoch', {compiler.process(element.clauses, **kw)}) * 1000000 AS BIGINT)"


class IdUs(FunctionElement[int]):
    """When a session's id was made by its client's clock, in µs since 1970, not corrected: a UUIDv7 begins with it."""

    type = BigInteger()
    name = "id_us"
    inherit_cache = True


@compiles(IdUs)
def _of_a_blob(element: IdUs, compiler: SQLCompiler, **kw: Any) -> str:
    digits = f"hex({compiler.process(element.clauses, **kw)})"
    values = (f"((instr('123456789ABCDEF', substr({digits}, {n}, 1))) << {48 - 4 * n})" for n in range(1, 13))
    return f"(({' + '.join(values)}) * 1000)"


@compiles(IdUs, "postgresql")
def _of_a_uuid(element: IdUs, compiler: SQLCompiler, **kw: Any) -> str:
    digits = f"left(replace(CAST({compiler.process(element.clauses, **kw)} AS text), '-', ''), 12)"
    return f"(CAST(CAST('x' || {digits} AS bit(48)) AS bigint) * 1000)"


class Unindexed(FunctionElement[Any]):
    """A column whose index is not to be used: another one carries the order, which SQLite would not see by itself."""

    name = "unindexed"
    inherit_cache = True


@compiles(Unindexed)
def _plus(element: Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+{compiler.process(element.clauses, **kw)}"


@compiles(Unindexed, "postgresql")
def _as_ever(element: Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


class AsIndexed(FunctionElement[Any]):
    """Words that an index was made with, written out as they stand there: it serves no others."""

    # Without a type. A Boolean would be written as a comparison where a database has none, which no index serves.
    inherit_cache = True
    words: ClassVar[str]
    words_of_times: ClassVar[str]
    """The same where times are times of the database."""


@compiles(AsIndexed)
def _words(element: AsIndexed, compiler: SQLCompiler, **kw: Any) -> str:
    del compiler, kw
    return element.words


@compiles(AsIndexed, "postgresql")
def _words_of_times(element: AsIndexed, compiler: SQLCompiler, **kw: Any) -> str:
    del compiler, kw
    return element.words_of_times.replace("%", "%%")


class ToldLate(AsIndexed):
    """The session was told of more than an hour after its clock says that it began: what sessions_told_late holds."""

    name = "told_late"
    inherit_cache = True
    words, words_of_times = TOLD_LATE, TOLD_LATE_OF_TIMES


class Spread(AsIndexed):
    """A number of an outage by the millisecond in which it began, evenly spread."""

    type = BigInteger()
    name = "spread"
    inherit_cache = True
    words, words_of_times = SPREAD, SPREAD_OF_TIMES


class InSample(AsIndexed):
    """The outage is one of SAMPLE_ONE_IN, by its Spread: what outages_sample holds."""

    name = "in_sample"
    inherit_cache = True
    words, words_of_times = (f"{spread} % {SAMPLE_ONE_IN} = 0" for spread in (SPREAD, SPREAD_OF_TIMES))
