"""docs/errors.md, made from the tree of errors and the reasons of dead letters."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

from collector.errors import (
    BrokerError,
    CollectorError,
    ConfigError,
    GrafanaError,
    PacketError,
    RequestError,
    StoreError,
    tree,
)
from collector.ingest import decode
from session_core import wire

_HEAD: Final = """# Errors

Generated from `collector/errors/` by `make generate`.

An error is one line: what, where, what to do. Its code is a promise: logs carry it as `code`, refusals of the
[API](api.md) as `code` of problem+json. A command that cannot do what it was asked ends with exit code 2, `roomwatch
check` with 1 where it found something wrong.
"""

_SECTIONS: Final = (
    ("Settings and commands", ConfigError),
    ("The store", StoreError),
    ("Kafka", BrokerError),
    ("Questions to the API", RequestError),
    ("Grafana", GrafanaError),
    ("Support packets", PacketError),
)

_LETTERS: Final = """## Why a record is refused

A record that cannot be stored becomes a dead letter: untouched in the topic of dead letters, and a row of
`dead_letters`. [Operations](operations.md#dead-letters) says how to look at them. The reason is one of these, and the
label of `rtc_collector_dead_letters_total`.

| reason | meaning |
|---|---|
"""


def errors_page() -> str:
    """The page."""
    parts = [_HEAD]
    named: set[type[CollectorError]] = set()
    for title, root in _SECTIONS:
        parts.append(_section(title, list(tree(root))))
        named |= set(tree(root))
    rest = [error for error in tree() if error not in named and error is not CollectorError]
    if rest:
        parts.append(_section("The process", rest))
    parts.append(_LETTERS + "\n".join(f"| `{reason}` | {meaning} |" for reason, meaning in _reasons().items()) + "\n")
    return "\n".join(parts)


def _section(title: str, errors: list[type[CollectorError]]) -> str:
    rows = [f"| `{error.code}` | {_said(inspect.getdoc(error) or '')} | {_said(error.remedy)} |" for error in errors]
    return f"## {title}\n\n| code | meaning | what to do |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _said(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _reasons() -> dict[str, str]:
    """The closed list with what stands beside each of its words where the list is written."""
    commented = re.compile(r'^    "(?P<reason>[a-z0-9-]+)",  # (?P<meaning>.+)$', re.MULTILINE)
    sources = [Path(module.__file__ or "").read_text() for module in (wire, decode)]
    found = {one["reason"]: one["meaning"] for source in sources for one in commented.finditer(source)}
    return {reason: found[reason] for reason in decode.REASONS}
