"""What a share of few tells: intervals beside it, whether two differ, and how surely. Pure.

What is counted is taken as independent: where failures come together (a room, a region), intervals are too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, sqrt
from typing import Final, NamedTuple

Z_95: Final = 1.959963984540054
"""The normal distribution's quantile for 95 % on both sides."""

_NEGLIGIBLE: Final = 1e-17


class Share(NamedTuple):
    """`part` of `of`."""

    part: int
    of: int


def interval(count: int, of: int) -> tuple[float, float] | None:
    """Wilson's score interval at 95 % for `count` of `of`; None where there is nothing to be a share of.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927). Unlike the textbook's,
    it stays within 0 and 1, and says something for none of few.
    """
    if of <= 0:
        return None
    share, z2 = min(max(count / of, 0.0), 1.0), Z_95 * Z_95
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    reach = Z_95 / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def difference_interval(one: Share, other: Share) -> tuple[float, float] | None:
    """Newcombe's interval at 95 % for the share of `one` minus that of `other`; None where either is of nothing.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
    methods", Statistics in Medicine 17 (1998), method 10: made of Wilson's intervals of both.
    """
    ours, theirs = interval(*one), interval(*other)
    if ours is None or theirs is None:
        return None
    p, q = one.part / one.of, other.part / other.of
    return (
        p - q - sqrt((p - ours[0]) ** 2 + (theirs[1] - q) ** 2),
        p - q + sqrt((ours[1] - p) ** 2 + (q - theirs[0]) ** 2),
    )


def p_value(one: Share, other: Share) -> float:
    """How often chance alone parts two equal shares at least so far: twice the smaller tail of Fisher's exact test.

    R. A. Fisher, "The Design of Experiments" (1935), with the doubled tail, which errs on the side of no difference.
    """
    drawn, marked, whole = one.of, one.part + other.part, one.of + other.of
    lowest, highest = max(0, drawn + marked - whole), min(drawn, marked)
    if lowest == highest:
        return 1.0
    below = one.part * whole <= drawn * marked
    steps = range(one.part, lowest - 1, -1) if below else range(one.part, highest + 1)
    term = exp(
        _log_choose(marked, one.part) + _log_choose(whole - marked, drawn - one.part) - _log_choose(whole, drawn)
    )
    tail = 0.0
    for k in steps:
        tail += term
        if term <= tail * _NEGLIGIBLE:
            break
        up, down = (marked - k) * (drawn - k), (k + 1) * (whole - marked - drawn + k + 1)
        if below:
            up, down = k * (whole - marked - drawn + k), (marked - k + 1) * (drawn - k + 1)
        term *= up / down
    return min(1.0, 2 * tail)


def holm(p_values: Sequence[float]) -> list[float]:
    """The same, each adjusted for all that were looked at: below 0.05 in fewer than one such list in twenty by chance.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    adjusted, least = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = least
    return adjusted


def _log_choose(whole: int, part: int) -> float:
    return lgamma(whole + 1) - lgamma(part + 1) - lgamma(whole - part + 1)
