"""What is typed into the forms of a list, where there are no scripts."""

from playwright.async_api import Page


async def add_filter(page: Page, name: str, value: str) -> None:
    """One more filter."""
    await page.get_by_text("Add a filter").click()
    await page.locator("select[name=add]").select_option(name)
    await page.locator("input[name=value]").fill(value)
    await page.get_by_role("button", name="Add").click()


async def show_time(page: Page, begin: str, end: str) -> None:
    """Another time, as a field for times takes it."""
    await page.get_by_text("From, to").click()
    await page.locator("input[name=begin]").fill(begin)
    await page.locator("input[name=end]").fill(end)
    await page.get_by_role("button", name="Show").click()
