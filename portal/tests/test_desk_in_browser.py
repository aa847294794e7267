"""The desk, and what viewers get of it: what is shown, edited, added and deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from operator import itemgetter

import pytest
from playwright.sync_api import Dialog, FilePayload, WebSocketRoute, expect

from portal.tests.browsing import check, chrome, give, picture, reloaded_without, stack
from portal.tests.desk_table import Table, context, names, table
from testing.pictures import plain

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]


# --- What viewers see ----------------------------------------------------------------------------------------


def test_a_click_only_opens_and_show_shows(table: Table) -> None:
    page = table.page
    expect(page.locator("[data-hint]")).to_have_text("A guest is watching. Press Show.")
    table.row("letter").locator(".open").click()
    expect(page.locator("desk-editor").get_by_label("Name")).to_have_value("A letter")
    table.stores(itemgetter("currentItemId"), None)
    table.row("letter").get_by_role("button", name="Show A letter").click()
    expect(table.row("letter")).to_contain_text("On screen")
    expect(table.shown()).to_have_text("A letter")
    expect(page.locator("desk-screen .stage-title .stage-name")).to_have_text("A letter")
    expect(page.locator("[data-hint]")).to_be_empty()
    table.row("map").locator(".open").dblclick()
    expect(table.shown()).to_have_text("The map")


def test_reveal_and_hide_and_a_hidden_item_is_revealed_by_show(table: Table) -> None:
    table.row("letter").get_by_role("button", name="Show A letter").click()
    expect(table.shown()).to_have_text("A letter")
    table.row("letter").get_by_role("button", name="Hide A letter").click()
    expect(table.guest.locator(".stage-title")).to_be_hidden()
    expect(table.row("letter")).to_contain_text("Hidden")
    table.row("letter").get_by_role("button", name="Reveal A letter").click()
    expect(table.shown()).to_have_text("A letter")
    table.row("ghoul").get_by_role("button", name="Show Ghoul").click()
    expect(table.shown()).to_have_text("Ghoul")
    table.stores_item("ghoul", visible=True)


def test_next_and_previous_pass_over_what_is_hidden(table: Table) -> None:
    page = table.page
    page.locator("[data-next]").click()
    expect(table.shown()).to_have_text("Somebody large")
    expect(page.locator("[data-next]")).to_contain_text("A letter")
    page.keyboard.press("ArrowRight")
    expect(table.shown()).to_have_text("A letter")
    page.locator("body").click(position={"x": 600, "y": 780})
    page.keyboard.press("Space")
    expect(table.shown()).to_have_text("The map")
    expect(page.locator("[data-next]")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("ArrowLeft")
    expect(table.shown()).to_have_text("A letter")


def test_black_out_by_key_and_resume(table: Table) -> None:
    page = table.page
    table.row("letter").get_by_role("button", name="Show A letter").click()
    expect(table.shown()).to_have_text("A letter")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("b")
    expect(page.locator("desk-blackout")).to_contain_text("Viewers see nothing")
    expect(table.guest.locator("#stage")).to_have_class(re.compile("is-black"))
    check(page)
    page.locator("desk-blackout").get_by_role("button", name="Resume").click()
    expect(page.locator("desk-blackout")).to_be_hidden()
    expect(table.shown()).to_have_text("A letter")
    page.keyboard.press("/")
    page.keyboard.type("bell")
    expect(page.locator("desk-items")).to_contain_text("No item has that name.")
    table.stores(itemgetter("blackout"), False)
    page.keyboard.press("Escape")
    expect(table.row("ogre")).to_be_visible()


def test_letters_are_keys_beside_a_control_and_space_is_not_above_the_desk(table: Table) -> None:
    page = table.page
    page.get_by_label("Viewers may point").focus()
    page.keyboard.press("b")
    expect(page.locator("desk-blackout")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.locator(".bar").get_by_role("link", name="Share").click()
    page.get_by_role("dialog", name="Share").get_by_role("heading").first.click()
    page.keyboard.press("Space")
    page.keyboard.press("b")
    expect(page.locator("desk-blackout")).to_be_hidden()
    expect(table.guest.locator("#stage")).not_to_have_class(re.compile("is-black"))  # it is stored
    table.stores(itemgetter("blackout", "currentItemId"), (False, None))


def test_damage_and_what_they_see_of_it(table: Table) -> None:
    page = table.page
    table.row("ogre").locator(".open").click()
    editor = page.locator("desk-editor")
    health = editor.get_by_role("group", name="Health")
    expect(health).to_contain_text("They see: nothing")
    page.get_by_label("Health", exact=True).check()
    health.get_by_label("Viewers see").select_option("Words")
    expect(health).to_contain_text("They see: wounded")
    health.get_by_role("button", name="−10").click()
    expect(health.locator("output")).to_have_text("20")
    expect(health).to_contain_text("They see: critical")
    for text, number in (("-7", "13"), ("+3", "16"), ("=59", "59")):
        health.get_by_label("Change").fill(text)
        page.keyboard.press("Enter")
        expect(health.locator("output")).to_have_text(number)
    expect(health).to_contain_text("They see: unhurt")
    health.get_by_label("Change").fill("lots")
    page.keyboard.press("Enter")
    expect(health.get_by_role("alert").filter(has_text="Write −7")).to_be_visible()
    health.get_by_label("Viewers see").select_option("Bar")
    expect(table.row("ogre")).to_contain_text("Bar")
    check(page)
    table.stores_item("ogre", hp=59, show={"health": "bar"})


def test_words_are_edited_and_notes_stay_private(table: Table) -> None:
    page = table.page
    table.row("ogre").get_by_role("button", name="Show Ogre").click()
    expect(table.shown()).to_have_text("Somebody large")
    table.row("ogre").locator(".open").click()
    editor = page.locator("desk-editor")
    editor.get_by_label("Shown as").fill("A shadow")
    expect(table.shown()).to_have_text("A shadow")
    editor.get_by_label("Private notes").fill("It owes money to the bees")
    editor.get_by_label("Text").fill("It hums.")
    expect(table.guest.locator(".stage-title .stage-text")).to_have_text("It hums.")
    editor.get_by_label("Armour class", exact=True).fill("17")
    page.keyboard.press("Tab")
    expect(page.locator("desk-line")).to_contain_text("Live")
    assert "bees" not in table.guest.content()
    expect(page.get_by_label("Private notes")).to_have_value("It owes money to the bees")
    table.stores_item("ogre", gmNotes="It owes money to the bees", ac=17)


# --- New and old items ---------------------------------------------------------------------------------------


def test_templates_begin_hidden_and_a_deleted_item_comes_back(table: Table) -> None:
    page = table.page
    page.get_by_role("button", name="Creature").click()
    page.keyboard.type("Imp")
    expect(page.locator("[data-item]").last).to_contain_text("Imp")
    expect(page.locator("[data-item]").last).to_contain_text("Hidden")
    table.row("letter").get_by_role("button", name="Show A letter").click()
    expect(table.shown()).to_have_text("A letter")
    table.row("letter").locator(".open").click()
    page.locator("desk-editor").get_by_role("button", name="Delete").click()
    expect(table.row("letter")).to_have_count(0)
    expect(table.guest.locator(".stage-title")).to_be_hidden()
    expect(page.locator("#toast")).to_contain_text("“A letter” is deleted.")
    check(page)
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(table.shown()).to_have_text("A letter")
    table.stores(names, ["Ogre", "A letter", "Ghoul", "The map", "Imp"])


@pytest.mark.parametrize("how", ["drop", "paste", "choose"])
def test_a_picture_is_added_and_shown(table: Table, how: str) -> None:
    page = table.page
    if how == "choose":
        page.locator("#files").set_input_files(picture(300, "A mill.png"))
    else:
        give(page, how)
    row = page.locator("[data-item]").filter(has_text="A mill")
    expect(row).to_contain_text("Hidden", timeout=30_000)
    expect(page.locator("[data-uploads] li")).to_have_count(0)
    row.get_by_role("button", name="Show A mill").click()
    expect(table.shown()).to_have_text("A mill")
    expect(table.guest.locator(".stage-picture")).not_to_have_js_property("naturalWidth", 0)


def test_a_picture_that_is_chosen_before_the_script_is_there_is_added(table: Table) -> None:
    page, script = table.page, re.compile(r"/desk/adding[^/]*\.js")
    with reloaded_without(page, script):
        page.locator("#files").set_input_files(picture(300, "A mill.png"))
    expect(page.locator("[data-item]").filter(has_text="A mill")).to_contain_text("Hidden", timeout=30_000)
    expect(page.locator("[data-uploads] li")).to_have_count(0)


def test_who_leaves_while_pictures_are_sent_is_asked(table: Table) -> None:
    page = table.page
    page.route("**/images?name=*", lambda route: None)
    files: list[FilePayload] = [picture(300, f"{n}.png") for n in range(10)]
    page.locator("#files").set_input_files(files)
    rows = page.locator("[data-uploads] li")
    expect(rows).to_have_count(10)
    expect(rows.filter(has_text="Uploading")).to_have_count(2)
    expect(rows.locator("img")).to_have_count(10)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.goto(f"{table.stack.server.http}/account")
    assert asked == ["beforeunload"]


def test_an_upload_that_fails_stays_with_its_reason(table: Table) -> None:
    page = table.page
    broken: FilePayload = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.locator("#files").set_input_files(broken)
    row = page.locator("[data-uploads] li")
    expect(row.get_by_role("alert")).not_to_be_empty()
    expect(row.get_by_role("button", name="Retry")).to_be_visible()
    check(page)
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)


# --- What is refused ------------------------------------------------------------------------------------------


def refuse(key: str) -> Callable[[WebSocketRoute], None]:
    """A line on which the server refuses each message that has that key."""

    def handle(line: WebSocketRoute) -> None:
        server = line.connect_to_server()

        def answer(text: str | bytes) -> None:
            message = json.loads(text)
            if key in message.get("payload", {}):
                error = {"type": "error", "code": "forbidden", "message": "Not now.", "ref": message["ref"]}
                line.send(json.dumps(error))
            else:
                server.send(text)

        line.on_message(answer)

    return handle


def test_a_switch_that_is_refused_says_so_below_it(table: Table) -> None:
    page = table.page
    page.route_web_socket(re.compile("/ws/"), refuse("showAC"))
    page.reload()
    expect(page.locator("desk-line")).to_contain_text("Live")
    page.get_by_role("checkbox", name="Armour class").click()
    failure = page.locator("desk-encounter .failure:not([hidden])")
    expect(failure).to_contain_text("is not stored")
    assert failure.evaluate("box => box.previousElementSibling.textContent") == "Armour class"
    expect(page.get_by_role("checkbox", name="Armour class")).not_to_be_checked()
    expect(page.locator("#toast")).to_be_empty()
    expect(failure).to_have_count(0, timeout=10_000)
    table.stores(itemgetter("showAC"), False)
