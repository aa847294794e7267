"""Libraries and their members: `libraries.services.members` changes roles, and open connections are notified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from libraries.admin import libraries
from libraries.models import Library, Membership, PortalView, User
from libraries.rules.roles import Role
from libraries.services.libraries import create_library
from libraries.services.members import change_role
from libraries.tests.admin.conftest import Desk, add, body, change, delete, filled, list_of, says

FORBIDDEN = 403


def row(page: Any, user: User) -> str:
    """The prefix of a member's fields in the form."""
    [inline] = page.context["inline_admin_formsets"]
    prefixes = {form.instance.user_id: str(form.prefix) for form in inline.formset.initial_forms}
    return prefixes[user.pk]


def save_roles(desk: Desk, library: Library, roles: dict[User, str | None], *new: tuple[User, str]) -> Any:
    """Send the form with other roles (None removes a member) and with new members."""
    page = desk.get(change(library))
    data = filled(page)
    for user, role in roles.items():
        data |= {f"{row(page, user)}-DELETE": "on"} if role is None else {f"{row(page, user)}-role": role}
    first = int(data["memberships-TOTAL_FORMS"])
    for index, (user, role) in enumerate(new, first):
        data |= {f"memberships-{index}-user": str(user.pk), f"memberships-{index}-role": role}
    return desk.post(change(library), {**data, "memberships-TOTAL_FORMS": first + len(new)})


def members(library: Library) -> dict[str, str]:
    """Everybody's role, by name."""
    return dict(Membership.objects.filter(library=library).values_list("user__name", "role"))


def told(desk: Desk) -> list[tuple[str, str | None]]:
    """The people whose role was announced to the open connections, with that role."""
    names = {str(user.pk): user.name for user in User.objects.all()}
    return [(names[news["subject"][0]], news["role"]) for news in desk.news if news["event"] == "access"]


def inline_errors(page: Any) -> str:
    [inline] = page.context["inline_admin_formsets"]
    return " ".join([*inline.formset.non_form_errors(), *(str(form.errors) for form in inline.formset.forms)])


CAST = {"Owner": "OWNER", "Editor": "EDITOR", "Viewer": "VIEWER"}


def test_a_new_role_is_stored_and_announced(
    desk: Desk, library: Library, portal_view: PortalView, editor: User
) -> None:
    page = save_roles(desk, library, {editor: "VIEWER"})
    assert "was changed successfully" in says(page)
    assert members(library) == {**CAST, "Editor": "VIEWER"}
    assert told(desk) == [("Editor", "viewer")]


def test_a_new_member_is_stored_and_announced(
    desk: Desk, library: Library, portal_view: PortalView, stranger: User
) -> None:
    save_roles(desk, library, {}, (stranger, "EDITOR"))
    assert members(library) == {**CAST, "Stranger": "EDITOR"}
    assert told(desk) == [("Stranger", "controller")]


def test_a_removed_member_is_disconnected(desk: Desk, library: Library, portal_view: PortalView, viewer: User) -> None:
    save_roles(desk, library, {viewer: None})
    assert members(library) == {"Owner": "OWNER", "Editor": "EDITOR"}
    assert told(desk) == [("Viewer", None)]


def test_the_history_has_the_changed_members(desk: Desk, library: Library, stranger: User, viewer: User) -> None:
    save_roles(desk, library, {viewer: None}, (stranger, "EDITOR"))
    history = body(desk.get(f"/admin/libraries/library/{library.pk}/history/"))
    assert f"Added membership “Stranger ({stranger.pk}) in Library”" in history
    assert f"Deleted membership “Viewer ({viewer.pk}) in Library”" in history


@pytest.mark.parametrize("role", ["EDITOR", None])
def test_the_last_owner_cannot_leave(
    desk: Desk, library: Library, portal_view: PortalView, owner: User, role: str | None
) -> None:
    page = save_roles(desk, library, {owner: role})
    assert "A library needs an owner" in inline_errors(page)
    assert "A library needs an owner" in body(page)
    assert members(library) == CAST
    assert desk.news == []


@pytest.mark.parametrize("role", ["VIEWER", None])
def test_ownership_is_handed_over_in_one_save(
    desk: Desk, library: Library, portal_view: PortalView, owner: User, editor: User, role: str | None
) -> None:
    save_roles(desk, library, {owner: role, editor: "OWNER"})
    assert members(library).get("Owner") == role
    assert members(library)["Editor"] == "OWNER"


def test_ownership_is_handed_to_a_new_member(
    desk: Desk, library: Library, portal_view: PortalView, owner: User, stranger: User
) -> None:
    save_roles(desk, library, {owner: None}, (stranger, "OWNER"))
    assert members(library) == {"Editor": "EDITOR", "Viewer": "VIEWER", "Stranger": "OWNER"}


def test_the_last_owner_stays_if_another_owner_left_at_the_same_moment(
    desk: Desk, library: Library, owner: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Membership.objects.filter(user=editor).update(role="OWNER")

    def change_role_after_the_other_left(**options: Any) -> Membership:
        Membership.objects.filter(user=editor).update(role="VIEWER")
        return change_role(**options)

    monkeypatch.setattr(libraries, "change_role", change_role_after_the_other_left)
    page = save_roles(desk, library, {owner: "VIEWER"})
    assert "A library needs an owner" in says(page)
    assert members(library)["Owner"] == "OWNER"


def test_nobody_is_a_member_twice(desk: Desk, library: Library, viewer: User) -> None:
    page = save_roles(desk, library, {}, (viewer, "OWNER"))
    assert "duplicate" in inline_errors(page)
    assert members(library) == CAST


def test_a_deactivated_account_cannot_become_a_member(desk: Desk, library: Library, stranger: User) -> None:
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    page = save_roles(desk, library, {}, (stranger, "VIEWER"))
    assert "This account is not active" in inline_errors(page)


def test_a_deactivated_member_does_not_block_the_form(desk: Desk, library: Library, viewer: User, editor: User) -> None:
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    save_roles(desk, library, {editor: "OWNER", viewer: "EDITOR"})
    assert members(library) == {"Owner": "OWNER", "Editor": "OWNER", "Viewer": "EDITOR"}


def test_the_person_of_a_membership_cannot_be_changed(
    desk: Desk, library: Library, viewer: User, stranger: User
) -> None:
    page = desk.get(change(library))
    desk.post(change(library), {**filled(page), f"{row(page, viewer)}-user": str(stranger.pk)})
    assert members(library) == CAST


def test_an_unknown_role_is_refused(desk: Desk, library: Library, viewer: User) -> None:
    assert "not one of the available choices" in inline_errors(save_roles(desk, library, {viewer: "KING"}))


def test_a_new_library_gets_an_owner(desk: Desk, owner: User) -> None:
    page = desk.get(add(Library))
    assert filled(page)["memberships-0-role"] == Role.OWNER
    desk.save(add(Library), name="New", **{"memberships-0-user": str(owner.pk)})
    assert members(Library.objects.get()) == {"Owner": "OWNER"}


def test_a_new_library_without_an_owner_is_refused(desk: Desk, owner: User) -> None:
    page = desk.save(add(Library), name="New")
    assert "A library needs an owner" in inline_errors(page)
    page = desk.save(add(Library), name="New", **{"memberships-0-user": str(owner.pk), "memberships-0-role": "EDITOR"})
    assert "A library needs an owner" in inline_errors(page)
    assert not Library.objects.exists()


def test_a_new_name_is_stored_and_nothing_else(desk: Desk, library: Library) -> None:
    desk.save(change(library), name="Other", description="New")
    library.refresh_from_db()
    assert (library.name, library.description, members(library)) == ("Other", "New", CAST)
    assert desk.news == []


def test_a_new_name_does_not_undo_a_simultaneous_change_of_a_number(
    desk: Desk, library: Library, portal_view: PortalView, editor: User
) -> None:
    before = library.access_version
    page = desk.get(change(library))
    data = {**filled(page), "name": "Other", f"{row(page, editor)}-role": "VIEWER"}
    desk.post(change(library), data)
    library.refresh_from_db()
    assert library.access_version == before + 1


def test_deleting_a_library_is_announced_to_its_portal_views(
    desk: Desk, library: Library, portal_view: PortalView
) -> None:
    desk.post(delete(library), {"post": "yes"})
    assert not Library.objects.exists()
    assert [(news["event"], news["portalViewId"]) for news in desk.news] == [("deleted", str(portal_view.pk))]


def test_deleting_many_libraries_is_announced_to_their_portal_views(
    desk: Desk, library: Library, portal_view: PortalView
) -> None:
    other = Library.objects.create(name="Other")
    desk.act("delete_selected", library, other, post="yes")
    assert not Library.objects.exists()
    assert [news["event"] for news in desk.news] == ["deleted"]


@pytest.mark.parametrize("flag", ["show_audience", "show_activity"])
def test_what_viewers_learn_of_people_is_announced(
    desk: Desk, library: Library, portal_view: PortalView, flag: str
) -> None:
    desk.post(change(library), {**filled(desk.get(change(library))), flag: "on"})
    library.refresh_from_db()
    assert (library.show_audience, library.show_activity) == (flag == "show_audience", flag == "show_activity")
    assert [(news["event"], news["portalViewId"]) for news in desk.news] == [("stale", str(portal_view.pk))]


def test_the_list_has_counts(desk: Desk, library: Library, portal_view: PortalView) -> None:
    [row] = desk.get(list_of(Library)).context["cl"].queryset
    assert (row.members_in_all, row.portal_views_in_all) == (3, 1)
    assert "Library" in body(desk.get(list_of(Library)))


def test_members_need_their_own_permissions(
    clerk: Callable[..., Desk], library: Library, portal_view: PortalView, editor: User
) -> None:
    desk = clerk("change_library", "view_membership")
    page = desk.get(change(library))
    data = {**filled(page), "name": "Other"}
    data |= {f"{row(page, editor)}-role": "OWNER", f"{row(page, editor)}-DELETE": "on"}
    desk.post(change(library), data)
    library.refresh_from_db()
    assert (library.name, members(library)) == ("Other", CAST)
    assert desk.news == []


def test_staff_who_may_not_add_members_cannot_add_a_library(clerk: Callable[..., Desk]) -> None:
    clerk("add_library", "view_library").get(add(Library), status=FORBIDDEN)


def test_staff_without_permissions_can_do_nothing(clerk: Callable[..., Desk], library: Library) -> None:
    desk = clerk()
    desk.get(list_of(Library), status=FORBIDDEN)
    desk.post(change(library), {"name": "Mine"}, status=FORBIDDEN)
    desk.post(delete(library), {"post": "yes"}, status=FORBIDDEN)
    assert Library.objects.filter(name="Library").exists()


def test_staff_who_may_only_delete_libraries_cannot_delete_portal_views_with_them(
    clerk: Callable[..., Desk], library: Library, portal_view: PortalView
) -> None:
    desk = clerk("delete_library", "view_library")
    desk.post(delete(library), {"post": "yes"}, status=FORBIDDEN)
    assert PortalView.objects.exists()


def test_a_quota_is_shown_above_the_members(
    desk: Desk, library: Library, stranger: User, editor: User, settings: Any
) -> None:
    settings.PORTAL_MEMBERS_PER_LIBRARY, settings.PORTAL_LIBRARIES_PER_USER = 3, 1
    assert "3 are possible" in inline_errors(save_roles(desk, library, {}, (stranger, "VIEWER")))
    create_library(actor_id=editor.id, name="Own")
    assert "owns 1 libraries" in inline_errors(save_roles(desk, library, {editor: "OWNER"}))
    assert members(library) == CAST
