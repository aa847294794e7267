"""A desk in a real browser and a guest who watches, for tests, below a path.

Each test ends with an empty console, in which violations of the policies are, too.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from portal.tests.browsing import LAPTOP, REFUSED, log_in, silent
from testing.pictures import plain
from testing.stacks import Stack

EXPECTED = (REFUSED, "WebSocket connection to")
"""What the console says of a server that is away, and of an answer with an error."""
STORED_SECONDS = 15
POLL_MILLISECONDS = 50
ITEMS: list[dict[str, Any]] = [
    {"id": "ogre", "name": "Ogre", "alias": "Somebody large", "hp": 30, "maxHp": 59, "ac": 11, "gmNotes": "Fears bees"},
    {"id": "letter", "name": "A letter", "text": "Do not ring it."},
    {"id": "ghoul", "name": "Ghoul", "visible": False, "hp": 22, "maxHp": 22},
    {"id": "map", "name": "The map", "text": "The coast"},
]


@pytest.fixture
def context(chrome: Browser) -> Iterator[BrowserContext]:
    """A browser without any history."""
    with silent(chrome, *EXPECTED, viewport=LAPTOP) as opened:
        yield opened


@dataclass(frozen=True)
class Table:
    """A portal view, the desk of it, and the page of a guest who watches."""

    stack: Stack
    view_id: str
    page: Page
    guest: Page

    def row(self, item_id: str) -> Locator:
        """The item's row in the list."""
        return self.page.locator(f'[data-item="{item_id}"]')

    def state(self) -> dict[str, Any]:
        """The portal view as it is stored."""
        return dict(self.stack.controller.get(f"/api/portal-views/{self.view_id}"))

    def stores(self, read: Callable[[dict[str, Any]], object], expected: object) -> None:
        """What `read` finds in the stored portal view is this, or becomes it: the desk shows its own changes before."""
        until = time.monotonic() + STORED_SECONDS
        while (found := read(self.state())) != expected:
            assert time.monotonic() < until, found
            self.page.wait_for_timeout(POLL_MILLISECONDS)

    def stores_item(self, item_id: str, **expected: object) -> None:
        """The stored item has these values, or gets them."""

        def read(state: dict[str, Any]) -> object:
            item = next(item for item in state["items"] if item["id"] == item_id)
            return {key: item.get(key) for key in expected}

        self.stores(read, expected)

    def shown(self) -> Locator:
        """The name on the guest's stage."""
        return self.guest.locator(".stage-title .stage-name")


def names(state: dict[str, Any]) -> list[str]:
    """Those of the items, in their order."""
    return [item["name"] for item in state["items"]]


def desk_of(stack: Stack, view_id: str) -> str:
    """The address of a desk."""
    return f"{stack.server.http}/libraries/{stack.cast.library_id}/views/{view_id}/desk"


def open_desk(page: Page, stack: Stack, view_id: str) -> None:
    """Open it, and wait until it is live."""
    page.goto(desk_of(stack, view_id))
    expect(page.locator("desk-line")).to_contain_text("Live")


@pytest.fixture
def table(context: BrowserContext, chrome: Browser, stack: Stack) -> Iterator[Table]:
    """A desk with a few items and a guest; nothing is on screen."""
    view_id = stack.new_portal_view(items=ITEMS)
    link = stack.controller.post(f"/api/portal-views/{view_id}/share-links", {"label": "Guests"})["link"]
    page = context.new_page()
    log_in(page, stack, stack.cast.controller)
    open_desk(page, stack, view_id)
    watching = chrome.new_context(locale="en-GB")
    guest = watching.new_page()
    guest.goto(str(link))
    expect(page.locator("desk-people")).to_contain_text("1 is watching")
    yield Table(stack, view_id, page, guest)
    watching.close()


def picture_of(width: int, height: int) -> str:
    """A picture as an address."""
    return f"data:image/png;base64,{b64encode(plain(width, height, 'PNG')).decode()}"
