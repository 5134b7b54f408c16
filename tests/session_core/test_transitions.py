"""The tables are total, their rows do not overlap, and the page shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from session_core import transitions
from session_core.errors import CATALOGUE, Appears
from session_core.events import RoomState
from session_core.transitions import (
    LINKS,
    LOCAL,
    PARTICIPANTS,
    SDK,
    TRIGGERS,
    Media,
    SdkWord,
    Signaling,
    Told,
    Trigger,
    matching,
)
from tools.states_page import PAGE, states_page

BOOLS = (False, True)
PARTICIPANT_STATES = (RoomState.CONNECTED, RoomState.RECONNECTING, RoomState.DISCONNECTED)
DISCONNECTED = RoomState.DISCONNECTED

SITUATIONS: list[tuple[Sequence[Any], int, list[tuple[object, ...]]]] = [
    (LINKS, 1, list(product(RoomState, Signaling, Media, BOOLS))),
    (SDK, 0, list(product(SdkWord, RoomState))),
    (TRIGGERS, 0, list(product(Trigger, RoomState))),
    (PARTICIPANTS, 0, list(product(PARTICIPANT_STATES, Told, BOOLS))),
    (LOCAL, 0, list(product(RoomState, BOOLS, Signaling))),
]
each_table = pytest.mark.parametrize(
    ("rows", "start", "situations"), SITUATIONS, ids=["links", "sdk", "triggers", "participants", "local"]
)


@each_table
def test_every_situation_meets_exactly_one_row(rows: Any, start: int, situations: list[tuple[object, ...]]) -> None:
    met = {situation: len(matching(rows, situation, start)) for situation in situations}
    assert {situation: count for situation, count in met.items() if count != 1} == {}


def test_what_is_looked_up_is_the_row_that_the_situation_meets() -> None:
    # Past the caches: what was found once would be found whatever became of the search.
    looked_up: list[tuple[object, ...]] = [
        *(
            transitions.link.__wrapped__(room, signaling, media, was_failed=failed)
            for room, signaling, media, failed in product(RoomState, Signaling, Media, BOOLS)
        ),
        *(transitions.sdk.__wrapped__(room, word) for word, room in product(SdkWord, RoomState)),
        *(transitions.trigger.__wrapped__(room, happened) for happened, room in product(Trigger, RoomState)),
        *(
            transitions.participant.__wrapped__(before, told, newer=newer)
            for before, told, newer in product(PARTICIPANT_STATES, Told, BOOLS)
        ),
        *(
            transitions.local.__wrapped__(before, signaling, room_over=over)
            for before, over, signaling in product(RoomState, BOOLS, Signaling)
        ),
    ]
    met = [row for rows, start, situations in SITUATIONS for at in situations for row in matching(rows, at, start)]
    assert looked_up == met


@each_table
def test_every_row_is_met_by_some_situation(rows: Any, start: int, situations: list[tuple[object, ...]]) -> None:
    met = {row for situation in situations for row in matching(rows, situation, start)}
    assert [row for row in rows if row not in met] == []


def test_the_rules_are_those_of_the_design() -> None:
    assert [row.rule for row in LINKS] == ["R0", "R1", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11"]


def test_nothing_leads_out_of_disconnected() -> None:
    links = [row for row in LINKS if row.room is DISCONNECTED]
    triggers = [row for row in TRIGGERS if DISCONNECTED in row.room and row.becomes is not None]
    local = [row for row in LOCAL if row.before is DISCONNECTED]
    assert ([(row.becomes, row.emits) for row in links], triggers) == ([(DISCONNECTED, None)], [])
    assert {(row.becomes, row.emits) for row in local} == {(DISCONNECTED, None)}


def test_whatever_changes_the_state_of_a_room_says_so() -> None:
    silent = [row for row in LINKS if (row.becomes is not row.room) != (row.emits is not None)]
    assert silent == []
    assert [row for row in TRIGGERS if (row.becomes is None) != (row.emits is None)] == []


def test_whoever_stays_as_they_were_is_said_to_stay_and_nobody_hears_of_it() -> None:
    assert [row for row in TRIGGERS if row.becomes is None and (row.code, row.origin) != (None, None)] == []
    assert [row for row in PARTICIPANTS if (row.becomes is None) != (row.emits is None)] == []
    assert [row for row in PARTICIPANTS if row.becomes in row.before] == []


def test_what_opens_an_outage_has_a_code_and_an_origin_and_nothing_else_of_the_links_has() -> None:
    opens = [row.emits == "room.reconnecting" for row in LINKS]
    assert [row.code is not None for row in LINKS] == opens
    assert [row.origin is not None for row in LINKS] == opens


def test_a_join_has_neither_code_nor_origin_and_every_end_has_an_origin() -> None:
    told = {row.emits: set[bool]() for row in TRIGGERS if row.emits}
    for row in TRIGGERS:
        if row.emits:
            told[row.emits].add(row.origin is not None)
    assert told == {"room.connected": {False}, "room.connect_failed": {True}, "room.disconnected": {True}}
    assert [row.code for row in TRIGGERS if row.emits == "room.connected"] == [None]


def test_the_window_starts_where_an_outage_starts_and_stops_where_it_ends() -> None:
    windows = {row.rule: row.window for row in LINKS if row.window}
    assert windows == {
        "R1": "stopped",
        "R3": "starts",
        "R4": "runs on",
        "R5": "starts",
        "R6": "runs on",
        "R7": "runs on",
        "R8": "stopped",
        "R10": "stopped",
    }


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ("room.reconnecting", Appears.RECONNECTING),
        ("room.disconnected", Appears.DISCONNECTED),
        ("room.connect_failed", Appears.CONNECT),
    ],
)
def test_every_code_appears_where_the_catalogue_says_it_may(event: str, where: Appears) -> None:
    codes = {row.code for row in (*LINKS, *TRIGGERS) if row.emits == event and isinstance(row.code, int)}
    assert codes
    assert [code for code in codes if not CATALOGUE[code].appears & where] == []


def test_a_room_goes_from_state_to_state_as_the_diagram_shows() -> None:
    arrows = [line.partition(" : ")[0].strip() for line in transitions.mermaid().splitlines()[1:]]
    assert arrows == [
        "[*] --> connecting",
        "connecting --> connected",
        "connecting --> disconnected",
        "connected --> disconnected",
        "reconnecting --> disconnected",
        "connected --> reconnecting",
        "reconnecting --> connected",
        "disconnected --> [*]",
    ]


def test_the_page_shows_what_the_tables_say() -> None:
    page = PAGE.read_text()
    assert re.findall(r"<!-- generated: (\w+) -->", page) == list(transitions.drawings())
    assert page == states_page()
