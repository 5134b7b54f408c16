"""Merging: held to the list of operators by an interpreter of that list, and to its limits by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.ingest.decode import Record, decode
from collector.ingest.merge import GAPS_MAX, LOST_REASONS_MAX, TooManyGapsError, merge, merge_lost, receive
from collector.ingest.operators import OUTAGE, SESSION, Merged
from collector.ingest.values import Told
from collector.store.changes import (
    N_BITS,
    OUTAGE_COLUMNS,
    SESSION_COLUMNS,
    Session,
    outage_row,
    session_from_rows,
    session_row,
)
from session_core.errors import Origin
from session_core.instants import us_from_utc
from tests.histories import Life, lives, log_of, records, session_id

Arrival = tuple[Told, int]


def arrivals(log: Iterable[Record]) -> list[Arrival]:
    told = [(decode(record), record.append_at_us) for record in log]
    assert all(isinstance(one, Told) for one, _ in told)
    return [(one, at) for one, at in told if isinstance(one, Told)]


def merged(log: Iterable[Record]) -> Session:
    session = Session(session_id(0))
    for told, append_at in arrivals(log):
        session.session_id = told.message.data.session_id
        merge(session, told, append_at)
    return session


def tables_of(session: Session) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    row = dict(zip(SESSION_COLUMNS, session_row(session), strict=True))
    outages = (dict(zip(OUTAGE_COLUMNS, outage_row(session, o), strict=True)) for o in session.outage_rows.values())
    return row, {outage["number"]: outage for outage in outages}


def at_place(told: Told, append_at: int, place: str) -> Any:
    """The value at a path of the operators' list."""
    message = told.message
    match place:
        case "append_at":
            return append_at
        case "append_at - data.sent_at":
            return append_at - told.sent_at
        case "origin":
            error = message.data.error
            told_by_error = error.origin if error is not None else None
            return str(told_by_error or message.data.origin or ("local" if message.data.reason else "server"))
    value: Any = message
    for name in place.split("."):
        value = getattr(value, name) if value is not None else None
    return us_from_utc(value) if isinstance(value, datetime) else value


def interpreted(rows: tuple[Merged, ...], events: list[Arrival], copies: list[Arrival]) -> dict[str, Any]:
    """What the list says of these events, each once and in no order that matters, and of all their copies."""
    told: dict[str, Any] = {}
    for row in rows:
        among = [
            (one.message.data.seq << N_BITS | one.n, [at_place(one, append_at, place) for place in row.sources])
            for one, append_at in (copies if row.copies else events)
            if one.message.type in row.events
            if not row.carries or at_place(one, append_at, row.carries) is not None
        ]
        if row.operator == "union" or not among:
            continue
        if row.operator in {"first", "last"}:
            chosen = (min if row.operator == "first" else max)(among, key=lambda pair: pair[0])[1]
        else:
            chosen = [(min if row.operator == "min" else max)(value[0] for _, value in among)]
        told.update(zip(row.columns, chosen, strict=True))
    return told


@given(lives(), st.randoms(use_true_random=False), st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=80, deadline=None)
def test_merging_does_what_the_list_of_operators_says(life: Life, random: Any, again: list[int]) -> None:
    twice = [life.sent[place % len(life.sent)].again(60_000_000) for place in again if life.sent]
    sendings = life.sent + twice
    random.shuffle(sendings)
    copies = arrivals(log_of(sendings))
    events = list({(told.message.data.seq, told.n): (told, at) for told, at in copies}.values())
    row, outages = tables_of(merged(log_of(sendings)))
    expected = interpreted(SESSION, events, copies)
    assert {name: row[name] for name in expected} == expected
    by_number: dict[int, list[Arrival]] = {}
    for told, at in events:
        if told.message.data.outage is not None:
            by_number.setdefault(told.message.data.outage.number, []).append((told, at))
    assert set(outages) == set(by_number)
    for number, mine in by_number.items():
        expected = interpreted(OUTAGE, mine, mine)
        if expected.get("closing_type") == "room.reconnected":
            expected.update(closing_code=None, closing_origin=None)
        assert {name: outages[number][name] for name in expected} == expected


def test_the_list_of_operators_names_every_column_that_is_told() -> None:
    not_told = {"session_id", "version", "kafka_partition", "lost_at", "fate", "ended_at", "told_until", "keys"}
    not_told |= {"correction_us", "number", "outcome", "opened_at"}
    assert {c for row in SESSION for c in row.columns} == set(SESSION_COLUMNS) - not_told
    assert {c for row in OUTAGE for c in row.columns} == set(OUTAGE_COLUMNS) - not_told


@given(lives(), lives(), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_a_session_read_back_from_its_rows_merges_on_as_if_it_had_stayed(life: Life, other: Life, cut: int) -> None:
    log = records([life, other])
    stayed, revived = Session(life.session_id), Session(life.session_id)
    for place, (told, append_at) in enumerate(arrivals(log)):
        if place == cut:
            rows = [outage_row(revived, outage) for outage in revived.outage_rows.values()]
            revived = session_from_rows(session_row(revived), rows)
        merge(stayed, told, append_at)
        merge(revived, told, append_at)
    assert tables_of(revived) == tables_of(stayed)


@given(st.lists(st.integers(0, 60), max_size=80))
def test_received_seqs_are_the_union_of_what_came(seqs: list[int]) -> None:
    session = Session(session_id(1))
    new = [receive(session, seq) for seq in seqs]
    more = session.received_more
    held = set(range(session.received_to))
    for begin, end in zip(more[::2], more[1::2], strict=True):
        held |= set(range(begin, end))
    assert held == set(seqs)
    assert new == [seq not in seqs[:place] for place, seq in enumerate(seqs)]
    bounds = [session.received_to, *more]
    assert bounds == sorted(set(bounds))
    assert session.received_to not in held


def test_one_hole_too_many_is_refused_and_nothing_is_merged() -> None:
    session = Session(session_id(1))
    for hole in range(GAPS_MAX):
        assert receive(session, 2 * hole + 1)
    life = Life(session_id(1)).connecting()
    life.seq = 2 * GAPS_MAX
    (told, append_at) = arrivals(log_of(life.connected().sent[1:]))[0]
    before = tables_of(session)
    with pytest.raises(TooManyGapsError):
        merge(session, told, append_at)
    assert tables_of(session) == before
    assert receive(session, 0)
    merge(session, told, append_at)
    assert (session.received_to, len(session.received_more)) == (2, 2 * GAPS_MAX)


def test_a_copy_brings_its_append_time_and_what_was_lost_by_then_and_nothing_else() -> None:
    life = Life(session_id(1)).connecting()
    copy = life.sent[0].again(5_000_000, {"overflow": {"session.alive": 2}})
    session = merged(log_of([*life.sent, copy]))
    once = merged(log_of(life.sent))
    (row, _), (row_once, _) = tables_of(session), tables_of(once)
    assert {k: v for k, v in row.items() if v != row_once[k]} == {
        "last_append_at": copy.append_at_us,
        "lost": '{"overflow":{"session.alive":2}}',
    }


@given(st.lists(st.dictionaries(st.text(max_size=2), st.just({"session.alive": 1, "nonsense": 9}), max_size=20)))
def test_what_was_lost_stays_bounded_in_any_order(told: list[dict[str, dict[str, int]]]) -> None:
    forward: dict[str, dict[str, int]] = {}
    backward: dict[str, dict[str, int]] = {}
    for one in told:
        merge_lost(forward, one)
    for one in reversed(told):
        merge_lost(backward, one)
    least = sorted({reason for one in told for reason in one})[:LOST_REASONS_MAX]
    assert forward == backward == {reason: {"session.alive": 1} for reason in least}


@pytest.mark.parametrize(
    ("end", "origin"),
    [
        ({"reason": "leave"}, "local"),
        ({}, "server"),
        ({"code": 53002, "origin": Origin.WINDOW}, "window"),
        ({"origin": Origin.RESTART}, "restart"),
        ({"origin": Origin.LOCAL, "reason": "exit"}, "local"),
        ({"origin": Origin.SERVER}, "server"),
    ],
)
def test_who_ended_a_session_is_told_by_its_error_or_by_the_reason_it_left_for(
    end: dict[str, Any], origin: str
) -> None:
    life = Life(session_id(1)).connecting().connected().later(10).disconnected(**end)
    assert merged(log_of(life.sent)).terminal_origin == origin
