"""The values that ingestion hands on for every event, as msgspec's own structs: cheap to make, and small.

They stand in a file of their own because mypyc, which may compile the files that use them, would make other classes of
them, without what msgspec knows of their fields.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from session_core import wire


class Told(msgspec.Struct, frozen=True, gc=False):
    """An event that can be merged: the message, `n` of its id, its two client times in µs since 1970."""

    message: wire.Message
    n: int
    at: int
    sent_at: int
    unknown_fields: int


class Difference(msgspec.Struct, frozen=True, gc=False):
    """A fact that rollups and metrics have to add (`sign` 1) or to take back (-1).

    `at_us` is corrected time. `number` is the outage's, 0 for facts of the session. `restates`: the same thing was told
    before and has another date, sum or dimension now; rollups take such pairs, counters of what happened do not.
    What `a` to `d` are is the kind's: docs/store.md.
    """

    kind: str
    sign: int
    at_us: int
    code: int
    phase: str
    cause: str
    outcome: str
    fate: str
    region: str
    sdk: str
    sdk_version: str
    app_version: str
    a: int
    b: int
    c: int
    d: int
    session_id: UUID
    number: int
    restates: bool


class Extra(msgspec.Struct, omit_defaults=True, gc=False):
    """The documents that no question goes by, and what the catalogue does not say of an error."""

    policy: wire.PolicyData | None = None
    client: wire.ClientData | None = None
    token: wire.TokenData | None = None
    error: dict[str, Any] | None = None


class SeqOnly(msgspec.Struct):
    """The seq of an event that may be wrong in everything else."""

    seq: int


class Peek(msgspec.Struct):
    """Where it stands."""

    data: SeqOnly
