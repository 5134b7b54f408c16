"""Percentiles by the nearest rank, out of how often each value occurred: values that really did occur. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def rank_of(count: int, percent: int) -> int:
    """At which of `count` values in order, from 1, a percentile stands."""
    return (count * percent + 99) // 100


def at_rank(counts: Mapping[int, int], rank: int) -> tuple[int, int]:
    """The value that the rank-th of all has, and its rank among those that have it.

    Raises ValueError where there are fewer.
    """
    rest = rank
    for value in sorted(counts):
        if rest <= counts[value]:
            return value, rest
        rest -= counts[value]
    raise ValueError(f"of {sum(counts.values())} none is number {rank}")
