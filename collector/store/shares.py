"""What a share of few tells: an interval beside it, so that three of four is not taken for three quarters. Pure."""

from __future__ import annotations

from math import sqrt
from typing import Final

Z_95: Final = 1.959963984540054
"""The normal distribution's quantile for 95 % on both sides."""


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
