"""Where intervals are drawn."""

from collector.api.intervals import Drawn, Scale, drawn, scale_of
from collector.store.reader_releases import Pair, Seen, judged
from collector.store.shares import Share

NOTHING = Pair(Share(0, 0), Share(0, 0))


def test_the_scale_begins_below_the_lowest_interval_that_tells_something() -> None:
    worse = Seen("2", 0, 9, (Pair(Share(900, 1_000), Share(9_900, 10_000)), NOTHING, NOTHING))
    few = Seen("3", 0, 9, (Pair(Share(1, 4), Share(9_900, 10_000)), NOTHING, NOTHING))
    scale = scale_of(one.drop_free for one in judged([worse, few]))
    assert (scale.floor, [place for place, _ in scale.ticks]) == (0.8, [0, 50, 100])
    assert scale_of([]).floor == 0


def test_an_interval_is_cut_where_it_is_below_the_scale() -> None:
    scale = Scale(0.8, ())
    assert drawn(0.85, 0.9, 0.95, scale) == Drawn(25.0, 50.0, 50.0)
    assert drawn(0.4, 0.7, 0.9, scale) == Drawn(0.0, 50.0, 0.0)
    assert drawn(None, None, None, scale) is None
