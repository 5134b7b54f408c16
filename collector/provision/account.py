"""A service account with the least role that writes folders, dashboards and annotations, and a token of it in a file.

Data sources need Grafana's role Admin: whoever lets this account provision them leaves them to files, or to an
administrator's run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from collector.errors import ConfigError
from collector.provision.port import EDITOR, GrafanaPort

NAME: Final = "roomwatch"
_DAY_S: Final = 86_400


def make_account(port: GrafanaPort, file: Path, days: int, now_us: int, *, only_shown: bool) -> str:
    """Makes what is missing of it, and says what it did. The file must not be there: a token is not written over."""
    if file.exists():
        raise ConfigError("--service-account", "is there already; a token in it would be lost", value=str(file))
    account = port.account(NAME)
    if account is not None and account.role != EDITOR:
        why = (
            f"there is an account {NAME} with the role {account.role}, not {EDITOR}; change it in Grafana, or delete it"
        )
        raise ConfigError("--service-account", why)
    state = "is to be made" if account is None else "is there"
    if only_shown:
        return f"service account {NAME} ({EDITOR}) {state}; a token for {days} days would be written to {file}"
    # The file first: a token that cannot be written down would be lost, and go on to be valid.
    number = _create(file)
    try:
        made = account or port.create_account(NAME, EDITOR)
        content: dict[str, str | int] = {"name": f"{NAME}-{now_us // 1_000_000}", "secondsToLive": days * _DAY_S}
        token = port.create_token(made, content)
        with os.fdopen(number, "w") as written:
            number = -1
            written.write(token + "\n")
    except BaseException:
        file.unlink()
        raise
    finally:
        if number >= 0:
            os.close(number)
    state = "made" if account is None else "was there"
    return f"service account {NAME} ({EDITOR}) {state}; its new token, valid {days} days, is in {file} (mode 600)"


def _create(file: Path) -> int:
    try:
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError("--service-account", f"cannot be written: {error.strerror}", value=str(file)) from None
