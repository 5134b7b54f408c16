"""Who may ask: `token` with create, list and revoke, `login-link`, and `audit`, which says what was done.

A secret goes to stdout, alone on its line, once; what is said about it goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from collector.cli.edge import DONE, Commands, add_configured, clock_us, positive, settings_of
from collector.errors import ConfigError
from collector.times import DAY_US

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from collector.settings import Settings
    from collector.store.secret_text import TokenText
    from collector.store.tokens import Token

TOKEN: Final = "make, list and revoke the tokens with which the API is asked"  # noqa: S105 - a text
LINK: Final = "make a link that logs one person in to the pages, once, within ten minutes"
AUDIT: Final = "list what was done with tokens, logins, exports and erasures"
SCOPES: Final = ("read", "metrics", "export", "ingest", "admin")
SCOPE: Final = (
    "what it allows: read (questions and pages), metrics (/metrics alone), export (exports), ingest (Alertmanager's "
    "webhook), admin (all); may be repeated"
)
NAME_MAX: Final = 100


def add(commands: Commands, *, whole: bool) -> None:
    """Adds the commands to the grammar."""
    tokens = commands.add_parser("token", help=TOKEN, description=f"{TOKEN.capitalize()}. See docs/access.md.")
    verbs = tokens.add_subparsers(title="verbs", metavar="VERB", required=True)
    create = add_configured(verbs, "create", _create, "make a token; its secret is shown once", whole=whole)
    create.add_argument("label", type=_name, metavar="NAME", help="for whom or what it is, as the list will show it")
    create.add_argument("--scope", action="append", choices=SCOPES, required=True, help=SCOPE)
    create.add_argument("--expires", type=_days, metavar="DAYS", help="after so many days, such as 90d; else never")
    create.add_argument(
        "--from-file",
        type=Path,
        metavar="FILE",
        help="keep the token that this file holds, instead of a new one; does nothing where it is kept already",
    )
    listed = add_configured(verbs, "list", _list, "every token, without its secret", whole=whole)
    listed.add_argument("--format", choices=("text", "json"), default="text", help="json: one object a line")
    revoke = add_configured(verbs, "revoke", _revoke, "let a token open nothing any more", whole=whole)
    revoke.add_argument("token_id", metavar="ID", help="as the list shows it: the part between rw_ and the next _")
    link = add_configured(commands, "login-link", _login_link, LINK, whole=whole)
    link.add_argument("--label", type=_name, default="link", metavar="NAME", help="for whom it is")
    link.add_argument("--scope", action="append", choices=("read", "export"), help="default: both")
    link.add_argument("--url", metavar="URL", help="where the pages are, such as https://roomwatch.example")
    done = add_configured(commands, "audit", _audit, AUDIT, whole=whole)
    done.add_argument("--limit", type=positive, default=50, metavar="N", help="at most so many; default: %(default)s")
    done.add_argument("--format", choices=("text", "json"), default="text", help="json: one object a line")


def _create(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    import secrets  # noqa: PLC0415 - see the package's docstring

    from collector.store.audit import COMMAND_LINE, entry  # noqa: PLC0415
    from collector.store.secret_text import SALT_BYTES, new_token, slow_hash  # noqa: PLC0415
    from collector.store.tokens import Tokens, new_row  # noqa: PLC0415

    text = new_token(secrets.token_bytes) if told.from_file is None else _read(told.from_file)
    now_us = clock_us()
    expires_at = None if told.expires is None else now_us + told.expires * DAY_US
    row = new_row(text, told.label, told.scope, now_us, expires_at)
    with _opened(settings) as engine:
        tokens = Tokens(engine)
        if told.from_file is not None and (there := tokens.find(text.token_id)) is not None:
            print(f"token {text.token_id} is {there.token.state(now_us)} already, as {there.token.name!r}")
            return DONE
        facts = {"token": text.token_id, "name": told.label, "scopes": row.scopes}
        made = entry("token.created", COMMAND_LINE, facts, at_us=now_us, chance=secrets.token_bytes)
        tokens.add(row, slow_hash(text.secret, secrets.token_bytes(SALT_BYTES)), made)
    ends = "never expires" if expires_at is None else f"expires on {_time(expires_at)}"
    if told.from_file is None:
        print(f"token {text.token_id} for {told.label!r}, {', '.join(row.scopes)}, {ends}:", file=sys.stderr)
        print(text.whole)
        print("It is not shown again. Send it as: Authorization: Bearer rw_…", file=sys.stderr)
    else:
        print(f"token {text.token_id} is kept for {told.label!r}, {', '.join(row.scopes)}, {ends}")
    return DONE


def _list(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    from collector.store.tokens import Tokens  # noqa: PLC0415 - see the package's docstring

    now_us = clock_us()
    with _opened(settings) as engine:
        tokens = Tokens(engine).all()
    if told.format == "json":
        for token in tokens:
            print(json.dumps(_told(token, now_us)))
    elif not tokens:
        print("no tokens; `roomwatch token create NAME --scope read` makes one")
    else:
        rows: list[tuple[str, ...]] = [("ID", "NAME", "SCOPES", "STATE", "MADE", "EXPIRES", "LAST USED")]
        rows += [
            (one.token_id, one.name, ",".join(one.scopes), one.state(now_us), *map(_time, _times(one)))
            for one in tokens
        ]
        print(_columns(rows))
    return DONE


def _revoke(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    import secrets  # noqa: PLC0415 - see the package's docstring

    from collector.store.audit import COMMAND_LINE, entry  # noqa: PLC0415
    from collector.store.tokens import Tokens  # noqa: PLC0415

    facts = {"token": told.token_id}
    with _opened(settings) as engine:
        done = entry("token.revoked", COMMAND_LINE, facts, at_us=clock_us(), chance=secrets.token_bytes)
        token = Tokens(engine).revoke(told.token_id, done)
    if token.revoked_at == done.at_us:
        print(f"token {token.token_id} ({token.name}) is revoked; within a minute it opens nothing any more")
    else:
        print(f"token {token.token_id} ({token.name}) was revoked on {_time(token.revoked_at)} already")
    return DONE


def _login_link(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    import secrets  # noqa: PLC0415 - see the package's docstring

    from collector.store.audit import COMMAND_LINE, entry  # noqa: PLC0415
    from collector.store.logins import LINK_US, Login, Logins  # noqa: PLC0415
    from collector.store.secret_text import digest, new_secret  # noqa: PLC0415

    secret, now_us = new_secret(secrets.token_bytes), clock_us()
    scopes = tuple(told.scope or ("read", "export"))
    login = Login("link", told.label, scopes, None, now_us, now_us + LINK_US, now_us)
    facts = {"name": told.label, "scopes": scopes}
    with _opened(settings) as engine:
        made = entry("login-link.created", COMMAND_LINE, facts, at_us=now_us, chance=secrets.token_bytes)
        Logins(engine).add(digest(secret), login, made)
    print(f"{_url(told.url, settings)}/login?link={secret}")
    print("It works once, within ten minutes.", file=sys.stderr)
    return DONE


def _audit(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    from collector.store.audit import Audit  # noqa: PLC0415 - see the package's docstring

    with _opened(settings) as engine:
        entries = Audit(engine).newest(told.limit)
    if told.format == "json":
        for one in entries:
            print(json.dumps({"at": _time(one.at_us), "event": one.event, "actor": one.actor, **one.facts}))
    elif not entries:
        print("nothing was done yet")
    else:
        rows = [("AT", "WHAT", "BY", "FACTS")]
        rows += [(_time(one.at_us), one.event, one.actor, _facts(one.facts)) for one in entries]
        print(_columns(rows))
    return DONE


@contextmanager
def _opened(settings: Settings) -> Iterator[Engine]:
    from collector.store.engine import make_engine, require_schema  # noqa: PLC0415 - see the package's docstring

    engine = make_engine(settings.database_url.get_secret_value())
    try:
        require_schema(engine)
        yield engine
    finally:
        engine.dispose()


def _read(path: Path) -> TokenText:
    """The token that a file holds. Raises ConfigError, which shows nothing of what is in it."""
    from collector.store.secret_text import token_of  # noqa: PLC0415 - see the package's docstring

    try:
        found = token_of(path.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("--from-file", f"cannot be read: {error}", value=str(path)) from None
    if found is None:
        why = "holds no token: rw_, 12 hexadecimal digits, _ and at least 43 characters of base64url drawn at random"
        raise ConfigError("--from-file", why, value=str(path))
    return found


def _url(told: str | None, settings: Settings) -> str:
    if told is not None:
        return told.rstrip("/")
    host = settings.http_host if settings.http_host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 - asked for
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}"


def _told(token: Token, now_us: int) -> dict[str, Any]:
    times = zip(("created_at", "expires_at", "used_at", "revoked_at"), (*_times(token), token.revoked_at), strict=True)
    told: dict[str, Any] = {"token_id": token.token_id, "name": token.name, "scopes": token.scopes}
    return {**told, "state": token.state(now_us), **{name: at and _time(at) for name, at in times}}


def _times(token: Token) -> tuple[int | None, ...]:
    return (token.created_at, token.expires_at, token.used_at)


def _facts(facts: Any) -> str:
    return " ".join(f"{name}={','.join(value) if isinstance(value, list) else value}" for name, value in facts.items())


def _time(at_us: int | None) -> str:
    from session_core.instants import utc_from_us  # noqa: PLC0415 - see the package's docstring

    return "-" if at_us is None else f"{utc_from_us(at_us):%Y-%m-%dT%H:%M:%SZ}"


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _name(text: str) -> str:
    if not text.strip() or len(text) > NAME_MAX or not text.isprintable():
        raise argparse.ArgumentTypeError(f"a name has 1 to {NAME_MAX} printable characters")
    return text.strip()


def _days(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,4})d?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is no number of days, such as 90d")
    return int(found[1])
