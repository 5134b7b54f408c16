"""Logging in with a real browser: its own rules of cookies and of pages elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.collector.api.doors import House
from tests.pages.conftest import house_of, serving
from tests.pages.test_looks import LOW_CONTRAST, OVERFLOW
from tests.servers.browser import ColorScheme, PageOpener

PATIENCE_MS: Final = 60_000
"""A hash of a token, two browsers' worth of pages, and a machine that has other things to do."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with house_of(tmp_path) as house:
        yield house


@pytest.fixture
def url(house: House) -> Iterator[str]:
    with serving(house) as url:
        yield url


async def test_a_link_logs_in_a_link_from_elsewhere_finds_one_so_and_the_button_ends_it(
    house: House, url: str, open_page: PageOpener
) -> None:
    page = await open_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{url}/login?link={house.link()}")
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{url}/")
    # localhost is another site than 127.0.0.1: the cookie does not come along at first.
    await page.goto(url.replace("127.0.0.1", "localhost") + "/login")
    await page.evaluate("to => { location.href = to }", f"{url}/docs?from=elsewhere")
    await page.get_by_text("Logged in as eva").wait_for()
    assert page.url == f"{url}/docs?from=elsewhere"
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url(f"{url}/login")
    await page.goto(f"{url}/docs")
    assert page.url == f"{url}/login?next=/docs"


async def test_a_page_whose_login_ended_leads_to_another_login_and_back_by_itself(
    house: House, url: str, open_page: PageOpener
) -> None:
    page = await open_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{url}/login?link={house.link()}")
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{url}/")
    # A page that is up to date asks at any moment, and would be led away before it was told to.
    await page.get_by_role("button", name="Pause").click()
    await page.context.clear_cookies()
    await page.get_by_role("button", name="Resume").click()
    await page.wait_for_url(f"{url}/login?next=/")
    assert all("401" in one for one in open_page.complaints)
    open_page.complaints.clear()


async def test_a_form_of_another_site_cannot_end_a_login(house: House, url: str, open_page: PageOpener) -> None:
    page = await open_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{url}/login")
    await page.get_by_label("Token").fill(house.token("read"))
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{url}/")
    elsewhere = f"<form method=post action='{url}/logout'><button>Win</button></form>"
    await page.goto(f"data:text/html,{elsewhere}")
    async with page.expect_navigation() as navigation:
        await page.get_by_role("button", name="Win").click()
    answer = await navigation.value
    await page.goto(f"{url}/docs")
    assert answer is not None
    assert answer.status == 403
    assert page.url == f"{url}/docs"
    assert all("403" in one for one in open_page.complaints)
    open_page.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1440])
async def test_the_login_page_fits_and_can_be_read(
    house: House, url: str, open_page: PageOpener, width: int, scheme: ColorScheme
) -> None:
    page = await open_page(width=width, color_scheme=scheme)
    for path in ("/login", f"/login?link={house.link()}"):
        await page.goto(url + path)
        assert await page.locator("h1").is_visible()
        assert await page.evaluate(OVERFLOW) <= 0
        assert await page.evaluate(LOW_CONTRAST) == []
