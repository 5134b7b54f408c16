"""Which round takes place in which scene: a few rounds share one; after one that failed comes a new one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.scene import Scene, Servers, scene

ROUNDS_A_SCENE: Final = 9
"""Few enough that reading the whole store after each stays cheap, and enough that starting collectors does."""


class Scenes:
    """Gives the scene of a round: a few rounds each, and a new one after a round that failed."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self._servers, self._folder = servers, folder
        self._stack = ExitStack()
        self._scene: Scene | None = None
        self._played = 0

    @contextmanager
    def round_of(self, seed: int) -> Iterator[Scene]:
        """The scene for the round of this seed."""
        if self._scene is None:
            folder = self._folder / str(seed)
            folder.mkdir()
            self._scene = self._stack.enter_context(scene(self._servers, folder, Random(seed)))
            self._played = 0
        here = self._scene
        self._scene = None
        try:
            yield here
        except BaseException:
            self.close()
            raise
        self._played += 1
        if self._played < ROUNDS_A_SCENE:
            self._scene = here
        else:
            self.close()

    def close(self) -> None:
        """Ends the scene."""
        self._scene = None
        self._stack.close()
