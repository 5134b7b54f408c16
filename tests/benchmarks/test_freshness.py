"""How old a record is when the store shows it."""

from array import array

import pytest

from benchmarks.freshness import Looks
from benchmarks.pacing import Acknowledged


def test_the_age_of_a_record_is_from_its_append_to_the_first_look_that_found_it_passed() -> None:
    looks = Looks()
    looks._passed = {0: [5, 9]}
    looks._at_us = {0: [1_000_000, 2_000_000]}
    told = Acknowledged(array("i", [0, 0, 0]), array("q", [0, 4, 5]), array("q", [400, 900, 950]))

    assert looks.ages_s(told, 0) == pytest.approx([0.6, 0.1, 1.05])


def test_records_of_before_the_steady_time_have_no_age() -> None:
    looks = Looks()
    looks._passed, looks._at_us = {0: [9]}, {0: [2_000_000]}
    told = Acknowledged(array("i", [0, 0]), array("q", [0, 4]), array("q", [400, 1500]))

    assert looks.ages_s(told, 1000) == pytest.approx([0.5])
