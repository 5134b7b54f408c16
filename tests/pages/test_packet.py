"""A packet as it is met: downloaded from the page of a room, and opened from disk by a browser."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.pages.conftest import Site
from tests.pages.scene import ROOM_SID
from tests.pages.test_looks import LOW_CONTRAST, OVERFLOW
from tests.servers.browser import ColorScheme, PageOpener


async def _downloaded(page: Page, site: Site, folder: Path) -> Path:
    await page.goto(f"{site.url}/rooms/{ROOM_SID}")
    await page.get_by_text("Support packet").click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Without names").click()
    path = folder / (await download.value).suggested_filename
    await (await download.value).save_as(path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_packet_opens_from_disk_and_can_be_read(
    whole_site: Site, open_page: PageOpener, tmp_path: Path, scheme: ColorScheme
) -> None:
    page = await open_page(color_scheme=scheme)
    path = await _downloaded(page, whole_site, tmp_path)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(path.as_uri())
    for width in (400, 820, 1440):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate(OVERFLOW) <= 0, width
        assert await page.evaluate(LOW_CONTRAST) == [], width
    await expect(page.locator("svg[role=img]")).to_have_count(6)
    await expect(page.locator(".events tbody tr")).to_have_count(28)
    assert asked == [path.as_uri()]
    assert open_page.complaints == []


async def test_a_packet_is_printed_dark_on_white_with_nothing_cut_off(
    whole_site: Site, open_page: PageOpener, tmp_path: Path
) -> None:
    page = await open_page(width=703, color_scheme="dark")
    await page.goto((await _downloaded(page, whole_site, tmp_path)).as_uri())
    await page.emulate_media(media="print")
    assert await page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert await page.evaluate(LOW_CONTRAST) == []
    assert await page.evaluate(OVERFLOW) <= 0
    assert (await page.pdf(format="A4")).startswith(b"%PDF")
