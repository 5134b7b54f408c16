"""Every reason of the installed package has its row, and the row says what a room makes of it."""

from __future__ import annotations

from typing import get_args

import pytest
from livekit import rtc

from session_core.adapters.livekit_reasons import ROWS, VENDOR, ReasonRow, ending, fate
from session_core.errors import CATALOGUE, EndsAs, Origin
from session_core.signals import Leave, Removed, SdkDisconnected, Signal


def test_every_reason_of_the_installed_package_has_its_row() -> None:
    assert [(row.reason, row.number) for row in ROWS] == list(rtc.DisconnectReason.items())


def test_every_code_is_in_the_catalogue_and_every_row_names_its_source() -> None:
    assert [row for row in ROWS if row.code is not None and row.code not in CATALOGUE] == []
    assert {row.source.partition(":")[0] for row in ROWS} == {"package", "server", "protocol", "Rust SDK"}


@pytest.mark.parametrize("row", ROWS, ids=[row.reason for row in ROWS])
def test_a_reason_is_told_as_its_row_says(row: ReasonRow) -> None:
    without_a_code: Signal = Leave() if row.origin is Origin.LOCAL else Removed()
    expected = (
        without_a_code if row.code is None else SdkDisconnected(row.code, row.reason, row.origin, VENDOR, row.number)
    )
    assert isinstance(expected, get_args(Signal))
    assert ending(row.number) == expected


def test_the_fates_are_those_of_our_codes() -> None:
    fates = {row.reason: fate(row) for row in ROWS if fate(row) is not EndsAs.DROPPED}
    assert fates == {
        "CLIENT_INITIATED": "left",
        "DUPLICATE_IDENTITY": "superseded",
        "PARTICIPANT_REMOVED": "removed",
        "ROOM_DELETED": "completed",
        "ROOM_CLOSED": "completed",
    }


def test_a_reason_that_is_newer_than_the_table_counts_as_unknown_and_keeps_its_number() -> None:
    assert ending(99) == SdkDisconnected(53000, "reason 99", Origin.ATTEMPTS, VENDOR, 99)
