"""A small file system of its own for the databases of a test, which can be filled to the last byte and emptied again.

It is mounted in memory, which takes the right to mount.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from tests.servers.processes import make_folder, remove_folder

SIZE_MB: Final = 160
MISSING_RIGHT: Final = (
    "THE FAULT TESTS CANNOT MOUNT A SMALL FILE SYSTEM, so a full disk cannot be tried here. Run them as root, "
    "in a container with --cap-add SYS_ADMIN, or inside: unshare --user --map-root-user --mount"
)


class SmallDisk:
    """`folder` lies on it; gone after `with`."""

    def __init__(self) -> None:
        self._mounted = make_folder("small-disk")
        self.folder = self._mounted / "tablespace"
        self._filler = self._mounted / "filler"

    def __enter__(self) -> Self:
        how = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=755", "tmpfs", str(self._mounted)]
        done = subprocess.run(how, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            remove_folder(self._mounted)
            raise PermissionError(f"{MISSING_RIGHT} ({done.stderr.strip()})")
        self.folder.mkdir()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Lazily: what is still open there goes with its process.
        subprocess.run(["umount", "--lazy", str(self._mounted)], check=True)
        remove_folder(self._mounted)

    def fill(self) -> None:
        """Leaves no block free."""
        with self._filler.open("wb") as file:
            while (free := os.statvfs(self._mounted)).f_bavail:
                with suppress(OSError):  # the database took some of it meanwhile
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free.f_bavail * free.f_bsize)

    def free(self) -> None:
        """Gives back what `fill` took."""
        self._filler.unlink(missing_ok=True)
