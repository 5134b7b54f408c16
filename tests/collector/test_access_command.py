"""`roomwatch token`, `login-link` and `audit` as people meet them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from collector.cli import execute
from collector.store.engine import make_engine, migrate
from collector.store.secret_text import is_secret, token_of
from collector.store.tokens import Tokens
from tests.stage import roomwatch

GIVEN = f"rw_{'0a' * 6}_{'k' * 43}"


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/store.db"
    engine = make_engine(made)
    migrate(engine)
    engine.dispose()
    return made


def test_a_token_is_shown_once_and_kept_as_a_hash(url: str) -> None:
    said = roomwatch("token", "create", "grafana", "--scope", "read", "--expires", "90d", database_url=url)
    assert said.returncode == 0
    made = token_of(said.stdout.strip())
    assert made is not None
    assert made.secret not in said.stderr
    listed = roomwatch("token", "list", database_url=url)
    assert re.search(rf"^{made.token_id}  grafana  read    live   20.+Z  20.+Z  -$", listed.stdout, re.MULTILINE)
    engine = make_engine(url)
    kept = Tokens(engine).find(made.token_id)
    with engine.connect() as connection:
        rows = str([connection.execute(text(f"SELECT * FROM {name}")).all() for name in ("api_tokens", "audit")])
    engine.dispose()
    assert kept is not None
    assert is_secret(made.secret, kept.secret_hash)
    assert made.secret not in rows


def test_a_token_that_is_revoked_is_listed_as_such(url: str) -> None:
    made = token_of(roomwatch("token", "create", "x", "--scope", "ingest", database_url=url).stdout.strip())
    assert made is not None
    revoked = roomwatch("token", "revoke", made.token_id, database_url=url)
    assert revoked.stdout == f"token {made.token_id} (x) is revoked; within a minute it opens nothing any more\n"
    (listed,) = roomwatch("token", "list", "--format", "json", database_url=url).stdout.splitlines()
    assert json.loads(listed)["state"] == "revoked"


def test_a_token_that_is_not_there_cannot_be_revoked(url: str) -> None:
    unknown = roomwatch("token", "revoke", "nobody", database_url=url)
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "roomwatch: there is no token 'nobody'; `roomwatch token list` shows those that there are\n",
    )


def test_a_token_of_a_file_is_kept_once(url: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{GIVEN}\n")
    create = ("token", "create", "prometheus", "--scope", "metrics", "--from-file", str(file))
    first, second = (roomwatch(*create, database_url=url) for _ in range(2))
    assert first.stdout == f"token {'0a' * 6} is kept for 'prometheus', metrics, never expires\n"
    assert second.stdout == f"token {'0a' * 6} is live already, as 'prometheus'\n"
    assert "kkk" not in first.stdout + first.stderr + second.stdout + second.stderr
    file.write_text("open sesame")
    refused = roomwatch(*create, database_url=url)
    assert refused.returncode == 2
    assert "holds no token: rw_, 12 hexadecimal digits" in refused.stderr
    assert "sesame" not in refused.stderr


def test_a_link_leads_to_the_login_page(url: str) -> None:
    said = roomwatch("login-link", database_url=url)
    assert re.fullmatch(r"http://127\.0\.0\.1:8787/login\?link=[\w-]{43}\n", said.stdout)
    named = roomwatch("login-link", "--url", "https://roomwatch.example/", database_url=url)
    assert named.stdout.startswith("https://roomwatch.example/login?link=")


def test_what_was_done_is_told_without_secrets(url: str) -> None:
    made = token_of(roomwatch("token", "create", "x", "--scope", "read", database_url=url).stdout.strip())
    link = roomwatch("login-link", "--label", "eva", database_url=url).stdout.rsplit("=", 1)[1].strip()
    assert made is not None
    shown = roomwatch("audit", database_url=url)
    told = [json.loads(line) for line in roomwatch("audit", "--format", "json", database_url=url).stdout.splitlines()]
    assert [{name: value for name, value in one.items() if name != "at"} for one in told] == [
        {"event": "login-link.created", "actor": "command line", "name": "eva", "scopes": ["read", "export"]},
        {"event": "token.created", "actor": "command line", "token": made.token_id, "name": "x", "scopes": ["read"]},
    ]
    assert [line.split()[1] for line in shown.stdout.splitlines()[1:]] == ["login-link.created", "token.created"]
    assert made.secret not in shown.stdout
    assert link not in shown.stdout


@pytest.mark.parametrize(
    "arguments",
    [("create", "x"), ("create", "x", "--scope", "all"), ("create", " ", "--scope", "read"), ("revoke",),
     ("create", "x", "--scope", "read", "--expires", "0")],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        execute(["token", *arguments])
    assert ended.value.code == 2
    assert "usage: roomwatch token" in capsys.readouterr().err
