"""A room as it is drawn."""

import itertools

from sqlalchemy import Engine

from collector.api.lanes import LABEL_GAP, SYMBOLS, draw
from collector.store.questions import OUTCOMES
from collector.store.reader import Reader
from tests.pages.scene import NOW_US, ROOM_SID


def test_every_participant_has_a_lane_that_says_in_words_what_it_shows(engine: Engine) -> None:
    drawn = draw(Reader(engine).room_timeline(ROOM_SID, now_us=NOW_US))
    assert [(lane.name, lane.fate_words) for lane in drawn.lanes] == [
        ("ana", "in the room"),
        ("ben", "in the room"),
        ("chen", "dropped"),
        ("dora", "left while reconnecting"),
        ("emre", "reconnecting now"),
        ("fatima", "went silent"),
    ]
    assert drawn.lanes[4].says == "emre: reconnecting now; 3 outages, 2 came back. The table below lists them."


def test_outages_are_marked_with_what_became_of_them(engine: Engine) -> None:
    drawn = draw(Reader(engine).room_timeline(ROOM_SID, now_us=NOW_US))
    assert [[mark.text for mark in lane.marks] for lane in drawn.lanes] == [
        ["✓ 4.2 s"],
        ["✕ 53002"],
        ["✕ 53000"],
        ["↦"],
        ["✓ 6.4 s", "✓ 2.1 s", "…"],
        ["?"],
    ]


def test_labels_do_not_cover_each_other_and_all_is_within_the_drawing(engine: Engine) -> None:
    for lane in draw(Reader(engine).room_timeline(ROOM_SID, now_us=NOW_US)).lanes:
        places = [mark.x for mark in lane.marks if mark.room != "none"]
        assert all(after - before >= LABEL_GAP for before, after in itertools.pairwise(places))
        assert all(0 <= one.x <= one.x + one.width <= 100.001 for one in lane.stretches)


def test_every_outcome_has_a_symbol() -> None:
    assert SYMBOLS.keys() == set(OUTCOMES)
