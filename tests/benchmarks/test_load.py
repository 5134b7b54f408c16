"""The fleet that benchmarks tell of."""

from benchmarks.filling import Window
from benchmarks.load import Share, fleet
from collector.ingest.decode import Record, Refusal, decode

BEGINS_US = 1_795_000_000_000_000
S = 1_000_000


def test_shares_of_a_fleet_tell_what_the_whole_tells() -> None:
    whole = list(fleet(60, 20, BEGINS_US))

    shares = [told for rest in range(2) for told in fleet(60, 20, BEGINS_US, share=Share(rest, 2))]

    assert sorted(shares) == sorted(whole)


def test_a_window_holds_what_is_told_in_it_and_nothing_else() -> None:
    opens_us, closes_us = BEGINS_US + 100 * S, BEGINS_US + 150 * S
    whole = [told for told in fleet(60, 20, BEGINS_US) if opens_us <= told.append_at_us < closes_us]

    window = list(fleet(60, 20, BEGINS_US, opens_us=opens_us, closes_us=closes_us))

    assert window
    moments = {(told.append_at_us, told.key) for told in window}
    left_out = [told.value for told in whole if (told.append_at_us, told.key) not in moments]
    assert len(window) + len(left_out) == len(whole)
    assert all(b'"session.alive"' in value for value in left_out)  # before there was anything to count them by


def test_a_window_opens_on_a_fleet_that_lives_already_and_misses_nothing_of_it() -> None:
    told = list(Window(BEGINS_US, BEGINS_US + 5 * S, 200).told())

    firsts = list({one.key: one.value for one in reversed(told)}.values())

    begun = [b'"room.connecting"' in value for value in firsts]
    assert begun.count(False) > begun.count(True) > 0
    assert all(b'"seq":0,' in value for value in firsts)


def test_the_collector_refuses_nothing_that_the_fleet_tells() -> None:
    told = fleet(100, 20, BEGINS_US)

    refused = [
        one for at, t in enumerate(told)
        if isinstance(one := decode(Record(t.partition, at, t.append_at_us, t.key, t.value)), Refusal)
    ]  # fmt: skip

    assert refused == []
