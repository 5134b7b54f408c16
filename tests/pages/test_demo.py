"""The pages of a real collector, on what the demo's fleet lives through: `roomwatch demo` and a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.async_api import expect

from collector.api.rendering import PLACES
from tests.collector.demo.test_run import Demo
from tests.servers.browser import PageOpener
from tests.waiting import wait_until

ROOMS_THAT_WERE_BAD: Final = "/rooms?fate=dropped&since=-24h"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A demo whose history is there."""
    demo = Demo(tmp_path / "said")
    try:
        url = demo.url()
        wait_until(lambda: "<tbody>" in httpx.get(f"{url}{ROOMS_THAT_WERE_BAD}").text, within_s=30)
        yield url
    finally:
        demo.process.kill()
        demo.process.wait()


async def test_every_page_shows_the_demo_without_a_complaint_or_another_host(url: str, open_page: PageOpener) -> None:
    page = await open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for place in PLACES:
        await page.goto(f"{url}{place}")
        await expect(page.locator("h1")).to_be_visible()
        await expect(page.get_by_role("navigation", name="Pages").locator("[aria-current]")).to_have_text(PLACES[place])
    await page.goto(f"{url}{ROOMS_THAT_WERE_BAD}")
    await page.locator(".rooms tbody th a").first.click()
    await page.wait_for_url("**/rooms/*")
    await expect(page.locator(".verdict")).to_contain_text("ended badly")
    await expect(page.locator("#lanes .lane-name").first).to_be_visible()
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Now").click()
    await expect(page.locator(".statement")).to_have_count(5)
    assert [one for one in asked if not one.startswith(url)] == []
    assert open_page.complaints == []
