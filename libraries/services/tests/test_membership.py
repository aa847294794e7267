"""Writes to people, libraries and memberships: permissions, invariants, and notifications."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libraries.conftest import Heard, Published
from libraries.events import AccessChanged, PortalViewDeleted, Revoked
from libraries.models import Library, Membership, PortalView, Revocation, User
from libraries.rules.errors import Conflict, Forbidden, InvalidPayload, NotFound, PortalError
from libraries.rules.roles import Role, portal_role
from libraries.services.libraries import create_library, delete_library, update_library
from libraries.services.members import add_member, change_role, remove_member
from libraries.services.people import register_user, rename_user, set_user_active

pytestmark = pytest.mark.django_db


def add(actor_id: UUID | None, library: Library) -> object:
    return add_member(actor_id=actor_id, library_id=library.id, email="stranger@example.org", role=Role.EDITOR)


def promote(actor_id: UUID | None, library: Library) -> object:
    user = User.objects.get(email="viewer@example.org")
    return change_role(actor_id=actor_id, library_id=library.id, user_id=user.id, role=Role.OWNER)


def remove(actor_id: UUID | None, library: Library) -> None:
    user = User.objects.get(email="viewer@example.org")
    remove_member(actor_id=actor_id, library_id=library.id, user_id=user.id)


def delete(actor_id: UUID | None, library: Library) -> None:
    delete_library(actor_id=actor_id, library_id=library.id)


OWNERS_WRITES = [add, promote, remove, delete]
Write = Callable[[UUID | None, Library], object]


def members(library: Library) -> dict[str, str]:
    return dict(library.memberships.values_list("user__name", "role"))


def access_changed(library: Library, user: User, role: Role | None) -> AccessChanged:
    """The events about a person's new role: one for every portal view of the library."""
    return AccessChanged(
        library_id=library.id,
        portal_view_ids=tuple(one.id for one in library.portal_views.all()),
        user_id=user.id,
        role=None if role is None else portal_role(role),
        access_version=Library.objects.get(id=library.id).access_version,
    )


@pytest.fixture
def portal_views(library: Library, portal_view: PortalView) -> list[PortalView]:
    other = Library.objects.create(name="Other")
    PortalView.objects.create(library=other, name="Not of this library")
    return [portal_view, PortalView.objects.create(library=library, name="Morning")]


def test_a_person_registers() -> None:
    user = register_user(email=" Ada@Example.org", password="pw", name="Ada", network="x", link_of=str)
    assert (user.email, user.name, user.check_password("pw")) == ("ada@example.org", "Ada", True)
    assert not user.memberships.exists()


def test_an_address_that_is_taken_is_a_conflict(owner: User) -> None:
    with pytest.raises(Conflict, match="log in instead") as refusal:
        register_user(email="OWNER@example.org", password="pw", network="x", link_of=str)
    assert refusal.value.details == {"email": "Already in use."}
    assert User.objects.count() == 1


def test_a_person_changes_their_name(owner: User, editor: User) -> None:
    assert rename_user(user_id=owner.id, name="Nobody").name == "Nobody"
    assert list(User.objects.values_list("name", flat=True)) == ["Editor", "Nobody"]
    with pytest.raises(NotFound):
        rename_user(user_id=uuid4(), name="Nobody")


def test_a_deactivated_person_loses_access_everywhere(
    portal_views: list[PortalView], library: Library, editor: User, published: Published
) -> None:
    news = published(partial(set_user_active, user_id=editor.id, is_active=False))
    assert news == [Revoked(key=editor.id)]
    assert [(row.key, row.reason) for row in Revocation.objects.all()] == [(editor.id, "user-unavailable")]
    assert not User.objects.get(id=editor.id).is_active
    assert published(partial(set_user_active, user_id=editor.id, is_active=True)) == []
    assert User.objects.get(id=editor.id).is_active


def test_the_creator_of_a_library_owns_it(stranger: User, published: Published) -> None:
    made: list[Library] = []
    make = partial(create_library, actor_id=stranger.id, name="New", description="About")
    assert published(lambda: made.append(make())) == []
    library = Library.objects.get()
    assert (library.name, library.description, members(library)) == ("New", "About", {"Stranger": "OWNER"})
    assert made[0].role == Role.OWNER


def test_owners_and_editors_change_a_library(library: Library, owner: User, editor: User) -> None:
    assert update_library(actor_id=owner.id, library_id=library.id, name="New").role == Role.OWNER
    update_library(actor_id=None, library_id=library.id, name="New")
    update_library(actor_id=editor.id, library_id=library.id, description="About")
    update_library(actor_id=editor.id, library_id=library.id)
    library.refresh_from_db()
    assert (library.name, library.description) == ("New", "About")


def test_viewers_and_strangers_do_not_change_a_library(library: Library, viewer: User, stranger: User) -> None:
    for user, refusal in ((viewer, Forbidden), (stranger, NotFound)):
        with pytest.raises(refusal):
            update_library(actor_id=user.id, library_id=library.id, name="New")
    for actor_id in (viewer.id, None):
        with pytest.raises(NotFound, match="There is no such library"):
            delete_library(actor_id=actor_id, library_id=uuid4())
    assert Library.objects.get().name == "Library"


@pytest.mark.parametrize("write", OWNERS_WRITES)
def test_only_owners_and_the_site_change_members(
    write: Write, portal_views: list[PortalView], library: Library, editor: User, stranger: User, published: Published
) -> None:
    before = members(library)
    refusals: dict[UUID, type[PortalError]] = {editor.id: Forbidden, stranger.id: NotFound, uuid4(): NotFound}
    for person, refusal in refusals.items():

        def refused(person: UUID = person, refusal: type[PortalError] = refusal) -> None:
            with pytest.raises(refusal):
                write(person, library)

        assert published(refused) == []
    assert members(library) == before


@pytest.mark.parametrize("write", OWNERS_WRITES)
@pytest.mark.parametrize("by_site", [False, True])
def test_owners_and_the_site_may_change_members(
    write: Write,
    by_site: bool,
    portal_views: list[PortalView],
    library: Library,
    owner: User,
    stranger: User,
    published: Published,
) -> None:
    actor_id = None if by_site else owner.id
    told = [
        event.portal_view_ids if isinstance(event, AccessChanged) else (cast(PortalViewDeleted, event).portal_view_id,)
        for event in published(lambda: write(actor_id, library))
    ]
    assert sorted(chain.from_iterable(told)) == sorted(one.id for one in portal_views)


@pytest.mark.parametrize("write", OWNERS_WRITES)
def test_a_deactivated_owner_may_not_change_members(
    write: Write, library: Library, owner: User, stranger: User
) -> None:
    set_user_active(user_id=owner.id, is_active=False)
    with pytest.raises(NotFound):
        write(owner.id, library)


def test_a_new_member_is_announced_to_every_portal_view(
    portal_views: list[PortalView], library: Library, owner: User, stranger: User, published: Published
) -> None:
    before = library.access_version
    add = partial(add_member, actor_id=owner.id, library_id=library.id, email=" Stranger@Example.org ")
    news = published(lambda: add(role=Role.EDITOR))
    assert news == [access_changed(library, stranger, Role.EDITOR)]
    assert members(library)["Stranger"] == "EDITOR"
    library.refresh_from_db()
    assert library.access_version == before + 1

    def again() -> None:
        with pytest.raises(Conflict, match="stranger@example.org is a member already") as refusal:
            add(role=Role.OWNER)
        assert refusal.value.details == {"email": "Already a member."}

    assert published(again) == []
    assert members(library)["Stranger"] == "EDITOR"


@pytest.mark.parametrize("email", ["nobody@example.org", "", "stranger", "stranger@example.org"])
def test_only_active_people_can_be_added(library: Library, owner: User, stranger: User, email: str) -> None:
    set_user_active(user_id=stranger.id, is_active=False)
    with pytest.raises(InvalidPayload, match="register first") as refusal:
        add_member(actor_id=owner.id, library_id=library.id, email=email, role=Role.VIEWER)
    assert refusal.value.details == {"email": "Unknown."}


@pytest.mark.parametrize("role", Role)
def test_a_new_role_is_announced_to_every_portal_view(
    portal_views: list[PortalView], library: Library, owner: User, viewer: User, published: Published, role: Role
) -> None:
    change = partial(change_role, actor_id=owner.id, library_id=library.id, user_id=viewer.id, role=role)
    news = published(change)
    assert news == ([] if role == Role.VIEWER else [access_changed(library, viewer, role)])
    assert members(library)["Viewer"] == role


def test_a_removed_member_loses_access_to_every_portal_view(
    portal_views: list[PortalView], library: Library, owner: User, viewer: User, published: Published
) -> None:
    end = partial(remove_member, actor_id=owner.id, library_id=library.id, user_id=viewer.id)
    assert published(end) == [access_changed(library, viewer, None)]
    assert "Viewer" not in members(library)


@pytest.mark.parametrize("name", ["editor", "viewer"])
def test_every_member_may_leave(library: Library, name: str, request: pytest.FixtureRequest) -> None:
    user: User = request.getfixturevalue(name)
    remove_member(actor_id=user.id, library_id=library.id, user_id=user.id)
    assert name.title() not in members(library)
    with pytest.raises(NotFound):
        remove_member(actor_id=user.id, library_id=library.id, user_id=user.id)


@pytest.mark.parametrize("name", ["editor", "viewer"])
def test_nobody_promotes_themselves(library: Library, name: str, request: pytest.FixtureRequest) -> None:
    user: User = request.getfixturevalue(name)
    with pytest.raises(Forbidden):
        change_role(actor_id=user.id, library_id=library.id, user_id=user.id, role=Role.OWNER)


def test_a_person_who_is_no_member_cannot_be_changed_or_removed(library: Library, owner: User, stranger: User) -> None:
    this: dict[str, Any] = {"actor_id": owner.id, "library_id": library.id, "user_id": stranger.id}
    for write in (partial(change_role, role=Role.EDITOR), remove_member):
        with pytest.raises(NotFound, match="not a member"):
            write(**this)


def test_a_library_is_deleted_with_its_portal_views(
    portal_views: list[PortalView], library: Library, owner: User, published: Published
) -> None:
    news = published(partial(delete_library, actor_id=owner.id, library_id=library.id))
    assert {cast(PortalViewDeleted, one).portal_view_id for one in news} == {one.id for one in portal_views}
    assert [one.name for one in PortalView.objects.all()] == ["Not of this library"]
    assert not Membership.objects.exists()


@pytest.mark.parametrize("actor", ["owner", None])
def test_the_last_owner_cannot_leave(library: Library, owner: User, actor: str | None) -> None:
    this: dict[str, Any] = {"actor_id": owner.id if actor else None, "library_id": library.id, "user_id": owner.id}
    for write in (remove_member, partial(change_role, role=Role.EDITOR), partial(change_role, role=Role.VIEWER)):
        with pytest.raises(Conflict, match="make somebody else an owner first"):
            write(**this)
    change_role(**this, role=Role.OWNER)
    assert members(library)["Owner"] == "OWNER"


def test_a_deactivated_owner_does_not_count_as_another_owner(library: Library, owner: User, editor: User) -> None:
    change_role(actor_id=owner.id, library_id=library.id, user_id=editor.id, role=Role.OWNER)
    set_user_active(user_id=editor.id, is_active=False)
    with pytest.raises(Conflict):
        remove_member(actor_id=owner.id, library_id=library.id, user_id=owner.id)
    remove_member(actor_id=owner.id, library_id=library.id, user_id=editor.id)
    assert members(library) == {"Owner": "OWNER", "Viewer": "VIEWER"}


people = st.integers(0, 2)
changes = st.tuples(people, people, st.none() | st.sampled_from(Role))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes, max_size=8))
def test_after_any_change_a_library_has_an_owner(
    library: Library, owner: User, editor: User, viewer: User, heard: Heard, steps: list[Any]
) -> None:
    cast = [owner, editor, viewer]
    Membership.objects.all().delete()
    Membership.objects.bulk_create(Membership(library=library, user=user, role="OWNER") for user in cast)
    for actor, user, role in steps:
        this: dict[str, Any] = {"library_id": library.id, "actor_id": cast[actor].id, "user_id": cast[user].id}
        before = members(library)
        expected = {name: kept for name, kept in before.items() if name != cast[user].name}
        try:
            remove_member(**this) if role is None else change_role(**this, role=role)
        except PortalError:
            expected = before
        else:
            expected |= {} if role is None else {cast[user].name: role.value}
        assert members(library) == expected
        assert "OWNER" in expected.values()
