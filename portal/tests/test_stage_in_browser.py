"""The stage in a real browser, at the top of a host and below a path: what an audience sees, and when.

Each test ends with an empty console, in which violations of the policies are, too.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from portal.tests.browsing import NAME, PHONE, PICTURE, REFUSED, TELEVISION, check, chrome, context, log_in, page, stack
from portal.tests.stage_table import (
    ON,
    card,
    change,
    change_item,
    creature,
    middle_of,
    settled,
    upload,
    watch,
    width_of,
)
from portal.tests.stillness import still
from testing.installation import ServerKind, StoreKind, installation
from testing.stacks import STACK_ENV, Stack, running

__all__ = ["chrome", "context", "page", "stack"]

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]


# --- Pictures ------------------------------------------------------------------------------------------------


def test_a_picture_is_fetched_when_it_is_revealed_and_gone_when_it_is_hidden(page: Page, stack: Stack) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    one, other = upload(stack, 401), upload(stack, 402)
    first = {"id": "one", "name": "The mill", "image": one}
    view = watch(
        page, stack, first, {"id": "two", "name": "The cellar", "image": other, "visible": False}, currentItem=0
    )
    expect(page.locator(PICTURE)).to_have_js_property("naturalWidth", 401)
    assert not any(url.endswith(other) for url in asked)
    change_item(stack, view, "two", visible=True)
    change(stack, view, currentItemId="two")
    expect(page.locator(NAME)).to_have_text("The cellar")
    expect(page.locator(PICTURE)).to_have_js_property("naturalWidth", 402)
    expect(page.locator(".stage-layer")).to_have_count(1)
    change_item(stack, view, "two", visible=False)
    expect(page.locator(PICTURE)).to_have_count(0)
    expect(page.locator(NAME)).to_have_text("")


def test_the_picture_before_stays_until_the_next_one_is_there(page: Page, stack: Stack) -> None:
    one, other = upload(stack, 401), upload(stack, 403)
    items = ({"id": "one", "name": "The mill", "image": one}, {"id": "two", "name": "The cellar", "image": other})
    view = watch(page, stack, *items, currentItem=0)
    expect(page.locator(PICTURE)).to_have_js_property("naturalWidth", 401)
    held: list[Route] = []
    page.route(re.compile(re.escape(other)), lambda route: held.append(route))  # noqa: PLW0108  # marked by Playwright
    with page.expect_request(re.compile(re.escape(other))):
        change(stack, view, currentItem=1)
    expect(page.locator(NAME)).to_have_text("The mill")
    expect(page.locator(PICTURE)).to_have_js_property("naturalWidth", 401)
    held[0].continue_()
    expect(page.locator(PICTURE)).to_have_js_property("naturalWidth", 403)
    expect(page.locator(NAME)).to_have_text("The cellar")


def test_a_hidden_picture_goes_although_the_next_one_is_not_there(page: Page, stack: Stack) -> None:
    one, other = upload(stack, 401), upload(stack, 404)
    items = ({"id": "one", "name": "The mill", "image": one}, {"id": "two", "name": "The cellar", "image": other})
    view = watch(page, stack, *items, currentItem=0)
    expect(page.locator(PICTURE)).to_have_js_property("naturalWidth", 401)
    page.route(re.compile(re.escape(other)), lambda route: None)
    change(stack, view, items=[{**items[0], "visible": False}, items[1]], currentItem=1)
    expect(page.locator(PICTURE)).to_have_count(0)
    expect(page.locator(NAME)).to_have_text("")
    expect(page.locator(NAME)).to_have_text("The cellar", timeout=15_000)


def test_blackout(page: Page, stack: Stack) -> None:
    view = watch(page, stack, {"id": "one", "name": "The mill", "image": upload(stack, 401)}, currentItem=0)
    expect(page.locator(PICTURE)).to_be_visible()
    change(stack, view, blackout=True)
    expect(page.locator(".stage-curtain")).to_have_css("opacity", "1")
    expect(page.locator(".stage-picture")).to_have_count(0)
    expect(page.locator("#stage")).to_have_text("Back to the table’s view")  # a hidden button
    change(stack, view, blackout=False)
    expect(page.locator(PICTURE)).to_be_visible()
    expect(page.locator(".stage-curtain")).to_have_css("opacity", "0")


def test_the_camera_and_a_look_of_ones_own(page: Page, stack: Stack) -> None:
    view = watch(page, stack, {"id": "one", "name": "The mill", "image": upload(stack, 405)}, currentItem=0)
    settled(page, "The mill")
    whole = width_of(page)
    assert middle_of(page) == (0.5, 0.5)
    change(stack, view, camera={"x": 0.25, "y": 0.75, "zoom": 2}, name="Near")
    page.wait_for_function(f"document.querySelector('{PICTURE}').getBoundingClientRect().width >= {2 * whole} - 1")
    assert middle_of(page) == (0.25, 0.75)
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -400)
    back = page.get_by_role("button", name="Back to the table’s view")
    expect(back).to_be_visible()
    assert width_of(page) > 2.1 * whole
    change(stack, view, camera={"x": 0.5, "y": 0.5, "zoom": 3})
    back.click()
    expect(back).to_be_hidden()
    settled(page, "The mill")
    assert width_of(page) == pytest.approx(3 * whole, abs=1)
    assert middle_of(page) == (0.5, 0.5)


def test_two_fingers_look_closer(chrome: Browser, stack: Stack) -> None:
    context = chrome.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    watch(page, stack, {"id": "one", "name": "The mill", "image": upload(stack, 405)}, currentItem=0)
    settled(page, "The mill")
    whole = width_of(page)
    tools = context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(places)]
        tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (150, 100))
    touch("touchStart", (150, 100), (250, 100))
    for step in range(10, 60, 10):
        touch("touchMove", (150 - step, 100), (250 + step, 100))
    touch("touchEnd")
    expect(page.get_by_role("button", name="Back to the table’s view")).to_be_visible()
    assert width_of(page) == pytest.approx(2 * whole, rel=0.1)
    context.close()


def test_a_pointer_is_a_ring_that_fades(page: Page, stack: Stack) -> None:
    view = watch(page, stack, {"id": "one", "name": "The mill", "image": upload(stack, 405)}, currentItem=0)
    expect(page.locator(PICTURE)).to_be_visible()
    command(page.context, stack, view, {"type": "pointer", "itemId": "one", "x": 0.25, "y": 0.5})
    ring = page.locator(".stage-ring")
    expect(ring).to_be_visible()
    place = ring.evaluate("ring => [ring.style.left, ring.style.top]")
    assert place == ["25%", "50%"]
    expect(ring).to_have_count(0)


def command(context: BrowserContext, stack: Stack, view: str, message: dict[str, Any]) -> None:
    """Send a message as a controller, with the client of the site."""
    desk = context.new_page()
    desk.goto(f"{stack.server.http}/login")
    code = """async ([site, portalViewId, token, message]) => {
      const { PortalClient } = await import(`${site}/static/client/portal-client.min.js`);
      const client = new PortalClient({ url: site, portalViewId, getCredential: () => ({ token }) });
      await client.connect();
      await client.send(message);
    }"""
    desk.evaluate(code, [stack.server.http, view, stack.controller.access, message])


# --- Creatures -----------------------------------------------------------------------------------------------


def test_health_is_shown_as_it_may_be_seen(page: Page, stack: Stack) -> None:
    view = watch(page, stack, creature("Ogre"), currentItem=0)
    expect(page.locator(NAME)).to_have_text("Ogre")
    status = page.locator(".stage-title .stage-status")
    expect(status).to_have_text("prone")
    change(stack, view, **ON, healthDisplay="bar")
    expect(status.get_by_role("img", name="Health 50 %")).to_be_visible()
    expect(status.get_by_role("img", name="Armour class 14")).to_be_visible()
    change_item(stack, view, "ogre", hp=40)
    expect(status.get_by_role("img", name="Health 100 %")).to_have_class(re.compile("is-full"))
    change(stack, view, healthDisplay="words")
    expect(status).to_contain_text("unhurt")
    change_item(stack, view, "ogre", hp=0, ac=None, conditions=[])
    expect(status).to_have_text("down")
    change(stack, view, healthDisplay="numbers")
    expect(status.get_by_role("img", name="Health 0/40")).to_be_visible()
    change(stack, view, showHealth=False)
    expect(status).to_be_hidden()


ACTIONS = [{"name": "Maul", "text": "Hits with a bell.", "dc": 17}, {"name": "Toll"}]
PUBLIC = {
    "sound": "A bell, far below",
    "hornCount": 2,
    "isWet": True,
    "portrait": "/warden.png",
    "gmNotes": "Fears bees",
}


def test_actions_and_what_is_public_are_drawn(page: Page, stack: Stack) -> None:
    page.set_viewport_size(TELEVISION)
    ogre = creature("Ogre", image=upload(stack, 402), actions=ACTIONS, reactions=[{"name": "Duck"}], public=PUBLIC)
    other = creature("Ettin", public={"heads": 2})
    view = watch(page, stack, ogre, other, currentItem=0)
    details = page.locator(".stage-title .stage-details")
    expect(details.locator("dt")).to_have_text(["Sound", "Horn count", "Is wet"])
    expect(details.locator("dd")).to_have_text(["A bell, far below", "2", "yes"])
    change(stack, view, showActions=True)
    expect(details.locator(".stage-kind")).to_have_text(["Actions", "Reactions"])
    expect(details).to_contain_text("Hits with a bell.")
    assert not re.search("17|bees|portrait", details.inner_html())
    change_item(stack, view, "ogre", actions=[{"name": f"Blow {n}", "text": "It hurts. " * 20} for n in range(12)])
    expect(details).to_be_hidden()  # nothing scrolls on a television
    expect(page.locator(NAME)).to_have_text("Ogre")
    page.set_viewport_size(PHONE)
    expect(details).to_contain_text("Blow 11")
    expect(card(page, "Ettin").locator(".stage-details")).to_have_text("Heads2")
    check(page)
    change_item(stack, view, "ogre", actions=None, reactions=None, public=None)
    expect(details).to_be_hidden()
    expect(details).to_be_empty()


def test_the_encounter_goes_on(page: Page, stack: Stack) -> None:
    page.set_viewport_size(TELEVISION)
    people = [creature(name) for name in ("Ada", "Bo", "Cy", "Di", "Ed", "Flo", "Gus")]
    order = [{"itemId": one["id"]} for one in people]
    view = watch(page, stack, *people, currentItem=0, encounter={"round": 1, "turn": "ada", "order": order}, **ON)
    expect(page.locator(".stage-card")).to_have_count(5)
    expect(page.locator(".stage-more")).to_have_text("+2")
    expect(page.locator(".is-turn")).to_contain_text("Ada")
    change(stack, view, encounter={"round": 1, "turn": "gus", "order": order})
    expect(page.locator(".is-turn")).to_contain_text("Gus")
    expect(page.locator(".stage-card").nth(1)).to_contain_text("Ada")
    page.set_viewport_size(PHONE)
    expect(page.locator(".stage-card")).to_have_count(7)
    expect(page.get_by_role("heading", name="Round 1")).to_be_visible()
    change_item(stack, view, "bo", visible=False)
    expect(card(page, "Bo")).to_have_count(0)
    change(stack, view, showEncounter=False)
    expect(page.locator(".is-encounter")).to_be_hidden()
    expect(card(page, "Cy")).to_be_visible()


def test_a_view_without_an_item_shows_its_name(page: Page, stack: Stack) -> None:
    watch(page, stack, name="Thursday")
    expect(page.get_by_text("Thursday")).to_be_visible()


# --- The line ------------------------------------------------------------------------------------------------


def test_a_restart_is_mentioned_only_if_it_takes_long(chrome: Browser) -> None:
    with installation(StoreKind.SQLITE, **STACK_ENV) as made, running(made, made.prepare(), ServerKind.SERVE) as stack:
        context = chrome.new_context()
        page = context.new_page()
        view = watch(page, stack, {"id": "one", "name": "The mill", "image": upload(stack, 401)}, currentItem=0)
        expect(page.locator(PICTURE)).to_be_visible()
        stack.server.process.kill()
        line = page.locator("#line")
        expect(line).to_be_hidden()
        expect(line).to_have_text(re.compile(r"^Reconnecting · last seen \d+ s ago$"), timeout=10_000)
        expect(line).to_be_visible()
        expect(page.locator(PICTURE)).to_be_visible()
        stack.server.start()
        expect(line).to_be_hidden(timeout=30_000)
        change_item(stack, view, "one", name="The old mill")
        expect(page.locator(NAME)).to_have_text("The old mill")
        context.close()


def test_a_member_watches_until_the_session_ends(page: Page, stack: Stack) -> None:
    view = stack.new_portal_view(items=[{"id": "one", "name": "The mill", "image": upload(stack, 401)}], currentItem=0)
    log_in(page, stack, stack.cast.viewer)
    page.goto(f"{stack.server.http}/libraries/{stack.cast.library_id}")
    name = stack.controller.get(f"/api/portal-views/{view}")["name"]
    page.locator("li", has_text=name).get_by_role("link", name="Open the stage").click()
    expect(page.locator(PICTURE)).to_have_js_property("naturalWidth", 401)
    other = page.context.new_page()
    other.goto(f"{stack.server.http}/logout")
    other.get_by_role("main").get_by_role("button", name="Log out").click()
    expect(page.locator("#end")).to_contain_text("You are logged out.", timeout=20_000)
    page.get_by_role("link", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/login\?next="))


def test_without_a_wake_lock_a_sentence_helps(page: Page, stack: Stack) -> None:
    page.add_init_script("delete Navigator.prototype.wakeLock")
    watch(page, stack)
    expect(page.get_by_text("Set this screen to stay on")).to_be_visible()


# --- Sharing -------------------------------------------------------------------------------------------------


def test_a_link_is_shown_on_the_screen_counted_and_withdrawn(page: Page, chrome: Browser, stack: Stack) -> None:
    view = stack.new_portal_view(items=[{"id": "one", "name": "The mill"}], currentItem=0)
    log_in(page, stack, stack.cast.controller)
    page.goto(f"{stack.server.http}/libraries/{stack.cast.library_id}/views/{view}/share")
    page.get_by_role("main").get_by_role("button", name="Share").click()
    expect(page.get_by_text("Nobody is watching by this link")).to_be_visible()
    guest = chrome.new_page()
    guest.goto(page.get_by_label("The whole link").input_value())
    expect(guest.locator(NAME)).to_have_text("The mill")
    expect(page.get_by_text("1 watching by this link")).to_be_visible()
    page.get_by_role("button", name="Show on screen").click()
    expect(guest.locator(".stage-code")).to_have_text(page.locator("p.code").inner_text())
    expect(guest.locator(".stage-qr")).not_to_have_js_property("naturalWidth", 0)
    page.get_by_role("button", name="Take it off the screen").click()
    expect(guest.locator(".stage-code")).to_be_hidden()
    check(page)
    page.get_by_role("link", name="Withdraw").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 person watches by it now")
    page.get_by_role("button", name="Withdraw the link").click()
    expect(guest.locator("#end")).to_contain_text("This link was withdrawn.")
    guest.close()


# --- For everybody -------------------------------------------------------------------------------------------


def test_everybody_can_read_it(page: Page, stack: Stack) -> None:
    people = [creature(name, image=upload(stack, 401)) for name in ("Ada", "Bo", "Cy")]
    order = [{"itemId": one["id"]} for one in people]
    view = watch(page, stack, *people, currentItem=0, encounter={"round": 1, "turn": "ada", "order": order}, **ON)
    expect(page.locator(PICTURE)).to_be_visible()
    check(page)
    change(stack, view, currentItem=None)
    expect(page.locator(NAME)).to_have_text("")
    check(page)
    stack.controller.delete(f"/api/portal-views/{view}")
    expect(page.locator("#end")).to_be_visible()
    check(page, least=5)


def test_it_speaks_german(chrome: Browser, stack: Stack) -> None:
    page = chrome.new_page(locale="de-DE")
    view = watch(page, stack, creature("Oger"), currentItem=0, **ON, healthDisplay="words")
    expect(page.locator(".stage-title")).to_contain_text("verwundet")
    stack.controller.delete(f"/api/portal-views/{view}")
    expect(page.locator("#end")).to_contain_text("gelöscht")
    page.close()


def test_nothing_moves_for_those_who_want_it_so(page: Page, stack: Stack) -> None:
    page.emulate_media(reduced_motion="reduce")
    view = watch(page, stack, {"id": "one", "name": "The mill", "image": upload(stack, 401)}, currentItem=0)
    expect(page.locator(PICTURE)).to_be_visible()
    page.evaluate("window.moves = 0; document.addEventListener('transitionrun', () => window.moves++, true)")
    change(stack, view, blackout=True)
    expect(page.locator(".stage-picture")).to_have_count(0)
    change(stack, view, blackout=False, camera={"x": 0.2, "y": 0.2, "zoom": 2})
    expect(page.locator(PICTURE)).to_be_visible()
    assert page.evaluate("window.moves") == 0


def test_nothing_shifts(chrome: Browser, stack: Stack) -> None:
    people = [creature(name, image=upload(stack, 400 + 10 * index)) for index, name in enumerate(("Ada", "Bo", "Cy"))]
    order = [{"itemId": one["id"]} for one in people]
    with still(chrome, REFUSED, viewport=PHONE) as context:
        page = context.new_page()
        watch(page, stack, *people, currentItem=0, encounter={"round": 1, "turn": "ada", "order": order}, **ON)
        expect(page.locator(PICTURE)).to_be_visible()
        expect(page.locator(".stage-face img")).to_have_count(3)
