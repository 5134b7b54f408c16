"""What becomes of the SDK's connections, as its application sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.session_core.trace.living import GOES_DOWN, LOST, SYNCED, back, lived, told

NO_HEARTBEATS = [0, "policy", "the server sends no heartbeats"]
TO_THE_END: list[Any] = [0, "advance_ms", 31_000]
OVER = ["30000 local disconnected", "30000 room disconnected 53001"]


def attempts(*stimuli: list[Any], policy: str = "twilio-js") -> int:
    """How many attempts the outage had that a room lived through."""
    outages = [event.outage for event in lived(*stimuli, policy=policy).events if event.outage is not None]
    return outages[-1].attempts


def test_three_missed_heartbeats_are_a_loss() -> None:
    """The last that the server said, 10 ms before the beginning, was that we have joined."""
    assert told(NO_HEARTBEATS, [0, "advance_ms", 14_989]) == []
    lost = ["14990 local reconnecting", "14990 room reconnecting 53001"]
    assert told(NO_HEARTBEATS, [0, "advance_ms", 15_000]) == lost
    assert told([0, "advance_ms", 15_000], precondition="room connected, no heartbeats") == lost


@pytest.mark.parametrize(("stops_ms", "lost_ms"), [(3_999, 14_990), (4_000, 19_000), (10_000, 23_000)])
def test_a_server_that_falls_silent_sent_its_last_heartbeat_within_4_s_before(stops_ms: int, lost_ms: int) -> None:
    silent = [[stops_ms, "policy", "the server sends no heartbeats"], [stops_ms, "advance_ms", 20_000]]
    assert told(*silent)[0] == f"{lost_ms} local reconnecting"


@pytest.mark.parametrize(("negotiated_ms", "lost_ms"), [(1_000, 3_100), (1_300, 7_900), (0, 101)])
def test_a_connection_is_lost_between_heartbeats_that_come_less_often_than_was_agreed(
    negotiated_ms: int, lost_ms: int
) -> None:
    welcome = [100, "ws_open_and_welcome", {"negotiatedTimeout": negotiated_ms}]
    stimuli = [LOST, welcome, [100, "server_msg", SYNCED], [100, "advance_ms", 8_000]]
    assert told(*stimuli)[4] == f"{lost_ms} local reconnecting"


def test_to_say_again_what_the_server_does_already_changes_nothing() -> None:
    twice = [NO_HEARTBEATS, [9_000, "policy", "the server sends no heartbeats"], [9_000, "advance_ms", 9_000]]
    assert told(*twice)[0] == "14990 local reconnecting"
    goes_on = [[3_000, "policy", "the server sends heartbeats again"], [5_000, "policy", "heartbeats stop"]]
    assert told(*goes_on, [5_000, "advance_ms", 20_000])[0] == "19000 local reconnecting"


@pytest.mark.parametrize("kind", ["update", "warning"])
def test_a_message_or_heartbeat_shows_that_the_server_is_there(kind: str) -> None:
    heard = [[4_000, "server_msg", {"type": kind}], [9_000, "server_frame", {"type": "heartbeat"}]]
    assert told(NO_HEARTBEATS, *heard, [9_000, "advance_ms", 20_000])[0] == "24000 local reconnecting"


def test_heartbeats_that_come_again_in_time_keep_the_connection() -> None:
    again = [14_000, "policy", "the server sends heartbeats again"]
    assert told(NO_HEARTBEATS, again, [14_000, "advance_ms", 60_000]) == []


def test_a_new_connection_waits_for_heartbeats_as_long_as_its_welcome_says() -> None:
    welcome = [100, "ws_open_and_welcome", {"negotiatedTimeout": 2_000}]
    stimuli = [LOST, NO_HEARTBEATS, welcome, [100, "server_msg", SYNCED], [100, "advance_ms", 7_000]]
    assert told(*stimuli)[-1] == "6100 room reconnecting 53001"


def test_a_connection_that_is_lost_before_it_is_synced_is_one_more_attempt() -> None:
    lost_again = [[100, "ws_open_and_welcome"], [200, "server_ws_close", 1006]]
    assert told(LOST, *lost_again, *back(400)) == [*GOES_DOWN, "400 room reconnected", "400 local reconnected"]
    assert attempts(LOST, *lost_again, *back(400)) == 2


def test_only_synced_brings_signaling_back() -> None:
    welcomed = [
        [100, "ws_open_and_welcome"],
        [100, "server_msg", {"type": "connected"}],
        [100, "server_msg", {"type": "hm"}],
    ]
    assert told(LOST, *welcomed, [100, "advance_ms", 40_000]) == [*GOES_DOWN, *OVER]


def test_what_is_said_before_the_welcome_is_not_heard() -> None:
    assert told(LOST, [100, "ws_open"], [150, "server_msg", SYNCED]) == GOES_DOWN
    welcomed = [[200, "server_frame", {"type": "welcome"}], [250, "server_msg", SYNCED]]
    assert told(LOST, [100, "ws_open"], *welcomed)[2:] == ["250 room reconnected", "250 local reconnected"]


def test_a_websocket_that_does_not_open_is_given_up_after_15_s() -> None:
    """The second attempt begins 120 ms after the 15 080 ms; until then there is nothing to open."""
    assert told(LOST, *back(15_150)) == GOES_DOWN
    assert told(LOST, *back(15_200))[2:] == ["15200 room reconnected", "15200 local reconnected"]
    assert attempts(LOST, TO_THE_END) == 2


def test_a_hello_is_said_three_times_5_s_apart_and_then_given_up() -> None:
    unwelcomed = [LOST, [100, "ws_open"]]
    welcome = {"type": "welcome", "negotiatedTimeout": 5000}
    in_time = [[15_099, "server_frame", welcome], [15_099, "server_msg", SYNCED]]
    too_late = [[15_100, "server_frame", welcome], [15_100, "server_msg", SYNCED]]
    assert told(*unwelcomed, *in_time)[2:] == ["15099 room reconnected", "15099 local reconnected"]
    assert told(*unwelcomed, *too_late) == GOES_DOWN


def test_a_busy_server_is_asked_again_when_it_said_on_the_same_websocket_or_a_new_one() -> None:
    busy = {"type": "busy", "retryAfter": 2_000}
    kept = [LOST, [100, "ws_open"], [100, "server_frame", {**busy, "keepAlive": True}]]
    closed = [LOST, [100, "ws_open"], [100, "server_frame", busy]]
    answered = [[2_200, "server_frame", {"type": "welcome"}], [2_200, "server_msg", SYNCED]]
    returned = [*GOES_DOWN, "2200 room reconnected", "2200 local reconnected"]
    assert told(*kept, *answered) == returned
    assert told(*closed, *answered) == GOES_DOWN
    assert told(*closed, [2_099, "ws_open"], *answered) == GOES_DOWN
    assert told(*closed, [2_100, "ws_open"], *answered) == returned
    assert attempts(*closed, [2_100, "ws_open"], *answered) == 1


def test_a_busy_server_may_say_when_to_the_fraction_of_a_ms() -> None:
    busy = [100, "server_frame", {"type": "busy", "retryAfter": 500.5, "keepAlive": False}]
    assert told(LOST, [100, "ws_open"], busy, *back(600)) == GOES_DOWN
    assert told(LOST, [100, "ws_open"], busy, *back(601))[2:] == ["601 room reconnected", "601 local reconnected"]


def test_another_network_closes_a_websocket_that_is_kept_for_a_busy_server_and_no_other() -> None:
    for keeps, tries in ((True, 2), (False, 1)):
        busy = [100, "server_frame", {"type": "busy", "retryAfter": 9_000, "keepAlive": keeps}]
        stimuli = [LOST, [100, "ws_open"], busy, [200, "network_change"], [400, "app_room_disconnect"]]
        assert attempts(*stimuli) == tries


def test_a_welcome_ends_the_waiting_for_a_busy_server_that_keeps_its_websocket() -> None:
    busy = {"type": "busy", "retryAfter": 9_000}
    welcomed = [[300, "server_frame", {"type": "welcome"}], [300, "server_msg", SYNCED]]
    kept = [200, "server_frame", {**busy, "keepAlive": True}]
    assert told(LOST, [100, "ws_open"], kept, *welcomed)[2:] == ["300 room reconnected", "300 local reconnected"]
    assert told(LOST, [100, "ws_open"], [200, "server_frame", busy], *welcomed) == GOES_DOWN


def test_a_busy_server_lets_hellos_count_anew() -> None:
    busy = [14_000, "server_frame", {"type": "busy", "retryAfter": 0, "keepAlive": True}]
    welcome = [[28_900, "server_frame", {"type": "welcome"}], [28_900, "server_msg", SYNCED]]
    assert told(LOST, [100, "ws_open"], busy, *welcome)[2] == "28900 room reconnected"


def test_a_server_that_is_busy_for_good_refuses_the_attempt_while_the_window_lasts() -> None:
    answered = [0, "policy", "every new client WebSocket is answered with busy, retryAfter -1, 5 ms after creation"]
    assert told(answered, LOST, TO_THE_END) == [*GOES_DOWN, *OVER]
    assert attempts(answered, LOST, TO_THE_END) == 12
    assert told(answered, LOST, TO_THE_END, policy="documented")[-1] == "20656 room disconnected 53000"


@pytest.mark.parametrize("frame", [{"type": "bad", "reason": "hello"}, {"type": "busy", "retryAfter": -1}])
def test_a_hello_that_is_refused_is_one_more_attempt(frame: dict[str, Any]) -> None:
    stimuli = [LOST, [100, "ws_open"], [100, "server_frame", frame], *back(300)]
    assert told(*stimuli)[2:] == ["300 room reconnected", "300 local reconnected"]
    assert attempts(*stimuli) == 2


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "bad", "reason": "late"},
        {"type": "busy", "retryAfter": 5},
        {"type": "busy", "retryAfter": -1},
        {"type": "welcome"},
        {"type": "bye"},
        {"type": "whatever"},
        {},
        "no JSON",
        17,
        None,
        {"type": "msg", "body": {"type": "whatever"}},
    ],
)
def test_a_frame_that_means_nothing_changes_nothing(frame: Any) -> None:
    assert told([0, "server_frame", frame], [0, "advance_ms", 60_000]) == []


def test_a_frame_may_come_as_text() -> None:
    frame = '{"type": "msg", "body": {"type": "disconnected", "status": "completed"}}'
    assert told([0, "server_frame", frame])[-1] == "0 room disconnected 53118"


@pytest.mark.parametrize("code", [1001, 1006, 3000, 3001, 3004, 3006, 3007, 4000])
def test_every_close_but_1000_is_a_loss(code: int) -> None:
    assert told([0, "server_ws_close", code]) == GOES_DOWN


def test_a_close_with_the_code_of_waiting_for_a_busy_server_is_noticed_by_nobody() -> None:
    assert told([0, "server_ws_close", 3005], [0, "advance_ms", 60_000], [60_000, "app_room_disconnect"]) == [
        "60000 local disconnected",
        "60000 room disconnected",
    ]


def test_another_network_is_a_loss_at_once_and_closes_a_websocket_that_is_open() -> None:
    assert told([0, "network_change", "cellular"]) == GOES_DOWN
    assert attempts(LOST, [100, "network_change"], *back(400)) == 1
    assert attempts(LOST, [100, "ws_open"], [100, "network_change"], *back(400)) == 2


def test_what_is_done_to_no_connection_changes_nothing() -> None:
    assert told(LOST, *back(50), [60, "server_ws_close", 1000]) == GOES_DOWN


def test_delays_begin_anew_only_when_signaling_is_back() -> None:
    refused = [0, "policy", "every new client WebSocket is closed with 1006 0 ms after creation"]
    unopened = [500, "policy", "every new client WebSocket stays unopened"]
    stimuli = [refused, LOST, unopened, *back(700), [1_000, "server_ws_close", 1006]]
    assert told(*stimuli, *back(1_070))[-1] == "1000 room reconnecting 53001"
    assert told(*stimuli, *back(1_080))[-1] == "1080 local reconnected"


def test_a_server_may_welcome_by_itself() -> None:
    welcomes = [0, "policy", "every new client WebSocket is opened and welcomed 20 ms after creation"]
    assert told(LOST, welcomes, [99, "server_msg", SYNCED]) == GOES_DOWN
    assert told(LOST, welcomes, [100, "server_msg", SYNCED])[2:] == ["100 room reconnected", "100 local reconnected"]


def test_a_websocket_is_closed_by_policy_also_when_it_was_opened_meanwhile() -> None:
    closes = [0, "policy", "every new client WebSocket is closed with 1006 50 ms after creation"]
    opened = [[100, "ws_open_and_welcome"], [140, "server_msg", SYNCED]]
    assert told(closes, LOST, *opened)[2:] == []
    assert told(closes, LOST, [100, "ws_open_and_welcome"], [120, "server_msg", SYNCED], [120, "advance_ms", 20])[
        -1
    ] == ("130 room reconnecting 53001")


def test_a_policy_is_for_websockets_that_are_made_after_it() -> None:
    closes = [0, "policy", "every new client WebSocket is closed with 1000 50 ms after creation"]
    welcomes = [100, "policy", "every new client WebSocket is opened and welcomed 5 ms after creation"]
    assert told(closes, LOST, welcomes, [100, "advance_ms", 50])[2:] == [
        "130 local disconnected",
        "130 room disconnected",
    ]


def test_the_answer_of_a_policy_comes_also_where_a_stimulus_has_opened_the_websocket() -> None:
    busy = [0, "policy", "every new client WebSocket is answered with busy, retryAfter -1, 5 ms after creation"]
    assert attempts(busy, LOST, [82, "ws_open"], [205, "app_room_disconnect"]) == 2


def test_a_websocket_that_is_opened_but_never_welcomed_is_given_up_after_15_s() -> None:
    opened = [0, "policy", "every new client WebSocket is opened but never welcomed"]
    assert attempts(opened, LOST, [15_199, "app_room_disconnect"]) == 1
    assert attempts(opened, LOST, [15_200, "app_room_disconnect"]) == 2


def test_attempts_that_time_out_do_not_count_towards_the_limit_of_a_documented_room() -> None:
    assert told(LOST, TO_THE_END, policy="documented")[-1] == "30000 room disconnected 53002"


def test_time_passes_also_where_a_server_is_busy_for_no_time() -> None:
    busy = [0, "policy", "every new client WebSocket is answered with busy, retryAfter 0, 0 ms after creation"]
    assert told(busy, LOST, TO_THE_END) == [*GOES_DOWN, *OVER]
