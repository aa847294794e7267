"""A picture that takes another one's place at its address appears wherever the other one was shown."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from portal.tests.browsing import PICTURE, chrome, context, log_in, page, stack
from portal.tests.desk_table import desk_of
from portal.tests.stage_table import ON, creature, upload, watch
from testing.pictures import plain
from testing.stacks import Stack

__all__ = ["chrome", "context", "page", "stack"]

pytestmark = [pytest.mark.server, pytest.mark.browser]


def replace(stack: Stack, address: str, width: int, height: int) -> None:
    """Put a picture of that size in the place of the one at that address."""
    url = f"{stack.server.http}/api/libraries/{stack.cast.library_id}/images/{address.rsplit('/', 1)[1]}/file"
    headers = {"Authorization": f"Bearer {stack.controller.access}", "Content-Type": "image/png"}
    answer = httpx.put(url, content=plain(width, height, "PNG"), headers=headers, timeout=30, trust_env=False)
    answer.raise_for_status()


def test_the_stage_the_preview_and_the_list_show_it(page: Page, chrome: Browser, stack: Stack) -> None:
    image, secret = upload(stack, 471), upload(stack, 472)
    people = [creature("Ada", image=image), creature("Bo", image=secret, visible=False)]
    order = [{"itemId": one["id"]} for one in people]
    guest = chrome.new_page()
    frames: list[str] = []
    guest.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(str(data))))
    encounter = {"round": 1, "turn": "ada", "order": order}
    view = watch(guest, stack, *people, currentItem=0, encounter=encounter, **ON)
    log_in(page, stack, stack.cast.controller)
    page.goto(desk_of(stack, view))
    preview = page.locator(f"desk-screen {PICTURE}")
    row = page.locator('[data-item="ada"] .thumbnail img')
    hidden = page.locator('[data-item="bo"] .thumbnail img')
    for picture in (guest.locator(PICTURE), preview):
        expect(picture).to_have_js_property("naturalWidth", 471)
    for small in (row, hidden):
        expect(small).to_have_js_property("naturalWidth", 256)
        expect(small).not_to_have_js_property("naturalHeight", 256)
    replace(stack, secret, 300, 300)
    expect(hidden).to_have_js_property("naturalHeight", 256)
    replace(stack, image, 300, 300)
    for picture in (guest.locator(PICTURE), preview):
        expect(picture).to_have_js_property("naturalWidth", 300)
        expect(picture).to_have_attribute("alt", "Ada")
    expect(row).to_have_js_property("naturalHeight", 256)
    expect(guest.locator(".stage-card .stage-face img")).to_have_js_property("naturalWidth", 300)
    expect(guest.locator(".stage-layer")).to_have_count(1)
    assert any(image in frame for frame in frames)
    assert not any(secret in frame for frame in frames)
    guest.close()
