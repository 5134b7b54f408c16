"""The real Chromium of the tests."""

import pytest
from playwright.async_api import Page

from tests.servers.browser import ColorScheme, PageOpener
from tests.servers.processes import free_port
from tests.waiting import eventually

CLICKABLE = """data:text/html,<title>t</title>
<button onclick="document.getElementById('said').textContent='clicked'">go</button><p id=said>"""
LOOK = """() => [innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches]"""


async def test_a_page_can_be_used(page: Page) -> None:
    await page.goto(CLICKABLE)
    await page.get_by_role("button", name="go").click()
    assert await page.locator("#said").text_content() == "clicked"


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
async def test_size_and_color_scheme_are_as_asked(open_page: PageOpener, scheme: ColorScheme, *, is_dark: bool) -> None:
    page = await open_page(width=400, height=700, color_scheme=scheme)
    await page.goto(CLICKABLE)
    assert await page.evaluate(LOOK) == [400, 700, is_dark]


async def test_everything_that_goes_wrong_on_a_page_is_a_complaint(open_page: PageOpener) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/"
    page = await open_page()
    await page.goto("data:text/html,<title>t</title>")
    await page.evaluate(
        """nobody => {
        console.error('said so');
        setTimeout(() => { throw new Error('thrown') });
        return fetch(nobody, {mode: 'no-cors'}).catch(() => null);
    }""",
        nobody,
    )
    await eventually(lambda: len(open_page.complaints) >= 4)
    complaints = sorted(open_page.complaints)
    open_page.complaints.clear()
    assert complaints == [
        "console error: Failed to load resource: net::ERR_CONNECTION_REFUSED",
        "console error: said so",
        "page error: thrown",
        f"request failed: {nobody} (net::ERR_CONNECTION_REFUSED)",
    ]
