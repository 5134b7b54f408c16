"""All peer connections in one word."""

from __future__ import annotations

import pytest

from session_core.media import PEERS_MAX, Peers
from session_core.transitions import Media


def peers(*states: str) -> tuple[Peers, list[str]]:
    ignored: list[str] = []
    found = Peers(ignored.append)
    for number, state in enumerate(states):
        found.take(f"P{number}", state)
    return found, ignored


@pytest.mark.parametrize(
    ("states", "media"),
    [
        ([], Media.PENDING),
        (["closed"], Media.OK),
        (["failed"], Media.FAILED),
        (["disconnected"], Media.OK),
        (["new"], Media.PENDING),
        (["checking"], Media.PENDING),
        (["connected"], Media.OK),
        (["completed"], Media.OK),
        (["closed", "failed"], Media.FAILED),
        (["failed", "disconnected"], Media.OK),
        (["disconnected", "new"], Media.PENDING),
        (["new", "checking"], Media.PENDING),
        (["checking", "connected"], Media.OK),
        (["failed", "completed", "failed"], Media.OK),
    ],
)
def test_media_is_as_well_as_its_best_peer_connection(states: list[str], media: Media) -> None:
    assert peers(*states)[0].summary is media


def test_a_peer_connection_that_is_no_more_counts_no_longer() -> None:
    found, _ = peers("connected", "failed")
    found.forget("P0")
    found.forget("never seen")
    assert found.summary is Media.FAILED


def test_an_unknown_word_changes_nothing_and_is_told_of() -> None:
    found, ignored = peers("connected")
    found.take("P0", "dreaming")
    assert (found.summary, ignored) == (Media.OK, ["dreaming"])


def test_peer_connections_are_bounded_and_known_ones_go_on_counting() -> None:
    found, ignored = peers(*["failed"] * (PEERS_MAX + 1))
    found.take("P0", "connected")
    assert (found.summary, ignored) == (Media.OK, ["one peer connection too many"])


def test_peer_connections_that_are_closed_make_room_for_new_ones() -> None:
    found, ignored = peers(*["closed"] * PEERS_MAX)
    found.take("new", "failed")
    assert (found.summary, ignored) == (Media.FAILED, [])


@pytest.mark.parametrize(("state", "down"), [("failed", True), ("disconnected", True), ("checking", False)])
def test_ice_is_down_where_this_peer_connection_says_so(state: str, down: bool) -> None:  # noqa: FBT001
    found, _ = peers("connected", state)
    assert (found.ice_is_down("P1"), found.ice_is_down("P0"), found.ice_is_down("P9")) == (down, False, False)


def test_an_sdk_that_speaks_of_media_as_a_whole_is_believed() -> None:
    found, _ = peers("connected")
    said = []
    for word in (Media.FAILED, Media.OK):
        found.overrule(word)
        said.append(found.summary)
    assert said == [Media.FAILED, Media.OK]


@pytest.mark.parametrize("news", ["take", "forget"])
def test_what_an_sdk_says_of_a_peer_connection_counts_more_than_what_it_said_of_all(news: str) -> None:
    found, _ = peers("connected", "failed")
    found.overrule(Media.FAILED)
    if news == "take":
        found.take("P1", "failed")
    else:
        found.forget("P1")
    assert found.summary is Media.OK


def test_a_peer_connection_that_had_failed_is_forgotten_when_the_sdk_says_that_all_is_well() -> None:
    found, _ = peers("failed", "checking")
    found.overrule(Media.OK)
    found.take("P1", "checking")
    assert found.summary is Media.PENDING


def test_a_word_that_means_nothing_does_not_touch_what_the_sdk_said_of_all() -> None:
    found, ignored = peers("connected")
    found.overrule(Media.FAILED)
    found.take("P0", "asleep")
    assert (found.summary, ignored) == (Media.FAILED, ["asleep"])
