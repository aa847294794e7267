"""Pages of people stand still, while they load slowly and while others act: on a laptop, on phones, and in German."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, ViewportSize, expect

from portal.tests.browsing import PHONE, SMALLEST, chrome, log_in, stack
from portal.tests.desk_table import EXPECTED, desk_of
from portal.tests.stillness import FRAMES, GAP_MILLISECONDS, MOST_SHIFT, observed, restless, still
from testing.stacks import Stack

__all__ = ["chrome", "stack"]

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]

LAPTOP: ViewportSize = {"width": 1440, "height": 900}
SCREENS: dict[str, dict[str, Any]] = {
    "laptop": {"viewport": LAPTOP},
    "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True},
    "smallest": {"viewport": SMALLEST, "is_mobile": True, "has_touch": True},
}
LOCALES = ("en-GB", "de-DE")
LATENCY_MILLISECONDS = 40
"""Of each request, so that the first picture of a page comes before its modules, and those before the state."""
LATE = """
  const { fetch: ask } = window, { send } = WebSocket.prototype;
  window.fetch = async (...given) => {
    await new Promise((done) => setTimeout(done, 700));
    return ask(...given);
  };
  WebSocket.prototype.send = function (...given) {
    setTimeout(() => this.readyState === 1 && send.apply(this, given), 700);
  };
"""
"""Answers come so late that the browser no longer takes what they move for the answer to an input: that is 500 ms."""
LIVE = "desk-line[data-status=open]"
CREATURES = [
    {"id": f"c{n}", "name": f"Goblin number {n}", "alias": f"Shape {n}", "hp": n % 31, "maxHp": 30, "ac": 12}
    for n in range(60)
]
SHOWN: dict[str, Any] = {"showEncounter": True, "showHealth": True, "showAC": True, "healthDisplay": "bar"}
TURNS = {"round": 3, "turn": "c4", "order": [{"itemId": f"c{n}"} for n in range(12)]}
STATES: dict[str, dict[str, Any]] = {
    "no item": {"items": []},
    "one item": {"items": CREATURES[:1], "currentItemId": "c0", **SHOWN},
    "sixty items": {"items": CREATURES, "currentItemId": "c2", **SHOWN},
    "a fight": {"items": CREATURES, "currentItemId": "c4", "encounter": TURNS, **SHOWN},
}


def slow(page: Page) -> Page:
    """The page, whose requests take their time and are never answered from a cache."""
    tools = page.context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    tools.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY_MILLISECONDS, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    return page


def late(context: BrowserContext, address: str) -> Page:
    """That page, whose answers are late."""
    context.add_init_script(LATE)
    page = context.new_page()
    page.goto(address)
    return page


def live(page: Page, items: int) -> None:
    """Wait until the desk has all it will draw."""
    expect(page.locator(LIVE)).to_have_count(1)
    expect(page.locator("[data-item]")).to_have_count(items)
    expect(page.locator("[data-controllers] li")).not_to_have_count(0)
    page.wait_for_load_state("networkidle")


@pytest.fixture(scope="module")
def owner(stack: Stack, chrome: Browser) -> StorageState:
    """What the browser of somebody knows who is logged in."""
    with chrome.new_context(locale="en-GB") as context:
        log_in(context.new_page(), stack, stack.cast.controller)
        return context.storage_state()


@contextmanager
def guest(stack: Stack, chrome: Browser, view_id: str) -> Iterator[Page]:
    """Somebody who watches."""
    link = stack.controller.post(f"/api/portal-views/{view_id}/share-links", {})["link"]
    with chrome.new_context() as context:
        page = context.new_page()
        page.goto(link)
        expect(page.locator("#stage .stage-frame")).to_have_count(1)
        yield page


def test_a_page_that_moves_is_found(chrome: Browser) -> None:
    with observed(chrome, viewport=LAPTOP) as (context, shifts):
        page = context.new_page()
        page.goto("about:blank")
        page.set_content("<p style='height: 40px'></p><p style='height: 400px; background: #000'></p>")
        for _ in range(4):
            page.evaluate(FRAMES)
            page.evaluate("document.body.firstChild.style.height = `${document.body.firstChild.offsetHeight + 20}px`")
    assert [shift.value < MOST_SHIFT for shift in shifts] == [True] * 4
    [window] = restless(shifts)
    assert len(window) == 4, "They are judged by their sum."


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(("what", "locale"), [*zip(STATES, LOCALES * 2, strict=True)])
def test_the_desk_loads_in_its_place(
    stack: Stack, chrome: Browser, owner: StorageState, what: str, locale: str, screen: str
) -> None:
    view_id = stack.new_portal_view(**STATES[what])
    items = len(STATES[what]["items"])
    with still(chrome, storage_state=owner, locale=locale, **SCREENS[screen]) as context:
        page = slow(context.new_page())
        page.goto(desk_of(stack, view_id))
        live(page, items)
        expect(page.locator("desk-invite")).to_be_visible()
        page.locator("desk-invite form button").click()
        expect(page.locator("desk-invite .qr")).to_be_visible()
        page.reload()
        live(page, items)
        expect(page.locator("desk-invite .qr")).to_be_visible()
        with guest(stack, chrome, view_id):
            expect(page.locator("desk-invite")).to_be_hidden()
            page.reload()
            live(page, items)
            expect(page.locator("[data-viewers] li")).to_have_count(1)


@pytest.mark.parametrize("screen", SCREENS)
def test_rows_and_the_bar_keep_their_heights(stack: Stack, chrome: Browser, owner: StorageState, screen: str) -> None:
    long = {"name": "A name of eighty characters " * 3, "alias": "Somebody with a long name, " * 3}
    items = [CREATURES[0], {**CREATURES[1], **long}, {**CREATURES[2], "visible": False}, {**long, "id": "note"}]
    view_id = stack.new_portal_view(items=items, currentItemId="c1", **{**SHOWN, "healthDisplay": "numbers"})
    for locale in LOCALES:
        with still(chrome, storage_state=owner, locale=locale, **SCREENS[screen]) as context:
            page = context.new_page()
            page.goto(desk_of(stack, view_id))
            live(page, 4)
            expect(page.locator('[data-item="c1"] .chips .chip')).to_have_count(2)
            heights = page.evaluate("[...document.querySelectorAll('[data-item]')].map((row) => row.offsetHeight)")
            assert heights == [64] * 4
            bar = page.evaluate("document.querySelector('.steps').offsetHeight")
            assert screen == "laptop" or bar == 72, locale


def act(stack: Stack, view_id: str, page: Page) -> None:
    """All that another controller does, one after the other, as the desk shows it."""
    path = f"/api/portal-views/{view_id}"

    def patch(**change: Any) -> None:
        page.wait_for_timeout(GAP_MILLISECONDS)  # a person does one thing after the other, and each is judged
        stack.controller.patch(path, change)

    def mark(item: str, word: str) -> None:
        expect(page.locator(f'[data-item="{item}"] .marks')).to_have_text(word)

    patch(currentItemId="c5")
    mark("c5", "On screen")
    stack.controller.patch(f"{path}/items/c1", {"visible": False, "name": "A name of eighty characters, " * 3})
    mark("c1", "Hidden")
    patch(healthDisplay="numbers", showActions=True)
    expect(page.locator('[data-item="c5"] .chips')).to_contain_text("Numbers")
    patch(blackout=True)
    expect(page.locator("desk-blackout")).to_be_visible()
    patch(blackout=False)
    expect(page.locator("desk-blackout")).to_be_hidden()
    patch(camera={"x": 0.3, "y": 0.3, "zoom": 2})
    patch(encounter={**TURNS, "turn": "c8", "round": 4})
    expect(page.locator("h2[data-round]")).to_have_text("Round 4")
    stack.controller.post(f"{path}/items", {"id": "new", "name": "One more"})
    expect(page.locator("[data-item]")).to_have_count(61)
    page.evaluate(FRAMES)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_desk_stands_still_while_others_act(
    stack: Stack, chrome: Browser, owner: StorageState, screen: str
) -> None:
    view_id = stack.new_portal_view(**STATES["a fight"])
    with still(chrome, storage_state=owner, **SCREENS[screen]) as context:
        page = context.new_page()
        page.goto(desk_of(stack, view_id))
        live(page, 60)
        with guest(stack, chrome, view_id):
            expect(page.locator("[data-viewers] li")).to_have_count(1)
            act(stack, view_id, page)


@pytest.mark.parametrize("screen", SCREENS)
def test_sharing_stands_still_however_late_answers_are(
    stack: Stack, chrome: Browser, owner: StorageState, screen: str
) -> None:
    view_id = stack.new_portal_view(**STATES["one item"])
    with still(chrome, storage_state=owner, **SCREENS[screen]) as context:
        page = late(context, desk_of(stack, view_id))
        live(page, 1)
        page.locator("desk-invite form button").click()
        expect(page.locator("desk-invite .qr")).to_be_visible()
        page.locator(".bar").get_by_role("link", name="Share").click()
        box = page.get_by_role("dialog", name="Share")
        box.get_by_label("Name of the link").fill("Sofa")
        box.get_by_role("button", name="Another link").click()
        expect(box).to_contain_text("Whoever has the link can watch now.")
        code = box.locator("p.code").inner_text()
        box.get_by_role("button", name="New code").click()
        expect(box.locator("p.code")).not_to_have_text(code)
        for press in ("Cancel", "Withdraw the link"):
            box.locator("li").filter(has_text="Sofa").get_by_role("link", name="Withdraw").click()
            box.locator("#confirm").get_by_text(press, exact=True).click()
        expect(box.locator("li")).to_have_count(1)
        page.evaluate(FRAMES)


@pytest.mark.parametrize("screen", SCREENS)
def test_joining_stands_still_however_late_the_answer_is(stack: Stack, chrome: Browser, screen: str) -> None:
    with still(chrome, *EXPECTED, **SCREENS[screen]) as context:
        page = late(context, f"{stack.server.http}/join")
        page.get_by_label("Code").fill("ABCDEF")
        page.get_by_role("button", name="Watch").click()
        expect(page.get_by_role("alert")).not_to_be_empty()
        page.evaluate(FRAMES)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_stands_still_however_late_its_code_is(stack: Stack, chrome: Browser, screen: str) -> None:
    with still(chrome, **SCREENS[screen]) as context:
        page = late(context, f"{stack.server.http}/tv")
        expect(page.locator("#qr")).to_be_visible()
        page.evaluate(FRAMES)


def test_the_first_half_of_a_screen_is_not_drawn(stack: Stack, chrome: Browser) -> None:
    with chrome.new_context(java_script_enabled=False) as context:  # a script runs once the page is read to its end
        page = context.new_page()
        page.goto(f"{stack.server.http}/tv")
        expect(page.locator("#tv")).to_be_hidden()


def act_oneself(page: Page) -> None:
    """What a controller does, one thing after the other, as the desk shows it."""
    row, editor = page.locator('[data-item="c5"]'), page.locator("desk-editor")
    row.locator(".open").click()
    for button in (
        row.get_by_role("button", name="Show Goblin number 5"),
        row.get_by_role("button", name="Hide Goblin number 5"),
        editor.get_by_role("button", name="−10"),
        page.locator("[data-next]"),
        page.locator("[data-black]"),
        page.locator("desk-blackout").get_by_role("button", name="Resume"),
        editor.get_by_role("button", name="Delete"),
        page.locator("#toast").get_by_role("button", name="Undo"),
    ):
        button.click()
        page.wait_for_timeout(GAP_MILLISECONDS)
    expect(page.locator("[data-item]")).to_have_count(60)
    row.locator(".open").click()
    editor.get_by_label("Shown as").fill("A shadow")
    editor.get_by_label("Private notes").fill("It owes money to the bees")
    page.wait_for_timeout(GAP_MILLISECONDS)
    page.get_by_role("button", name="Creature").click()
    page.keyboard.type("Imp")
    page.wait_for_timeout(GAP_MILLISECONDS)
    expect(page.locator("[data-item]")).to_have_count(61)
    page.evaluate(FRAMES)


def test_the_desk_stands_still_however_late_answers_are(stack: Stack, chrome: Browser, owner: StorageState) -> None:
    view_id = stack.new_portal_view(**STATES["a fight"])
    with still(chrome, storage_state=owner, **SCREENS["laptop"]) as context:
        page = late(context, desk_of(stack, view_id))
        live(page, 60)
        with guest(stack, chrome, view_id):
            expect(page.locator("[data-viewers] li")).to_have_count(1)
            act_oneself(page)


def test_a_line_that_breaks_moves_nothing(stack: Stack, chrome: Browser, owner: StorageState) -> None:
    view_id = stack.new_portal_view(**STATES["sixty items"])
    with ExitStack() as exits:
        pages = []
        for screen in SCREENS.values():
            for locale in LOCALES:
                made = still(chrome, *EXPECTED, storage_state=owner, locale=locale, **screen)
                page = exits.enter_context(made).new_page()
                page.goto(desk_of(stack, view_id))
                live(page, 60)
                pages.append(page)
        stack.server.process.kill()
        for page in pages:
            expect(page.locator("desk-line[data-status=waiting]")).to_be_visible()
        stack.server.start()
        for page in pages:
            expect(page.locator(LIVE)).to_be_visible(timeout=40_000)


def visit(context: BrowserContext, *addresses: str) -> None:
    """Load pages slowly, one after the other."""
    page = slow(context.new_page())
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        page.evaluate(FRAMES)


@pytest.mark.parametrize(("screen", "locale"), [*zip(SCREENS, (*LOCALES, "de-DE"), strict=True)])
def test_other_pages_load_in_their_place(
    stack: Stack, chrome: Browser, owner: StorageState, screen: str, locale: str
) -> None:
    site, library = stack.server.http, f"{stack.server.http}/libraries/{stack.cast.library_id}"
    share = desk_of(stack, stack.new_portal_view(**STATES["one item"])).replace("/desk", "/share")
    with still(chrome, locale=locale, **SCREENS[screen]) as context:
        visit(context, *(f"{site}/{path}" for path in ("", "login", "register", "reset", "join")))
    with still(chrome, storage_state=owner, locale=locale, **SCREENS[screen]) as context:
        visit(context, f"{site}/", *(f"{library}{path}" for path in ("", "/pictures", "/members", "/settings")))
        visit(context, f"{site}/account", f"{site}/add-screen", share)
        page = slow(context.new_page())
        page.goto(share)
        page.locator("form.panel button").click()
        expect(page.locator("p.code")).to_be_visible()
        page.goto(f"{library}/members")
        page.locator("form.panel[action$=invitations] button").click()
        expect(page.locator("#link")).to_be_visible()
        visit(context, share, f"{library}/members")
