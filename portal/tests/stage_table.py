"""A stage in a real browser, and what its controller does meanwhile."""

from __future__ import annotations

from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from portal.tests.browsing import PICTURE
from testing.pictures import plain
from testing.stacks import Stack

ON = {"showHealth": True, "showAC": True, "showConditions": True, "showEncounter": True}


def upload(stack: Stack, width: int, height: int = 300) -> str:
    """The address of a picture of that size; each size is another picture."""
    address = f"{stack.server.http}/api/libraries/{stack.cast.library_id}/images?name={width}"
    headers = {"Authorization": f"Bearer {stack.controller.access}", "Content-Type": "image/png"}
    answer = httpx.post(address, content=plain(width, height, "PNG"), headers=headers, timeout=30, trust_env=False)
    return str(answer.raise_for_status().json()["images"][0]["url"])


def watch(page: Page, stack: Stack, *items: dict[str, Any], **state: Any) -> str:
    """A new portal view, which the page watches as a guest; its id."""
    view = stack.new_portal_view(items=list(items), **state)
    page.goto(stack.controller.post(f"/api/portal-views/{view}/share-links", {})["link"])
    expect(page.locator("#stage")).not_to_be_empty()
    return view


def change(stack: Stack, view: str, **state: Any) -> None:
    """Change the portal view, as its controller."""
    stack.controller.patch(f"/api/portal-views/{view}", state)


def change_item(stack: Stack, view: str, item: str, **patch: Any) -> None:
    """Change an item of it."""
    stack.controller.patch(f"/api/portal-views/{view}/items/{item}", patch)


def creature(name: str, **more: Any) -> dict[str, Any]:
    """An item with all that a fight shows."""
    return {"id": name.lower(), "name": name, "hp": 20, "maxHp": 40, "ac": 14, "conditions": ["prone"], **more}


def card(page: Page, name: str) -> Locator:
    """The card of a creature."""
    return page.locator(".stage-card", has_text=name)


def middle_of(page: Page) -> tuple[float, float]:
    """The place in the picture that is in the middle of its frame, from 0 to 1."""
    code = """() => {
      const [image, frame] = [".is-on .stage-picture", ".stage-frame"].map((one) => document.querySelector(one));
      const [a, b] = [image, frame].map((one) => one.getBoundingClientRect());
      return [(b.left + b.width / 2 - a.left) / a.width, (b.top + b.height / 2 - a.top) / a.height];
    }"""
    x, y = page.evaluate(code)
    return round(x, 2), round(y, 2)


def width_of(page: Page) -> float:
    """The width of the picture that is shown, in pixels of the page."""
    return float(page.locator(PICTURE).evaluate("image => image.getBoundingClientRect().width"))


def settled(page: Page, name: str) -> None:
    """Wait until nothing moves."""
    expect(page.locator(PICTURE)).to_have_attribute("alt", name)
    page.evaluate("Promise.allSettled(document.getAnimations().map(one => one.finished))")
