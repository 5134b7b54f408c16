"""The demo's accounts: each event once, and a word for whatever does not add up."""

import pytest

from collector.demo.accounts import Balance, CountingSink
from session_core.errors import SinkError
from session_core.outbox import Record
from session_core.publisher import MemorySink
from tests.histories import Life, session_id

EVEN = Balance(
    published=10,
    stored=12,
    duplicates=1,
    dropped=0,
    told=5,
    kept=2,
    dead_letters=0,
    opened=3,
    outcomes={"recovered": 2, "open": 1},
)


def records_of(life: Life) -> list[Record]:
    return [Record(str(life.session_id).encode(), sent.value()) for sent in life.sent]


@pytest.fixture
def life() -> Life:
    return Life(session_id(1)).connecting().later(300).connected().later(30_000).alive().disconnected(reason="leave")


async def test_an_event_that_is_sent_twice_counts_once_and_one_without_a_number_not_at_all(life: Life) -> None:
    sink = CountingSink(MemorySink())
    await sink.send(records_of(life))
    await sink.send(records_of(life))
    assert sink.published == 3
    assert sink.by_type == {"room.connecting": 1, "room.connected": 1, "room.disconnected": 1}


async def test_what_is_not_delivered_does_not_count(life: Life) -> None:
    memory = MemorySink()
    memory.is_away = True
    sink = CountingSink(memory)
    with pytest.raises(SinkError):
        await sink.send(records_of(life))
    assert sink.published == 0


def test_accounts_that_add_up_have_no_faults_and_tell_what_was_lost() -> None:
    assert EVEN.faults == []
    assert EVEN.line() == ("published 12, stored 12, duplicates 1, lost 3; outages opened 3 = 2 recovered + 1 open")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (EVEN._replace(stored=11), "stored 11 is not 12"),
        (EVEN._replace(kept=6, stored=16), "6 are stored"),
        (EVEN._replace(opened=4), "4 outages opened, 3 accounted for"),
        (EVEN._replace(dead_letters=1), "1 records were refused"),
    ],
)
def test_whatever_does_not_add_up_is_said(wrong: Balance, word: str) -> None:
    assert [word in fault for fault in wrong.faults] == [True]
