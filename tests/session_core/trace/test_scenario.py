"""Scenarios are read strictly: what is wrong is said with the file, the place and what to do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from session_core.errors import ScenarioError
from session_core.trace.scenario import FILE_MAX, Scenario, Someone, Stimulus, read


def from_json(document: Any) -> list[Scenario]:
    return read("away.json", msgspec.json.encode(document))


def test_a_file_holds_one_scenario_or_several() -> None:
    one = {"stimuli": [[0, "app_room_disconnect"]]}
    leave = (Stimulus(0, "app_room_disconnect"),)
    assert from_json(one) == [Scenario("away", leave)]
    assert from_json([one, {**one, "id": "B"}]) == [Scenario("away-1", leave), Scenario("B", leave)]
    assert from_json({"about": "two", "scenarios": [one, one]}) == [
        Scenario("away-1", leave),
        Scenario("away-2", leave),
    ]


def test_toml_reads_as_json_does() -> None:
    text = b"""
        name = "away"
        session_timeout_s = 7.5
        precondition = "no heartbeats"
        initial_participants = [{ sid = "PA1", identity = "bob", state = "connected", revision = 1 }]
        stimuli = [[0, "server_ws_close"], [0.5, "ice", { peer = "p", state = "failed" }], [9, "note", "x"]]
    """
    assert read("away.TOML", text) == [
        Scenario(
            "away",
            (Stimulus(0, "server_ws_close", 1006), Stimulus(0.5, "ice", ("p", "failed")), Stimulus(9, "note", "x")),
            name="away",
            session_timeout_s=7.5,
            initial_participants=(Someone("PA1", "bob", "connected", 1),),
            silent=True,
        )
    ]


def test_a_value_may_be_written_short_or_as_a_table() -> None:
    (short,) = from_json({"stimuli": [[0, "server_ws_close", 1001], [0, "pc_connection_state", "failed"]]})
    close, state = {"code": 1001}, {"state": "failed"}
    (long,) = from_json({"stimuli": [[0, "server_ws_close", close], [0, "pc_connection_state", state]]})
    assert short.stimuli == long.stimuli


def test_there_is_a_limit_to_how_many_scenarios_a_file_holds() -> None:
    with pytest.raises(ScenarioError, match=r"away\.json: has 10001 scenarios; 10000 are the most"):
        from_json([0] * 10_001)


def test_there_is_a_limit_to_how_much_a_file_holds() -> None:
    with pytest.raises(ScenarioError, match=r"away\.json: holds more than 67108864 bytes; put its scenarios into "):
        read("away.json", b" " * (FILE_MAX + 1))


@pytest.mark.parametrize(("file", "text"), [("a.json", b'{"stimuli": []}'), ("a.toml", b"stimuli = []")])
def test_a_file_may_begin_with_the_mark_that_some_editors_set(file: str, text: bytes) -> None:
    assert read(file, b"\xef\xbb\xbf" + text) == [Scenario("a", ())]


def test_a_frame_that_is_written_as_text_is_read_as_the_client_reads_it() -> None:
    texts = ['{"type": "msg", "body": {"type": "synced"}}', "no JSON", "[" * 100_000, "17"]
    (found,) = from_json({"stimuli": [[0, "server_frame", text] for text in texts]})
    assert [stimulus.value for stimulus in found.stimuli] == [
        {"type": "msg", "body": {"type": "synced", "participants": ()}},
        None,
        None,
        17,
    ]


def test_what_a_recording_says_of_its_outcome_and_remarks_are_not_read() -> None:
    told: dict[str, Any] = {"trace": 5, "final": None, "thrown": "x", "remark": [], "stimuli": []}
    assert from_json(told) == [Scenario("away", ())]


@pytest.mark.parametrize(
    ("scenario", "says"),
    [
        (17, " is a number; make it a list of scenarios"),
        ([17], " [0] is a number; make it a table"),
        ({"scenarios": {}}, " scenarios is a table; make it a list of scenarios"),
        ({}, " has no stimuli; say what is done as a list of [ms, kind, value]"),
        ({"stimuli": [], "sesion_timeout_s": 1},
         " sesion_timeout_s is no key of a scenario; did you mean session_timeout_s?"),
        ({"stimuli": [], "session_timeout_s": -1},
         " session_timeout_s is -1; make it a number from 0 to 86400 seconds"),
        ({"stimuli": [], "session_timeout_s": True},
         " session_timeout_s is True; make it a number from 0 to 86400 seconds"),
        ({"stimuli": [], "id": 5}, " id is a number; make it a text"),
        ({"stimuli": [], "initial_participants": [{"sid": "PA"}]},
         " initial_participants[0] has no state; a participant has sid, identity, state and revision"),
        ({"stimuli": [], "initial_participants": [{"sid": "PA", "state": "connected", "revision": "1"}]},
         " initial_participants[0].revision is '1'; make it a whole number"),
        ({"stimuli": [], "initial_participants": [{"sid": "PA", "state": "connected", "revision": -1}]},
         " initial_participants[0].revision is -1; make it 0 or more"),
        ([], " holds no scenario; write one at least"),
        ({"scenarios": []}, " scenarios holds no scenario; write one at least"),
    ],
)  # fmt: skip
def test_a_scenario_of_the_wrong_shape_is_refused(scenario: Any, says: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        from_json(scenario)
    assert str(refused.value) == f"away.json:{says}"


@pytest.mark.parametrize(
    ("stimulus", "says"),
    [
        ("ice", "[1] is 'ice'; write [ms, kind] or [ms, kind, value]"),
        ([5], "[1] is [5]; write [ms, kind] or [ms, kind, value]"),
        ([None, "ice", "failed"], "[1][0] is nothing; make it a number from 0 to 86400000 milliseconds"),
        ([9, "ice", "failed"], "[1][0] is 9, but time is at 10 there already; put stimuli in the order of time"),
        ([10, "ice", "gone"],
         "[1][2] is 'gone'; make it one of closed, failed, disconnected, new, checking, connected, completed"),
        ([10, "ice", {"state": []}],
         "[1][2].state is []; make it one of closed, failed, disconnected, new, checking, connected, completed"),
        ([10, "pc_connection_state", "x"],
         "[1][2] is 'x'; make it one of new, connecting, connected, disconnected, failed, closed"),
        ([10, "server_ws_close", 5], "[1][2] is 5; make it the code of a WebSocket's close, 1000 to 4999"),
        ([10, "server_msg"], "[1][2] is nothing; make it a table"),
        ([10, "server_msg", {}], "[1][2].type is nothing; make it a text"),
        ([10, "server_msg", {"type": "synced", "participants": {}}],
         "[1][2].participants is a table; make it a list of participants"),
        ([10, "server_frame", {"type": "msg"}], "[1][2].body is nothing; make it a table"),
        ([10, "server_frame", {"type": "busy"}],
             "[1][2].retryAfter is nothing; make it a number from -86400000 to 86400000 milliseconds"),
        ([10, "server_frame", '{"type": "msg", "body": {}}'], "[1][2].body.type is nothing; make it a text"),
        ([10, "server_frame", '{"type": "msg", "body": {"type": "update", "participants": [{"sid": "PA"}]}}'],
         "[1][2].body.participants[0] has no state; a participant has sid, identity, state and revision"),
        ([10, "server_frame", '{"type": "welcome", "negotiatedTimeout": 1e308}'],
         "[1][2].negotiatedTimeout is 1e+308; make it a number from 0 to 86400000 milliseconds"),
        ([10, "ws_open_and_welcome", {"negotiatedTimeout": -1}],
         "[1][2].negotiatedTimeout is -1; make it a number from 0 to 86400000 milliseconds"),
        ([10, "advance_ms"], "[1][2] is nothing; make it a number from 0 to 86400000 milliseconds"),
    ],
)  # fmt: skip
def test_a_stimulus_of_the_wrong_shape_is_refused(stimulus: Any, says: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        from_json({"stimuli": [[0, "advance_ms", 10], stimulus]})
    assert str(refused.value) == f"away.json: stimuli{says}"


def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        ScenarioError, match=r"stimuli\[0\]\[1\] is 'reboot'; make it one of server_ws_close, ws_open, .*"
    ):
        from_json({"stimuli": [[0, "reboot"]]})


def test_a_policy_that_is_not_understood_is_refused_with_those_that_are() -> None:
    with pytest.raises(ScenarioError, match=r"is 'it rains', which is not understood; write \"every new client"):
        from_json({"stimuli": [[0, "policy", "it rains"]]})


@pytest.mark.parametrize("file", ["a.json", "a.toml"])
@pytest.mark.parametrize("text", [b"{", b"\xff", b"[" * 100_000])
def test_what_is_neither_json_nor_toml_is_refused(file: str, text: bytes) -> None:
    with pytest.raises(ScenarioError, match=f"^{file}: cannot be read: .*; write JSON, or TOML in a file .*toml$"):
        read(file, text)
