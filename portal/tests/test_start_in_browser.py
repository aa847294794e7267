"""The pages of libraries in a real browser, below a path, until the first evening is shared.

Each test ends with an empty console, in which violations of the policies are, too.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    FilePayload,
    Page,
    Route,
    expect,
)

from portal.tests.browsing import (
    NAME,
    PHONE,
    PICTURE,
    check,
    chrome,
    context,
    give,
    log_in,
    page,
    picture,
    reloaded_without,
    stack,
)
from testing.stacks import Stack

__all__ = ["chrome", "context", "page", "stack"]

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]


def new_library(page: Page, name: str) -> str:
    """Make a library on the page of libraries; returns the address of its page."""
    page.get_by_label("Name of the library").fill(name)
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return page.url


# --- The first evening ---------------------------------------------------------------------------------------


def test_a_stranger_registers_tries_a_sample_evening_and_shares_it(page: Page, chrome: Browser, stack: Stack) -> None:
    page.goto(f"{stack.server.http}/")
    check(page)
    page.get_by_role("main").get_by_role("link", name="Register").click()
    page.get_by_label("E-mail address").fill("first@example.org")
    page.get_by_label("Name").fill("First")
    page.get_by_label("Password").fill("a table by the sea")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="Make your first table")).to_be_visible()
    check(page)
    # Its pictures are made when the machine has no other work.
    page.get_by_role("button", name="Try a sample evening").click(timeout=60_000)
    expect(page.get_by_role("heading", name="The table")).to_be_visible(timeout=60_000)
    expect(page.locator("desk-line")).to_contain_text("Live")
    expect(page.locator("desk-invite .code")).to_be_visible()
    check(page)
    page.locator(".bar").get_by_role("link", name="Share").click()
    sharing = page.locator("#sharing")
    expect(sharing.locator("p.code")).to_have_text(re.compile(r"^[2-9A-HJ-KM-NP-Z]{6}$"))
    expect(sharing.locator(".qr")).not_to_have_js_property("naturalWidth", 0)
    check(page)
    link = page.get_by_label("The whole link").input_value()
    guest = chrome.new_page()
    guest.goto(link)
    expect(guest.locator(NAME)).to_have_text("The coast of Saltmarrow")
    expect(guest.locator(PICTURE)).not_to_have_js_property("naturalWidth", 0)
    page.get_by_role("link", name="Withdraw").click()
    expect(page.get_by_role("dialog")).to_contain_text("disconnected at once")
    page.get_by_role("button", name="Withdraw the link").click()
    expect(page.get_by_text("The link is withdrawn.")).to_be_visible()
    expect(guest.locator("#end")).to_contain_text("This link was withdrawn.")
    guest.close()


def test_every_page_of_a_library_can_be_read_by_everybody(page: Page, stack: Stack) -> None:
    log_in(page, stack, stack.cast.controller)
    library = f"{stack.server.http}/libraries/{stack.cast.library_id}"
    check(page)
    for path in ("", "/pictures", "/members", "/settings", "/delete", f"/views/{stack.cast.portal_view_id}/share"):
        page.goto(library + path)
        check(page)
    for path in ("/account", "/add-screen", "/logout", "/join", "/reset", "/account/delete"):
        page.goto(stack.server.http + path)
        check(page)


def test_the_pages_are_dark_if_the_system_is(page: Page, stack: Stack) -> None:
    page.emulate_media(color_scheme="dark")
    log_in(page, stack, stack.cast.controller)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 18, 22)"
    check(page)
    page.goto(f"{stack.server.http}/libraries/{stack.cast.library_id}/members")
    check(page)


def test_the_account_says_whether_pages_are_light_or_dark(page: Page, stack: Stack) -> None:
    log_in(page, stack, stack.cast.editor)
    desk = f"{stack.server.http}/libraries/{stack.cast.library_id}/views/{stack.cast.portal_view_id}/desk"
    grounds = {"Light": "rgb(245, 246, 248)", "Dark": "rgb(15, 18, 22)"}
    ground = "getComputedStyle(document.body).backgroundColor"
    for name, system in (("Dark", "light"), ("Light", "dark")):
        page.emulate_media(color_scheme=system)  # type: ignore[arg-type]  # one of the two
        page.goto(f"{stack.server.http}/account")
        page.get_by_label("Colours of the pages").select_option(name)
        page.get_by_role("button", name="Change the colours").click()
        expect(page.get_by_text("The colours are changed.")).to_be_visible()
        check(page)
        for address in (page.url, desk):
            page.goto(address)
            page.wait_for_load_state()
            assert page.evaluate(ground) == grounds[name]
            assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == name.lower()
    page.goto(f"{stack.server.http}/account")
    page.get_by_label("Colours of the pages").select_option("As on this device")
    page.get_by_role("button", name="Change the colours").click()
    expect(page.get_by_text("The colours are changed.")).to_be_visible()
    page.wait_for_load_state()
    for system, name in (("light", "Light"), ("dark", "Dark")):
        page.emulate_media(color_scheme=system)  # type: ignore[arg-type]  # one of the two
        assert page.evaluate(ground) == grounds[name]


def test_a_library_is_made_renamed_and_deleted(page: Page, stack: Stack) -> None:
    log_in(page, stack, stack.cast.stranger)
    name = "A library whose name is as long as somebody wants who has much to say about it, and more"
    new_library(page, name)
    check(page)
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Name").fill("Short")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are stored.")).to_be_visible()
    page.get_by_role("link", name="Delete the library").click()
    dialog = page.get_by_role("dialog", name="Delete “Short”?")
    expect(dialog).to_contain_text("0 portal views")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Delete the library").click()
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Delete the library").click()
    dialog.get_by_role("button", name="Delete the library").click()
    expect(page.get_by_text("“Short” is deleted.")).to_be_visible()


def test_a_portal_view_is_made_renamed_and_deleted_by_keyboard(page: Page, stack: Stack) -> None:
    log_in(page, stack, stack.cast.stranger)
    new_library(page, "Keys")
    page.get_by_label("Name of a new portal view").fill("Hall")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The portal view is made.")).to_be_visible()
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).fill("Cellar")
    page.keyboard.press("Enter")
    expect(page.get_by_role("paragraph").filter(has_text="Cellar")).to_be_visible()
    page.wait_for_load_state()  # without its script, the page asks on another page
    page.get_by_role("link", name="Delete Cellar").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Delete “Cellar”?")).to_be_visible()
    page.get_by_role("button", name="Delete the portal view").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The portal view is deleted.")).to_be_visible()


def test_without_javascript_a_question_is_a_page(chrome: Browser, stack: Stack) -> None:
    context = chrome.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    log_in(page, stack, stack.cast.stranger)
    new_library(page, "Plain")
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Delete the library").click()
    expect(page.get_by_role("heading", name="Delete “Plain”?")).to_be_visible()
    page.get_by_role("button", name="Delete the library").click()
    expect(page.get_by_text("“Plain” is deleted.")).to_be_visible()
    context.close()


def test_somebody_is_invited_and_accepts(page: Page, chrome: Browser, stack: Stack) -> None:
    log_in(page, stack, stack.cast.controller)
    new_library(page, "Invited")
    page.get_by_role("link", name="Members").click()
    page.get_by_label("Role", exact=True).select_option("Editor")
    page.get_by_role("button", name="Make an invitation").click()
    link = page.get_by_label("The whole link").input_value()
    check(page)
    other = chrome.new_context(locale="en-GB").new_page()
    log_in(other, stack, stack.cast.viewer)
    other.goto(link)
    check(other)
    other.get_by_role("button", name="Accept").click()
    expect(other.get_by_text("You are Editor of “Invited” now.")).to_be_visible()
    expect(other.get_by_role("link", name="Pictures")).to_be_visible()
    other.context.close()
    page.reload()
    expect(page.get_by_text(stack.cast.viewer.email)).to_be_visible()


def test_a_link_is_copied_with_and_without_a_clipboard(page: Page, stack: Stack) -> None:
    """Over plain http, as in a home's network, there is no clipboard."""
    log_in(page, stack, stack.cast.controller)
    page.goto(f"{stack.server.http}/libraries/{stack.cast.library_id}/members")
    page.get_by_role("button", name="Make an invitation").click()
    link = page.get_by_label("The whole link").input_value()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.evaluate("delete Navigator.prototype.clipboard")
    page.evaluate("document.execCommand = () => false")
    page.locator("[data-copy]").click()
    expect(page.locator("[data-copy]")).to_contain_text("Press Ctrl+C")
    assert page.evaluate("getSelection().toString() || document.activeElement.value") == link


# --- Pictures ------------------------------------------------------------------------------------------------


def test_pictures_are_uploaded_two_at_a_time_replaced_and_deleted(page: Page, stack: Stack) -> None:
    log_in(page, stack, stack.cast.stranger)
    new_library(page, "Pictures")
    page.get_by_role("link", name="Pictures").click()
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()
    running, most = 0, 0

    def count(route: Route) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        route.continue_()

    def ended(request: Any) -> None:
        nonlocal running
        running -= request.method == "POST" and "/images" in request.url

    page.route(re.compile(r"/images\?name="), count)
    page.on("requestfinished", ended)
    files = [picture(400 + number, f"Picture {number}.png") for number in range(5)]
    page.locator("#files").set_input_files(files)
    uploads = page.locator("[data-uploads] li")
    expect(page.locator("[data-image]")).to_have_count(5, timeout=60_000)
    expect(uploads).to_have_count(0)
    assert most == 2
    first = page.locator("[data-image]").filter(has_text="Picture 0")
    expect(first.locator("img")).not_to_have_js_property("naturalWidth", 0)
    check(page)
    first.locator("[data-replace]").set_input_files(picture(900))
    expect(first).to_contain_text("900 × 300", timeout=30_000)
    expect(first.locator("img")).to_have_js_property("naturalHeight", 85)  # not that of the one before
    first.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete the picture").click()
    expect(page.locator("[data-image]")).to_have_count(4)


def test_what_is_chosen_before_the_script_is_there_is_sent(page: Page, stack: Stack) -> None:
    log_in(page, stack, stack.cast.stranger)
    new_library(page, "Slow line")
    page.get_by_role("link", name="Pictures").click()
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()
    script = re.compile(r"/pages/upload[^/]*\.js")
    with reloaded_without(page, script):
        page.locator("#files").set_input_files([picture(300, "Early.png"), picture(301, "Too.png")])
        expect(page.locator("portal-pictures:defined")).to_have_count(0)
    expect(page.locator("[data-image]")).to_have_count(2, timeout=30_000)
    early = page.locator("[data-image]").filter(has_text="Early")
    with reloaded_without(page, script):
        early.locator("[data-replace]").set_input_files(picture(310))
    expect(early).to_contain_text("310 × 300", timeout=30_000)


def test_an_upload_that_fails_stays_with_its_reason_and_is_tried_again(page: Page, stack: Stack) -> None:
    log_in(page, stack, stack.cast.stranger)
    new_library(page, "Broken")
    page.get_by_role("link", name="Pictures").click()
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()
    page.wait_for_load_state()
    broken: FilePayload = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture at all"}
    page.locator("#files").set_input_files([broken])
    row = page.locator("[data-uploads] li")
    expect(row.get_by_role("alert")).not_to_be_empty()
    expect(row.get_by_role("button", name="Try again")).to_be_visible()
    check(page)
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    lost = [True]

    def lose(route: Route) -> None:
        if lost:
            lost.pop()
            route.abort()
        else:
            route.continue_()

    page.route(re.compile(r"/images\?name="), lose)
    page.locator("#files").set_input_files(picture())
    expect(row.get_by_role("alert")).to_have_text("The server cannot be reached: try again in a moment.")
    expect(row.locator("img")).not_to_have_js_property("naturalWidth", 0)
    row.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-image]")).to_have_count(1, timeout=30_000)


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(page: Page, stack: Stack, how: str) -> None:
    log_in(page, stack, stack.cast.stranger)
    new_library(page, f"By {how}")
    page.get_by_role("link", name="Pictures").click()
    page.locator("portal-pictures:defined").wait_for()
    give(page, how)
    expect(page.locator("[data-image]")).to_contain_text("A mill", timeout=30_000)


# --- Language and phone --------------------------------------------------------------------------------------


def test_german_fits_on_a_phone(page: Page, stack: Stack) -> None:
    page.set_viewport_size(PHONE)
    log_in(page, stack, stack.cast.controller)
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Meine Bibliotheken")).to_be_visible()
    check(page)
    for path in ("", "/pictures", "/members", "/settings", f"/views/{stack.cast.portal_view_id}/share"):
        page.goto(f"{stack.server.http}/libraries/{stack.cast.library_id}{path}")
        check(page)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="My libraries").first).to_be_visible()
