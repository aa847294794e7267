"""People: added by e-mail address, activated and deactivated, and who may grant rights to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from conftest import PASSWORD
from libraries.models import Library, PortalView, Revocation, User
from libraries.selectors import get_user_of
from libraries.services.sessions import open_session
from libraries.tests.admin.conftest import OK, Desk, add, body, change, delete, errors, filled, list_of, says
from libraries.tokens import verify

FOUND, FORBIDDEN = 302, 403
CHANGE_USERS = ("view_user", "change_user", "add_user", "delete_user")


@pytest.fixture
def other_admin(stranger: User) -> User:
    """Another superuser."""
    stranger.is_staff = stranger.is_superuser = True
    stranger.save()
    return stranger


def test_a_person_is_added_by_e_mail_address(desk: Desk) -> None:
    typed = {"email": " New@Example.ORG ", "name": "New", "password1": PASSWORD, "password2": PASSWORD}
    page = desk.save(add(User), **typed)
    assert "was added successfully" in says(page)
    made = User.objects.get(email="new@example.org")
    assert made.check_password(PASSWORD)
    assert (made.name, made.is_active, made.is_staff, made.is_verified) == ("New", True, False, True)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"email": "OWNER@example.org"}, "email"),
        ({"email": "owner@example.org"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"password1": "12345678", "password2": "12345678"}, "password2"),
        ({"password2": "another one, really"}, "password2"),
    ],
)
def test_a_bad_address_or_password_is_reported(desk: Desk, owner: User, typed: dict[str, str], field: str) -> None:
    good = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    page = desk.save(add(User), **{**good, **typed})
    assert field in errors(page)
    assert not User.objects.filter(email="new@example.org").exists()


def revoked(person: User) -> list[str]:
    """Why the person's sessions ended, oldest first."""
    return list(Revocation.objects.filter(key=person.pk).order_by("pk").values_list("reason", flat=True))


def test_a_deactivated_person_is_disconnected_everywhere(desk: Desk, viewer: User) -> None:
    desk.post(change(viewer), {**filled(desk.get(change(viewer))), "is_active": ""})
    viewer.refresh_from_db()
    assert not viewer.is_active
    assert revoked(viewer) == ["user-unavailable"]


def test_an_activated_person_may_log_in_again(desk: Desk, portal_view: PortalView, viewer: User) -> None:
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    desk.save(change(viewer), is_active="on")
    viewer.refresh_from_db()
    assert viewer.is_active


def test_a_new_name_disconnects_nobody(desk: Desk, viewer: User) -> None:
    desk.save(change(viewer), name="Vera")
    viewer.refresh_from_db()
    assert viewer.name == "Vera"
    assert viewer.check_password(PASSWORD)
    assert not Revocation.objects.exists()


def test_nobody_deactivates_their_own_account(desk: Desk) -> None:
    page = desk.post(change(desk.user), {**filled(desk.get(change(desk.user))), "is_active": ""})
    assert errors(page) == {"is_active": ["You can't switch off your own account."]}
    assert says(desk.act("deactivate", desk.user)) == "Nobody was changed."
    assert User.objects.get(pk=desk.user.pk).is_active


def test_many_people_are_deactivated_and_activated(
    desk: Desk, portal_view: PortalView, viewer: User, editor: User
) -> None:
    page = desk.act("deactivate", viewer, editor, desk.user)
    assert says(page) == "Changed: editor@example.org, viewer@example.org."
    assert set(User.objects.filter(is_active=False)) == {viewer, editor}
    assert revoked(viewer) == revoked(editor) == ["user-unavailable"]
    desk.act("activate", viewer, editor)
    assert not User.objects.filter(is_active=False).exists()


@pytest.mark.parametrize("action", ["activate", "deactivate"])
def test_activation_needs_the_permission_to_change(clerk: Callable[..., Desk], viewer: User, action: str) -> None:
    User.objects.filter(pk=viewer.pk).update(is_active=action == "deactivate")
    desk = clerk("view_user")
    assert action not in body(desk.get(list_of(User)))
    desk.act(action, viewer)
    assert User.objects.get(pk=viewer.pk).is_active is (action == "deactivate")


def test_a_password_is_changed(desk: Desk, viewer: User) -> None:
    address = f"/admin/libraries/user/{viewer.pk}/password/"
    desk.get(address)
    new = "quite another password"
    desk.post(address, {"usable_password": "true", "password1": new, "password2": new})
    viewer.refresh_from_db()
    assert viewer.check_password(new)
    assert revoked(viewer) == ["session-ended"]


def test_who_changes_their_own_password_stays_logged_in_here_and_nowhere_else(
    desk: Desk, desk_of: Callable[[User], Desk]
) -> None:
    elsewhere, first, second = desk_of(desk.user), "quite another password", "one that is different"
    address = f"/admin/libraries/user/{desk.user.pk}/password/"
    desk.post(address, {"usable_password": "true", "password1": first, "password2": first})
    assert desk.client.get("/admin/").status_code == OK
    typed = {"old_password": first, "new_password1": second, "new_password2": second}
    assert "Your password was changed" in body(desk.post("/admin/password_change/", typed))
    assert desk.client.get("/admin/").status_code == OK
    assert elsewhere.client.get("/admin/").status_code == FOUND
    assert revoked(desk.user) == ["session-ended", "session-ended"]


def test_all_sessions_of_people_are_ended(desk: Desk, viewer: User, editor: User, owner: User) -> None:
    tokens = open_session(user=viewer)
    page = desk.act("end_sessions", viewer, editor)
    assert says(page) == "Changed: editor@example.org, viewer@example.org."
    assert revoked(viewer) == revoked(editor) == ["session-ended"]
    assert revoked(owner) == []
    assert get_user_of(verify(tokens.access).grant) is None
    assert set(User.objects.filter(is_active=True)) == {viewer, editor, owner, desk.user}
    assert "Changed sessions" in body(desk.get(f"/admin/libraries/user/{viewer.pk}/history/"))


def test_only_those_who_may_change_people_end_their_sessions(clerk: Callable[..., Desk], viewer: User) -> None:
    desk = clerk("view_user")
    assert "end_sessions" not in body(desk.get(list_of(User)))
    desk.act("end_sessions", viewer)
    assert revoked(viewer) == []


def test_only_a_superuser_ends_the_sessions_of_one(clerk: Callable[..., Desk], other_admin: User) -> None:
    assert says(clerk(*CHANGE_USERS).act("end_sessions", other_admin)) == "Nobody was changed."
    assert revoked(other_admin) == []


def test_whether_an_address_is_verified_is_shown_and_not_changed(desk: Desk, viewer: User) -> None:
    page = desk.get(change(viewer))
    assert "Address verified" in body(page)
    assert "email_verified_at" not in filled(page)
    desk.save(change(viewer), email_verified_at_0="2026-01-01", email_verified_at_1="00:00")
    viewer.refresh_from_db()
    assert not viewer.is_verified


def test_a_password_is_not_changed_without_the_permission(clerk: Callable[..., Desk], viewer: User) -> None:
    clerk("view_user").get(f"/admin/libraries/user/{viewer.pk}/password/", status=FORBIDDEN)


def test_a_member_of_a_library_is_not_deleted(desk: Desk, library: Library, viewer: User) -> None:
    page = desk.get(delete(viewer))
    assert "would require deleting the following protected related objects" in body(page)
    desk.post(delete(viewer), {"post": "yes"})
    page = desk.act("delete_selected", viewer, post="yes")
    assert "protected" in body(page)
    assert User.objects.filter(pk=viewer.pk).exists()


def test_a_person_without_a_library_is_deleted(desk: Desk, stranger: User) -> None:
    desk.post(delete(stranger), {"post": "yes"})
    assert not User.objects.filter(pk=stranger.pk).exists()
    assert Revocation.objects.get().reason == "user-unavailable"


def test_the_sessions_of_selected_people_end_with_them(desk: Desk, stranger: User, make_user: Any) -> None:
    people = {stranger, make_user("another")}
    keys = {person.pk for person in people}
    desk.act("delete_selected", *people, post="yes")
    assert not User.objects.filter(pk__in=keys).exists()
    assert set(Revocation.objects.values_list("key", "reason")) == {(key, "user-unavailable") for key in keys}


def test_only_a_superuser_gives_rights(clerk: Callable[..., Desk], viewer: User) -> None:
    desk = clerk(*CHANGE_USERS)
    group = Group.objects.create(name="Everything")
    for user in (viewer, desk.user):
        desk.save(change(user), name="Changed", is_staff="on", is_superuser="on", groups=[str(group.pk)])
        user.refresh_from_db()
        assert user.name == "Changed"
        assert not user.is_superuser
        assert not user.groups.exists()
    assert not viewer.is_staff


def test_only_a_superuser_changes_a_superuser(clerk: Callable[..., Desk], other_admin: User) -> None:
    desk = clerk(*CHANGE_USERS)
    desk.post(change(other_admin), {"email": "mine@example.org"}, status=FORBIDDEN)
    desk.get(f"/admin/libraries/user/{other_admin.pk}/password/", status=FORBIDDEN)
    desk.post(delete(other_admin), {"post": "yes"}, status=FORBIDDEN)
    desk.act("deactivate", other_admin)
    selected = {"action": "delete_selected", "_selected_action": [str(other_admin.pk)], "post": "yes"}
    desk.post(list_of(User), selected, status=FORBIDDEN)
    stored = User.objects.get(pk=other_admin.pk)
    assert (stored.email, stored.is_active) == (other_admin.email, True)


def test_a_superuser_gives_rights(desk: Desk, viewer: User) -> None:
    desk.save(change(viewer), is_staff="on", is_superuser="on")
    viewer.refresh_from_db()
    assert (viewer.is_staff, viewer.is_superuser) == (True, True)


def test_staff_without_permissions_see_nobody(clerk: Callable[..., Desk], viewer: User) -> None:
    desk = clerk()
    desk.get(list_of(User), status=FORBIDDEN)
    desk.get(change(viewer), status=FORBIDDEN)
    desk.get(add(User), status=FORBIDDEN)


def test_groups_collect_permissions(desk: Desk) -> None:
    desk.get("/admin/auth/group/")
    desk.get("/admin/auth/group/add/")


def test_the_log_in_accepts_an_e_mail_address_in_any_case(desk: Desk) -> None:
    client = Client(REMOTE_ADDR="127.0.0.9")
    assert "E-mail address" in body(client.get("/admin/login/"))
    answer = client.post("/admin/login/", {"username": "ADMIN@example.org", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
