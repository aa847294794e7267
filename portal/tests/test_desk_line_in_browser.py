"""The desk among others, on a bad line and on other screens: restarts, refusals, the camera, a phone, German."""

from __future__ import annotations

import re
from base64 import b64encode
from operator import itemgetter

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from portal.tests.browsing import LAPTOP, PHONE, check, chrome, log_in, stack
from portal.tests.desk_table import Table, context, desk_of, open_desk, picture_of, table
from portal.tests.test_large_text_in_browser import IS_ON_TOP
from testing.pictures import plain
from testing.stacks import Stack

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]

TOO_LONG = "It never ends. " * 5_000
"""More than one message may have."""


# --- The line ------------------------------------------------------------------------------------------------


def test_a_change_waits_while_the_server_is_away_and_arrives(table: Table) -> None:
    page = table.page
    table.row("letter").locator(".open").click()
    table.stack.server.process.kill()
    line = page.locator("desk-line")
    expect(line).to_contain_text("Reconnecting")
    table.row("map").get_by_role("button", name="Show The map").click()
    page.get_by_label("Shown as").fill("Our map")
    expect(line).to_contain_text("2 changes wait")
    expect(table.row("map")).to_contain_text("Waits")
    expect(table.row("map")).to_contain_text("On screen")
    check(page)
    table.stack.server.start()
    line.evaluate("line => line.querySelector('button:not([hidden])')?.click()")  # Try now, unless it tries already
    expect(line).to_contain_text("Live", timeout=40_000)
    expect(table.row("map")).not_to_contain_text("Waits")
    expect(table.shown()).to_have_text("The map", timeout=40_000)
    table.stores_item("letter", alias="Our map")


def test_a_refused_change_rolls_back_with_both_values(table: Table) -> None:
    page = table.page
    table.row("letter").locator(".open").click()
    text = page.locator("desk-editor").get_by_label("Text")
    text.fill(TOO_LONG)
    failure = page.locator("desk-editor .field .failure:not([hidden])")
    expect(failure).to_contain_text("it is still “Do not ring it.”")
    expect(failure).to_contain_text("“It never ends.")
    expect(failure).to_contain_text("That is too long to be sent: make it shorter.")
    expect(text).to_have_value("Do not ring it.")
    expect(failure.get_by_role("button", name="Retry")).to_be_visible()
    expect(failure).to_have_count(0, timeout=10_000)
    table.stores_item("letter", text="Do not ring it.")


def test_a_refused_change_of_an_item_that_was_left_stands_on_its_row(table: Table) -> None:
    page = table.page
    table.row("letter").locator(".open").click()
    page.locator("desk-editor").get_by_label("Text").fill(TOO_LONG)
    table.row("map").locator(".open").click()
    failure = table.row("letter").locator(".failure")
    expect(failure).to_contain_text("it is still “Do not ring it.”")
    expect(failure.get_by_role("button", name="Retry")).to_be_visible()
    expect(page.locator("desk-editor .failure:not([hidden])")).to_have_count(0)
    expect(page.locator("#toast")).to_be_empty()
    expect(failure).to_be_hidden(timeout=10_000)


def test_who_logs_out_is_told_to_log_in_again(table: Table) -> None:
    other = table.page.context.new_page()
    other.goto(f"{table.stack.server.http}/logout")
    other.get_by_role("main").get_by_role("button", name="Log out").click()
    line = table.page.locator("desk-line")
    expect(line).to_contain_text("Off")
    line.get_by_role("link", name="Log in again").click()
    expect(table.page.get_by_label("Password")).to_be_visible()
    assert "/desk" in table.page.url


def test_two_controllers_see_each_other(table: Table, chrome: Browser) -> None:
    context = chrome.new_context(locale="en-GB", viewport=LAPTOP)
    other = context.new_page()
    log_in(other, table.stack, table.stack.cast.editor)
    open_desk(other, table.stack, table.view_id)
    expect(table.page.locator("desk-people")).to_contain_text("Jonas")
    other.locator('[data-item="ogre"] .open').click()
    table.row("ogre").locator(".open").click()
    number = table.page.locator("desk-editor output")
    other.get_by_role("button", name="−10").click()
    expect(number).to_have_text("20")
    table.page.get_by_role("button", name="+1", exact=True).click()
    expect(other.locator("desk-editor output")).to_have_text("21")
    table.page.get_by_label("Shown as").fill("A shadow")
    expect(other.get_by_label("Shown as")).to_have_value("A shadow")
    other.locator("desk-editor").get_by_role("button", name="Delete").click()
    expect(table.row("ogre")).to_have_count(0)
    expect(table.page.locator("desk-editor")).to_contain_text("Choose an item")
    context.close()


def test_who_edits_is_seen_on_other_desks_and_it_ends(table: Table, chrome: Browser) -> None:
    context = chrome.new_context(locale="en-GB", viewport=LAPTOP)
    other = context.new_page()
    log_in(other, table.stack, table.stack.cast.editor)
    open_desk(other, table.stack, table.view_id)
    people = table.page.locator("desk-people")
    expect(people).to_contain_text("Jonas")
    table.row("ogre").locator(".open").click()
    other.locator('[data-item="ogre"] .open').click()
    other.locator("desk-editor").get_by_label("Armour class", exact=True).press_sequentially("1")
    expect(table.row("ogre")).to_contain_text("Jonas is editing this.")
    expect(table.page.locator("desk-editor [role=status]")).to_have_text("Jonas is editing this.")
    expect(people).to_contain_text("is editing “Ogre”")
    check(table.page)
    expect(other.locator('[data-item="ogre"]')).not_to_contain_text("is editing")
    other.locator('[data-item="letter"] .open').click()
    other.locator("desk-editor").get_by_label("Private notes").press_sequentially("It")
    expect(people).to_contain_text("is editing “A letter”")
    expect(table.row("letter")).to_contain_text("Jonas is editing this.")
    expect(table.row("ogre")).not_to_contain_text("is editing")
    assert "is editing" not in table.guest.content()
    expect(table.row("letter")).not_to_contain_text("is editing", timeout=10_000)
    expect(people).not_to_contain_text("is editing")
    context.close()


# --- Camera and pointers -------------------------------------------------------------------------------------


def test_the_preview_moves_the_camera_of_all_screens_and_points(table: Table) -> None:
    page = table.page
    path = f"/api/portal-views/{table.view_id}"
    image = {"id": "hall", "name": "The hall", "image": picture_of(600, 400)}
    table.stack.controller.patch(path, {"items": [image], "currentItemId": "hall"})
    layer = page.locator("desk-screen .stage-layer.is-on")
    expect(layer).to_be_visible()
    theirs = table.guest.locator(".stage-layer.is-on")
    layer.hover()
    page.mouse.wheel(0, -600)
    expect(theirs).to_have_css("transform", re.compile(r"^matrix\(2\."))
    camera = table.state()["camera"]
    assert camera["zoom"] > 1.5
    page.mouse.down()
    page.mouse.move(900, 150, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Zoom in").click()
    expect(page.get_by_role("button", name="Move left")).to_be_visible()
    page.get_by_role("button", name="Move left").click()
    expect(theirs).to_have_css("transform", re.compile(r"^matrix\(3\."))
    table.stores(lambda state: state["camera"]["x"] != camera["x"], True)
    check(page)
    page.get_by_role("button", name="Whole picture").click()
    for one in (theirs, layer):
        expect(one).to_have_css("transform", re.compile(r"^matrix\(1, 0, 0, 1,"))
    table.stores(itemgetter("camera"), None)
    layer.click(modifiers=["Alt"])
    expect(table.guest.locator(".stage-ring")).to_have_count(1)
    expect(table.guest.locator(".stage-ring")).to_have_count(0)
    layer.hover()
    page.mouse.down()
    expect(table.guest.locator(".stage-ring")).to_have_count(1)
    page.mouse.up()
    expect(page.locator("desk-screen .stage-ring")).to_have_count(0)


# --- The first minute, other screens, German -------------------------------------------------------------------


def test_the_share_code_stands_in_the_previews_place_until_somebody_watches(
    context: BrowserContext,
    stack: Stack,
    chrome: Browser,
) -> None:
    view_id = stack.new_portal_view()
    page = context.new_page()
    log_in(page, stack, stack.cast.controller)
    open_desk(page, stack, view_id)
    expect(page.locator("desk-items")).to_contain_text("Drop a picture here, paste one, or start from a template.")
    invite = page.locator("desk-invite")
    expect(invite).to_contain_text("Nobody is watching yet")
    check(page)
    invite.get_by_role("button", name="Make a link").click()
    expect(invite.locator(".qr")).not_to_have_js_property("naturalWidth", 0)
    expect(invite.locator(".code")).to_have_text(re.compile(r"^[2-9A-HJ-KM-NP-Z]{6}$"))
    check(page)
    page.reload()
    guests = chrome.new_context(locale="en-GB")
    guest = guests.new_page()
    guest.goto(f"{stack.server.http}/join")
    guest.get_by_label("Code").fill(invite.locator(".code").inner_text())
    guest.get_by_label("Name").fill("Pixel 8")
    guest.get_by_role("button", name="Watch").click()
    expect(page.locator("desk-screen")).to_contain_text("Pixel 8 is watching. Press Show.")
    expect(invite).to_be_hidden()
    guests.close()


def test_sharing_opens_above_the_desk_and_shows_the_code_on_the_screens(table: Table) -> None:
    page = table.page
    page.locator(".bar").get_by_role("link", name="Share").click()
    box = page.get_by_role("dialog", name="Share")
    expect(box).to_contain_text("1 watching by this link")
    box.get_by_label("Name of the link").fill("Sofa")
    box.get_by_role("button", name="Share").click()
    expect(box.locator("p.code")).to_be_visible()
    sizes = {name: box.locator(name).evaluate("(e) => getComputedStyle(e).fontSize") for name in (".address", "p.code")}
    assert sizes == {".address": "28px", "p.code": "48px"}
    qr = box.locator(".qr").bounding_box()
    assert qr is not None
    assert (round(qr["width"]), round(qr["height"])) == (240, 240)
    assert all(page.locator(name).evaluate(IS_ON_TOP) for name in ("[data-black]", "[data-next]", ".bar .back"))
    box.get_by_role("button", name="Show on screen").click()
    expect(table.guest.locator(".stage-code")).to_have_text(box.locator("p.code").inner_text())
    expect(page.locator("desk-screen .stage-code")).to_be_visible()
    box.get_by_role("button", name="Take it off the screen").click()
    expect(table.guest.locator(".stage-code")).to_be_hidden()
    check(page)
    sofa = box.locator("li").filter(has_text="Sofa")
    sofa.get_by_role("link", name="Withdraw").click()
    expect(box.get_by_role("heading", name="Withdraw “Sofa”?")).to_be_visible()
    box.get_by_role("link", name="Cancel").click()
    box.locator("li").filter(has_text="Guests").get_by_role("link", name="Withdraw").click()
    expect(box).to_contain_text("1 person watches by it now")
    box.get_by_role("button", name="Withdraw the link").click()
    expect(table.guest.locator("#end")).to_contain_text("This link was withdrawn.")
    expect(box.locator("li")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(page.locator(".bar").get_by_role("link", name="Share")).to_be_focused()


def test_on_a_phone_there_are_tabs_a_sheet_and_a_bar(table: Table) -> None:
    page = table.page
    page.set_viewport_size(PHONE)
    for tab in ("Encounter", "People", "Items"):
        page.get_by_role("tab", name=tab).click()
        check(page)
    table.row("letter").locator(".open").click()
    expect(page.get_by_role("button", name="Back", exact=True)).to_be_focused()
    check(page)
    page.locator("[data-next]").click()
    expect(table.shown()).to_have_text("Somebody large")
    page.get_by_role("button", name="Back", exact=True).click()
    expect(table.row("letter").locator(".open")).to_be_focused()
    page.locator("[data-black]").click()
    expect(page.locator("desk-blackout")).to_be_visible()
    check(page)


def test_by_keyboard_alone(table: Table) -> None:
    page = table.page
    table.row("letter").locator(".open").focus()
    page.keyboard.press("Enter")
    expect(page.locator("desk-editor").get_by_role("button", name="Show")).to_be_focused()
    page.keyboard.press("Enter")
    expect(table.shown()).to_have_text("A letter")
    page.keyboard.press("Escape")
    expect(table.row("letter").locator(".open")).to_be_focused()
    page.keyboard.press("?")
    page.get_by_label("Use single letters as keys").uncheck()
    page.keyboard.press("Escape")
    table.row("letter").locator(".open").focus()
    page.keyboard.press("b")
    page.keyboard.press("ArrowRight")
    expect(table.shown()).to_have_text("The map")
    table.stores(itemgetter("blackout"), False)


def test_in_german_and_dark(table: Table) -> None:
    page = table.page
    page.goto(f"{table.stack.server.http}/")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Meine Bibliotheken")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    page.goto(desk_of(table.stack, table.view_id))
    expect(page.locator("desk-line")).to_contain_text("Verbunden")
    table.row("ogre").locator(".open").click()
    expect(page.locator("desk-editor")).to_contain_text("Sie sehen: nichts")
    check(page)
    page.goto(f"{table.stack.server.http}/")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="My libraries")).to_be_visible()
