"""Randomness for tests: the same bytes for the same seed, never the same twice."""

from __future__ import annotations

import random


class Drawn:
    """What is handed in where the product takes `chance`."""

    def __init__(self, seed: int) -> None:
        self._drawn = random.Random(seed)

    def __call__(self, count: int) -> bytes:
        """So many bytes."""
        return self._drawn.randbytes(count)
