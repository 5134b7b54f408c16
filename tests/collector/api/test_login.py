"""Logging in to the pages, staying so, and leaving."""

import re

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import Engine

from collector.api.attempts import FAILURES_MAX
from collector.store.logins import IDLE_US, LASTS_US
from tests.collector.api.doors import House

HTML = {"accept": "text/html", "sec-fetch-mode": "navigate"}
OWN = {"sec-fetch-site": "same-origin"}
MINUTE_US = 60_000_000


@pytest.fixture
def house(empty_engine: Engine) -> House:
    return House(empty_engine)


async def log_in(client: AsyncClient, **form: str) -> Response:
    return await client.post("/login", data=form, headers=OWN)


async def test_a_page_leads_to_the_login_and_the_login_back_to_the_page(house: House) -> None:
    async with house.client(**HTML) as client:
        led = await client.get("/search?q=ben&x=1")
        shown = await client.get(led.headers["location"])
        answer = await log_in(client, token=house.token("read"), next="/search?q=ben&x=1")
        page = await client.get("/docs")
    assert (led.status_code, led.headers["location"]) == (303, "/login?next=/search%3Fq%3Dben%26x%3D1")
    assert 'name="next" value="/search?q=ben&amp;x=1"' in shown.text
    assert (answer.status_code, answer.headers["location"]) == (303, "/search?q=ben&x=1")
    assert page.status_code == 200
    assert "Logged in as read" in page.text


@pytest.mark.parametrize(
    ("url", "headers", "cookie"),
    [
        ("http://127.0.0.1:8787", {}, r"roomwatch=[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=strict"),
        (
            "https://roomwatch.example",
            {},
            r"__Host-roomwatch=[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=strict; Secure",
        ),
        (
            "http://roomwatch.example",
            {"origin": "https://roomwatch.example"},
            r"__Host-roomwatch=[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=strict; Secure",
        ),
    ],
)
async def test_the_cookie_is_for_our_pages_alone(house: House, url: str, headers: dict[str, str], cookie: str) -> None:
    async with house.client(url, **headers) as client:
        answer = await log_in(client, token=house.token("read"))
    assert re.fullmatch(cookie, answer.headers["set-cookie"])


async def test_without_encryption_nobody_is_logged_in_from_elsewhere(house: House) -> None:
    async with house.client("http://10.0.0.5:8787") as client:
        answer = await log_in(client, token=house.token("read"))
    assert (answer.status_code, "set-cookie" in answer.headers) == (400, False)
    assert "without encryption" in answer.text


@pytest.mark.parametrize(("token", "status"), [("nothing", 401), ("", 401), ("ingest", 403), ("expired", 401)])
async def test_a_token_that_is_not_for_pages_is_said_to_be(house: House, token: str, status: int) -> None:
    made = {"ingest": lambda: house.token("ingest"), "expired": lambda: house.token("read", expires_at=house.now_us)}
    shown = made.get(token, lambda: token)()
    async with house.client() as client:
        answer = await log_in(client, token=shown, next="/docs")
    assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)
    assert 'role="alert"' in answer.text
    assert 'value="/docs"' in answer.text


async def test_a_link_waits_for_its_button_and_works_once(house: House) -> None:
    link = house.link()
    async with house.client(**HTML) as client:
        looked_at = [await client.get("/login", params={"link": link}) for _ in range(2)]
        first, second = [await log_in(client, link=link) for _ in range(2)]
        page = await client.get("/docs")
    assert [one.status_code for one in looked_at] == [200, 200]
    assert f'name="link" value="{link}"' in looked_at[1].text
    assert (first.status_code, second.status_code, page.status_code) == (303, 401, 200)
    assert "was used already" in second.text
    assert ("login", "login eva") in [(one.event, one.actor) for one in house.audit.newest(9)]


async def test_fragments_and_questions_of_somebody_unknown_are_refused_and_not_led(house: House) -> None:
    async with house.client(accept="text/html") as client:
        answers = [await client.get(path) for path in ("/fragments/now", "/api/v1/sessions", "/metrics")]
        fetched = await client.get("/", headers={"sec-fetch-mode": "cors"})
    assert [one.status_code for one in (*answers, fetched)] == [401, 401, 401, 401]


async def test_who_follows_a_link_from_elsewhere_comes_back_with_the_cookie(house: House) -> None:
    async with house.client(**HTML) as client:
        answer = await client.get("/rooms/RM1?a=%22b", headers={"sec-fetch-site": "cross-site"})
        away = await client.get("//evil.example/", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/rooms/RM1?a=%22b">' in answer.text
    assert 'content="0;url=/"' in away.text


async def test_a_login_asks_questions_as_its_token_may(house: House) -> None:
    async with house.client() as client:
        await log_in(client, token=house.token("read", "ingest"))
        found = [(await client.get(p)).status_code for p in ("/api/v1/sessions", "/fragments/now", "/api/v1/exports/x")]
    assert found == [200, 200, 403]


async def test_a_login_ends_when_nobody_comes_and_after_a_week(house: House) -> None:
    async with house.client() as client:
        await log_in(client, token=house.token("read"))
        began_us, found = house.now_us, []
        for now_us in (began_us + IDLE_US - 1, began_us + 2 * IDLE_US - 2):
            house.now_us = now_us
            found.append((await client.get("/api/v1/sessions")).status_code)
            house.access.flush()
        house.now_us += IDLE_US
        found.append((await client.get("/api/v1/sessions")).status_code)
    assert found == [200, 200, 401]
    assert house.now_us < began_us + LASTS_US


async def test_leaving_ends_the_login_and_takes_a_form_of_its_own_page(house: House) -> None:
    async with house.client(**HTML) as client:
        await log_in(client, token=house.token("read"))
        form = re.search(r'name="form" value="(\w+)"', (await client.get("/docs")).text)
        cookie = client.cookies["roomwatch"]
        assert form is not None
        forged = await client.post("/logout", data={"form": "0" * 64}, headers=OWN)
        without = await client.post("/logout", data={"form": form[1]})
        still = await client.get("/docs")
        left = await client.post("/logout", data={"form": form[1]}, headers=OWN)
        client.cookies.set("roomwatch", cookie, domain="127.0.0.1")
        after = await client.get("/docs")
    assert (forged.headers["location"], without.status_code, still.status_code) == ("/", 403, 200)
    assert (left.headers["location"], after.headers["location"]) == ("/login", "/login?next=/docs")


async def test_a_cookie_of_a_login_changes_nothing_for_a_page_elsewhere(house: House) -> None:
    async with house.client() as client:
        await log_in(client, token=house.token("read"))
        answer = await client.post("/login", data={"token": "x"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


async def test_who_tries_too_often_is_told_to_wait(house: House) -> None:
    async with house.client() as client:
        answers = [await log_in(client, link=f"{number}") for number in range(FAILURES_MAX + 1)]
    assert [one.status_code for one in answers] == [401] * FAILURES_MAX + [429]
    assert answers[-1].headers["retry-after"] == "60"


async def test_a_form_that_is_too_large_is_not_read(house: House) -> None:
    async with house.client() as client:
        assert (await log_in(client, token=house.token("read"), more="x" * 9_000)).status_code == 401


async def test_who_is_logged_in_is_not_asked_again(house: House) -> None:
    async with house.client() as client:
        await log_in(client, token=house.token("read"))
        assert (await client.get("/login", params={"next": "/docs"})).headers["location"] == "/docs"
