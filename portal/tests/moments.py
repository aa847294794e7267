"""What happens in an evening, for `make screenshots`: a fight, a link, a screen, a bad line, an end; in German, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from playwright.sync_api import FilePayload, Page, expect

from portal.tests.browsing import SMALLEST, picture
from portal.tests.studio import Studio, take

STAGES = ("phone", "television")
DESKS = (("laptop", "light"), ("phone", "dark"))
HEALTH = ("bar", "words", "numbers")
SHOWN = {"showHealth": True, "showAC": True, "showConditions": True}
SILENT_MILLISECONDS = 6_000
BROKEN: FilePayload = {"name": "The mill.png", "mimeType": "image/png", "buffer": b"no picture at all"}
TOO_LONG = "It never ends. " * 5_000
"""More than one message may have."""


def take_moments(studio: Studio) -> None:
    """All of them."""
    for moment in (
        take_fights,
        take_stages,
        take_ends,
        take_first_viewer,
        take_desks,
        take_faults,
        take_sharing,
        take_questions,
        take_pictures,
        take_screens,
        take_german,
        take_bad_line,
    ):
        moment(studio)


# --- The stage -----------------------------------------------------------------------------------------------


def take_fights(studio: Studio) -> None:
    """An encounter with health in each way."""
    for health in HEALTH:
        link = studio.link(studio.evening(healthDisplay=health, **SHOWN))["link"]
        for screen in STAGES:
            with studio.page(screen) as page:
                page.goto(link)
                take(page, f"stage-fight-{health}-{screen}")


def take_stages(studio: Studio) -> None:
    """One thing after the other on the stage: a creature, a letter, a note, nothing, and how to come here."""
    view_id = studio.evening(encounter=None, **SHOWN)
    link = studio.link(view_id)
    shown = {"creature": "warden", "handout": "letter", "note": "clues", "nothing": None}
    for name, item in shown.items():
        studio.stack.controller.patch(f"/api/portal-views/{view_id}", {"currentItemId": item})
        for screen in STAGES:
            with studio.page(screen) as page:
                page.goto(link["link"])
                take(page, f"stage-{name}-{screen}")
    studio.stack.controller.patch(f"/api/portal-views/{view_id}", {"currentItemId": "coast"})
    with studio.page("phone") as page:
        page.goto(link["link"])
        page.locator(".stage-layer.is-on").dblclick()
        take(page, "stage-closer-phone")
    with studio.page("phone") as phone, studio.page("television") as television, studio.owner("laptop") as page:
        phone.goto(link["link"])
        television.goto(link["link"])
        page.goto(studio.desk(view_id).replace("/desk", "/share"))
        page.get_by_role("button", name="Share", exact=True).click()
        page.get_by_role("button", name="Show on screen").click()
        take(phone, "stage-invitation-phone")
        take(television, "stage-invitation-television")


def take_ends(studio: Studio) -> None:
    """What stands there when it is over."""
    view_id = studio.evening()
    for screen in STAGES:
        link = studio.link(view_id)
        with studio.page(screen) as page:
            page.goto(link["link"])
            expect(page.locator(".stage-layer.is-on")).to_be_visible()
            studio.stack.controller.delete(f"/api/portal-views/{view_id}/share-links/{link['id']}")
            expect(page.locator("#end")).to_be_visible()
            take(page, f"stage-end-{screen}")


# --- The desk ------------------------------------------------------------------------------------------------


def join(studio: Studio, page: Page, code: str, name: str) -> None:
    """Watch by a code, under a name."""
    page.goto(f"{studio.address}/join")
    page.get_by_label("Code").fill(code)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Watch").click()
    expect(page.locator("#stage")).not_to_be_empty()


@contextmanager
def at_desk(studio: Studio, screen: str, scheme: str, view_id: str, locale: str = "en-GB") -> Iterator[Page]:
    """The desk of a portal view that two guests watch."""
    with studio.page("television") as television, studio.page("phone") as phone:
        for guest, name in ((television, "Television"), (phone, "Pixel 8")):
            join(studio, guest, studio.code(view_id), name)
        with studio.owner(screen, scheme, locale) as page:
            page.goto(studio.desk(view_id))
            expect(page.locator("desk-line .dot")).to_be_visible()
            expect(page.locator("desk-screen .stage-layer.is-on")).to_be_visible()
            expect(page.locator("desk-screen .hint")).not_to_be_empty()
            page.locator('[data-item="coast"] .show').click()
            expect(page.locator("desk-screen .hint")).to_be_empty()
            yield page


def take_first_viewer(studio: Studio) -> None:
    """The first minute: nobody is there, and then somebody is."""
    for screen, scheme in DESKS:
        view_id = studio.evening(currentItem=None, encounter=None)
        with studio.owner(screen, scheme) as page:
            page.goto(studio.desk(view_id))
            take(page, f"desk-nobody-{screen}-{scheme}")
            page.get_by_role("button", name="Make a link").click()
            expect(page.locator("desk-invite .code")).to_be_visible()
            take(page, f"desk-invite-{screen}-{scheme}")
            with studio.page("phone") as guest:
                join(studio, guest, page.locator("desk-invite .code").inner_text(), "Pixel 8")
                expect(page.locator("desk-screen .hint")).not_to_be_empty()
                take(page, f"desk-first-viewer-{screen}-{scheme}")


def take_desks(studio: Studio) -> None:
    """A creature in the editor, the tabs of a phone, keys, a look closer, a deletion, and blackout."""
    for screen, scheme in (("laptop", "light"), ("laptop", "dark"), ("phone", "light"), ("phone", "dark")):
        view_id = studio.evening(healthDisplay="words", **SHOWN)
        with at_desk(studio, screen, scheme, view_id) as page:
            ending = f"{screen}-{scheme}"
            if screen == "phone":
                take_tabs(page, ending)
                page.set_viewport_size(SMALLEST)
                take(page, f"desk-smallest-{scheme}")
                page.set_viewport_size({"width": 844, "height": 390})
                take(page, f"desk-on-its-side-{scheme}")
                page.set_viewport_size({"width": 390, "height": 844})
            else:
                page.get_by_role("button", name="Keys").click()
                take(page, f"desk-keys-{ending}")
                page.keyboard.press("Escape")
            if screen == "phone":
                page.get_by_role("button", name="Larger").click()
            page.get_by_role("button", name="Zoom in").click()
            page.get_by_role("button", name="Zoom in").click()
            take(page, f"desk-zoomed-{ending}")
            if screen == "phone":
                page.get_by_role("button", name="Larger").click()
            page.locator('[data-item="warden"] .open').click()
            take(page, f"desk-editor-{ending}")
            page.locator("desk-editor").get_by_role("button", name="Delete").click()
            take(page, f"desk-deleted-{ending}")
            page.locator("[data-black]").click()
            take(page, f"desk-blackout-{ending}")


def take_tabs(page: Page, ending: str) -> None:
    """The other tabs of a phone, and back."""
    for tab in ("Encounter", "People", "Items"):
        page.get_by_role("tab", name=tab).click()
        if tab != "Items":
            take(page, f"desk-{tab.lower()}-{ending}")


def take_faults(studio: Studio) -> None:
    """What was refused stays, with its reason."""
    for screen, scheme in DESKS:
        with at_desk(studio, screen, scheme, studio.evening()) as page:
            page.locator("#files").set_input_files(BROKEN)
            expect(page.locator(".upload.failed")).to_be_visible()
            take(page, f"desk-upload-failed-{screen}-{scheme}")
            page.locator('[data-item="letter"] .open').click()
            page.locator("desk-editor").get_by_label("Text").fill(TOO_LONG)
            failure = page.locator("desk-editor .field .failure:not([hidden])")
            expect(failure).to_be_visible()
            failure.scroll_into_view_if_needed()
            take(page, f"desk-refused-{screen}-{scheme}")


def take_bad_line(studio: Studio) -> None:
    """The server is away: the last moment, as it ends what all others run on."""
    view_id = studio.evening()
    link = studio.link(view_id)["link"]
    with (
        studio.page("phone") as phone,
        studio.page("television") as television,
        at_desk(studio, "laptop", "light", view_id) as laptop,
        at_desk(studio, "phone", "dark", view_id) as small,
    ):
        phone.goto(link)
        television.goto(link)
        expect(television.locator(".stage-layer.is-on")).to_be_visible()
        studio.stack.server.process.kill()
        for page in (laptop, small):
            expect(page.locator("desk-line")).to_contain_text("Reconnecting")
            take(page, f"desk-reconnecting-{'laptop-light' if page is laptop else 'phone-dark'}")
        laptop.locator('[data-item="letter"] .show').click()
        laptop.locator('[data-item="clues"] .eye').click()
        take(laptop, "desk-waiting-laptop-light")
        phone.wait_for_timeout(SILENT_MILLISECONDS)
        take(phone, "stage-reconnecting-phone")
        take(television, "stage-reconnecting-television")


# --- Other pages ---------------------------------------------------------------------------------------------


def take_sharing(studio: Studio) -> None:
    """A link that somebody watches by, and its end."""
    for screen, scheme in DESKS:
        view_id = studio.evening()
        with studio.owner(screen, scheme) as page, studio.page("phone") as guest:
            page.goto(studio.desk(view_id))
            page.locator(".bar").get_by_role("link", name="Share").click()
            expect(page.get_by_role("dialog", name="Share").get_by_label("Name of the link")).to_be_visible()
            take(page, f"desk-sharing-{screen}-{scheme}")
            page.goto(studio.desk(view_id).replace("/desk", "/share"))
            page.get_by_label("Name").fill("Friends at home")
            page.get_by_role("button", name="Share", exact=True).click()
            guest.goto(page.locator("#link").input_value())
            expect(page.locator("[data-link]").first).to_contain_text("1", timeout=30_000)
            take(page, f"share-made-{screen}-{scheme}")
            page.get_by_role("link", name="Withdraw").first.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            take(page, f"share-withdraw-{screen}-{scheme}")


def take_questions(studio: Studio) -> None:
    """What is asked before something is lost, an invitation, and what was typed wrongly."""
    for screen, scheme in DESKS:
        with studio.owner(screen, scheme) as page:
            page.goto(f"{studio.library}/settings")
            page.get_by_role("link", name="Delete the library").click()
            expect(page.get_by_role("dialog")).to_be_visible()
            take(page, f"library-delete-{screen}-{scheme}")
            page.goto(f"{studio.library}/members")
            page.get_by_role("button", name="Make an invitation").click()
            invitation = page.get_by_label("The whole link").input_value()
            take(page, f"invited-{screen}-{scheme}")
            page.goto(f"{studio.address}/libraries/{uuid4()}")
            take(page, f"refused-{screen}-{scheme}")
        with studio.page(screen, scheme) as page:
            page.goto(invitation)
            take(page, f"invitation-{screen}-{scheme}")
            page.goto(f"{studio.address}/login")
            page.get_by_label("E-mail address").fill("mara@example.org")
            page.get_by_label("Password").fill("open sesame")
            page.get_by_role("main").get_by_role("button", name="Log in").click()
            expect(page.locator(".errorlist")).to_be_visible()
            take(page, f"log-in-failed-{screen}-{scheme}")


def take_pictures(studio: Studio) -> None:
    """The pictures of a library: some, one that failed, and the question before one is deleted."""
    for screen, scheme in DESKS:
        with studio.owner(screen, scheme) as page:
            page.goto(f"{studio.library}/pictures")
            page.locator("#files").set_input_files([picture(), BROKEN])
            expect(page.locator("[data-uploads] li")).to_have_count(1)
            expect(page.locator("[data-uploads] li").get_by_role("alert")).not_to_be_empty()
            take(page, f"pictures-failed-{screen}-{scheme}")
            page.get_by_role("link", name="Delete").first.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            take(page, f"pictures-delete-{screen}-{scheme}")


def take_screens(studio: Studio) -> None:
    """A television that waits for its code to be typed, and the phone on which it is."""
    with studio.page("television") as television:
        television.goto(f"{studio.address}/tv")
        expect(television.locator("#qr")).to_be_visible()
        take(television, "add-television")
        for screen, scheme in DESKS:
            with studio.owner(screen, scheme) as page:
                page.goto(f"{studio.address}/add-screen?code={television.locator('#code').inner_text()}")
                take(page, f"add-screen-{screen}-{scheme}")
    with studio.page("phone") as page:
        page.goto(f"{studio.address}/tv")
        expect(page.locator("#qr")).to_be_visible()
        take(page, "add-phone")


def take_german(studio: Studio) -> None:
    """Desk, stage and pages in German."""
    view_id = studio.evening(healthDisplay="words", **SHOWN)
    for screen in STAGES:
        with studio.page(screen, locale="de-DE") as page:
            page.goto(studio.link(view_id)["link"])
            take(page, f"stage-german-{screen}")
    for screen, scheme in DESKS:
        with at_desk(studio, screen, scheme, view_id, "de-DE") as page:
            take(page, f"desk-german-{screen}-{scheme}")
            page.locator('[data-item="warden"] .open').click()
            take(page, f"desk-editor-german-{screen}-{scheme}")
            for name, address in (("home", studio.address), ("library", studio.library)):
                page.goto(address)
                take(page, f"{name}-german-{screen}-{scheme}")
            page.goto(studio.desk(view_id).replace("/desk", "/share"))
            page.locator("form.panel button").click()
            take(page, f"share-german-{screen}-{scheme}")
