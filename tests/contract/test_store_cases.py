"""Both stores tell the same of what happened around a session."""

from sqlalchemy import Engine

from collector.store.reader import Reader
from collector.store.views_around import Others
from tests.collector.test_verdict import NOW_US, away, crowd, dropped, joining, there
from tests.filling import fill


def test_others_are_counted_by_room_region_and_version(store_engine: Engine) -> None:
    life = dropped(there())
    mates = [away(there(n), 4_000).reconnected().later(20_000).alive() for n in (1, 2)]
    fill(
        store_engine,
        [life, *mates, *crowd(5, hit=3), *crowd(4, 200, region="us1", version="5.2", hit=1)],
        now_us=NOW_US,
    )
    case = Reader(store_engine).case(life.session_id, now_us=NOW_US)
    assert case.outage is not None
    assert case.around is not None
    assert case.around.at == case.outage.started_at
    assert case.around.room == Others(hit=2, there=2)
    assert case.around.region == Others(hit=3, there=5)
    assert case.around.elsewhere == Others(hit=1, there=4)
    assert case.around.version == Others(hit=5, there=7)
    assert case.around.other_versions == Others(hit=1, there=4)
    assert (case.networks, case.rejoined) == (("wifi",), None)


def test_who_never_joined_is_compared_with_those_who_tried(store_engine: Engine) -> None:
    life = joining().later(300).connect_failed(53000)
    others = [joining(n, room=n).later(300).connect_failed(53000) for n in (1, 2)]
    others += [joining(n, room=n, region="us1").later(300).connected().alive() for n in (3, 4, 5)]
    fill(store_engine, [life, *others], now_us=NOW_US)
    around = Reader(store_engine).case(life.session_id, now_us=NOW_US).around
    assert around is not None
    assert (around.region, around.elsewhere) == (Others(hit=2, there=2), Others(hit=0, there=3))


def test_a_session_that_told_no_region_is_compared_with_those_that_told_none(store_engine: Engine) -> None:
    life = dropped(there(region=None))
    fill(store_engine, [life, *crowd(3, region=None, hit=1), *crowd(2, 200)], now_us=NOW_US)
    around = Reader(store_engine).case(life.session_id, now_us=NOW_US).around
    assert around is not None
    assert (around.region, around.elsewhere) == (Others(hit=1, there=3), Others(hit=0, there=2))
