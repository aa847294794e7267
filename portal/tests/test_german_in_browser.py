"""Refusals of the server on German pages, in a real browser: none of them is in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, Route, expect

from portal.tests.browsing import LAPTOP, chrome, picture, silent, stack
from portal.tests.desk_table import EXPECTED, desk_of
from testing.stacks import Stack

pytestmark = [pytest.mark.server, pytest.mark.browser]

ENGLISH = re.compile(r"\b(the|is|are|of|not|this|you|must|try)\b", re.IGNORECASE)
TOO_LONG = "Es endet nie. " * 5_000
"""More than one message may have."""
BROKEN: FilePayload = {"name": "kaputt.png", "mimeType": "image/png", "buffer": b"no picture"}
FULL = "The library has 1,000 pictures, and 1,000 are possible: delete some first, such as unused ones."
MOST_ITEMS = 500


@pytest.fixture
def context(chrome: Browser) -> Iterator[BrowserContext]:
    """A German browser without any history."""
    with silent(chrome, *EXPECTED, locale="de-DE", viewport=LAPTOP) as opened:
        yield opened


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page of it."""
    return context.new_page()


def log_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.server.http}/login")
    page.get_by_label("E-Mail-Adresse").fill(stack.cast.controller.email)
    page.get_by_label("Passwort").fill(stack.cast.controller.password)
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("heading", name="Meine Bibliotheken")).to_be_visible()


def says(place: Locator, sentence: str) -> None:
    """The place says it in German, and nothing in English."""
    expect(place).to_contain_text(sentence)
    assert ENGLISH.findall(place.inner_text()) == []


def test_a_wrong_code_and_a_withdrawn_link(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.server.http}/join")
    for code, sentence in (("234", "Ein Code hat sechs Zeichen"), ("BCDFGH", "Diesen Code gibt es nicht")):
        page.get_by_role("textbox", name="Code").fill(code)
        page.get_by_role("button", name="Zusehen").click()
        says(page.locator("#fault"), sentence)
    page.get_by_label("Dein Name").fill("\u2800")
    page.get_by_role("button", name="Zusehen").click()
    says(page.locator("#fault"), "Etwas davon muss zu sehen sein.")
    view = stack.new_portal_view()
    links = f"/api/portal-views/{view}/share-links"
    link: dict[str, Any] = stack.controller.post(links, {})
    stack.controller.delete(f"{links}/{link['id']}")
    page.goto(link["link"])
    says(page.locator("#end"), "Dieser Link wurde zurückgezogen.")


def test_files_that_are_refused(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    page.goto(f"{stack.server.http}/libraries/{stack.cast.library_id}/pictures")
    page.locator("#files").set_input_files(BROKEN)
    says(page.locator("[data-uploads] li .fault"), "Die Datei ist kein Bild, das hier möglich ist.")

    def refuse(route: Route) -> None:
        route.fulfill(status=409, json={"code": "quota-exceeded", "message": FULL, "details": None})

    page.route(re.compile(r"/api/libraries/.*/images\?name="), refuse)
    page.locator("#files").set_input_files(picture())
    says(page.locator("[data-uploads] li .fault").last, "Die Bibliothek hat 1.000 Bilder, und 1.000 sind möglich")


def test_changes_of_the_desk_that_are_refused(page: Page, stack: Stack) -> None:
    letter = {"id": "letter", "name": "Ein Brief", "text": "Läute nicht."}
    view = stack.new_portal_view(items=[letter, *({"name": f"{n}"} for n in range(MOST_ITEMS - 1))])
    log_in(page, stack)
    page.goto(desk_of(stack, view))
    expect(page.locator("desk-line")).to_contain_text("Verbunden")
    page.locator("#files").set_input_files(BROKEN)
    says(page.locator("[data-uploads] li .fault"), "Die Datei ist kein Bild, das hier möglich ist.")
    page.locator('[data-item="letter"] .open').click()
    page.locator("desk-editor").get_by_label("Text").fill(TOO_LONG)
    says(page.locator("desk-editor .field .failure:not([hidden])"), "es ist noch „Läute nicht.“")
    page.get_by_role("button", name="Notiz").click()
    says(page.locator("#toast"), "Die Ansicht hat 500 Einträge, und mehr als 500 sind nicht möglich.")
    stack.controller.delete(f"/api/portal-views/{view}")
    says(page.locator("desk-line"), "Die Ansicht wurde gelöscht.")


def test_forms_that_are_refused(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    page.get_by_label("Name der Bibliothek").fill("\u2800")
    page.get_by_label("Name der Bibliothek").press("Enter")
    says(page.locator(".errorlist"), "Etwas davon muss zu sehen sein.")
    page.goto(f"{stack.server.http}/account")
    page.get_by_label("Bisheriges Passwort").fill("falsch")
    page.get_by_label("Neues Passwort").fill("12345")
    page.get_by_label("Neues Passwort").press("Enter")
    says(page.locator(".errorlist").first, "Das ist nicht dein Passwort.")
