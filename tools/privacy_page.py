"""The table of docs/privacy.md: every field that leaves, why, and how to switch it off; its prose is written by hand.

A field of the wire without an entry here is a KeyError, so that nothing new leaves without a reason.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, get_args

import msgspec
from msgspec import Struct

from session_core import wire

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "privacy.md"

ALWAYS: Final = "always told: without it an event is none"
FOLLOWS: Final = "always told: it names nobody"
UNSAID: Final = "not told unless the application says it, in `Client(…)`"
NUMBERS: Final = "always told once joined; the transport may deliver another in `Joined`"
OTHERS: Final = "`Outbox(participants_max=0)`: nothing is told of others"

FIELDS: Final[dict[str, tuple[str, str]]] = {
    "id": ("tells an event from its repetition", ALWAYS),
    "source": ("names the session", ALWAYS),
    "type": ("what happened", ALWAYS),
    "time": ("when it happened", ALWAYS),
    "specversion": ("CloudEvents asks for it", ALWAYS),
    "datacontenttype": ("CloudEvents asks for it", ALWAYS),
    "dataschema": ("says which version of this table is spoken", ALWAYS),
    "data.session_id": ("one stay in one room: a number made of the moment and of chance, which names nobody", ALWAYS),
    "data.seq": ("shows gaps", ALWAYS),
    "data.previous_session_id": (
        "links a rejoin to what it replaces",
        "not told unless it is given: `connect(previous_session_id=…)`",
    ),
    "data.room_sid": ("finds the others of a room: the server's number", NUMBERS),
    "data.room_name": ("finds a room as people call it", "`Outbox(room_name=left_out)`, or `hashed(key)`"),
    "data.participant_sid": ("finds a participant in the server's own logs: the server's number", NUMBERS),
    "data.identity": ("answers whose call it was", "`Outbox(identity=left_out)`, or `hashed(key)`"),
    "data.from_state": ("what changed", FOLLOWS),
    "data.to_state": ("what changed", FOLLOWS),
    "data.subject_sid": ("whom a participant.* is about: the server's number, never the identity", OTHERS),
    "data.error.code": ("what broke", FOLLOWS),
    "data.error.name": ("the code in words, of the catalogue", FOLLOWS),
    "data.error.message": (
        "what a server says beside a code that is not in the catalogue, in its own words, which may hold anything",
        "off; `Outbox(error_texts=True)` switches it on",
    ),
    "data.error.origin": ("who decided", FOLLOWS),
    "data.error.vendor": ("the SDK that was observed", FOLLOWS),
    "data.error.vendor_code": ("that SDK's own code", FOLLOWS),
    "data.origin": ("who ended the session, where no error says it", FOLLOWS),
    "data.reason": ("why this side left: one of five words", FOLLOWS),
    "data.outage": ("which link was down, and for how long", FOLLOWS),
    "data.totals": ("the session so far", FOLLOWS),
    "data.lost": ("what could not be kept, as counts", FOLLOWS),
    "data.token": ("when the access token expires, and its life; never the token", "an opaque token tells neither"),
    "data.policy": ("how long the room tries", FOLLOWS),
    "data.client.sdk": ("which software", UNSAID),
    "data.client.sdk_version": ("which software", UNSAID),
    "data.client.app_version": ("which software", UNSAID),
    "data.client.platform": ("a kind of machine; not a user agent", UNSAID),
    "data.client.network_type": ("wifi, cellular …", UNSAID),
    "data.client.region": ("tells one region's incident from all", UNSAID),
    "data.client.media_region": ("tells one region's incident from all", UNSAID),
    "data.sent_at": ("corrects the client's clock", ALWAYS),
}

WHOLE: Final = frozenset({"outage", "totals", "lost", "token", "policy"})
"""Objects of numbers and moments alone, whose fields share one reason."""


def privacy_page() -> str:
    """The page as it stands, with its table made anew."""
    part = re.compile(r"(?<=<!-- generated: fields -->\n).*?(?=<!-- end -->)", re.DOTALL)
    return part.sub(lambda _: table(), PAGE.read_text())


def table() -> str:
    """A row for every field that wire.py can write."""
    lines = ["| field | why it leaves | how to switch it off |", "| --- | --- | --- |"]
    lines += [f"| `{path}` | {FIELDS[path][0]} | {FIELDS[path][1]} |" for path in paths()]
    return "\n".join(lines) + "\n"


def paths() -> list[str]:
    """Every field of a message, the fields of the objects in `data` each by itself but for those of WHOLE."""
    names = [field.name for field in msgspec.structs.fields(wire.Message) if field.name != "data"]
    for field in msgspec.structs.fields(wire.Data):
        inner = next((it for it in get_args(field.type) if isinstance(it, type) and issubclass(it, Struct)), None)
        if inner is None or field.name in WHOLE:
            names.append(f"data.{field.name}")
        else:
            names += [f"data.{field.name}.{it.name}" for it in msgspec.structs.fields(inner)]
    return names
