"""What the stage does with little room: names, words and notes that are long, and a fight in which nothing jumps."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from portal.tests.browsing import LAPTOP, NAME, PHONE, PICTURE, REFUSED, TELEVISION, chrome, context, page, stack
from portal.tests.stage_table import (
    ON,
    change,
    change_item,
    creature,
    middle_of,
    settled,
    upload,
    watch,
)
from portal.tests.stillness import still
from testing.stacks import Stack

__all__ = ["chrome", "context", "page", "stack"]

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]

ON_ITS_SIDE: ViewportSize = {"width": 844, "height": 390}
SMALL_TELEVISION: ViewportSize = {"width": 1280, "height": 720}
SCREENS = {"phone": PHONE, "on-its-side": ON_ITS_SIDE, "laptop": LAPTOP, "television": TELEVISION}


def fighting(*people: dict[str, Any], turn: int = 0, **more: Any) -> dict[str, Any]:
    """The state of an encounter of people, in their order."""
    order = [{"itemId": one["id"]} for one in people]
    return {**ON, "encounter": {"round": 1, "turn": people[turn]["id"], "order": order}, **more}


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_jumps_in_a_fight(chrome: Browser, stack: Stack, screen: str) -> None:
    with still(chrome, REFUSED, viewport=SCREENS[screen]) as context:
        fight(context.new_page(), stack)


def fight(page: Page, stack: Stack) -> None:
    """Turns, damage, all forms of health, somebody who hides, and an encounter that goes and comes."""
    names = ("Ada", "Bo", "Cy", "Di", "Ed", "Flo", "Gus")
    people = [creature(name, image=upload(stack, 401 + index % 3)) for index, name in enumerate(names)]
    view = watch(page, stack, *people, currentItem=0, **fighting(*people))
    settled(page, "Ada")
    for turn in (1, 2, 3):
        change(stack, view, **fighting(*people, turn=turn))
        expect(page.locator(".is-turn")).to_contain_text(names[turn])
    change_item(stack, view, "ed", hp=3, conditions=["prone", "stunned", "poisoned", "deafened"])
    for display in ("words", "numbers"):
        change(stack, view, healthDisplay=display)
    change(stack, view, currentItemId="ed")
    expect(page.locator(NAME)).to_have_text("Ed")
    change_item(stack, view, "flo", visible=False)
    expect(page.locator(".stage-card", has_text="Flo")).to_have_count(0)
    change(stack, view, showEncounter=False)
    expect(page.locator(".is-encounter")).to_be_hidden()
    change(stack, view, showEncounter=True)
    expect(page.locator(".is-encounter")).to_be_visible()
    settled(page, "Ed")
    assert middle_of(page) == (0.5, 0.5)


PLACES = """(cards, axis) =>
  cards.map((one) => [one.getBoundingClientRect()[axis], one.querySelector(".stage-card-name").textContent])
"""


def test_cards_stand_in_the_order_of_turns(page: Page, stack: Stack) -> None:
    people = [creature(name) for name in ("Ada", "Bo", "Cy", "Di")]
    view = watch(page, stack, *people, currentItem=0, **fighting(*people))
    for turn, names in ((1, ["Bo", "Cy", "Di", "Ada"]), (3, ["Di", "Ada", "Bo", "Cy"])):
        change(stack, view, **fighting(*people, turn=turn))
        expect(page.locator(".is-turn")).to_contain_text(names[0])
        for size, shape, axis in ((TELEVISION, "is-wide", "left"), (PHONE, "is-upright", "top")):
            page.set_viewport_size(size)
            expect(page.locator(f"#stage.{shape}")).to_be_visible()
            page.evaluate("Promise.allSettled(document.getAnimations().map(one => one.finished))")
            places = page.locator(".stage-card").evaluate_all(PLACES, axis)
            assert [name for _, name in sorted(places)] == names
            assert len({round(place) for place, _ in places}) == len(names)


@pytest.mark.parametrize("size", [TELEVISION, SMALL_TELEVISION, ON_ITS_SIDE])
def test_names_that_begin_alike_are_told_apart(page: Page, stack: Stack, size: Any) -> None:
    page.set_viewport_size(size)
    long = "The goblin of the hills, who has a name that is as long as the stage allows, number"
    people = [{"id": str(n), "name": f"{long} {n}", "hp": 9, "maxHp": 20} for n in range(1, 6)]
    watch(page, stack, *people, currentItem=0, **fighting(*people))
    names = page.locator(".stage-card-name")
    expect(names).to_have_count(5)
    shown = [name.split("…")[1].strip() for name in page.locator(".stage-card-name [aria-hidden]").all_inner_texts()]
    assert [name[-1] for name in shown] == ["1", "2", "3", "4", "5"]
    expect(names.nth(2).locator(".for-readers")).to_have_text(f"{long} 3")
    for name in names.all():
        height, whole = name.evaluate("one => [one.clientHeight, one.scrollHeight]")
        assert whole < 1.3 * height


@pytest.mark.parametrize("size", [TELEVISION, SMALL_TELEVISION, ON_ITS_SIDE])
@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_each_word_of_health_has_room(chrome: Browser, stack: Stack, locale: str, size: Any) -> None:
    page = chrome.new_page(locale=locale, viewport=size)
    people = [creature(f"Goblin number {hp}", hp=hp, conditions=[]) for hp in (8, 40, 39, 20, 0)]
    view = watch(page, stack, *people, currentItem=0, **fighting(*people, healthDisplay="words"))
    for turn in range(5):
        change(stack, view, **fighting(*people, turn=turn))
        expect(page.locator(".is-turn")).to_contain_text(people[turn]["name"])
        page.evaluate("Promise.allSettled(document.getAnimations().map(one => one.finished))")
        cut = page.locator(".stage-card .stage-word").evaluate_all(
            """(words) => words.filter((word) => {
              const [box, card] = [word, word.closest(".stage-card")].map((one) => one.getBoundingClientRect());
              const around = word.parentElement.getBoundingClientRect();
              return box.right > card.right + 1 || box.bottom > around.bottom + 1 || box.bottom > 0.96 * innerHeight
                || word.scrollWidth > word.clientWidth + 1;
            }).map((word) => word.textContent)"""
        )
        assert cut == []
    page.close()


LONG_NOTE = "\n".join(
    f"{n}. The tide comes back early tonight, and nobody in the village will say so." for n in range(30)
)
QUICK = """
  const later = window.setTimeout;
  window.setTimeout = (act, milliseconds) => later(act, milliseconds >= 8000 ? 700 : milliseconds);
"""


NOTE_PAGES = """
  (title) => {
    window.pages = [];
    new MutationObserver(() => pages.push([[...title.classList].join(" "), title.scrollTop === 0])).observe(title, {
      attributes: true, attributeFilter: ["class"],
    });
  }
"""
"""Each page stands for less time than there is between two looks of Playwright."""
TURNED_SECONDS = 30


@pytest.mark.parametrize("size", [TELEVISION, SMALL_TELEVISION])
def test_a_long_note_stays_large_and_turns_its_pages(page: Page, stack: Stack, size: Any) -> None:
    page.set_viewport_size(size)
    page.emulate_media(reduced_motion="reduce")
    page.add_init_script(QUICK)
    note, short = {"id": "long", "name": "Long", "text": LONG_NOTE}, {"id": "short", "name": "Short", "text": "Come."}
    view = watch(page, stack, note, short, currentItem=0)
    title = page.locator(".stage-title")
    expect(page.locator(".stage-text")).to_have_css("font-size", f"{size['height'] / 25}px")
    expect(title).to_have_class(re.compile("has-more"))
    title.evaluate(NOTE_PAGES)
    end, top = ["stage-title has-before", False], ["stage-title has-more", True]
    until = time.monotonic() + TURNED_SECONDS
    while (end, top) not in pairwise(pages := page.evaluate("pages")):  # from its top again
        assert time.monotonic() < until, pages
        page.wait_for_timeout(100)
    assert ["stage-title has-more has-before", False] in pages
    title.dispatch_event("wheel")
    place = title.evaluate("one => one.scrollTop")
    page.wait_for_timeout(2_000)  # longer than a page stands
    assert title.evaluate("one => one.scrollTop") == place  # whoever scrolls has it
    change(stack, view, currentItem=1)
    expect(page.locator(NAME)).to_have_text("Short")
    assert title.evaluate("one => one.scrollHeight - one.clientHeight") <= 1
    expect(page.locator(PICTURE)).to_have_count(0)
