"""Exports over HTTP, from SQLite and from PostgreSQL: the same rows in every format."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import httpx
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from collector.api.asking import Limits
from collector.errors import QueryTooLong
from collector.store.exporting import COLUMNS, ROWS_AT_ONCE, Column, Exported
from collector.store.questions import Span
from collector.store.reader import Reader
from collector.store.stopping import Stop
from tests.collector.api.conftest import World, client_of
from tests.collector.api.test_asking import served
from tests.filling import fill
from tests.histories import MINUTE_US, Life, session_id
from tests.pages.scene import NOW_US, room_of_the_story
from tests.waiting import eventually

Rows = list[dict[str, Any]]

FORMULA: Final = '=HYPERLINK("//elsewhere.test"; "ö, click")'


@pytest.fixture
def api(store_engine: Engine) -> httpx.AsyncClient:
    """The room of the story, and somebody whose name is a formula."""
    at_us = NOW_US - 20 * MINUTE_US
    life = Life(session_id(9, at_us), at_us, room_name="-1+2", identity=FORMULA)
    life.connecting().later(400).connected().later(60_000).disconnected(reason="leave")
    fill(store_engine, [*room_of_the_story(), life], now_us=NOW_US)
    return client_of(store_engine, World())


async def rows_of(api: httpx.AsyncClient, what: Exported, wanted: str, asked: str = "") -> Rows:
    answer = await api.get(f"/api/v1/exports/{what}?format={wanted}{asked}")
    assert answer.status_code == 200
    if wanted == "csv":
        kinds = {column.name: column for column in COLUMNS[what]}
        return [
            {name: _of_cell(kinds[name], cell) for name, cell in row.items()}
            for row in csv.DictReader(io.StringIO(answer.text))
        ]
    if wanted == "jsonl":
        kinds = {column.name: column for column in COLUMNS[what]}
        return [
            {name: _of_json(kinds[name], value) for name, value in json.loads(line).items()}
            for line in answer.text.splitlines()
        ]
    found: Rows = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    return [{name: _in_utc(value) for name, value in row.items()} for row in found]


def _of_cell(column: Column, cell: str) -> Any:
    if cell == "":
        return None
    if column.kind == "number":
        return int(cell)
    if column.kind == "flag":
        return {"true": True, "false": False}[cell]
    return datetime.fromisoformat(cell) if column.kind == "time" else cell.removeprefix("'")


def _of_json(column: Column, value: Any) -> Any:
    return datetime.fromisoformat(value) if column.kind == "time" and value is not None else value


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@pytest.mark.parametrize(("what", "count"), [("sessions", 8), ("outages", 8), ("events", 31)])
async def test_every_format_has_the_same_rows(api: httpx.AsyncClient, what: Exported, count: int) -> None:
    as_csv, as_jsonl, as_parquet = [await rows_of(api, what, wanted) for wanted in ("csv", "jsonl", "parquet")]
    assert as_csv == as_jsonl == as_parquet
    assert len(as_csv) == count
    assert list(as_csv[0]) == [column.name for column in COLUMNS[what]]


async def test_a_session_is_exported_as_the_api_shows_it(api: httpx.AsyncClient) -> None:
    listed = (await api.get("/api/v1/sessions?identity=chen")).json()["items"]
    (row,) = [
        json.loads(line)
        for line in (await api.get("/api/v1/exports/sessions?format=jsonl&identity=chen")).text.splitlines()
    ]
    (shown,) = listed
    same = row.keys() & shown.keys()
    assert {name: row[name] for name in same} == {name: shown[name] for name in same}
    assert {name: row[name] for name in shown["client"]} == shown["client"]
    assert (row["code"], row["origin"]) == (shown["ending"]["error"]["code"], shown["ending"]["origin"])
    assert shown.keys() - same == {"ending", "client", "token"}


async def test_an_outage_is_exported_as_the_api_shows_it(api: httpx.AsyncClient) -> None:
    rows = [
        json.loads(line)
        for line in (await api.get("/api/v1/exports/outages?format=jsonl&fate=lost&fate=dropped")).text.splitlines()
    ]
    shown = [
        (await api.get(f"/api/v1/sessions/{row['session_id']}")).json()["outages"][row["number"] - 1] for row in rows
    ]
    assert len(rows) == 3
    assert [{name: row[name] for name in row.keys() & one.keys()} for row, one in zip(rows, shown, strict=True)] == [
        {name: one[name] for name in row.keys() & one.keys()} for row, one in zip(rows, shown, strict=True)
    ]


async def test_what_is_exported_is_what_the_same_filters_list(api: httpx.AsyncClient) -> None:
    asked = "&fate=dropped&since=-1h"
    listed = (await api.get(f"/api/v1/sessions?limit=50{asked}")).json()
    exported = await api.get(f"/api/v1/exports/events?format=jsonl{asked}")
    ids = list(dict.fromkeys(json.loads(line)["session_id"] for line in exported.text.splitlines()))
    assert ids == [one["session_id"] for one in listed["items"]]
    assert json.loads(exported.headers["roomwatch-completeness"]) == listed["completeness"]


async def test_outages_are_exported_by_what_became_of_them(api: httpx.AsyncClient) -> None:
    asked = {
        "&outcome=failed&outcome=recovered&cause=signaling": [21_000, 2_100, 6_400, 30_000],
        "&downtime_ms=20000..&fate=dropped": [21_000, 30_000],
        "&outage_code=53002": [30_000],
        "&outage_code=&outcome=failed": [],
    }
    found = {query: [row["downtime_ms"] for row in await rows_of(api, "outages", "jsonl", query)] for query in asked}
    assert {query: sorted(one) for query, one in found.items()} == {query: sorted(one) for query, one in asked.items()}


@pytest.mark.parametrize("what", ["sessions", "events"])
@pytest.mark.parametrize("asked", ["cause=media", "outcome=failed", "outage_code=", "downtime_ms=5.."])
async def test_a_filter_of_outages_is_refused_where_other_rows_are_exported(
    api: httpx.AsyncClient, what: Exported, asked: str
) -> None:
    answer = await api.get(f"/api/v1/exports/{what}?{asked}")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["name"]) == (422, asked.partition("=")[0])
    assert error["why"] == f"is a filter of outages, not of {what}: take /exports/outages"


@pytest.mark.parametrize("wanted", ["csv", "jsonl", "parquet"])
async def test_an_export_has_the_columns_that_are_asked_for_in_their_usual_order(
    api: httpx.AsyncClient, wanted: str
) -> None:
    whole = await rows_of(api, "outages", wanted)
    part = await rows_of(api, "outages", wanted, "&fields=outcome,identity,started_at")
    names = ("identity", "started_at", "outcome")
    assert [list(row.items()) for row in part] == [[(name, row[name]) for name in names] for row in whole]


@pytest.mark.parametrize("fields", ["fate,seq", "fate,", "", "ending.error"])
async def test_a_column_that_the_rows_do_not_have_is_refused(api: httpx.AsyncClient, fields: str) -> None:
    answer = await api.get("/api/v1/exports/sessions", params={"fields": fields})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["name"]) == (422, "fields")
    assert error["allowed"] == [column.name for column in COLUMNS["sessions"]]


async def test_duckdb_reads_the_parquet(api: httpx.AsyncClient, tmp_path: Path) -> None:
    file = tmp_path / "outages.parquet"
    file.write_bytes((await api.get("/api/v1/exports/outages?format=parquet")).content)
    found = duckdb.connect().execute(
        f"SELECT outcome, count(*) n FROM '{file}' GROUP BY outcome ORDER BY n DESC, outcome LIMIT 2"
    )
    assert found.fetchall() == [("recovered", 3), ("failed", 2)]


async def test_a_name_that_is_a_formula_stays_a_name_in_a_spreadsheet(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/exports/sessions", params={"identity": FORMULA})
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["identity"], row["room_name"]) == (f"'{FORMULA}", "'-1+2")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="roomwatch-sessions-20251124T163712Z.csv"'


async def test_a_file_that_ends_at_its_row_limit_says_so_at_its_end(api: httpx.AsyncClient) -> None:
    why = "there are more than 3 rows; ask for a shorter range or with more filters"
    as_csv, as_jsonl, as_parquet = [
        await api.get(f"/api/v1/exports/events?limit=3&format={wanted}") for wanted in ("csv", "jsonl", "parquet")
    ]
    assert list(csv.reader(io.StringIO(as_csv.text)))[4:] == [[f"# truncated: {why}"]]
    assert json.loads(as_jsonl.text.splitlines()[3]) == {"truncated": why}
    told = pq.read_metadata(io.BytesIO(as_parquet.content))
    assert (told.num_rows, told.metadata[b"roomwatch.truncated"]) == (3, why.encode())
    assert as_csv.headers["roomwatch-rows-max"] == "3"


@pytest.mark.parametrize("wanted", ["csv", "jsonl", "parquet"])
async def test_a_file_of_just_as_many_rows_as_it_may_hold_is_whole(api: httpx.AsyncClient, wanted: str) -> None:
    limited, whole = [await rows_of(api, "sessions", wanted, asked) for asked in ("&limit=8", "")]
    assert limited == whole


async def test_an_export_of_nothing_is_a_file_without_rows(api: httpx.AsyncClient) -> None:
    found = [await rows_of(api, "outages", wanted, "&identity=nobody") for wanted in ("csv", "jsonl", "parquet")]
    header = (await api.get("/api/v1/exports/outages?identity=nobody")).text
    assert (found, header) == ([[], [], []], ",".join(column.name for column in COLUMNS["outages"]) + "\r\n")


async def test_without_the_extra_parquet_is_a_problem_and_the_rest_is_not(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    refused = await api.get("/api/v1/exports/sessions?format=parquet")
    assert (refused.status_code, refused.json()["code"]) == (501, "format-missing")
    assert "roomwatch[archive]" in refused.json()["detail"]
    assert (await api.get("/api/v1/exports/sessions?format=jsonl")).status_code == 200


async def _fill_many(engine: Engine) -> None:
    lives = []
    for number in range(3_000):
        at_us = NOW_US - 30 * MINUTE_US + number
        lives.append(Life(session_id(number, at_us), at_us, identity="x" * 250).connecting().later(400).connected())
    await asyncio.to_thread(fill, engine, lives, now_us=NOW_US)


async def test_a_client_that_does_not_read_on_holds_no_state_of_the_store_beyond_the_time_limit(
    store_engine: Engine,
) -> None:
    await _fill_many(store_engine)
    # On a busy machine a short time is up before the file begins, which is a problem as any other's.
    assert await _is_cut_off(store_engine, 1.0) or await _is_cut_off(store_engine, 30.0)


def _takes_little() -> httpx.AsyncHTTPTransport:
    """Else the machine would take all of the file for the client."""
    return httpx.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)])


async def _is_cut_off(engine: Engine, seconds: float) -> bool:
    async with served(engine, Limits(export_s=seconds, exports=1)) as (world, _):
        world.slow = False
        client = httpx.AsyncClient(transport=_takes_little(), base_url=world.server.url)
        async with client, client.stream("GET", "/api/v1/exports/events") as answer:
            await eventually(lambda: world.exports_counted("too-long") == 1, within_s=seconds + 30)
            assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
            if answer.status_code != 200:
                return False
            with pytest.raises(httpx.RemoteProtocolError):
                await answer.aread()
            return True


async def test_rows_are_read_no_further_where_nobody_waits_for_them(store_engine: Engine) -> None:
    await _fill_many(store_engine)
    stop = Stop(3_600)
    with Reader(store_engine).under(stop).export("events", Span(0, NOW_US)) as export:
        rows = export.rows(10_000)
        assert len(next(rows)) == ROWS_AT_ONCE
        stop.end()  # between two statements, which is lost on PostgreSQL
        with pytest.raises(QueryTooLong):
            next(rows)


async def test_a_client_that_hangs_up_ends_its_export_and_another_gets_the_place(
    store_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    await _fill_many(store_engine)
    caplog.set_level("INFO", "collector.api")
    async with served(store_engine, Limits(exports=1)) as (world, client):
        world.slow = False
        hasty = httpx.AsyncClient(transport=_takes_little(), base_url=world.server.url)
        async with hasty, hasty.stream("GET", "/api/v1/exports/events") as answer:
            assert answer.status_code == 200
        await eventually(lambda: world.exports_counted("gone") == 1)
        # It ended before its last row, instead of being made for nobody.
        assert caplog.messages == ["/api/v1/exports/events was cut off: the client hung up"]
        whole = await client.get("/api/v1/exports/events")
        assert len(whole.text.splitlines()) == 1 + 6_000
        await eventually(lambda: store_engine.pool.checkedout() == 0)  # type: ignore[attr-defined]
