"""`erase`: takes a person out of the store. Says what it would do; does it with --apply."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.cli.edge import DONE, FOUND, Commands, add_configured, clock_us, settings_of
from collector.errors import ExtraMissing

if TYPE_CHECKING:
    from collector.store.erasure import Found

TEXT: Final = "say what names a participant in the store; take it away with --apply"
ABOUT: Final = """\
Says what names a participant in the store, and changes nothing; with --apply takes it away, in one transaction.

Identity and participant SID go from sessions and events, the words of servers from events, dead letters that name them
as a whole. Sessions stay, nameless: they are counted, and they know what they received, so that reading it again
changes nothing. docs/privacy.md says what is not in the store: the topic, backups, archives.
Exit codes: 0 done; 1 done, and something still names them or goes on; 2 cannot be done as asked.
"""
TOPIC_STILL: Final = """\
The topic still has their events until its own retention drops them. A replay into this store brings no name back while
their sessions are here. Into an emptied one, or after sessions aged out before the topic did, it does: erase again."""


def add(commands: Commands, *, whole: bool) -> None:
    """Adds the command to the grammar."""
    sub = add_configured(commands, "erase", _erase, TEXT, whole=whole)
    sub.description = ABOUT
    sub.add_argument(
        "--participant",
        required=True,
        metavar="NAME",
        help="identity or participant SID; where clients hash identities, the hash, or with identity_key the identity",
    )
    sub.add_argument("--room", metavar="ROOM", help="in this room alone, by SID or name")
    sub.add_argument("--archive", type=Path, metavar="DIR", help="an archive of days: say which of them name them")
    sub.add_argument("--apply", action="store_true", help="take it away; without this, nothing is")


def _erase(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    import secrets  # noqa: PLC0415 - see the package's docstring

    from collector.settings import identity_key_of  # noqa: PLC0415
    from collector.store.audit import COMMAND_LINE, entry  # noqa: PLC0415
    from collector.store.engine import make_engine, require_schema  # noqa: PLC0415
    from collector.store.erasure import Erasure, Person  # noqa: PLC0415
    from collector.store.url import masked  # noqa: PLC0415
    from session_core.identity import hashed  # noqa: PLC0415

    key = identity_key_of(settings)
    person = Person(told.participant, told.room)
    engine = make_engine(settings.database_url.get_secret_value())
    try:
        require_schema(engine)
        erasure = Erasure(engine, hashed(key) if key else None)
        if told.apply:
            done = entry("erase", COMMAND_LINE, {}, at_us=clock_us(), chance=secrets.token_bytes)
            found = erasure.erase(person, done)
        else:
            found = erasure.find(person)
        print(f"{masked(engine.url)}:")
    finally:
        engine.dispose()
    print(_said(found, applied=told.apply))
    left = _archived(told.archive, {*erasure.names(person), *found.sids}) if told.archive is not None else 0
    if told.apply:
        print(TOPIC_STILL)
    elif any((found.sessions, found.events_of_others, found.dead_letters)):
        print("nothing was changed; --apply does it")
    return FOUND if left or (told.apply and found.going_on) else DONE


def _said(found: Found, *, applied: bool) -> str:
    removed, deleted = ("removed", "deleted") if applied else ("would be removed", "would be deleted")
    rows = (
        ("sessions", found.sessions, f"identity and participant SID {removed}"),
        ("events", found.events, f"participant SID and words of servers {removed}"),
        ("events of others", found.events_of_others, f"the SID that they are about {removed}"),
        ("dead letters", found.dead_letters, deleted),
    )
    lines = [f"  {name:<17} {count:>9,}  {what}" for name, count, what in rows]
    if found.going_on:
        lines.append(f"{found.going_on:,} of the sessions go on, and will be told more of: erase again when they ended")
    return "\n".join(lines)


def _archived(folder: Path, names: Collection[str]) -> int:
    """Says which days of an archive hold a name, and how many do."""
    try:
        from collector.archive import Archive  # noqa: PLC0415 - see the package's docstring
    except ModuleNotFoundError as error:
        raise ExtraMissing("erase --archive", "archive", error.name or "pyarrow") from None
    archive = Archive(folder)
    days = archive.naming(names)
    for day in days:
        print(f"{day}: {archive.path(day)} names them; remove that directory, then `roomwatch archive {folder}`")
    if not days:
        print(f"no day in {folder} names them")
    return len(days)
