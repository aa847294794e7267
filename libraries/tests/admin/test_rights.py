"""Staff cannot raise their own rights, or others' rights above their own: each known way is tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from conftest import PASSWORD
from libraries.models import Library, Membership, User
from libraries.tests.admin.conftest import Desk, add, body, change, delete, errors, filled, list_of, says

FORBIDDEN = 403
USERS = ("view_user", "change_user", "add_user", "delete_user")
GROUPS = ("view_group", "change_group", "add_group", "delete_group")
HIGHER = "view_portalview"
"""A permission that the person who tries does not have."""
ALL_RIGHTS = {"is_staff": "on", "is_superuser": "on"}

Staff = Callable[..., Desk]


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


def rights_of(user: User) -> tuple[bool, bool, bool, set[str], str, str]:
    """All rights of an account, and its ways to log in."""
    stored = User.objects.get(pk=user.pk)
    codenames = Permission.objects.filter(user=stored).values_list("codename", flat=True)
    groups = Permission.objects.filter(group__user=stored).values_list("codename", flat=True)
    flags = stored.is_active, stored.is_staff, stored.is_superuser
    return (*flags, {*codenames, *groups}, stored.email, stored.password)


def group_page(group: Group, page: str = "change") -> str:
    return f"/admin/auth/group/{group.pk}/{page}/"


@pytest.fixture
def desk_with(make_user: Callable[[str], User], desk_of: Callable[[User], Desk]) -> Staff:
    """The desk of a member of staff with these permissions of any app."""

    def desk_with(*codenames: str) -> Desk:
        user = make_user("clerk")
        user.is_staff = True
        user.save()
        user.user_permissions.set([permission(codename) for codename in codenames])
        return desk_of(user)

    return desk_with


def with_a_permission(user: User) -> None:
    user.user_permissions.add(permission(HIGHER))


def with_a_group(user: User) -> None:
    group = Group.objects.create(name="Higher")
    group.permissions.add(permission(HIGHER))
    user.groups.add(group)


def as_superuser(user: User) -> None:
    user.is_superuser = True
    user.save()


HIGHER_BY = [with_a_permission, with_a_group, as_superuser]


@pytest.fixture(params=["on", "off"])
def higher(request: pytest.FixtureRequest, stranger: User) -> User:
    """An account that a test raises; it may be inactive, and then could be activated."""
    stranger.is_staff = True
    stranger.is_active = request.param == "on"
    stranger.save()
    return stranger


@pytest.mark.parametrize("raised", HIGHER_BY)
def test_an_account_with_more_rights_is_not_changed(
    desk_with: Staff, higher: User, raised: Callable[[User], None]
) -> None:
    raised(higher)
    before = rights_of(higher)
    desk = desk_with(*USERS)
    desk.post(change(higher), {"email": "mine@example.org", "is_active": "on"}, status=FORBIDDEN)
    password = {"usable_password": "true", "password1": PASSWORD * 2, "password2": PASSWORD * 2}
    desk.post(f"/admin/libraries/user/{higher.pk}/password/", password, status=FORBIDDEN)
    desk.post(delete(higher), {"post": "yes"}, status=FORBIDDEN)
    for action in ("activate", "deactivate"):
        assert says(desk.act(action, higher)) == "Nobody was changed."
    selected = {"action": "delete_selected", "_selected_action": [str(higher.pk)], "post": "yes"}
    desk.post(list_of(User), selected, status=FORBIDDEN)
    assert rights_of(higher) == before


def test_an_account_without_more_rights_is_changed(desk_with: Staff, higher: User) -> None:
    higher.user_permissions.add(permission("view_user"))
    desk = desk_with(*USERS)
    desk.save(change(higher), name="Changed", is_active="on")
    new = {"usable_password": "true", "password1": PASSWORD * 2, "password2": PASSWORD * 2}
    desk.post(f"/admin/libraries/user/{higher.pk}/password/", new)
    higher.refresh_from_db()
    assert (higher.name, higher.is_active, higher.check_password(PASSWORD * 2)) == ("Changed", True, True)
    desk.post(delete(higher), {"post": "yes"})
    assert not User.objects.filter(pk=higher.pk).exists()


def test_forged_fields_give_no_rights(desk_with: Staff, viewer: User) -> None:
    desk = desk_with(*USERS)
    group = Group.objects.create(name="Higher")
    group.permissions.add(permission(HIGHER))
    given = {**ALL_RIGHTS, "groups": [str(group.pk)], "user_permissions": [str(permission(HIGHER).pk)]}
    for user in (viewer, desk.user):
        before = rights_of(user)
        desk.post(change(user), {**filled(desk.get(change(user))), **given, "password": "pbkdf2_sha256$1$a$b"})
        assert rights_of(user) == before


def test_a_new_account_has_no_rights(desk_with: Staff) -> None:
    desk = desk_with(*USERS)
    new = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    more = {**ALL_RIGHTS, "user_permissions": [str(permission("view_user").pk)], "id": str(desk.user.pk)}
    desk.post(add(User), {**new, **more})
    made = User.objects.get(email="new@example.org")
    assert rights_of(made)[:4] == (True, False, False, set())
    assert made.pk != desk.user.pk


def test_saving_as_a_new_object_copies_no_account(desk_with: Staff, viewer: User) -> None:
    desk = desk_with(*USERS)
    data = {**filled(desk.get(change(viewer))), "email": "copy@example.org", "_saveasnew": "1"}
    desk.post(change(viewer), data)
    assert not User.objects.exclude(pk=viewer.pk).filter(email="copy@example.org").exists()


def test_nobody_deletes_themselves(desk: Desk) -> None:
    desk.post(delete(desk.user), {"post": "yes"}, status=FORBIDDEN)
    selected = {"action": "delete_selected", "_selected_action": [str(desk.user.pk)], "post": "yes"}
    desk.post(list_of(User), selected, status=FORBIDDEN)
    assert User.objects.filter(pk=desk.user.pk).exists()


# --- Groups ------------------------------------------------------------------------------------------------


def test_a_group_gets_no_permission_that_the_asker_lacks(desk_with: Staff) -> None:
    desk = desk_with(*GROUPS)
    own = Group.objects.create(name="Own")
    desk.user.groups.add(own)
    for address in (group_page(own), "/admin/auth/group/add/"):
        page = desk.get(address)
        assert f'value="{permission(HIGHER).pk}"' not in body(page)
        page = desk.post(address, {"name": "Raised", "permissions": [str(permission(HIGHER).pk)]})
        assert "permissions" in errors(page)
    assert not Permission.objects.filter(group__isnull=False).exists()
    assert not Group.objects.filter(name="Raised").exists()


def test_a_group_gets_a_permission_that_the_asker_has(desk_with: Staff) -> None:
    desk = desk_with(*GROUPS)
    desk.post("/admin/auth/group/add/", {"name": "New", "permissions": [str(permission("view_group").pk)]})
    assert Group.objects.get(name="New").permissions.get() == permission("view_group")


def test_a_superuser_puts_any_permission_into_a_group(desk: Desk) -> None:
    desk.post("/admin/auth/group/add/", {"name": "New", "permissions": [str(permission(HIGHER).pk)]})
    assert Group.objects.get(name="New").permissions.get() == permission(HIGHER)


def a_group_with_more(group: Group, member: User) -> None:
    group.permissions.add(permission(HIGHER))


def a_group_of_a_superuser(group: Group, member: User) -> None:
    User.objects.filter(pk=member.pk).update(is_superuser=True)
    member.groups.add(group)


def a_group_of_somebody_with_more(group: Group, member: User) -> None:
    member.user_permissions.add(permission(HIGHER))
    member.groups.add(group)


@pytest.mark.parametrize("raised", [a_group_with_more, a_group_of_a_superuser, a_group_of_somebody_with_more])
def test_a_group_above_the_asker_is_not_changed(
    desk_with: Staff, viewer: User, raised: Callable[[Group, User], None]
) -> None:
    group = Group.objects.create(name="Higher")
    group.permissions.add(permission("view_group"))
    raised(group, viewer)
    before = set(group.permissions.all())
    desk = desk_with(*GROUPS)
    desk.post(group_page(group), {"name": "Mine", "permissions": []}, status=FORBIDDEN)
    desk.post(group_page(group, "delete"), {"post": "yes"}, status=FORBIDDEN)
    selected = {"action": "delete_selected", "_selected_action": [str(group.pk)], "post": "yes"}
    desk.post("/admin/auth/group/", selected, status=FORBIDDEN)
    assert set(Group.objects.get(name="Higher").permissions.all()) == before


# --- What pages show ---------------------------------------------------------------------------------------


def test_staff_who_may_only_look_see_no_password_hash(desk_with: Staff, viewer: User) -> None:
    assert viewer.password not in body(desk_with("view_user").get(change(viewer)))


@pytest.mark.parametrize("lookup", ["password", "password__startswith", "password__regex", "password__gt"])
def test_lists_cannot_be_filtered_by_the_password_hash(desk_with: Staff, viewer: User, lookup: str) -> None:
    desk_with("view_user").get(f"{list_of(User)}?{lookup}=md5", status=400)


@pytest.mark.parametrize("lookup", ["members__email__startswith", "memberships__user__email", "members__password"])
def test_lists_cannot_be_filtered_by_fields_of_another_page(desk_with: Staff, library: Library, lookup: str) -> None:
    desk_with("view_library").get(f"{list_of(Library)}?{lookup}=owner", status=400)


def test_e_mail_addresses_are_shown_only_to_those_who_may_see_people(
    desk_with: Staff, library: Library, owner: User
) -> None:
    desk = desk_with("view_library", "delete_library", "change_library", "add_membership")
    query = "app_label=libraries&model_name=membership&field_name=user&term=owner"
    desk.get(f"/admin/autocomplete/?{query}", status=FORBIDDEN)
    for address in (change(library), delete(library), f"/admin/libraries/library/{library.pk}/history/"):
        assert owner.email not in body(desk.get(address))


def test_the_history_of_a_library_has_no_e_mail_address(
    desk: Desk, desk_with: Staff, library: Library, viewer: User
) -> None:
    members = filled(desk.get(change(library)))
    row = next(name for name, value in members.items() if name.endswith("-id") and value == member_id(library, viewer))
    desk.post(change(library), {**members, row.replace("-id", "-DELETE"): "on"})
    history = body(desk_with("view_library").get(f"/admin/libraries/library/{library.pk}/history/"))
    assert f"{viewer.get_full_name()} ({viewer.pk})" in history
    assert viewer.email not in history


def member_id(library: Library, user: User) -> Any:
    return Membership.objects.get(library=library, user=user).pk
