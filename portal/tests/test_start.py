"""Libraries and what is in them, as pages: what forms do and refuse. Access is in the table of pages."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from conftest import PASSWORD
from libraries.models import Image, Invitation, Library, Membership, PortalView, ShareLink, User
from libraries.rules.presets import presets
from libraries.rules.roles import Role
from libraries.services.libraries import create_library
from libraries.services.portal_views import delete_portal_view
from libraries.services.share_links import create_share_link
from libraries.tests.images import make_image
from portal.pages.base import ROWS
from portal.tests.test_pages import INLINE

pytestmark = [pytest.mark.django_db, pytest.mark.long]


def browser_of(user: User, **options: Any) -> Client:
    """A browser in which the person is logged in."""
    client = Client(**options)
    assert client.login(email=user.email, password=PASSWORD)
    return client


@pytest.fixture
def browser(owner: User) -> Client:
    """The owner's browser."""
    return browser_of(owner)


@pytest.fixture
def home(library: Library) -> str:
    """The address of the library's page."""
    return f"/libraries/{library.id}"


@pytest.fixture
def at(home: str, portal_view: PortalView) -> str:
    """The address of the portal view's forms."""
    return f"{home}/views/{portal_view.id}"


def text_of(client: Client, path: str) -> str:
    """A page as the browser shows it."""
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def said(answer: Any) -> str:
    """The sentence on the page that a form leads to."""
    found = re.findall(r'<p class="said">.*?<span>(.*?)</span>', answer.content.decode(), re.DOTALL)
    return " ".join(found)


# --- All of them -------------------------------------------------------------------------------------------


def test_the_pages_run_nothing_inline_and_label_every_field(browser: Client, owner: User, at: str, home: str) -> None:
    library = Library.objects.get()
    make_image(library)
    for path in (
        *("/", home, f"{home}/pictures", f"{home}/members", f"{home}/settings", f"{home}/delete"),
        *(f"{at}/share", f"{at}/delete", f"{home}/members/{owner.id}/remove"),
    ):
        answer = browser.get(path)
        text = answer.content.decode()
        assert answer.status_code == 200, path
        assert not INLINE.search(text), path
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert "no-store" in answer.headers["Cache-Control"]
        asked = re.findall(r'<(?:input|select|textarea)(?![^>]*type="hidden")[^>]*\sid="([^"]+)"', text)
        assert set(asked) == set(re.findall(r'<label[^>]*\sfor="([^"]+)"', text)), path
        assert len(re.findall("<h1", text)) == 1


def test_a_long_list_has_pages(browser: Client, owner: User, library: Library) -> None:
    Library.objects.bulk_create(Library(name=f"More {number:03}") for number in range(ROWS))
    Membership.objects.bulk_create(
        Membership(user=owner, library=library, role="VIEWER")
        for library in Library.objects.filter(name__contains="More")
    )
    assert len(re.findall('class="name"', text_of(browser, "/"))) == ROWS
    assert 'href="?page=2"' in text_of(browser, "/")
    assert "More 059" in text_of(browser, "/?page=2")
    assert text_of(browser, "/?page=nonsense")


def test_a_page_that_somebody_may_not_see_says_so(viewer: User, stranger: User, home: str, library: Library) -> None:
    answer = browser_of(stranger).get(home)
    assert (answer.status_code, "There is no such library." in answer.content.decode()) == (404, True)
    answer = browser_of(viewer).get(f"{home}/pictures")
    assert (answer.status_code, "Not here" in answer.content.decode()) == (403, True)


# --- Libraries ---------------------------------------------------------------------------------------------


def test_a_library_is_made_renamed_and_deleted(stranger: User) -> None:
    client = browser_of(stranger)
    assert "Make your first table" in text_of(client, "/")
    made = client.post("/libraries", {"name": "Tuesdays"})
    library = Library.objects.get()
    assert made.headers["Location"] == f"/libraries/{library.id}"
    assert library.memberships.get().role == Role.OWNER
    values = {"name": "Wednesdays", "description": "Two heroes.", "preset": "open5e", "show_audience": "on"}
    changed = client.post(f"/libraries/{library.id}/settings", values, follow=True)
    assert said(changed) == "The settings are stored."
    library.refresh_from_db()
    assert (library.name, library.description, library.disclosure) == (
        "Wednesdays",
        "Two heroes.",
        presets()["open5e"].disclosure,
    )
    assert (library.show_audience, library.show_activity) == (True, False)
    question = text_of(client, f"/libraries/{library.id}/delete")
    assert all(lost in question for lost in ("0 portal views", "0 pictures", "the access of 1 member"))
    assert said(client.post(f"/libraries/{library.id}/delete", follow=True)) == "“Wednesdays” is deleted."
    assert not Library.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "two\nlines"])
def test_a_bad_name_stands_beside_its_field(browser: Client, home: str, at: str, name: str) -> None:
    for path in ("/libraries", f"{home}/views", f"{at}/name", f"{home}/settings"):
        answer = browser.post(path, {"name": name})
        text = answer.content.decode()
        assert answer.status_code == 400, path
        assert re.search(r'<ul class="errorlist".*?<input[^>]*name="name"[^>]*aria-invalid="true"', text, re.DOTALL), (
            path
        )
    assert set(Library.objects.values_list("name", flat=True)) == {"Library"}


def test_a_quota_stands_above_the_form(browser: Client, settings: Any) -> None:
    settings.PORTAL_LIBRARIES_PER_USER = 1
    answer = browser.post("/libraries", {"name": "One"})
    assert answer.status_code == 302
    answer = browser.post("/libraries", {"name": "One more"})
    assert (answer.status_code, b"errorlist nonfield" in answer.content) == (409, True)


def test_an_editor_changes_no_disclosure(editor: User, home: str, library: Library) -> None:
    client = browser_of(editor)
    assert "preset" not in text_of(client, f"{home}/settings")
    client.post(f"{home}/settings", {"name": "Ours", "preset": "open5e", "show_audience": "on"})
    library.refresh_from_db()
    assert (library.name, library.disclosure, library.show_audience) == ("Ours", {}, False)


def test_paths_of_ones_own_stay(browser: Client, home: str, library: Library) -> None:
    own = {"always": ["size"]}
    Library.objects.update(disclosure=own)
    assert "As it is: paths of your own" in text_of(browser, f"{home}/settings")
    browser.post(f"{home}/settings", {"name": "Library", "preset": "own"})
    library.refresh_from_db()
    assert library.disclosure == own
    browser.post(f"{home}/settings", {"name": "Library", "preset": ""})
    library.refresh_from_db()
    assert library.disclosure == {}
    assert "As it is" not in text_of(browser, f"{home}/settings")


# --- Portal views and links --------------------------------------------------------------------------------


def test_a_portal_view_is_made_renamed_and_deleted(browser: Client, home: str, library: Library) -> None:
    assert said(browser.post(f"{home}/views", {"name": "The hall"}, follow=True)) == "The portal view is made."
    view = PortalView.objects.get(name="The hall")
    browser.post(f"{home}/views/{view.id}/name", {"name": "The cellar"})
    assert "The cellar" in text_of(browser, home)
    assert "0 items" in text_of(browser, f"{home}/views/{view.id}/delete")
    assert said(browser.post(f"{home}/views/{view.id}/delete", follow=True)) == "The portal view is deleted."
    assert not PortalView.objects.filter(id=view.id).exists()


def test_a_portal_view_of_another_library_is_not_there(browser: Client, owner: User, at: str) -> None:
    other = create_library(actor_id=owner.id, name="Other")
    view_id = at.rpartition("/")[2]
    for page in ("share", "delete"):
        assert browser.get(f"/libraries/{other.id}/views/{view_id}/{page}").status_code == 404
    assert browser.post(f"/libraries/{other.id}/views/{view_id}/delete").status_code == 404
    assert PortalView.objects.filter(id=view_id).exists()


def test_viewers_are_offered_no_change(viewer: User, at: str, home: str) -> None:
    text = text_of(browser_of(viewer), home)
    assert re.search(r'<p class="name">', text)
    assert "<form" not in text.partition("<main")[2].partition("</main>")[0]
    assert f"{at}/share" not in text


def test_a_link_is_shared_shown_for_this_browser_and_withdrawn(browser: Client, editor: User, at: str) -> None:
    answer = browser.post(f"{at}/share", {"label": "Friends", "life": "7"}, follow=True)
    link = ShareLink.objects.get(label="Friends")
    assert link.expires_at is not None
    text = answer.content.decode()
    [address] = re.findall(r'<input id="link" readonly value="([^"]+)"', text)
    assert address.startswith("http://testserver/view/")
    [code] = re.findall(r'<p class="code">([2-9A-Z]{6})</p>', text)
    assert 'src="data:image/svg+xml' in text
    token = address.rpartition("/")[2]
    joined = browser.post("/api/join", {"code": code}, content_type="application/json")
    assert joined.json()["portalViewId"] == str(link.portal_view_id)
    assert token in text_of(browser, f"{at}/share")
    assert token not in text_of(browser_of(editor), f"{at}/share")
    another = browser.post(f"{at}/share/{link.id}/code", follow=True).content.decode()
    assert token in another
    assert f'<p class="code">{code}</p>' not in another
    assert "at once" in text_of(browser, f"{at}/share/{link.id}/withdraw")
    browser.post(f"{at}/share/{link.id}/withdraw")
    text = text_of(browser, f"{at}/share")
    assert token not in text
    assert "Friends" not in text
    assert browser.get(f"{at}/share/{link.id}/withdraw").status_code == 404


def test_a_screen_is_withdrawn_by_its_name(browser: Client, owner: User, portal_view: PortalView, at: str) -> None:
    link, _ = create_share_link(actor_id=owner.id, portal_view_id=portal_view.id, label="Hall", is_screen=True)
    asked = text_of(browser, f"{at}/share/{link.id}/withdraw")
    assert "Withdraw “Hall”?" in asked
    assert "Withdraw the screen</button>" in asked
    assert "add it with a new code" in asked
    assert said(browser.post(f"{at}/share/{link.id}/withdraw", follow=True)) == "The screen is withdrawn."
    assert browser.get(f"{at}/share/{link.id}/withdraw").status_code == 404
    assert "Hall" not in text_of(browser, f"{at}/share")


def test_an_address_of_this_machine_says_what_to_do(browser: Client, at: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.DEBUG = True
    here = {"Host": "127.0.0.1:8000"}
    for path in ("/", f"{at}/share", "/tv"):
        assert "make run HOST=0.0.0.0" in browser.get(path, headers=here).content.decode()
    settings.PORTAL_LAN_HOSTS = ["192.168.1.20"]
    for path in ("/", f"{at}/share", "/tv"):
        assert "make run" not in browser.get(path, headers=here).content.decode()
    answer = browser.post(f"{at}/share", {"life": ""}, follow=True, headers=here)
    assert 'value="http://192.168.1.20:8000/view/' in answer.content.decode()
    assert "192.168.1.20:8000/join" in answer.content.decode()


# --- Members -----------------------------------------------------------------------------------------------


def test_roles_are_changed_and_members_removed(browser: Client, home: str, library: Library, editor: User) -> None:
    changed = browser.post(f"{home}/members/{editor.id}/role", {"role": "VIEWER"}, follow=True)
    assert said(changed) == "The role is changed."
    assert library.memberships.get(user=editor).role == Role.VIEWER
    assert browser.post(f"{home}/members/{editor.id}/role", {"role": "KING"}).status_code == 400
    assert editor.get_full_name() in text_of(browser, f"{home}/members/{editor.id}/remove")
    browser.post(f"{home}/members/{editor.id}/remove")
    assert not library.memberships.filter(user=editor).exists()
    assert browser.get(f"{home}/members/{editor.id}/remove").status_code == 404


def test_the_last_owner_stays(browser: Client, home: str, owner: User) -> None:
    answer = browser.post(f"{home}/members/{owner.id}/remove")
    assert (answer.status_code, b"A library needs an owner" in answer.content) == (409, True)
    answer = browser.post(f"{home}/members/{owner.id}/role", {"role": "VIEWER"})
    assert (answer.status_code, b"A library needs an owner" in answer.content) == (409, True)


def test_who_leaves_is_told(viewer: User, home: str, library: Library) -> None:
    client = browser_of(viewer)
    assert said(client.post(f"{home}/members/{viewer.id}/remove", follow=True)) == f"You have left “{library.name}”."


def test_only_owners_see_addresses(browser: Client, viewer: User, editor: User, home: str) -> None:
    assert editor.email in text_of(browser, f"{home}/members")
    text = text_of(browser_of(viewer), f"{home}/members")
    assert editor.email not in text
    assert editor.get_full_name() in text


def test_an_invitation_is_made_shown_here_and_withdrawn(browser: Client, home: str, library: Library) -> None:
    made = browser.post(f"{home}/invitations", {"role": "EDITOR", "email": "new@example.org"}, follow=True)
    invitation = Invitation.objects.get()
    assert (invitation.role, invitation.email) == ("EDITOR", "new@example.org")
    [link] = re.findall(r'<input id="link" readonly value="([^"]+)"', made.content.decode())
    assert Client().get(link).headers["Location"] == "/invitation"
    assert "new@example.org" in text_of(browser, f"{home}/invitations/{invitation.id}/withdraw")
    browser.post(f"{home}/invitations/{invitation.id}/withdraw")
    assert not Invitation.objects.exists()
    assert link not in text_of(browser, f"{home}/members")
    bad = browser.post(f"{home}/invitations", {"role": "EDITOR", "email": "nobody"})
    assert (bad.status_code, b'name="email" value="nobody"' in bad.content) == (400, True)
    assert browser.get(f"{home}/invitations/{uuid4()}/withdraw").status_code == 404


# --- Pictures ----------------------------------------------------------------------------------------------


def test_a_picture_is_listed_renamed_and_deleted(browser: Client, library: Library, home: str) -> None:
    image = make_image(library)
    PortalView.objects.create(library=library, name="Hall", items=[{"id": "face", "image": image.url}])
    text = text_of(browser, f"{home}/pictures")
    assert f'src="{image.url}?size=256"' in text
    assert "Used by Hall (1)" in text
    browser.post(f"{home}/pictures/{image.id}/name", {"name": "A stranger"})
    image.refresh_from_db()
    assert image.name == "A stranger"
    question = text_of(browser, f"{home}/pictures/{image.id}/delete")
    assert "1 item of “Hall”" in question
    browser.post(f"{home}/pictures/{image.id}/delete")
    assert not Image.objects.exists()
    assert browser.post(f"{home}/pictures/{image.id}/name", {"name": "Again"}).status_code == 404


# --- The sample evening ------------------------------------------------------------------------------------


def test_a_sample_evening_has_a_table_and_pictures_of_its_own(stranger: User) -> None:
    client = browser_of(stranger)
    first = client.post("/sample")
    library = Library.objects.get()
    view = PortalView.objects.get()
    assert first.headers["Location"] == f"/libraries/{library.id}/views/{view.id}/desk"
    named = [item[key] for item in view.items for key in ("image", "img_main") if key in item]
    assert sorted(named) == sorted(image.url for image in Image.objects.all())
    assert len(named) == 8
    assert {"image", "token", "stat-block", "note"} <= {item["type"] for item in view.items}
    assert library.disclosure == presets()["open5e"].disclosure


def test_the_second_time_leads_to_the_first_and_makes_what_is_missing(stranger: User, owner: User) -> None:
    client = browser_of(stranger)
    first = client.post("/sample").headers["Location"]
    assert client.post("/sample").headers["Location"] == first
    assert (Library.objects.count(), PortalView.objects.count(), Image.objects.count()) == (1, 1, 8)
    delete_portal_view(actor_id=stranger.id, portal_view_id=PortalView.objects.get().id)
    Image.objects.first().delete()  # type: ignore[union-attr]
    again = client.post("/sample").headers["Location"]
    assert again.startswith(f"/libraries/{Library.objects.get().id}/views/{PortalView.objects.get().id}/")
    assert (Library.objects.count(), PortalView.objects.count(), Image.objects.count()) == (1, 1, 8)
    assert browser_of(owner).post("/sample").headers["Location"] != first


def test_who_gave_the_first_away_gets_another(stranger: User, owner: User) -> None:
    client = browser_of(stranger)
    first = client.post("/sample").headers["Location"]
    library = Library.objects.get()
    Membership.objects.filter(library=library).update(user=owner)
    assert client.post("/sample").headers["Location"] != first
    assert Library.objects.count() == 2


def test_the_desk_shows_pictures_of_other_sites_and_holds_no_item(stranger: User) -> None:
    """The module gets the items by its socket; the preview has the policy of what viewers look at."""
    client = browser_of(stranger)
    answer = client.get(client.post("/sample").headers["Location"])
    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' data: blob: https:" in policy
    assert "script-src 'self';" in policy + ";"
    assert "Hobb" not in answer.content.decode()
