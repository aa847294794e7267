"""What is pressed is large enough: 48 px for a finger, 36 for a mouse. Links within a sentence are as high as it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.tests.browsing import LAPTOP, PHONE, chrome, log_in, silent, stack
from portal.tests.desk_table import EXPECTED, ITEMS, open_desk
from testing.stacks import Stack

pytestmark = [pytest.mark.server, pytest.mark.browser]

FINGER: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
MOUSE: dict[str, Any] = {"viewport": LAPTOP}
TARGETS = "a[href], button, input:not([type=hidden]), select, textarea, summary, label.button, [role=tab]"
TOO_SMALL = """([targets, least]) => [...document.querySelectorAll(targets)].filter((element) => {
    if (element.matches(".for-readers") || !element.checkVisibility({ visibilityProperty: true })) return false;
    if (element.matches("a") && getComputedStyle(element).display === "inline") return false;
    const boxes = [element, element.closest(".choice")].filter(Boolean).map((one) => one.getBoundingClientRect());
    return ["width", "height"].some((side) => Math.max(...boxes.map((box) => box[side])) < least);
}).map((element) => element.outerHTML.slice(0, 120))"""


@pytest.fixture(params=[(FINGER, 48), (MOUSE, 36)], ids=["finger", "mouse"])
def hand(chrome: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[tuple[Page, int]]:
    """A page of the owner's, and how large targets are at least."""
    options, least = request.param
    with silent(chrome, *EXPECTED, **options) as context:
        page = context.new_page()
        log_in(page, stack, stack.cast.controller)
        yield page, least


def are_large(page: Page, least: int) -> None:
    """All targets are."""
    page.wait_for_load_state()
    assert page.locator(TARGETS).count() > 2
    assert page.evaluate(TOO_SMALL, [TARGETS, least]) == [], page.url


def test_on_pages(hand: tuple[Page, int], stack: Stack) -> None:
    page, least = hand
    library = f"/libraries/{stack.cast.library_id}"
    of_library = ("", "/pictures", "/members", "/settings", "/delete", f"/views/{stack.cast.portal_view_id}/share")
    for path in ("/", "/account", "/account/delete", "/add-screen", "/join", *(library + end for end in of_library)):
        page.goto(stack.server.http + path)
        are_large(page, least)


def test_on_the_desk(hand: tuple[Page, int], stack: Stack) -> None:
    page, least = hand
    open_desk(page, stack, stack.new_portal_view(items=ITEMS))
    are_large(page, least)
    page.get_by_role("button", name="Show the preview").click()
    for tab in page.get_by_role("tab").all():
        if tab.is_visible():
            tab.click()
            are_large(page, least)
    page.evaluate("document.querySelector('#tab-items').click()")
    page.locator('[data-item="ogre"] .open').click()
    page.locator("[data-black]").click()
    expect(page.locator("desk-blackout")).to_be_visible()
    are_large(page, least)
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    are_large(page, least)
