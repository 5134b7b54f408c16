"""A real Chromium, and pages that complain about everything that goes wrong on them.

The browser is one process for the whole run, spoken to over its debugging port: a test has an event loop of its own,
and a browser that playwright started would belong to the loop of the test that came first.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Literal, Self

from playwright.async_api import Browser, ConsoleMessage, Page, Request, Response, async_playwright

from tests.servers.parts import Part, find
from tests.servers.processes import ServerProcess, make_folder, remove_folder

ColorScheme = Literal["light", "dark"]
DEFAULT_TIMEOUT_MS: Final = 30_000

_OPTIONS: Final = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--use-mock-keychain",
    "--remote-debugging-address=127.0.0.1",
    # Any free port; the browser writes it into its profile.
    "--remote-debugging-port=0",
)


class Chromium:
    """One headless browser with a profile of its own, gone after `close`."""

    def __init__(self) -> None:
        self._folder = make_folder("chromium")
        # Its sandbox refuses root; what it shows are our own pages.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = ServerProcess(
            "Chromium",
            [str(find(Part.CHROMIUM)), *_OPTIONS, *sandbox, f"--user-data-dir={self._folder}", "about:blank"],
            self._folder / "log",
        )

    def __enter__(self) -> Self:
        try:
            self._process.start(lambda: len(self._port_file()) > 1)
        except BaseException:
            remove_folder(self._folder)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def debugging_url(self) -> str:
        """What playwright's `connect_over_cdp` takes."""
        port, path = self._port_file()[:2]
        return f"ws://127.0.0.1:{port}{path}"

    def close(self) -> None:
        """Stops the browser and removes its profile."""
        try:
            self._process.stop()
        finally:
            remove_folder(self._folder)

    def _port_file(self) -> list[str]:
        return (self._folder / "DevToolsActivePort").read_text().splitlines()


@dataclass
class PageOpener:
    """Opens pages for one test; `complaints` are what went wrong on any of them, in order."""

    browser: Browser
    complaints: list[str] = field(default_factory=list)

    async def __call__(
        self, *, width: int = 1280, height: int = 800, color_scheme: ColorScheme = "light", scale: float = 1
    ) -> Page:
        """A page in a context of its own: no cookies, no cache, times in UTC. `scale`: pixels of a picture by pixel."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=color_scheme,
            device_scale_factor=scale,
            locale="en-GB",
            timezone_id="UTC",
        )
        context.set_default_timeout(DEFAULT_TIMEOUT_MS)
        page = await context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console {message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # A page that is left ends its open streams; that is no failure of theirs.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"request failed: {request.url} ({request.failure})")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"answer {response.status}: {response.url}")


@asynccontextmanager
async def opening_pages(chromium: Chromium) -> AsyncIterator[PageOpener]:
    """Pages for as long as the block lasts, on the loop that runs now."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium.debugging_url)
        try:
            yield PageOpener(browser)
        finally:
            for context in browser.contexts[1:]:
                await context.close()
            await browser.close()
