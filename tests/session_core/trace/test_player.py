"""A room under the SDK's policy does what was observed of twilio-video.js 2.35, a sentence a test."""

from __future__ import annotations

from typing import Any

import pytest

from session_core.errors import CATALOGUE
from tests.session_core.trace.living import GOES_DOWN, LOST, SYNCED, at_last, back, lived, news, person, told

BOB, CAROL = person("bob"), person("carol")


# Links


def test_an_outage_has_one_reconnecting_whatever_breaks_second_and_keeps_its_cause() -> None:
    assert told(LOST, [10, "ice", "failed"], [10, "advance_ms", 40_000]) == [
        *GOES_DOWN,
        "30000 local disconnected",
        "30000 room disconnected 53001",
    ]
    assert told([0, "ice", "failed"], [10, "server_ws_close", 1006], [10, "advance_ms", 40_000]) == [
        "0 room reconnecting 53405",
        "10 local reconnecting",
        "30000 local disconnected",
        "30000 room disconnected 53405",
    ]


def test_the_room_is_back_when_both_links_are_and_the_local_participant_when_signaling_is() -> None:
    assert told(LOST, [10, "ice", "failed"], *back(200), [300, "ice", "checking"], [400, "ice", "connected"]) == [
        *GOES_DOWN,
        "200 local reconnected",
        "400 room reconnected",
    ]


def test_media_that_failed_has_to_be_well_again_unless_it_was_on_its_way_when_signaling_came_back() -> None:
    failed = [[0, "ice", "failed"], [10, "ice", "checking"], [10, "advance_ms", 40_000]]
    assert told(*failed)[1:] == ["30000 local disconnected", "30000 room disconnected 53405"]
    pending = [LOST, [10, "ice", "checking"], *back(200), [200, "advance_ms", 40_000]]
    assert told(*pending)[2:] == ["200 room reconnected", "200 local reconnected"]


@pytest.mark.parametrize("state", ["connected", "completed", "disconnected", "closed"])
def test_media_is_well_in_these_states(state: str) -> None:
    assert told([0, "ice", "failed"], [5, "ice", state]) == ["0 room reconnecting 53405", "5 room reconnected"]


def test_media_has_failed_when_the_best_peer_connection_has() -> None:
    one, other = {"peer": "one", "state": "failed"}, {"peer": "other", "state": "disconnected"}
    assert told([0, "ice", "failed"], [0, "ice", other], [5, "ice", one]) == [
        "0 room reconnecting 53405 (connected)",
        "0 room reconnected",
    ]


def test_a_second_outage_has_a_full_window() -> None:
    stimuli = [LOST, *back(20_000), [21_000, "server_ws_close", 1006], [21_000, "advance_ms", 40_000]]
    assert told(*stimuli)[4:] == [
        "21000 local reconnecting",
        "21000 room reconnecting 53001",
        "51000 local disconnected",
        "51000 room disconnected 53001",
    ]


def test_the_server_sets_the_window() -> None:
    assert told(LOST, [0, "advance_ms", 40_000], session_timeout_s=7.5)[2:] == [
        "7500 local disconnected",
        "7500 room disconnected 53001",
    ]


def test_without_a_window_the_first_loss_is_the_end_with_53000() -> None:
    assert told(LOST, session_timeout_s=0) == ["0 local disconnected", "0 room disconnected 53000"]


@pytest.mark.parametrize(("frame", "code"), [({"type": "busy", "retryAfter": -1}, 53006), ({"type": "bad"}, 53000)])
def test_where_the_server_sets_no_window_one_attempt_is_made_and_its_failure_is_the_end(
    frame: dict[str, Any], code: int
) -> None:
    stimuli = [LOST, [100, "ws_open"], [200, "server_frame", frame]]
    assert told(*stimuli, session_timeout_s=None)[2:] == ["200 local disconnected", f"200 room disconnected {code}"]
    assert told(LOST, *back(100), [200, "server_ws_close", 1006], session_timeout_s=None)[-1] == (
        "200 room disconnected 53000"
    )


def test_dtls_fails_a_room_at_once_unless_ice_did() -> None:
    failed = [0, "pc_connection_state", "failed"]
    assert told(failed) == ["0 local disconnected", "0 room disconnected 53407"]
    assert told([0, "ice", "disconnected"], failed) == []
    assert told([0, "ice", "failed"], failed) == ["0 room reconnecting 53405"]
    assert told([0, "pc_connection_state", "connecting"]) == []


def test_a_failure_is_one_of_dtls_when_all_peer_connections_have_failed_and_the_best_ice_has_not() -> None:
    one, other = [0, "pc_connection_state", "failed"], [1, "pc_connection_state", {"peer": "o", "state": "failed"}]
    there = [0, "ice", {"peer": "o", "state": "connected"}]
    assert told(there, one) == []
    over = ["1 local disconnected", "1 room disconnected 53407"]
    assert told(there, one, other) == over
    assert told(there, [0, "ice", "failed"], other) == over
    assert told(there, [0, "ice", "failed"], [0, "ice", {"peer": "o", "state": "disconnected"}], other) == []
    assert told(there, one, policy="documented") == ["0 local disconnected", "0 room disconnected 53407"]


def test_a_failure_that_meant_nothing_means_nothing_when_it_is_said_again() -> None:
    failed = [0, "pc_connection_state", "failed"]
    harmless = [[0, "ice", "disconnected"], failed, [5, "ice", "connected"]]
    for policy in ("twilio-js", "documented"):
        assert told(*harmless, [6, *failed[1:]], policy=policy) == []
        anew = [[6, "pc_connection_state", "connected"], [7, *failed[1:]]]
        assert told(*harmless, *anew, policy=policy) == ["7 local disconnected", "7 room disconnected 53407"]


def test_a_failure_of_ice_counts_as_one_of_the_peer_connection_that_has_it() -> None:
    stimuli = [[0, "ice", "failed"], [1, "pc_connection_state", "connecting"], [2, "ice", "connected"]]
    assert told(*stimuli, [3, "pc_connection_state", "failed"]) == ["0 room reconnecting 53405", "2 room reconnected"]


def test_a_peer_connection_that_is_spoken_of_is_there_and_new() -> None:
    other = {"peer": "other", "state": "connecting"}
    assert told([0, "pc_connection_state", other], [1, "ice", "failed"]) == []
    assert told([0, "ice", "failed"], [0, "pc_connection_state", other], [1, "advance_ms", 40_000])[-1] == (
        "30000 room disconnected 53405"
    )


# The end


@pytest.mark.parametrize("code", [20104, 53000, 53002, 53204, 53205])
def test_the_codes_of_the_server_come_through_as_they_are_connected_or_not(code: int) -> None:
    error = {"type": "error", "code": code, "message": "whatever"}
    assert told([5, "server_msg", error]) == ["5 local disconnected", f"5 room disconnected {code}"]
    player = lived(LOST, [100, "ws_open_and_welcome"], [100, "server_msg", error])
    assert [line.code for line in player.lines][-2:] == [None, code]
    last = player.events[-1].error
    assert last is not None
    assert last.message == CATALOGUE[code].message


@pytest.mark.parametrize(
    ("error", "known"),
    [
        ({"code": 59999, "message": "so there"}, (59999, "so there")),
        ({"code": 59999, "message": ""}, (59999, "Unknown error")),
        ({"code": "x", "message": "so there"}, (0, "so there")),
        ({}, (0, "Unknown error")),
    ],
)
def test_an_unknown_code_keeps_its_text(error: dict[str, Any], known: tuple[int, str]) -> None:
    last = lived([0, "server_msg", {"type": "error", **error}]).events[-1].error
    assert last is not None
    assert (last.code, last.message) == known


def test_a_completed_room_ends_with_53118_and_a_removal_without_a_code() -> None:
    completed = {"type": "disconnected", "status": "completed"}
    assert told([0, "server_msg", completed]) == ["0 local disconnected", "0 room disconnected 53118"]
    assert told([0, "server_msg", {"type": "disconnected"}]) == ["0 local disconnected", "0 room disconnected"]


def test_a_close_with_1000_is_a_clean_leave_also_of_an_attempt() -> None:
    assert told([0, "server_ws_close", 1000]) == ["0 local disconnected", "0 room disconnected"]
    assert told(LOST, [100, "server_ws_close", 1000])[2:] == ["100 local disconnected", "100 room disconnected"]


def test_after_the_end_nothing_is_told() -> None:
    after = [*back(100), [200, "ice", "failed"], [200, "server_ws_close", 1006], [200, "advance_ms", 60_000]]
    assert told([0, "app_room_disconnect"], *after) == ["0 local disconnected", "0 room disconnected"]


# The order of telling


def test_reconnecting_and_reconnected_of_a_room_are_told_when_the_step_is_over() -> None:
    assert told(LOST, [0, "app_room_disconnect"]) == [
        "0 local reconnecting",
        "0 local disconnected",
        "0 room disconnected",
        "0 room reconnecting 53001 (disconnected)",
    ]
    assert told([0, "ice", "failed"], [0, "ice", "connected"]) == [
        "0 room reconnecting 53405 (connected)",
        "0 room reconnected",
    ]


def test_a_documented_room_tells_every_event_as_of_its_transition() -> None:
    assert told(LOST, [0, "app_room_disconnect"], policy="documented") == [
        *GOES_DOWN,
        "0 local disconnected",
        "0 room disconnected",
    ]


def test_changes_of_others_are_told_before_the_room_is_back_and_losses_before_returns() -> None:
    people = [person("bob", "reconnecting"), CAROL, person("dave")]
    stimuli = [LOST, *back(200, person("bob", "connected", 2), person("carol", "reconnecting", 2))]
    assert told(*stimuli, initial_participants=people)[2:] == [
        "200 room participant_reconnecting carol",
        "200 participant:carol reconnecting",
        "200 room participant_disconnected dave",
        "200 participant:dave disconnected",
        "200 room participant_reconnected bob",
        "200 participant:bob reconnected",
        "200 room reconnected",
        "200 local reconnected",
    ]


def test_of_who_has_returned_and_left_in_one_step_only_the_participant_says_that_it_returned() -> None:
    returns, leaves = person("bob", "connected", 2), person("bob", "disconnected", 3)
    stimuli = [[0, "server_msg", news("update", returns)], [0, "server_msg", news("update", leaves)]]
    assert told(*stimuli, initial_participants=[person("bob", "reconnecting")]) == [
        "0 room participant_disconnected bob",
        "0 participant:bob disconnected",
        "0 participant:bob reconnected (disconnected)",
    ]


def test_the_local_participant_is_back_first_where_the_server_says_how_it_is() -> None:
    us = {"participant": {"sid": "PA-us", "identity": "alice", "state": "connected", "revision": 2}}
    for kind in ("synced", "connected"):
        stimuli = [LOST, [100, "ws_open_and_welcome"], [100, "server_msg", {"type": kind, **us}]]
        synced = [] if kind == "synced" else [[100, "server_msg", SYNCED]]
        back_again = told(*stimuli, *synced)[2:]
        assert back_again == ["100 local reconnected", "100 room reconnected"]
        later = [[200, "server_ws_close", 1006], *back(300)]
        assert told(*stimuli, *synced, *later)[-2:] == ["300 room reconnected", "300 local reconnected"]


def test_who_came_back_left_and_came_again_in_one_step_is_somebody_else_than_before() -> None:
    words = [("connected", 2), ("disconnected", 3), ("connected", 4)]
    stimuli = [[0, "server_msg", news("update", person("bob", *word))] for word in words]
    assert told(*stimuli, initial_participants=[person("bob", "reconnecting")]) == [
        "0 room participant_disconnected bob",
        "0 participant:bob disconnected",
        "0 room participant_connected bob",
        "0 participant:bob reconnected (disconnected)",
    ]


# Participants


def test_updates_that_come_while_signaling_is_brought_back_wait_and_count_one_by_one() -> None:
    stimuli = [
        LOST,
        [100, "ws_open_and_welcome"],
        [110, "server_msg", news("update", person("bob", "reconnecting", 2))],
        [120, "server_msg", news("connected", person("bob", "connected", 3))],
        [130, "server_msg", news("synced", BOB)],
    ]
    assert told(*stimuli, initial_participants=[BOB])[2:] == [
        "130 room participant_reconnecting bob",
        "130 participant:bob reconnecting",
        "130 room participant_reconnected bob",
        "130 participant:bob reconnected",
        "130 room reconnected",
        "130 local reconnected",
    ]


def test_who_is_missing_has_left_by_a_resynchronisation_and_stays_by_an_update() -> None:
    assert told([0, "server_msg", news("update")], initial_participants=[BOB]) == []
    gone = ["200 room participant_disconnected bob", "200 participant:bob disconnected"]
    assert told(LOST, *back(200), initial_participants=[BOB])[2:4] == gone
    assert told([200, "server_msg", SYNCED], initial_participants=[BOB]) == gone


def test_who_has_left_is_made_anew_by_a_greater_revision_only() -> None:
    words = [("disconnected", 4), ("connected", 4), ("connected", 3), ("connected", 5), ("reconnecting", 6)]
    stimuli = [[n, "server_msg", news("update", person("bob", *word))] for n, word in enumerate(words)]
    assert told(*stimuli, initial_participants=[BOB]) == [
        "0 room participant_disconnected bob",
        "0 participant:bob disconnected",
        "3 room participant_connected bob",
        "4 room participant_reconnecting bob",
        "4 participant:bob reconnecting",
    ]


def test_who_is_told_to_be_gone_once_more_is_new_whatever_the_revision_but_not_on_the_page() -> None:
    words = [("disconnected", 5), ("disconnected", 6), ("connected", 2)]
    stimuli = [[n, "server_msg", news("update", person("bob", *word))] for n, word in enumerate(words)]
    gone = ["0 room participant_disconnected bob", "0 participant:bob disconnected"]
    assert told(*stimuli, initial_participants=[BOB]) == [*gone, "2 room participant_connected bob"]
    assert told(*stimuli, initial_participants=[BOB], policy="documented") == gone
    assert told(*stimuli) == ["2 room participant_connected bob"]


def test_who_was_there_in_an_unknown_state_was_connected() -> None:
    stimuli = [[0, "server_msg", news("update", person("bob", "reconnecting", 2))]]
    assert told(*stimuli, initial_participants=[person("bob", "dreaming")]) == [
        "0 room participant_reconnecting bob",
        "0 participant:bob reconnecting",
    ]


def test_a_newcomer_who_is_reconnecting_has_only_come() -> None:
    newcomer = [0, "server_msg", news("update", person("bob", "reconnecting"))]
    back_again = [5, "server_msg", news("update", person("bob", "connected", 2))]
    assert told(newcomer, back_again) == [
        "0 room participant_connected bob (reconnecting)",
        "5 room participant_reconnected bob",
        "5 participant:bob reconnected",
    ]


def test_an_unknown_state_changes_none_but_its_revision_counts_and_a_newcomer_is_connected() -> None:
    strange = [[0, "server_msg", news("update", person("bob", "dreaming", 5), person("eve", "dreaming"))]]
    old = [[5, "server_msg", news("update", person("bob", "reconnecting", 5))]]
    assert told(*strange, *old, initial_participants=[BOB]) == ["0 room participant_connected eve"]
    documented = told(*strange, *old, initial_participants=[BOB], policy="documented")
    assert documented == ["5 room participant_reconnecting bob", "5 participant:bob reconnecting"]


def test_media_changes_nobody_s_state_but_the_room_s() -> None:
    assert told([0, "ice", "failed"], [9, "ice", "connected"], initial_participants=[BOB]) == [
        "0 room reconnecting 53405",
        "9 room reconnected",
    ]


def test_at_last_it_is_known_how_everything_stands() -> None:
    player = lived(LOST, [0, "advance_ms", 100], initial_participants=[BOB, CAROL])
    assert at_last(player) == {
        "room": "reconnecting",
        "local": "reconnecting",
        "participants": [("bob", "connected"), ("carol", "connected")],
    }


# The page's policy


def test_a_documented_room_gives_up_with_53000_for_refusals_and_with_53002_for_time() -> None:
    refused = [0, "policy", "every new client WebSocket is closed with 1006 5 ms after creation"]
    assert told(refused, LOST, [0, "advance_ms", 40_000], policy="documented")[-1] == "20656 room disconnected 53000"
    assert told(LOST, [0, "advance_ms", 40_000], policy="documented")[-1] == "30000 room disconnected 53002"
    assert told(LOST, policy="documented", session_timeout_s=0)[-1] == "0 room disconnected 53002"
