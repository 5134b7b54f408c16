"""How long a browser takes from asking for a page to painting the first of its content, for `every.py`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.servers.browser import Chromium, opening_pages

PAINTED = "performance.getEntriesByName('first-contentful-paint')"


async def first_paints(url: str, of: Mapping[str, str], rounds: int) -> dict[str, list[float]]:
    """Seconds until the first contentful paint of each page, `rounds` times, in a browser that has what they share."""
    took: dict[str, list[float]] = {}
    with Chromium() as chromium:
        async with opening_pages(chromium) as open_page:
            page = await open_page()
            for address in of.values():
                await page.goto(f"{url}{address}")
            for _ in range(rounds):
                for name, address in of.items():
                    await page.goto(f"{url}{address}")
                    await page.wait_for_function(f"{PAINTED}.length > 0")
                    took.setdefault(name, []).append(await page.evaluate(f"{PAINTED}[0].startTime") / 1000)
            await page.close()
    return took
