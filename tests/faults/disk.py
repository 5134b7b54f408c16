"""A disk that is full: a small file system for the databases of a test, filled to the last byte and emptied again.

It is mounted in memory, which takes the right to mount. Without that, the sessions that the database has are not
allowed to write any more: PostgreSQL then has no room for its log, gives up, and recovers by itself.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from tests.servers.postgresql import PostgreSQL
from tests.servers.processes import make_folder, remove_folder

SIZE_MB: Final = 160
MISSING_RIGHT: Final = (
    "NO RIGHT TO MOUNT A SMALL FILE SYSTEM: instead of a full disk, the database's sessions are forbidden to write. "
    "Run the tests as root, in a container with --cap-add SYS_ADMIN, to try the real thing."
)


class SmallDisk:
    """Where `database`, which need not run yet, has its tablespace: in `folder`; gone after `with`."""

    def __init__(self, database: PostgreSQL) -> None:
        self._database = database
        self._place = make_folder("small-disk")
        self.folder = self._place / "tablespace"
        self._filler = self._place / "filler"
        self.missing_right = ""
        """Why it is no file system of its own; empty where it is."""

    def __enter__(self) -> Self:
        how = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=755", "tmpfs", str(self._place)]
        done = subprocess.run(how, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.missing_right = f"{MISSING_RIGHT} ({done.stderr.strip()})"
            self._place.chmod(0o755)
        self.folder.mkdir()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        remove_folder(self._place)

    def fill(self) -> None:
        """Leaves no room to write to."""
        if self.missing_right:
            self._database.forbid_writing()
            return
        with self._filler.open("wb") as file:
            while (free := os.statvfs(self._place)).f_bavail:
                with suppress(OSError):  # the database took some of it meanwhile
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free.f_bavail * free.f_bsize)

    def free(self) -> None:
        """Gives back what `fill` took."""
        self._filler.unlink(missing_ok=True)
