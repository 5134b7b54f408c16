"""How pages speak."""

import pytest

from collector.api.words import EMPTY, FATES, ORIGINS, OUTCOMES, duration, number, share, who
from collector.store import questions
from session_core.errors import Origin


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, EMPTY),
        (0, "0 ms"),
        (480, "480 ms"),
        (4_230, "4.2 s"),
        (30_000, "30 s"),
        (119_000, "119 s"),
        (185_000, "3 min 5 s"),
        (1_200_000, "20 min"),
        (9_000_000, "2 h 30 min"),
    ],
)
def test_a_duration_is_as_fine_as_it_matters(ms: float | None, said: str) -> None:
    assert duration(ms) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, EMPTY),
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50.0 %"),
        (0.99999, "99.99 %"),
        (0.9943, "99.43 %"),
        (0.00001, "0.01 %"),
    ],
)
def test_a_share_that_is_nearly_whole_never_reads_as_whole(value: float | None, said: str) -> None:
    assert share(value) == said


def test_thousands_are_set_apart() -> None:
    assert number(1_234_567) == "1\u202f234\u202f567"


def test_a_participant_has_the_best_name_that_was_told() -> None:
    assert (who("ana", "PA1"), who(None, "PA1")) == ("ana", "PA1")
    assert who(None, None, "019ab6a7-a5d8e2f1") == "session …a5d8e2f1"


def test_every_word_of_the_vocabulary_is_said_in_plain_words() -> None:
    assert set(FATES) == set(questions.FATES)
    assert set(OUTCOMES) == set(questions.OUTCOMES)
    assert set(ORIGINS) == {origin.value for origin in Origin}
