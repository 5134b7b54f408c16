"""Makes the README's picture of the page: runs the demo, waits for its incident, and takes a photograph in Chromium.

`python tools/picture.py`; needs what `make setup` brings.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers.browser import Chromium  # noqa: E402

PICTURE: Final = ROOT / "docs" / "images" / "fleet.png"
WIDTH, HEIGHT = 1200, 860
WHEN_REFUSED: Final = 10
"""Sessions that have ended with 53000 in the last minutes when the shutter opens."""


def main() -> None:
    """Writes the picture."""
    command = [sys.executable, "-m", "collector", "demo", "--port", "0", "--seconds", "90"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        if demo.stdout is None:
            raise SystemExit("the demo says nothing")
        found = re.search(r"http://\S+", demo.stdout.readline())
        if found is None:
            raise SystemExit("the demo gives no address")
        with Chromium() as chromium, sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(chromium.debugging_url)
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="en-GB", timezone_id="UTC")
            photograph(page, found[0])
            browser.close()
        demo.terminate()
        demo.stdout.read()
    print(f"wrote {PICTURE.relative_to(ROOT)}")


def photograph(page: Page, url: str) -> None:
    """Waits until the incident shows, and writes the picture."""
    page.goto(url)
    page.wait_for_function(
        "async wanted => { const a = await fetch('/api/v1/breakdowns/failure-codes?since=-3m&phase=session');"
        " const one = (await a.json()).items.find(i => i.error.code === 53000); return one && one.count >= wanted }",
        arg=WHEN_REFUSED,
        timeout=60_000,
        polling=1_000,
    )
    page.reload()
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
