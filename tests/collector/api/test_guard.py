"""Who may ask what, where others can reach the address and where they cannot."""

import logging
from typing import Any

import pytest
from sqlalchemy import Engine

from collector.api.attempts import ADDRESSES_MAX, FAILURES_MAX, Attempts
from collector.api.describing import call_of
from collector.api.guard import is_loopback, own, scope_of
from collector.api.pages import login
from collector.store.audit import entry
from tests.collector.api.doors import House, bearer
from tests.collector.api.test_alertmanager import told
from tests.pages.scene import NOW_US

TOLD = "/api/v1/incidents/alertmanager"
SESSIONS = "/api/v1/sessions"
MINUTE_US = 60_000_000
DOOR = {"401", "403", "429"}
WRONG = f"rw_{'0' * 12}_{'A' * 43}"


@pytest.fixture
def house(empty_engine: Engine) -> House:
    return House(empty_engine)


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/healthz", None), ("/readyz", None), ("/login", None), ("/logout", None), ("/static/page.css", None),
        (TOLD, None), ("/metrics", "metrics"), ("/api/v1/exports", "export"), ("/api/v1/exports/sessions", "export"),
        ("/api/v1/exportsome", "read"), ("/", "read"), ("/docs", "read"), ("/fragments/now", "read"),
        ("/api/v1/openapi.json", "read"), ("/loginx", "read"), ("/nothing", "read"),
    ],
)  # fmt: skip
def test_every_path_but_a_few_asks_for_a_scope(path: str, scope: str | None) -> None:
    assert scope_of(path) == scope


@pytest.mark.parametrize(
    ("scopes", "answers"),
    [
        ((), [401, 401, 401, 401]),
        (("read",), [200, 200, 403, 403]),
        (("metrics",), [403, 200, 403, 403]),
        (("export",), [403, 403, 422, 403]),
        (("ingest",), [403, 403, 403, 200]),
        (("admin",), [200, 200, 422, 200]),
    ],
)
async def test_a_token_opens_what_its_scopes_say(house: House, scopes: tuple[str, ...], answers: list[int]) -> None:
    headers = bearer(house.token(*scopes)) if scopes else {}
    async with house.client(**headers) as client:
        found = [(await client.get(path)).status_code for path in (SESSIONS, "/metrics", "/api/v1/exports/none")]
        found.append((await client.post(TOLD, content=told())).status_code)
    assert found == answers


async def test_whoever_is_turned_away_is_answered_as_the_description_says(house: House) -> None:
    described = house.app.openapi()["paths"]
    others, right = bearer(house.token("metrics")), bearer(house.token("read"))
    async with house.client() as client:
        for path, verbs in described.items():
            for method, verb in verbs.items():
                asked = call_of(path, verb).partition("?")[0]
                told = {status: answer["content"] for status, answer in verb["responses"].items() if status in DOOR}
                if scope_of(path) is None:
                    assert told.keys() == (DOOR if path == TOLD else set()), path
                    continue
                answers = [await client.request(method, asked)]
                if path == "/metrics":
                    assert (await client.get(path, headers=others)).status_code == 200
                else:
                    answers.append(await client.request(method, asked, headers=others))
                for answer in answers:
                    example = told[str(answer.status_code)]["application/problem+json"]["example"]
                    assert answer.json() | {"detail": ""} == example | {"detail": ""}
                    assert answer.json()["detail"].replace("metrics", "grafana") == example["detail"]
        assert (await client.get(SESSIONS, headers=right)).status_code == 200
        for _ in range(FAILURES_MAX):
            await client.get(SESSIONS, headers=bearer(WRONG))
        refused = await client.get(SESSIONS, headers=bearer(WRONG))
    told = described[SESSIONS]["get"]["responses"]["429"]["content"]["application/problem+json"]
    assert refused.json() == told["example"]


async def test_probes_files_and_the_login_page_ask_for_nothing(house: House) -> None:
    async with house.client("http://10.0.0.5") as client:
        assert [(await client.get(p)).status_code for p in ("/healthz", "/readyz", "/static/page.css", "/login")] == [
            200, 200, 200, 200,
        ]  # fmt: skip


async def test_who_shows_nothing_is_told_what_to_show(house: House) -> None:
    async with house.client() as client:
        answer = await client.get(SESSIONS)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.json() == {
        "type": "urn:roomwatch:problem:not-allowed",
        "title": "The token is missing or wrong",
        "status": 401,
        "code": "not-allowed",
        "detail": "no token was sent. Send `Authorization: Bearer …` with a token that `roomwatch token create` made.",
        "instance": SESSIONS,
    }


async def test_a_token_without_the_scope_is_told_which(house: House) -> None:
    async with house.client(**bearer(house.token("metrics"))) as client:
        answer = await client.get(SESSIONS)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")
    assert answer.json()["detail"].startswith("this asks for the scope read, which 'metrics' does not have")


@pytest.mark.parametrize("wrong", [WRONG, "x", "", "rw_", "\x7f"])
async def test_a_wrong_token_opens_nothing(house: House, wrong: str) -> None:
    async with house.client(**bearer(wrong)) as client:
        assert (await client.get(SESSIONS)).status_code == 401


async def test_another_secret_with_the_id_of_a_token_opens_nothing(house: House) -> None:
    right = house.token("read")
    async with house.client() as client:
        found = [(await client.get(SESSIONS, headers=bearer(text))).status_code for text in (right, right[:-2] + "zz")]
    assert found == [200, 401]


async def test_a_token_that_expires_opens_until_then(house: House) -> None:
    async with house.client(**bearer(house.token("read", expires_at=NOW_US + 1_000))) as client:
        found = [(await client.get(SESSIONS)).status_code]
        house.now_us += 1_000
        found.append((await client.get(SESSIONS)).status_code)
    assert found == [200, 401]


async def test_a_token_that_is_revoked_opens_nothing_a_minute_later(house: House) -> None:
    token = house.token("read")
    async with house.client(**bearer(token)) as client:
        found = [(await client.get(SESSIONS)).status_code]
        done = entry("token.revoked", "tests", {}, at_us=NOW_US + 1, chance=house.chance)
        house.tokens.revoke(token.split("_")[1], done)
        house.now_us += MINUTE_US
        found.append((await client.get(SESSIONS)).status_code)
    assert found == [200, 401]


async def test_too_many_wrong_tokens_are_no_longer_looked_at_and_right_ones_are(house: House) -> None:
    known, fresh = house.token("read"), house.token("read")
    async with house.client() as client, house.client(address="203.0.113.10") as other:
        assert (await client.get(SESSIONS, headers=bearer(known))).status_code == 200
        wrong = [(await client.get(SESSIONS, headers=bearer(WRONG))).status_code for _ in range(FAILURES_MAX)]
        refused = await client.get(SESSIONS, headers=bearer(fresh))
        webhook = await client.post(TOLD, content=told(), headers=bearer("open sesame"))
        house.now_us += MINUTE_US - 1
        still = [(await one.get(SESSIONS, headers=bearer(known))).status_code for one in (client, other)]
        house.now_us += 1
        later = await client.get(SESSIONS, headers=bearer(fresh))
    assert wrong == [401] * FAILURES_MAX
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        429,
        "too-many-attempts",
        "60",
    )
    assert (webhook.status_code, still, later.status_code) == (429, [200, 200], 200)


def test_attempts_are_counted_in_bounded_memory_and_by_neighbourhood() -> None:
    attempts = Attempts()
    for number in range(FAILURES_MAX):
        attempts.failed(f"2001:db8::{number:x}", NOW_US)
    assert attempts.wait_s("2001:db8::ffff", NOW_US + 1) == 60
    assert attempts.wait_s("2001:db8:0:1::1", NOW_US) is None
    for number in range(ADDRESSES_MAX + 5):
        attempts.failed(f"host-{number}", NOW_US)
    assert len(attempts._failed) == ADDRESSES_MAX
    assert attempts.wait_s("2001:db8::1", NOW_US) is None


async def test_use_is_noted_by_whoever_has_time_for_it(house: House) -> None:
    async with house.client(**bearer(house.token("read"))) as client:
        await client.get(SESSIONS)
        house.now_us += 5
        await client.get(SESSIONS)
    before = [one.used_at for one in house.tokens.all()]
    house.access.flush()
    assert (before, [one.used_at for one in house.tokens.all()]) == ([None], [NOW_US + 5])


async def test_an_export_is_audited_without_what_it_asked_for(house: House, caplog: pytest.LogCaptureFixture) -> None:
    token = house.token("export")
    caplog.set_level(logging.INFO, "collector.audit")
    async with house.client(**bearer(token)) as client:
        await client.get("/api/v1/exports/sessions", params={"identity": "ben", "since": "-1h"})
        await client.get("/api/v1/exports/none")
    house.access.flush()
    house.access.flush()
    rows = [(one.event, one.actor, one.facts) for one in house.audit.newest(9) if one.event == "export"]
    assert rows == [
        (
            "export",
            f"token {token.split('_')[1]}",
            {"path": "/api/v1/exports/sessions", "filters": ["identity", "since"]},
        )
    ]
    lines = [vars(record) for record in caplog.records if vars(record)["event"] == "export"]
    assert [line["facts"] for line in lines] == [rows[0][2]]


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8787", "localhost", "a.localhost:1", "[::1]:8787", "127.9.9.9", "inner.example"]
)
async def test_on_this_machine_alone_no_token_is_asked_for_under_its_own_names(empty_engine: Engine, host: str) -> None:
    house = House(empty_engine, asks=False, hosts=frozenset({"inner.example"}))
    async with house.client(f"http://{host}") as client:
        assert (await client.get(SESSIONS)).status_code == 200
        assert (await client.get("/login", params={"next": "/docs"})).headers["location"] == "/docs"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.5"])
async def test_a_name_that_was_made_to_point_here_reads_nothing(empty_engine: Engine, host: str) -> None:
    async with House(empty_engine, asks=False).client(f"http://{host}") as client:
        answers = [await client.get(path) for path in (SESSIONS, "/", "/metrics", "/healthz")]
    assert [one.status_code for one in answers] == [421, 421, 421, 200]
    assert answers[0].json()["code"] == "host-not-allowed"


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8787"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:8787"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({}, 200),
    ],
)
async def test_what_a_page_elsewhere_sends_changes_nothing(
    empty_engine: Engine, headers: dict[str, str], status: int, *, asks: bool
) -> None:
    house = House(empty_engine, asks)
    async with house.client(**bearer("open sesame"), **headers) as client:
        answer = await client.post(TOLD, content=told())
    assert (answer.status_code, answer.json().get("code")) == (status, "cross-site" if status == 403 else None)


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True), ("0.0.0.0", False), ("::", False),  # noqa: S104
     ("10.0.0.1", False), ("example.org", False), ("", False)],
)  # fmt: skip
def test_an_address_is_of_this_machine_alone_or_not(host: str, *, is_local: bool) -> None:
    assert is_loopback(host) == is_local


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil", "https://evil.example", "", "evil", "/a b", "/a\n", "/login?next=/", "/logout"],
)
def test_one_is_led_to_pages_of_our_own_alone(path: str) -> None:
    assert (own(path), own("/rooms/RM1?x=%2F")) == ("/", "/rooms/RM1?x=%2F")


def test_the_sentences_of_the_login_page_hold_no_secret() -> None:
    texts: dict[str, Any] = vars(login)
    assert [name for name in ("WRONG", "USED", "SCOPE", "PLAIN") if "rw_" in texts[name]] == []
