"""Where outboxes lie: one folder for all processes that send to the same place.

The only place of this package that reads the environment: where a user's state belongs is told by it and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def default_folder(address: str) -> Path:
    """A folder of its own for each address, so that no process sends to another's Kafka.

    Below `$XDG_STATE_HOME/roomwatch`, else `~/.local/state/roomwatch`, else a temporary folder of this user's.
    """
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    state = os.environ.get("XDG_STATE_HOME")  # noqa: TID251 - see this module's docstring
    folder = (Path(state) if state and Path(state).is_absolute() else Path("~/.local/state").expanduser()) / "roomwatch"
    with suppress(OSError, RuntimeError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder / name
    return _temporary() / name


def _temporary() -> Path:
    """This user's, and nobody else's: anyone may have made a folder of that name. Raises PermissionError."""
    folder = Path(tempfile.gettempdir()) / f"roomwatch-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or folder.is_symlink():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder
