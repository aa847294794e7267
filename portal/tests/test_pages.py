"""The pages: who sees them, what their forms refuse, and the headers that protect them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conftest import PASSWORD
from libraries.models import Invitation, Library, Membership, PortalView, Revocation, ShareLink, User
from libraries.rules.roles import Role
from libraries.services.invitations import create_invitation
from libraries.services.mailed import RESETS, VERIFICATIONS, token_of
from libraries.services.share_links import create_share_link, withdraw_share_link

pytestmark = pytest.mark.django_db

NEW = "quite another password"
OPEN = ("/login", "/register", "/verify", "/reset", "/new-password", "/invitation", "/join", "/tv")
FOR_PEOPLE = ("/account", "/add-screen", "/logout")
SECRET = "Zk3_x-9QpL0aVb7TnR2sWd8YcE5mUf1H"
INLINE = re.compile(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)


@pytest.fixture
def nobody() -> Client:
    """A browser in which nobody is logged in."""
    return Client()


@pytest.fixture
def browser(owner: User) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def browser_of(user: User) -> Client:
    """A browser in which the person has logged in."""
    client = Client()
    logged_in = client.post("/login", {"username": user.email, "password": PASSWORD})
    assert (logged_in.status_code, logged_in.headers["Location"]) == (302, "/")
    return client


@pytest.fixture
def link(owner: User, portal_view: PortalView) -> str:
    """The token of a share link."""
    return create_share_link(actor_id=owner.id, portal_view_id=portal_view.id)[1]


def is_logged_in(client: Client) -> bool:
    """Whether the browser's session is good."""
    return client.get("/account").status_code == 200


def faults(answer: Any, form: str = "form") -> dict[str, list[str]]:
    """The refusals in a form that is shown again."""
    return {key: [str(said) for said in found] for key, found in answer.context[form].errors.items()}


def policy(answer: Any) -> dict[str, list[str]]:
    """The directives of the content security policy."""
    lines = (line.split() for line in answer.headers["Content-Security-Policy"].split(";"))
    return {words[0]: words[1:] for words in lines}


# --- All pages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*OPEN, *FOR_PEOPLE, f"/view/{SECRET}"])
@pytest.mark.parametrize("who", ["nobody", "browser"])
def test_every_page_runs_nothing_inline_and_is_kept_nowhere(path: str, who: str, request: Any) -> None:
    answer = request.getfixturevalue(who).get(path)
    directives = policy(answer)
    assert not any("unsafe" in word for words in directives.values() for word in words)
    assert directives["script-src"] == directives["style-src"] == directives["form-action"] == ["'self'"]
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["default-src"] == ["'none'"]
    assert answer.headers["Permissions-Policy"].startswith("fullscreen=(self), screen-wake-lock=(self), ")
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["X-Frame-Options"] == "DENY"
    if answer.status_code == 302:
        assert answer.headers["Location"] == ("/" if path == "/login" else f"/login?next={path}")
        return
    text = answer.content.decode()
    assert not INLINE.search(text)
    assert "no-store" in answer.headers["Cache-Control"]
    labelled = set(re.findall(r'<label for="([^"]+)"', text))
    asked = re.findall(r'<(?:input|select)[^>]*\sid="([^"]+)"', text)
    assert set(asked) == labelled
    assert len(asked) == len(set(asked))
    assert '<html lang="en">' in text
    assert len(re.findall("<h1", text)) == (0 if path.startswith("/view/") else 1)


@pytest.mark.parametrize("path", OPEN)
def test_open_pages_need_no_log_in(nobody: Client, path: str) -> None:
    assert nobody.get(path).status_code == 200


@pytest.mark.parametrize("path", FOR_PEOPLE[:2])
def test_other_pages_lead_to_the_log_in_and_back(nobody: Client, owner: User, path: str) -> None:
    asked = nobody.get(path)
    assert asked.headers["Location"] == f"/login?next={path}"
    page = nobody.get(asked.headers["Location"])
    assert f'name="next" value="{path}"' in page.content.decode()
    values = {"username": owner.email, "password": PASSWORD, "next": path}
    assert nobody.post("/login", values).headers["Location"] == path


@pytest.mark.parametrize("path", ["/register", "/login"])
def test_nobody_is_led_to_another_site(nobody: Client, owner: User, path: str) -> None:
    for target in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"):
        page = nobody.get(path, {"next": target})
        [form] = re.findall(r'<form class="panel".*?</form>', page.content.decode(), re.DOTALL)
        assert "evil" not in form
    values = {"username": owner.email, "password": PASSWORD, "next": "//evil.example"}
    assert nobody.post("/login", values).headers["Location"] == "/"


def test_the_top_is_for_people(nobody: Client, browser: Client, library: Library) -> None:
    welcome = nobody.get("/").content.decode()
    assert all(f'href="/{page}"' in welcome for page in ("login", "register", "join"))
    assert f'href="/libraries/{library.id}"' in browser.get("/").content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/login",
        "/logout",
        "/register",
        "/reset",
        "/verify",
        "/new-password",
        "/invitation",
        "/add-screen",
        "/account/name",
    ],
)
def test_a_form_without_its_page_is_refused(owner: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.post(path, {"name": "Forged"}).status_code == 403
    owner.refresh_from_db()
    assert owner.name != "Forged"


def test_the_cookies_are_for_us_alone(nobody: Client, owner: User) -> None:
    nobody.post("/login", {"username": owner.email, "password": PASSWORD})
    for name in ("sessionid", "csrftoken"):
        cookie = nobody.cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


@pytest.mark.parametrize("page", ["verify", "reset", "invitation", "view"])
def test_an_address_with_a_secret_is_told_to_nobody(nobody: Client, page: str) -> None:
    assert nobody.get(f"/{page}/{SECRET}").headers["Referrer-Policy"] == "no-referrer"
    assert nobody.get("/add-screen?code=ABC234").headers["Referrer-Policy"] == "no-referrer"
    assert nobody.get("/add-screen").headers["Referrer-Policy"] == "same-origin"
    assert nobody.get("/reset").headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("address", "page", "cookie"),
    [
        (f"/verify/{SECRET}", "/verify", "verify-token"),
        (f"/reset/{SECRET}", "/new-password", "reset-token"),
        (f"/invitation/{SECRET}", "/invitation", "invitation-token"),
        ("/add-screen?code=ABC234", "/add-screen", "screen-token"),
    ],
)
def test_a_secret_is_taken_out_of_the_address(nobody: Client, address: str, page: str, cookie: str) -> None:
    answer = nobody.get(address)
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    kept = answer.cookies[cookie]
    assert kept.value in address
    assert (kept["httponly"], kept["samesite"], kept["path"]) == (True, "Lax", "/")
    assert 0 < kept["max-age"] <= 3600


@pytest.mark.parametrize("path", ["/verify/a b", "/reset/" + "x" * 201, "/view/a.b", "/verify/a/b", "/view/"])
def test_an_address_that_can_hold_no_secret_does_not_exist(nobody: Client, path: str) -> None:
    assert nobody.get(path).status_code == 404


# --- Log-in, log-out, registration -------------------------------------------------------------------------


def test_a_wrong_password(nobody: Client, owner: User) -> None:
    answer = nobody.post("/login", {"username": owner.email, "password": "wrong"})
    assert (answer.status_code, faults(answer)) == (400, {"__all__": ["The e-mail address or the password is wrong."]})
    assert not is_logged_in(nobody)
    assert nobody.post("/login", {"username": "", "password": "x" * 1025}).status_code == 400


def test_too_many_attempts_are_a_sentence(nobody: Client, owner: User, settings: Any) -> None:
    settings.PORTAL_LOGIN_ATTEMPTS = 2
    for _ in range(2):
        nobody.post("/login", {"username": owner.email, "password": "wrong"})
    answer = nobody.post("/login", {"username": owner.email, "password": PASSWORD})
    [sentence] = faults(answer)["__all__"]
    assert answer.status_code == 429
    assert sentence == f"Too many failed log-ins: try again in {answer.headers['Retry-After']} seconds."


def test_log_out_ends_the_session(browser: Client) -> None:
    sid = browser.session["sid"]
    assert browser.get("/logout").status_code == 200
    assert is_logged_in(browser)
    assert browser.post("/logout").headers["Location"] == "/login"
    assert not is_logged_in(browser)
    assert Revocation.objects.filter(key=sid).exists()


def test_who_registers_is_logged_in(nobody: Client, django_capture_on_commit_callbacks: Any) -> None:
    values = {"email": "New@Example.org", "name": "New", "password": NEW, "next": "/add-screen"}
    with django_capture_on_commit_callbacks(execute=True):
        assert nobody.post("/register", values).headers["Location"] == "/add-screen"
    assert is_logged_in(nobody)
    assert User.objects.get(email="new@example.org").name == "New"


@pytest.mark.parametrize(
    ("change", "status", "key"),
    [
        ({"email": "nothing"}, 400, "email"),
        ({"email": "nеw@example.org"}, 400, "email"),
        ({"email": "owner@example.org"}, 409, "email"),
        ({"password": "short"}, 400, "password"),
        ({"password": "new.person@example.org", "email": "new.person@example.org"}, 400, "password"),
        ({"password": ""}, 400, "password"),
        ({"name": "a\u202eb"}, 400, "name"),
        ({"name": "x" * 101}, 400, "name"),
    ],
)
def test_a_refused_registration_says_why(
    nobody: Client, owner: User, change: dict[str, str], status: int, key: str
) -> None:
    answer = nobody.post("/register", {"email": "new@example.org", "name": "", "password": NEW, **change})
    assert (answer.status_code, list(faults(answer))) == (status, [key])
    assert NEW not in answer.content.decode()
    assert User.objects.count() == 1


def test_registrations_are_counted(nobody: Client, settings: Any) -> None:
    settings.PORTAL_LOGINS_PER_MINUTE = 1
    values = {"email": "new@example.org", "name": "", "password": "short"}
    assert nobody.post("/register", values).status_code == 400
    refused = nobody.post("/register", values)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


# --- The links of mail -------------------------------------------------------------------------------------


def test_an_address_is_verified_by_a_button(nobody: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(email_verified_at=None)
    owner.refresh_from_db()
    page = nobody.get(f"/verify/{token_of(owner, VERIFICATIONS)}", follow=True)
    assert ">Verify it</button>" in page.content.decode()
    owner.refresh_from_db()
    assert owner.email_verified_at is None
    answer = nobody.post("/verify")
    assert (answer.status_code, answer.cookies["verify-token"].value) == (302, "")
    owner.refresh_from_db()
    assert owner.email_verified_at is not None


def test_a_bad_link_to_verify(nobody: Client) -> None:
    assert b"Open the link in the mail" in nobody.get("/verify").content
    nobody.get(f"/verify/{SECRET}")
    answer = nobody.post("/verify")
    assert (answer.status_code, list(faults(answer))) == (400, ["__all__"])
    assert SECRET not in answer.content.decode()


def test_a_password_is_reset_and_all_sessions_end(browser: Client, nobody: Client, owner: User) -> None:
    token = token_of(owner, RESETS)
    assert nobody.get(f"/reset/{token}", follow=True).status_code == 200
    weak = nobody.post("/new-password", {"password": "short"})
    assert (weak.status_code, list(faults(weak))) == (400, ["password"])
    assert nobody.post("/new-password", {"password": NEW}).headers["Location"] == "/login"
    assert not is_logged_in(browser)
    assert nobody.post("/login", {"username": owner.email, "password": NEW}).status_code == 302
    other = Client()
    other.get(f"/reset/{token}")
    again = other.post("/new-password", {"password": "and one more password"})
    assert (again.status_code, list(faults(again))) == (400, ["__all__"])
    assert b'type="password"' not in Client().get("/new-password").content


def test_a_mail_to_reset_is_promised_to_everybody(nobody: Client, owner: User) -> None:
    said = []
    for email in (owner.email, "unknown@example.org"):
        assert nobody.post("/reset", {"email": email}).headers["Location"] == "/login"
        said.append(re.findall(r'<p class="said">(.*?)</p>', nobody.get("/login").content.decode()))
    assert said[0] == said[1]
    assert len(said[0]) == 1
    assert faults(nobody.post("/reset", {"email": "x"})).keys() == {"email"}


# --- The account -------------------------------------------------------------------------------------------


def test_a_name_is_changed(browser: Client, owner: User) -> None:
    assert browser.post("/account/name", {"name": "Mara"}).headers["Location"] == "/account"
    assert "Your name is changed." in browser.get("/account").content.decode()
    owner.refresh_from_db()
    assert owner.name == "Mara"
    refused = browser.post("/account/name", {"name": "a\u202eb"})
    assert (refused.status_code, list(faults(refused, "name_form"))) == (400, ["name"])
    assert faults(refused, "password_form") == {}


def test_the_account_keeps_the_colours_for_every_browser(browser: Client, owner: User) -> None:
    def dark(client: Client) -> str:
        [link] = re.findall(r'<link rel="stylesheet" href="[^"]*/dark\.css"(.*?)>', client.get("/").content.decode())
        return str(link)

    assert dark(browser) == dark(Client()) == ' media="(prefers-color-scheme: dark)"'
    answer = browser.post("/account/theme", {"theme": "dark"}, follow=True)
    assert "The colours are changed." in answer.content.decode()
    assert dark(browser_of(owner)) == ""
    browser.post("/account/theme", {"theme": "light"})
    assert "dark.css" not in browser_of(owner).get("/").content.decode()
    refused = browser.post("/account/theme", {"theme": "sepia"})
    assert (refused.status_code, list(faults(refused, "theme_form"))) == (400, ["theme"])
    browser.post("/account/theme", {"theme": ""})
    assert dark(browser) == dark(Client())


def test_a_changed_password_ends_other_sessions(browser: Client, owner: User) -> None:
    other, sid = browser_of(owner), browser.session["sid"]
    values = {"current": PASSWORD, "password": NEW}
    assert browser.post("/account/password", values).headers["Location"] == "/account"
    assert is_logged_in(browser)
    assert browser.session["sid"] != sid
    assert not is_logged_in(other)


@pytest.mark.parametrize(
    ("change", "key"),
    [({"current": "wrong"}, "current"), ({"password": "short"}, "password"), ({"password": ""}, "password")],
)
def test_a_refused_password_says_why(browser: Client, owner: User, change: dict[str, str], key: str) -> None:
    answer = browser.post("/account/password", {"current": PASSWORD, "password": NEW, **change})
    assert (answer.status_code, list(faults(answer, "password_form"))) == (400, [key])
    assert PASSWORD not in answer.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_log_out_everywhere(browser: Client, owner: User) -> None:
    other = browser_of(owner)
    assert browser.post("/account/log-out-everywhere").headers["Location"] == "/login"
    assert not is_logged_in(browser)
    assert not is_logged_in(other)
    assert Revocation.objects.filter(key=owner.id).exists()


def test_another_mail_to_verify(browser: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(email_verified_at=None)
    assert b"not verified" in browser.get("/account").content
    for _ in range(5):
        assert browser.post("/account/verify").status_code == 302
    refused = browser.post("/account/verify")
    assert refused.status_code == 429
    assert b"Several mails were sent" in refused.content


def test_all_that_is_stored_can_be_read(browser: Client) -> None:
    [address] = re.findall(r'<a href="([^"]+)" download', browser.get("/account").content.decode())
    answer = browser.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_an_account_is_deleted_with_a_decision_for_each_library(
    browser: Client, owner: User, viewer: User, library: Library
) -> None:
    mine = Library.objects.create(name="Mine alone")
    Membership.objects.create(library=mine, user=owner, role=Role.OWNER.value)
    assert 'data-dialog href="/account/delete"' in browser.get("/account").content.decode()
    page = browser.get("/account/delete").content.decode()
    assert "What becomes of “Mine alone”?" in page
    assert all(f"your place in “{one.name}”" in page for one in (mine, library))
    undecided = browser.post("/account/delete", {"password": PASSWORD})
    assert (undecided.status_code, set(faults(undecided))) == (400, {str(mine.id), str(library.id)})
    choices = {str(mine.id): "delete", str(library.id): str(viewer.id)}
    wrong = browser.post("/account/delete", {"password": "wrong", **choices})
    assert (wrong.status_code, list(faults(wrong))) == (400, ["password"])
    stranger = browser.post("/account/delete", {"password": PASSWORD, **choices, str(mine.id): str(viewer.id)})
    assert list(faults(stranger)) == [str(mine.id)]
    assert browser.post("/account/delete", {"password": PASSWORD, **choices}).headers["Location"] == "/login"
    assert not User.objects.filter(pk=owner.pk).exists()
    assert not Library.objects.filter(pk=mine.pk).exists()
    assert library.memberships.get(user=viewer).role == Role.OWNER.value
    assert not is_logged_in(browser)


def test_a_form_of_the_account_leads_to_the_page_after_a_log_in(nobody: Client) -> None:
    assert nobody.post("/account/name", {"name": "x"}).headers["Location"] == "/login?next=/account"


def test_a_form_of_the_account_is_no_page(browser: Client) -> None:
    assert browser.get("/account/name").status_code == 405


# --- Invitations -------------------------------------------------------------------------------------------


def invite(owner: User, library: Library, email: str = "") -> str:
    """The path of an invitation's link."""
    made = create_invitation(
        inviter_id=owner.id, library_id=library.id, role=Role.EDITOR, email=email, link_of="/invitation/{}".format
    )
    return made[1]


def test_an_invitation_is_looked_at_before_and_accepted_after_a_log_in(
    nobody: Client, owner: User, stranger: User, library: Library
) -> None:
    page = nobody.get(invite(owner, library), follow=True).content.decode()
    assert f"“{library.name}” as Editor" in page
    assert 'href="/login?next=/invitation"' in page
    assert 'href="/register?next=/invitation"' in page
    assert nobody.post("/invitation").headers["Location"] == "/login?next=/invitation"
    assert not library.memberships.filter(user=stranger).exists()
    nobody.post("/login", {"username": stranger.email, "password": PASSWORD})
    assert ">Accept</button>" in nobody.get("/invitation").content.decode()
    answer = nobody.post("/invitation")
    assert (answer.headers["Location"], answer.cookies["invitation-token"].value) == (f"/libraries/{library.id}", "")
    assert library.memberships.get(user=stranger).role == Role.EDITOR.value
    assert f"You are Editor of “{library.name}” now." in nobody.get("/account").content.decode()


def test_who_registers_can_accept_at_once(nobody: Client, owner: User, library: Library) -> None:
    nobody.get(invite(owner, library))
    values = {"email": "new@example.org", "name": "", "password": NEW, "next": "/invitation"}
    assert nobody.post("/register", values).headers["Location"] == "/invitation"
    assert nobody.post("/invitation").status_code == 302
    assert library.memberships.filter(user__email="new@example.org").exists()


def test_an_invitation_that_cannot_be_accepted_says_why(
    nobody: Client, browser: Client, owner: User, library: Library
) -> None:
    assert b"Open the link that you were given" in nobody.get("/invitation").content
    assert b"not good any more" in nobody.get(f"/invitation/{SECRET}", follow=True).content
    assert nobody.post("/invitation").status_code == 302
    browser.get(f"/invitation/{SECRET}")
    gone = browser.post("/invitation")
    assert gone.status_code == 404
    assert gone.content.decode().count("not good any more") == 1
    browser.get(invite(owner, library))
    member = browser.post("/invitation")
    assert (member.status_code, list(faults(member))) == (409, ["__all__"])


def test_invitations_to_a_verified_address_are_in_the_account(owner: User, stranger: User, library: Library) -> None:
    client = browser_of(stranger)
    invite(owner, library, stranger.email)
    User.objects.filter(pk=stranger.pk).update(email_verified_at=timezone.now())
    [address] = re.findall(r'action="(/account/invitations/[^"]+)"', client.get("/account").content.decode())
    unknown = client.post("/account/invitations/0190a1de-0000-7000-8000-000000000000")
    assert unknown.status_code == 404
    assert b"not good any more" in unknown.content
    assert client.post(address).headers["Location"] == f"/libraries/{library.id}"
    assert library.memberships.filter(user=stranger).exists()


def test_an_unverified_person_accepts_nothing_by_address(owner: User, stranger: User, library: Library) -> None:
    User.objects.filter(pk=stranger.pk).update(email_verified_at=None)
    client = browser_of(stranger)
    invite(owner, library, stranger.email)
    assert "Invitations to you" not in client.get("/account").content.decode()
    invitation = Invitation.objects.get()
    answer = client.post(f"/account/invitations/{invitation.id}")
    assert answer.status_code == 403
    assert b"Verify your e-mail address first" in answer.content


# --- To watch ----------------------------------------------------------------------------------------------


def test_a_link_is_only_an_invitation_until_its_module_runs(nobody: Client, link: str, portal_view: PortalView) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = nobody.get(f"/view/{link}")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert re.findall(r"<title>(.*?)</title>", text) == ["You are invited to watch"]
    assert re.findall(r'property="og:title" content="(.*?)"', text) == ["You are invited to watch"]
    assert portal_view.name not in text
    assert portal_view.library.name not in text
    assert f'data-view="{portal_view.id}"' in text
    assert f'data-share="{link}"' in text
    assert link not in re.findall(r'data-key="(.*?)"', text)[0]
    assert all(query["sql"].lstrip().startswith("SELECT") for query in queries)
    assert not answer.cookies


def test_an_unknown_link_says_so_and_an_ended_one_lets_the_socket_say_it(
    nobody: Client, link: str, owner: User, portal_view: PortalView
) -> None:
    unknown = nobody.get(f"/view/{SECRET}")
    assert unknown.status_code == 404
    assert "There is no such link" in unknown.content.decode()
    assert "view.js" not in unknown.content.decode()
    row = ShareLink.objects.get()
    withdraw_share_link(actor_id=owner.id, portal_view_id=portal_view.id, link_id=row.id)
    assert nobody.get(f"/view/{link}").status_code == 200


def test_pictures_of_what_is_watched_may_be_anywhere_on_the_web(nobody: Client) -> None:
    for path in (f"/view/{SECRET}", f"/view/guest/{'0' * 8}-0000-4000-8000-{'0' * 12}"):
        assert policy(nobody.get(path))["img-src"] == ["'self'", "data:", "blob:", "https:"]
    assert policy(nobody.get("/tv"))["img-src"] == ["'self'", "data:", "blob:"]


def test_the_page_of_a_seat_says_nothing_of_the_portal_view(nobody: Client, portal_view: PortalView) -> None:
    text = nobody.get(f"/view/guest/{portal_view.id}").content.decode()
    assert 'data-share=""' in text
    assert portal_view.name not in text
    assert "You are invited to watch" in text


def test_a_code_to_scan(nobody: Client) -> None:
    answer = nobody.get("/tv/qr.svg?code=abc-234")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert b"style" not in answer.content
    assert answer.content == nobody.get("/tv/qr.svg?code=ABC234").content
    for code in ("", "ABC23", "ABC2345", "ABC23O", "<svg>!", "ABC23%00"):
        assert nobody.get(f"/tv/qr.svg?code={code}").status_code == 404
    assert nobody.post("/tv/qr.svg?code=ABC234").status_code == 405


def test_only_controllers_are_offered_what_a_screen_could_show(
    owner: User, viewer: User, portal_view: PortalView
) -> None:
    assert str(portal_view.id) in browser_of(owner).get("/add-screen").content.decode()
    page = browser_of(viewer).get("/add-screen").content.decode()
    assert str(portal_view.id) not in page
    assert "You control nothing that a screen could show" in page


def test_a_scanned_code_survives_the_log_in(nobody: Client, owner: User, portal_view: PortalView) -> None:
    asked = nobody.get("/add-screen?code=ABC234", follow=True)
    assert unquote(asked.redirect_chain[-1][0]) == "/login?next=/add-screen"
    nobody.post("/login", {"username": owner.email, "password": PASSWORD})
    assert 'value="ABC234"' in nobody.get("/add-screen").content.decode()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"code": "ABC"}, "code"),
        ({"code": "ABC23O"}, "code"),
        ({"label": ""}, "label"),
        ({"label": "a\u202eb"}, "label"),
        ({"portal_view": "de300000-0000-4000-8000-000000000002"}, "portal_view"),
        ({"portal_view": ""}, "portal_view"),
    ],
)
def test_a_screen_that_cannot_be_added_says_why(
    browser: Client, portal_view: PortalView, change: dict[str, str], key: str
) -> None:
    values = {"code": "ABC234", "label": "Hall", "portal_view": str(portal_view.id), **change}
    answer = browser.post("/add-screen", values)
    assert (answer.status_code, list(faults(answer))) == (400, [key])
    assert not ShareLink.objects.exists()
    assert not mail.outbox


def test_a_screen_is_added(nobody: Client, browser: Client, portal_view: PortalView) -> None:
    screen = nobody.post("/api/screens", {}, "application/json").json()
    browser.get(f"/add-screen?code={screen['code']}")
    values = {"code": screen["code"].lower(), "label": "Hall", "portal_view": str(portal_view.id)}
    added = browser.post("/add-screen", values)
    assert (added.headers["Location"], added.cookies["screen-token"].value) == ("/add-screen", "")
    assert "“Hall” is added" in browser.get("/add-screen").content.decode()
    claimed = nobody.post("/api/screens/claim", {"claim": screen["claim"]}, "application/json").json()
    assert claimed["state"] == "ready"
    assert str(portal_view.id) in nobody.get(f"/view/{claimed['token']}").content.decode()
    again = browser.post("/add-screen", values)
    assert (again.status_code, len(faults(again))) == (404, 1)
    assert ShareLink.objects.get().label == "Hall"


def test_codes_of_screens_cannot_be_tried_out(browser: Client, portal_view: PortalView) -> None:
    values = {"code": "ABC234", "label": "Hall", "portal_view": str(portal_view.id)}
    answers = [browser.post("/add-screen", values) for _ in range(12)]
    assert [answer.status_code for answer in answers[-2:]] == [429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
