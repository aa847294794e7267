"""The pages in a real browser, below a path: forms, and what a guest watches."""

from __future__ import annotations

import re
from typing import Any

import httpx
import jwt
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from portal.tests.browsing import NAME, PICTURE, chrome, context, page, stack
from testing.installation import Person
from testing.pictures import plain
from testing.shown import make_pictures
from testing.stacks import Stack

__all__ = ["chrome", "context", "page", "stack"]

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]


def log_in(page: Page, stack: Stack, person: Person) -> None:
    """Log in with the form."""
    page.goto(f"{stack.server.http}/login")
    fill_log_in(page, person)
    expect(page.get_by_role("heading", name="My libraries")).to_be_visible()


def fill_log_in(page: Page, person: Person) -> None:
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Log in").click()


def share(stack: Stack, portal_view_id: str, **more: Any) -> dict[str, Any]:
    """A new share link."""
    made: dict[str, Any] = stack.controller.post(f"/api/portal-views/{portal_view_id}/share-links", more)
    return made


def table(stack: Stack) -> str:
    """A portal view with two things to show."""
    image = f"{stack.server.path}/static/demo/coast.svg"
    items = [{"id": "coast", "name": "The coast", "image": image}, {"id": "letter", "name": "A letter"}]
    view = stack.new_portal_view()
    stack.controller.patch(f"/api/portal-views/{view}", {"items": items, "currentItem": 0})
    return view


def credential(page: Page) -> Any:
    """What the browser keeps for guests."""
    return page.evaluate("Object.entries(localStorage)")


def test_a_person_logs_in_changes_the_name_and_logs_out(page: Page, stack: Stack) -> None:
    log_in(page, stack, stack.cast.viewer)
    page.get_by_role("link", name="Lin").click()
    page.get_by_role("textbox", name="Name").fill("Mara")
    page.get_by_role("button", name="Change the name").click()
    expect(page.get_by_role("status")).to_contain_text("Your name is changed.")
    page.get_by_role("link", name="Log out", exact=True).click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto(f"{stack.server.http}/account")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_wrong_password_stands_in_the_form(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.server.http}/login")
    fill_log_in(page, Person(stack.cast.stranger.email, "wrong"))
    expect(page.get_by_text("The e-mail address or the password is wrong.")).to_be_visible()


def test_an_invitation_survives_the_log_in(page: Page, stack: Stack) -> None:
    """Its form is on a page without the secret: a browser would send `Origin: null` from one without a referrer."""
    made = stack.controller.post(f"/api/libraries/{stack.cast.library_id}/invitations", {"role": "VIEWER"})
    secret = made["link"].rpartition("/")[2]
    page.goto(made["link"])
    assert page.url == f"{stack.server.http}/invitation"
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    fill_log_in(page, stack.cast.stranger)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status")).to_contain_text("You are Viewer of")
    assert secret not in page.content()
    user_id = stack.stranger.get("/api/auth/me")["id"]
    stack.controller.delete(f"/api/libraries/{stack.cast.library_id}/members/{user_id}")


def test_a_guest_watches_by_a_link_and_takes_the_same_seat_again(page: Page, stack: Stack) -> None:
    view = table(stack)
    link = share(stack, view)
    requested: list[Any] = []
    page.on("request", lambda request: requested.append(request))
    page.goto(link["link"])
    expect(page.locator(NAME)).to_have_text("The coast")
    expect(page.locator(PICTURE)).to_be_visible()
    expect(page.locator(PICTURE)).not_to_have_js_property("naturalWidth", 0)
    [[key, kept]] = credential(page)
    assert link["token"] not in key
    assert all(link["token"] not in request.headers.get("referer", "") for request in requested)
    stack.controller.patch(f"/api/portal-views/{view}", {"currentItem": 1})
    expect(page.locator(NAME)).to_have_text("A letter")
    expect(page.locator(PICTURE)).to_be_hidden()
    stack.controller.patch(f"/api/portal-views/{view}/items/letter", {"name": "A long letter"})
    expect(page.locator(NAME)).to_have_text("A long letter")
    stack.controller.patch(f"/api/portal-views/{view}", {"blackout": True})
    expect(page.locator(NAME)).to_have_text("")
    page.reload()
    stack.controller.patch(f"/api/portal-views/{view}", {"blackout": False})
    expect(page.locator(NAME)).to_have_text("A long letter")
    [[_, again]] = credential(page)
    assert guest_of(again) == guest_of(kept)
    assert page.url == link["link"]


def guest_of(kept: str) -> str:
    """The guest's id in a credential."""
    return str(jwt.decode(kept, options={"verify_signature": False})["guest_id"])


def picture(stack: Stack) -> str:
    """The address of a picture of the library, 40 pixels wide."""
    [made] = make_pictures(stack.installation, [(stack.cast.library_id, 100)])
    for file in (stack.installation.folder / "images").glob("*/*/full"):
        if file.read_bytes().startswith(made.encode()):
            file.write_bytes(plain(40, 30, "PNG"))
    return f"{stack.server.path}/images/{made}"


def test_a_guest_gets_a_picture_of_the_library_while_it_is_shown(page: Page, stack: Stack) -> None:
    image = picture(stack)
    item = {"id": "face", "name": "A face", "image": image, "visible": False}
    view = stack.new_portal_view(items=[item], currentItem=0)
    page.goto(share(stack, view)["link"])
    expect(page.locator(".stage-nothing")).not_to_have_text("")
    assert page.request.get(f"{stack.server.origin}{image}").status == 404
    stack.controller.patch(f"/api/portal-views/{view}/items/face", {"visible": True})
    stack.controller.patch(f"/api/portal-views/{view}", {"currentItemId": "face"})
    expect(page.locator(PICTURE)).to_have_js_property("naturalWidth", 40)
    expect(page.locator(PICTURE)).to_be_visible()
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", f"{stack.server.path}/")
    page.reload()
    expect(page.locator(PICTURE)).to_have_js_property("naturalWidth", 40)
    stack.controller.patch(f"/api/portal-views/{view}", {"blackout": True})
    expect(page.locator(PICTURE)).to_be_hidden()
    assert page.request.get(f"{stack.server.origin}{image}").status == 404


def test_a_picture_that_does_not_come_is_not_shown_and_asked_for_again(page: Page, stack: Stack) -> None:
    image, asked = picture(stack), list[str]()

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) < 3:
            route.fulfill(status=503)
        else:
            route.continue_()

    page.route(re.compile("/images/"), answer)
    items = [{"id": "face", "name": "A face", "image": image}, {"id": "far", "image": "https://127.0.0.1:1/far.png"}]
    view = stack.new_portal_view(items=items, currentItem=0)
    page.goto(share(stack, view)["link"])
    expect(page.locator(NAME)).to_have_text("A face")
    expect(page.locator(PICTURE)).to_be_hidden()
    expect(page.locator(PICTURE)).to_be_visible()
    assert len(asked) == 3
    with page.expect_event("requestfailed"):
        stack.controller.patch(f"/api/portal-views/{view}", {"currentItem": 1})
    expect(page.locator(PICTURE)).to_be_hidden()


def test_a_withdrawn_link_says_so(page: Page, stack: Stack) -> None:
    view = table(stack)
    link = share(stack, view)
    page.goto(link["link"])
    expect(page.locator(NAME)).to_have_text("The coast")
    stack.controller.delete(f"/api/portal-views/{view}/share-links/{link['id']}")
    expect(page.locator("#end")).to_have_text("This link was withdrawn.Ask whoever invited you for a new one.")
    expect(page.locator(NAME)).to_have_count(0)
    page.reload()
    expect(page.locator("#end")).to_have_text("This link was withdrawn.Ask whoever invited you for a new one.")


def test_a_deleted_portal_view_says_so(page: Page, stack: Stack) -> None:
    view = table(stack)
    page.goto(share(stack, view)["link"])
    expect(page.locator(NAME)).to_have_text("The coast")
    stack.controller.delete(f"/api/portal-views/{view}")
    expect(page.locator("#end")).to_contain_text("What you were watching was deleted.")


def test_a_full_link_says_so_and_lets_the_next_one_in(context: BrowserContext, chrome: Browser, stack: Stack) -> None:
    link = share(stack, table(stack), maxGuests=1)["link"]
    first = chrome.new_page()
    first.goto(link)
    expect(first.locator(NAME)).to_have_text("The coast")
    second = context.new_page()
    second.goto(link)
    expect(second.locator("#end")).to_contain_text("All places are taken.")
    first.close()
    expect(second.locator(NAME)).to_have_text("The coast", timeout=70_000)
    expect(second.locator("#end")).to_be_hidden()


def test_a_lost_credential_is_a_new_guest(page: Page, stack: Stack) -> None:
    page.goto(share(stack, table(stack))["link"])
    expect(page.locator(NAME)).to_have_text("The coast")
    [[key, kept]] = credential(page)
    page.evaluate("key => localStorage.setItem(key, 'eyJ.x.y')", key)
    page.reload()
    expect(page.locator(NAME)).to_have_text("The coast")
    [[_, again]] = credential(page)
    assert guest_of(again) != guest_of(kept)


def test_a_preview_of_a_link_makes_no_guest(stack: Stack) -> None:
    link = share(stack, table(stack))["link"]
    text = httpx.get(link, trust_env=False).text
    assert re.findall(r"<title>(.*?)</title>", text) == ["You are invited to watch"]
    assert "The coast" not in text


# --- Codes and screens -----------------------------------------------------------------------------------------


def test_a_code_is_typed_and_the_guest_watches(page: Page, stack: Stack) -> None:
    view = table(stack)
    link = share(stack, view)
    code = stack.controller.post(f"/api/portal-views/{view}/share-links/{link['id']}/code")["code"]
    page.goto(f"{stack.server.http}/join")
    page.get_by_label("Code").fill(f"{code[:3]}-{code[3:]}".lower())
    page.get_by_label("Your name").fill("Mara")
    page.get_by_role("button", name="Watch").click()
    expect(page.locator(NAME)).to_have_text("The coast")
    assert page.url == f"{stack.server.http}/view/guest/{view}"
    [[_, kept]] = credential(page)
    page.reload()
    expect(page.locator(NAME)).to_have_text("The coast")
    [[_, again]] = credential(page)
    assert guest_of(again) == guest_of(kept)


def test_a_television_is_added_with_a_phone(context: BrowserContext, chrome: Browser, stack: Stack) -> None:
    view = table(stack)
    name = stack.controller.get(f"/api/portal-views/{view}")["name"]
    television = chrome.new_page()
    television.goto(f"{stack.server.http}/tv")
    expect(television.locator("#code")).to_have_text(re.compile(r"^[2-9A-HJ-KM-NP-Z]{6}$"))
    expect(television.locator("#qr")).not_to_have_js_property("naturalWidth", 0)
    code = television.locator("#code").inner_text()
    phone = context.new_page()
    phone.goto(f"{stack.server.http}/add-screen?code={code}")
    fill_log_in(phone, stack.cast.editor)
    expect(phone.get_by_label("Code on the screen")).to_have_value(code)
    assert code not in phone.url
    phone.get_by_label("Name of the screen").fill("Television")
    option = phone.get_by_role("option").filter(has_text=name)
    phone.get_by_label("What it shows").select_option(option.get_attribute("value"))
    phone.get_by_role("button", name="Add the screen").click()
    expect(phone.get_by_role("status")).to_contain_text("“Television” is added")
    expect(television.locator(NAME)).to_have_text("The coast", timeout=30_000)
    assert television.url.startswith(f"{stack.server.http}/view/")
    [screen] = stack.controller.get(f"/api/portal-views/{view}/share-links")["results"]
    stack.controller.delete(f"/api/portal-views/{view}/share-links/{screen['id']}")
    expect(television.locator("#end")).to_contain_text("This link was withdrawn.")
    television.close()


# --- The same, with the REST API's answers played ------------------------------------------------------


def play(page: Page, path: str, *answers: tuple[int, dict[str, Any]]) -> list[Any]:
    """Answer the page's requests to the path with these, one after the other; returns the bodies it sent."""
    left, sent = list(answers), []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_json)
        status, body = left.pop(0) if len(left) > 1 else left[0]
        route.fulfill(status=status, json=body, headers={"Retry-After": "1"} if status == 503 else {})

    page.route(re.compile(rf"{re.escape(path)}$"), answer)
    return sent


def test_who_types_a_code_watches(page: Page, stack: Stack) -> None:
    view = table(stack)
    page.goto(share(stack, view)["link"])
    expect(page.locator(NAME)).to_have_text("The coast")
    [[_, guest]] = credential(page)
    wrong = (404, {"code": "not-found", "message": "There is no such code.", "details": None})
    sent = play(page, "/api/join", wrong, (200, {"portalViewId": view, "guest": guest}))
    page.goto(f"{stack.server.http}/join")
    page.get_by_label("Code").fill("abc-234")
    page.get_by_label("Your name").fill("Mara")
    page.get_by_role("button", name="Watch").click()
    expect(page.get_by_role("alert")).to_have_text("There is no such code.")
    page.get_by_role("button", name="Watch").click()
    expect(page.locator(NAME)).to_have_text("The coast")
    assert page.url == f"{stack.server.http}/view/guest/{view}"
    assert sent == [{"code": "abc-234", "name": "Mara"}] * 2
    page.reload()
    expect(page.locator(NAME)).to_have_text("The coast")


def test_without_a_seat_the_page_leads_to_the_code(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.server.http}/view/guest/{table(stack)}")
    expect(page.locator("#end")).to_contain_text("Type the code again to watch.")
    page.get_by_role("link", name="Join").click()
    expect(page.get_by_role("heading", name="Join")).to_be_visible()


def test_a_screen_waits_until_it_is_added(page: Page, stack: Stack) -> None:
    link = share(stack, table(stack))
    asked = play(
        page, "/api/screens", (201, {"code": "ABC234", "claim": "secret", "expiresAt": "2030-01-01T00:00:00Z"})
    )
    waiting, away = (200, {"state": "waiting"}), (503, {"code": "unavailable"})
    ready = (200, {"state": "ready", "token": link["token"], "link": link["link"]})
    claimed = play(page, "/api/screens/claim", waiting, away, waiting, ready)
    page.goto(f"{stack.server.http}/tv")
    expect(page.locator("#code")).to_have_text("ABC234")
    expect(page.locator("#qr")).not_to_have_js_property("naturalWidth", 0)
    expect(page.locator(NAME)).to_have_text("The coast", timeout=30_000)
    assert page.url == link["link"]
    assert asked == [{}]
    assert claimed == [{"claim": "secret"}] * 4


def test_a_screen_whose_code_has_expired_shows_another(page: Page, stack: Stack) -> None:
    play(page, "/api/screens", (201, {"code": "ABC234", "claim": "one"}), (201, {"code": "DEF567", "claim": "two"}))
    gone = (404, {"code": "not-found", "message": "This screen waited for too long.", "details": None})
    play(page, "/api/screens/claim", gone, (200, {"state": "waiting"}))
    page.goto(f"{stack.server.http}/tv")
    expect(page.locator("#code")).to_have_text("DEF567", timeout=30_000)
