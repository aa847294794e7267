"""The stage on a television set: Chromium 76, 1920 x 1080."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.tests.stage_table import ON, change, change_item, creature, upload
from testing.installation import ServerKind, StoreKind, installation
from testing.stacks import STACK_ENV, Stack, running
from testing.television import Television, television

pytestmark = [pytest.mark.server, pytest.mark.browser]

PICTURE = "document.querySelector('.stage-layer.is-on .stage-picture')"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A running server with the demo."""
    with installation(StoreKind.SQLITE, **STACK_ENV) as made, running(made, made.prepare(), ServerKind.SERVE) as one:
        yield one


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Television]:
    """The television."""
    with television(tmp_path) as shown:
        assert "Chrome/76." in shown.ask("navigator.userAgent")
        yield shown
        assert shown.said == []


def text_is(selector: str, text: str) -> str:
    """An expression that is true if the element has that text."""
    return f"(document.querySelector('{selector}') || {{}}).textContent === '{text}'"


def test_a_screen_is_added_and_shows_a_picture_and_a_creature(screen: Television, stack: Stack) -> None:
    mill = {"id": "mill", "name": "The mill", "image": upload(stack, 401)}
    ogre = creature("Ogre", image=upload(stack, 402))
    order = [{"itemId": "ogre"}]
    view = stack.new_portal_view(
        items=[mill, ogre],
        currentItem=0,
        encounter={"round": 1, "turn": "ogre", "order": order},
        healthDisplay="bar",
        **ON,
    )
    screen.open(f"{stack.server.http}/tv")
    screen.wait_for("/^[2-9A-HJ-KM-NP-Z]{6}$/.test((document.querySelector('#code') || {}).textContent)")
    code = screen.ask("document.querySelector('#code').textContent")
    stack.controller.post(f"/api/portal-views/{view}/screens", {"code": code, "label": "Television"})
    screen.wait_for(text_is(".stage-name", "The mill"))
    screen.wait_for(f"{PICTURE} && {PICTURE}.naturalWidth === 401")
    assert screen.ask("document.querySelector('.is-turn .stage-card-name').textContent") == "Ogre"
    assert screen.ask("document.querySelector('.is-turn .stage-bar').getAttribute('aria-label')") == "Health 50 %"
    change(stack, view, currentItemId="ogre", healthDisplay="words")
    screen.wait_for(text_is(".stage-name", "Ogre"))
    screen.wait_for(f"{PICTURE} && {PICTURE}.naturalWidth === 402")
    change_item(stack, view, "ogre", hp=0)
    screen.wait_for(text_is(".stage-title .stage-word", "down"))
    assert screen.ask("document.documentElement.scrollWidth - innerWidth") == 0
    assert screen.ask("parseFloat(getComputedStyle(document.querySelector('.stage-text')).fontSize)") >= 43
    change(stack, view, blackout=True)
    screen.wait_for("!document.querySelector('.stage-picture')")
    [link] = stack.controller.get(f"/api/portal-views/{view}/share-links")["results"]
    stack.controller.delete(f"/api/portal-views/{view}/share-links/{link['id']}")
    screen.wait_for("/This link was withdrawn/.test(document.querySelector('#end').textContent)")
    assert re.search(r"/view/", screen.ask("location.pathname"))
