"""Undo and redo on the desk: its rules in Node, and its buttons, keys and sentences in a browser."""

from __future__ import annotations

import re
from operator import itemgetter
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portal.tests.browsing import chrome, stack
from portal.tests.desk_table import Table, context, names, picture_of, table
from portal.tests.test_js_client_files import output

RULES = Path(__file__).parent / "backwards.test.js"


def test_the_rules() -> None:
    output("node", "--test", "--test-reporter=spec", str(RULES))


@pytest.mark.server
@pytest.mark.browser
class TestOnTheDesk:
    """A controller who takes things back."""

    def test_what_was_shown_hurt_and_written_is_taken_back_and_done_again(self, table: Table) -> None:
        page = table.page
        undo, redo = (page.get_by_role("button", name=name, exact=True).first for name in ("Undo", "Redo"))
        expect(undo).to_have_attribute("aria-disabled", "true")
        table.row("letter").get_by_role("button", name="Show A letter").click()
        expect(table.shown()).to_have_text("A letter")
        table.row("ogre").locator(".open").click()
        page.get_by_role("button", name="−10").click()
        expect(page.locator(".vitals .number")).to_have_text("20")
        name = page.locator("desk-editor").get_by_label("Name")
        name.fill("Grumsh")
        name.press("Enter")
        expect(table.row("ogre")).to_contain_text("Grumsh")
        name.blur()

        page.keyboard.press("z")
        expect(table.row("ogre")).to_contain_text("Ogre")
        expect(page.locator("#toast")).to_contain_text("Undone: “Ogre”.")
        undo.click()
        expect(page.locator(".vitals .number")).to_have_text("30")
        page.keyboard.press("Control+z")
        expect(table.guest.locator(".stage-title")).to_be_hidden()
        expect(undo).to_have_attribute("aria-disabled", "true")
        page.keyboard.press("Shift+Z")
        expect(table.shown()).to_have_text("A letter")
        redo.click()
        page.keyboard.press("Control+Shift+z")
        expect(redo).to_have_attribute("aria-disabled", "true")
        expect(table.row("ogre")).to_contain_text("Grumsh")
        expect(page.locator("desk-line")).to_contain_text("Live")
        table.stores_item("ogre", hp=20, name="Grumsh")

    def test_what_somebody_else_changed_since_stays(self, table: Table) -> None:
        page = table.page
        table.row("ogre").locator(".open").click()
        page.get_by_role("button", name="−1", exact=True).click()
        expect(page.locator(".vitals .number")).to_have_text("29")
        table.stack.controller.patch(f"/api/portal-views/{table.view_id}/items/ogre", {"hp": 5})
        expect(page.locator(".vitals .number")).to_have_text("5")
        page.locator("[data-undo]").click()
        expect(page.locator("#toast")).to_have_text("Somebody has changed it since, so it stays as it is.")
        table.stores_item("ogre", hp=5)
        expect(page.locator("[data-redo]")).to_have_attribute("aria-disabled", "true")

    def test_a_deleted_item_comes_back_by_its_own_button_though_more_was_done(self, table: Table) -> None:
        page = table.page
        table.row("letter").locator(".open").click()
        page.get_by_role("button", name="Delete").click()
        expect(table.row("letter")).to_have_count(0)
        page.keyboard.press("b")
        expect(page.locator("desk-blackout")).to_be_visible()
        page.locator("#toast").get_by_role("button", name="Undo").click()
        expect(table.row("letter")).to_be_visible()
        expect(page.locator("desk-blackout")).to_be_visible()
        table.stores(names, ["Ogre", "A letter", "Ghoul", "The map"])

    def test_a_gesture_is_taken_back_as_one(self, table: Table) -> None:
        page = table.page
        path = f"/api/portal-views/{table.view_id}"
        image = {"id": "hall", "name": "The hall", "image": picture_of(600, 400)}
        table.stack.controller.patch(path, {"items": [image], "currentItemId": "hall"})
        layer = page.locator("desk-screen .stage-layer.is-on")
        layer.hover()
        for _ in range(3):
            page.mouse.wheel(0, -100)
        moved = table.guest.locator(".stage-layer.is-on")
        whole = re.compile(r"^matrix\(1, 0, 0, 1,")
        expect(moved).not_to_have_css("transform", whole)
        page.keyboard.press("z")
        expect(moved).to_have_css("transform", whole)
        table.stores(itemgetter("currentItemId", "camera"), ("hall", None))
