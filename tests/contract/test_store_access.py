"""Both stores keep tokens, logins and the audit as they are told, and no secret."""

import pytest
from sqlalchemy import Engine, text

from collector.errors import TokenNotFound, TooManyTokens
from collector.store.audit import ROWS_MAX, Audit, Entry, entry
from collector.store.logins import IDLE_US, LASTS_US, LINK_US, Login, Logins
from collector.store.retention import DAY_US
from collector.store.secret_text import TokenText, digest, is_secret, new_secret, new_token, slow_hash, token_of
from collector.store.tokens import GONE_US, TOKENS_MAX, Token, Tokens, grants, new_row
from tests.pages.scene import NOW_US
from tests.secrets_drawn import Drawn


def done(event: str = "login", at_us: int = NOW_US) -> Entry:
    return entry(event, "tests", {}, at_us=at_us, chance=Drawn(at_us))


def token(number: int, created_at: int = NOW_US, expires_at: int | None = None) -> Token:
    return Token(f"{number:012x}", "grafana", ("read",), created_at, expires_at)


def login(kind: str = "session", at_us: int = NOW_US, token_id: str | None = None) -> Login:
    lasts_us = LINK_US if kind == "link" else LASTS_US
    return Login(kind, "eva", ("read", "export"), token_id, at_us, at_us + lasts_us, at_us)


def test_a_token_is_told_from_another_text_and_shows_no_secret() -> None:
    made = new_token(Drawn(1))
    assert token_of(made.whole) == made
    assert made.secret not in f"{made} {made!r}"
    for text_ in ("", "rw_", made.whole[:-1], f"{made.whole}!", made.whole.replace("rw_", "rx_"), f" {made.whole}"):
        assert token_of(text_) is None


def test_a_hash_opens_for_its_secret_alone_and_holds_nothing_of_it() -> None:
    secret = new_secret(Drawn(2))
    kept = slow_hash(secret, b"salt of 16 bytes")
    assert kept.startswith("scrypt$16384$8$")
    assert secret not in kept
    assert (is_secret(secret, kept), is_secret(f"{secret}A", kept)) == (True, False)
    assert slow_hash(secret, b"another 16 bytes") != kept


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (("ingest",), {"ingest"}),
        (("read",), {"read", "metrics"}),
        (("metrics", "export"), {"metrics", "export"}),
        (("admin",), {"read", "metrics", "export", "ingest", "admin"}),
        ((), set()),
    ],
)
def test_scopes_allow_what_follows_from_them(scopes: tuple[str, ...], allowed: set[str]) -> None:
    assert grants(scopes) == allowed


def test_tokens_are_listed_found_and_revoked(store_engine: Engine) -> None:
    tokens = Tokens(store_engine)
    tokens.add(token(1), "hash 1", done("token.created"))
    tokens.add(token(2, NOW_US + 1, NOW_US + DAY_US), "hash 2", done("token.created", NOW_US + 1))
    assert tokens.all() == [token(2, NOW_US + 1, NOW_US + DAY_US), token(1)]
    assert tokens.find("000000000001") == (token(1), "hash 1")
    assert tokens.find("nobody") is None
    revoked = tokens.revoke("000000000001", done("token.revoked", NOW_US + 5))
    assert (revoked.revoked_at, revoked.state(NOW_US)) == (NOW_US + 5, "revoked")
    again = tokens.revoke("000000000001", done("token.revoked", NOW_US + 9))
    assert again.revoked_at == NOW_US + 5
    with pytest.raises(TokenNotFound, match="nobody"):
        tokens.revoke("nobody", done("token.revoked", NOW_US + 11))
    assert [one.event for one in Audit(store_engine).newest(9)] == ["token.revoked", "token.created", "token.created"]


def test_a_store_knows_whether_any_token_opens_something(store_engine: Engine) -> None:
    tokens = Tokens(store_engine)
    found = [tokens.is_any_live(NOW_US)]
    tokens.add(token(1, expires_at=NOW_US + 10), "hash", done("token.created"))
    found += [tokens.is_any_live(NOW_US), tokens.is_any_live(NOW_US + 10)]
    tokens.add(token(2), "hash", done("token.created", NOW_US + 1))
    found.append(tokens.is_any_live(NOW_US + 10))
    tokens.revoke("000000000002", done("token.revoked", NOW_US + 2))
    found.append(tokens.is_any_live(NOW_US + 10))
    assert found == [False, True, False, True, False]


def test_last_use_only_ever_moves_on(store_engine: Engine) -> None:
    tokens = Tokens(store_engine)
    tokens.add(token(1), "hash", done("token.created"))
    for at_us in (NOW_US + 60, NOW_US + 30):
        tokens.note_used({"000000000001": at_us, "000000000009": at_us})
    assert [one.used_at for one in tokens.all()] == [NOW_US + 60]


def test_tokens_that_are_gone_for_long_make_room_and_there_are_never_too_many(store_engine: Engine) -> None:
    tokens = Tokens(store_engine)
    tokens.add(token(1), "hash", done("token.created"))
    with store_engine.begin() as connection:
        for number in range(2, TOKENS_MAX + 1):
            connection.execute(
                text(
                    "INSERT INTO api_tokens (token_id, name, scopes, secret_hash, created_at, expires_at)"
                    " SELECT :id, name, scopes, secret_hash, created_at, created_at FROM api_tokens"
                    " WHERE token_id = '000000000001'"
                ),
                {"id": f"{number:012x}"},
            )
    with pytest.raises(TooManyTokens):
        tokens.add(token(5_000), "hash", done("token.created", NOW_US + 1))
    late_us = NOW_US + GONE_US + 1
    tokens.add(token(5_001, late_us), "hash", done("token.created", late_us))
    assert [one.token_id for one in tokens.all()] == [f"{5_001:012x}", f"{1:012x}"]


def test_a_link_opens_once_and_not_too_late(store_engine: Engine) -> None:
    logins = Logins(store_engine)
    for number in (1, 2):
        logins.add(digest(f"{number}"), login("link"), done("login-link.created", NOW_US + number))
    assert logins.find(digest("1"), NOW_US) is None
    assert logins.redeem(digest("1"), NOW_US + LINK_US - 1) == login("link")
    assert logins.redeem(digest("1"), NOW_US) is None
    assert logins.redeem(digest("2"), NOW_US + LINK_US) is None
    assert logins.redeem(digest("3"), NOW_US) is None


def test_a_session_ends_idle_after_its_time_or_by_leaving(store_engine: Engine) -> None:
    logins = Logins(store_engine)
    logins.add(digest("s"), login(), done())
    assert logins.find(digest("s"), NOW_US + IDLE_US - 1) == login()
    assert logins.find(digest("s"), NOW_US + IDLE_US) is None
    for step in range(1, 20):
        logins.note_seen({digest("s"): NOW_US + step * (IDLE_US - 1)})
    assert logins.find(digest("s"), NOW_US + LASTS_US - 1) is not None
    assert logins.find(digest("s"), NOW_US + LASTS_US) is None
    logins.end(digest("s"), done("logout", NOW_US + 1))
    logins.end(digest("s"), done("logout", NOW_US + 2))
    assert logins.find(digest("s"), NOW_US) is None
    assert [one.event for one in Audit(store_engine).newest(9)] == ["logout", "login"]


def test_a_session_ends_with_the_token_that_opened_it(store_engine: Engine) -> None:
    tokens, logins = Tokens(store_engine), Logins(store_engine)
    tokens.add(token(1, expires_at=NOW_US + 100), "hash", done("token.created"))
    tokens.add(token(2), "hash", done("token.created", NOW_US + 1))
    for number in (1, 2, 3):
        logins.add(digest(f"{number}"), login(token_id=f"{number:012x}"), done("login", NOW_US + 10 + number))
    tokens.revoke("000000000002", done("token.revoked", NOW_US + 20))
    found = {at: [logins.find(digest(f"{n}"), NOW_US + at) is not None for n in (1, 2, 3)] for at in (99, 100)}
    assert found == {99: [True, False, False], 100: [False, False, False]}


def test_what_has_ended_is_deleted_when_the_next_login_begins(store_engine: Engine) -> None:
    logins = Logins(store_engine)
    logins.add(digest("old"), login(), done())
    late_us = NOW_US + IDLE_US
    logins.add(digest("new"), login(at_us=late_us), done("login", late_us))
    with store_engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM logins")).scalar() == 1


def test_the_audit_keeps_the_newest(store_engine: Engine) -> None:
    audit = Audit(store_engine)
    audit.add([done("export", NOW_US + number) for number in range(ROWS_MAX + 3)])
    audit.add([])
    with store_engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit")).scalar() == ROWS_MAX
    assert audit.newest(1)[0].at_us == NOW_US + ROWS_MAX + 2


def test_what_is_no_event_of_the_audit_is_refused() -> None:
    with pytest.raises(ValueError, match="party"):
        done("party")


def test_a_new_row_has_its_scopes_in_one_order() -> None:
    made = new_row(TokenText("ab", "s"), "n", ["export", "read", "read"], 1, None)
    assert made == Token("ab", "n", ("read", "export"), 1)
