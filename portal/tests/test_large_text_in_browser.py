"""With text at twice its size, nothing on a phone is beside the screen, or under something else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from portal.tests.browsing import PHONE, SMALLEST, log_in, silent, stack
from portal.tests.desk_table import EXPECTED, ITEMS, open_desk
from portal.tests.screenshots import LARGE_TEXT
from testing.setup import chromium
from testing.stacks import Stack

pytestmark = [pytest.mark.server, pytest.mark.browser]

SIDEWAYS = """() => [...document.querySelectorAll("html, body *")].filter((element) => {
    const scrolls = element.tagName === "HTML" || /auto|scroll/.test(getComputedStyle(element).overflowX);
    return scrolls && !element.matches("input, textarea, select") && element.scrollWidth > element.clientWidth;
}).map((element) => element.outerHTML.slice(0, 100))"""
"""What scrolls sideways."""
IS_ON_TOP = """(element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


@pytest.fixture(scope="module")
def large() -> Iterator[Browser]:
    """A browser whose person wants large text."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", LARGE_TEXT])
        yield launched
        launched.close()


@pytest.fixture(params=[SMALLEST, PHONE], ids=["smallest", "phone"])
def page(large: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A phone of the owner's."""
    size: ViewportSize = request.param
    with silent(large, *EXPECTED, viewport=size, has_touch=True, is_mobile=True) as context:
        opened = context.new_page()
        log_in(opened, stack, stack.cast.controller)
        yield opened


def fits(page: Page) -> None:
    """Nothing scrolls sideways."""
    page.wait_for_load_state()
    assert page.evaluate(SIDEWAYS) == [], page.url


def test_pages_fit(page: Page, stack: Stack) -> None:
    library = f"/libraries/{stack.cast.library_id}"
    of_library = ("", "/pictures", "/members", "/settings", "/delete", f"/views/{stack.cast.portal_view_id}/share")
    for path in ("/", "/account", "/add-screen", "/join", "/logout", "/reset", *(library + end for end in of_library)):
        page.goto(stack.server.http + path)
        fits(page)


def test_the_desk_fits_and_black_out_stays_one_step_away(page: Page, stack: Stack) -> None:
    open_desk(page, stack, stack.new_portal_view(items=ITEMS))
    fits(page)
    page.get_by_role("button", name="Show the preview").click()
    for tab in ("Encounter", "People", "Items"):
        page.get_by_role("tab", name=tab).click()
        fits(page)
    page.locator('[data-item="ogre"] .open').click()
    expect(page.get_by_role("button", name="Back", exact=True)).to_be_focused()
    fits(page)
    page.locator(".bar").get_by_role("link", name="Share").click()
    expect(page.get_by_role("dialog", name="Share").get_by_label("Name of the link")).to_be_visible()
    black, bar = page.locator("[data-black]"), page.locator("desk-blackout")
    assert black.evaluate(IS_ON_TOP)
    page.keyboard.press("b")
    expect(bar).to_be_visible()
    fits(page)
    resume = bar.get_by_role("button", name="Resume")
    assert resume.evaluate(IS_ON_TOP)
    resume.click()
    expect(bar).to_be_hidden()
