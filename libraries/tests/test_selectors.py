"""Reads: the results for each person, and the number of queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from libraries import selectors
from libraries.models import Library, Membership, PortalView, User
from libraries.rules.errors import NotFound
from libraries.rules.roles import Role
from libraries.selectors import (
    Pulse,
    get_library,
    get_portal_view,
    libraries_of,
    load,
    memberships_of,
    portal_views_in,
    portal_views_of,
    pulses,
    roles_in,
    roles_on,
)

pytestmark = pytest.mark.django_db
Queries = Callable[[int], Any]


@pytest.fixture
def cast(owner: User, editor: User, viewer: User) -> dict[Role, User]:
    return {Role.OWNER: owner, Role.EDITOR: editor, Role.VIEWER: viewer}


def switch_off(user: User) -> None:
    User.objects.filter(id=user.id).update(is_active=False)


def test_a_state_is_loaded_with_its_epoch(portal_view: PortalView) -> None:
    stored = load(portal_view.id)
    assert stored is not None
    assert (stored.state, stored.epoch, stored.version) == (
        PortalView.objects.get().state(),
        portal_view.epoch,
        portal_view.version,
    )
    assert load(uuid4()) is None


def test_pulses_of_many_are_read_in_one_query(
    portal_view: PortalView, library: Library, django_assert_num_queries: Queries
) -> None:
    other = PortalView.objects.create(library=library, name="Other", version=7)
    with django_assert_num_queries(1):
        assert pulses([portal_view.id, other.id, uuid4()]) == {
            portal_view.id: Pulse(library.id, 1, portal_view.epoch, library.access_version),
            other.id: Pulse(library.id, 7, other.epoch, library.access_version),
        }


def test_roles_are_those_of_active_people(portal_view: PortalView, cast: dict[Role, User], stranger: User) -> None:
    people = [*(user.id for user in cast.values()), stranger.id, uuid4()]
    expected = {user.id: role for role, user in cast.items()}
    assert roles_on(portal_view_id=portal_view.id, user_ids=people) == expected
    switch_off(cast[Role.EDITOR])
    del expected[cast[Role.EDITOR].id]
    assert roles_on(portal_view_id=portal_view.id, user_ids=people) == expected
    assert roles_on(portal_view_id=uuid4(), user_ids=people) == {}


def test_each_person_finds_their_own_with_their_role(
    library: Library, portal_view: PortalView, cast: dict[Role, User]
) -> None:
    for role, user in cast.items():
        assert [(found.id, found.role) for found in libraries_of(user.id)] == [(library.id, role)]
        assert [(found.id, found.role) for found in portal_views_of(user.id)] == [(portal_view.id, role)]
        assert get_library(user_id=user.id, library_id=library.id).role == role
        assert get_portal_view(user_id=user.id, portal_view_id=portal_view.id).role == role


def test_strangers_and_deactivated_people_find_nothing(
    library: Library, portal_view: PortalView, owner: User, stranger: User
) -> None:
    switch_off(owner)
    for user in (owner, stranger):
        assert not libraries_of(user.id).exists()
        assert not portal_views_of(user.id).exists()
        assert not portal_views_in(user_id=user.id, library_id=library.id).exists()
        with pytest.raises(NotFound, match="no such library"):
            get_library(user_id=user.id, library_id=library.id)
        with pytest.raises(NotFound, match="no such portal view"):
            get_portal_view(user_id=user.id, portal_view_id=portal_view.id)


def test_a_list_of_portal_views_counts_items_without_reading_them(
    library: Library, portal_view: PortalView, viewer: User, django_assert_num_queries: Queries
) -> None:
    PortalView.objects.create(library=library, name="Morning")
    PortalView.objects.create(library=Library.objects.create(name="Other"), name="Other")
    with django_assert_num_queries(1):
        found = list(portal_views_in(user_id=viewer.id, library_id=library.id))
        assert [(one.name, one.item_count, one.role) for one in found] == [
            ("Evening", 3, Role.VIEWER),
            ("Morning", 0, Role.VIEWER),
        ]
    assert "items" in found[0].get_deferred_fields()


def test_memberships_come_with_their_users(
    library: Library, cast: dict[Role, User], django_assert_num_queries: Queries
) -> None:
    with django_assert_num_queries(1):
        assert [(one.user, one.role) for one in memberships_of(library.id)] == [
            (cast[role], role) for role in (Role.EDITOR, Role.OWNER, Role.VIEWER)
        ]


def test_roles_in_libraries_are_read_in_one_query(
    library: Library, cast: dict[Role, User], stranger: User, django_assert_num_queries: Queries
) -> None:
    other = Library.objects.create(name="Other")
    Membership.objects.create(library=other, user=cast[Role.VIEWER], role=Role.OWNER.value)
    Membership.objects.create(library=other, user=stranger, role=Role.VIEWER.value)
    User.objects.filter(id=stranger.id).update(is_active=False)
    people = [*(user.id for user in cast.values()), stranger.id, uuid4()]
    with django_assert_num_queries(1):
        found = roles_in([(one.id, user_id) for one in (library, other) for user_id in people])
    expected = {(library.id, user.id): role for role, user in cast.items()}
    assert found == {**expected, (other.id, cast[Role.VIEWER].id): Role.OWNER}


def test_any_number_of_ids_may_be_requested(
    portal_view: PortalView,
    library: Library,
    owner: User,
    django_assert_num_queries: Queries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # SQLite allows 250,000 parameters of a statement.
    monkeypatch.setattr(selectors, "AT_ONCE", 100)
    many = [uuid4() for _ in range(299)]
    with django_assert_num_queries(3):
        assert pulses([*many, portal_view.id]).keys() == {portal_view.id}
    with django_assert_num_queries(3):
        assert roles_on(portal_view_id=portal_view.id, user_ids=[*many, owner.id]) == {owner.id: Role.OWNER}
    with django_assert_num_queries(3):
        assert roles_in([*((library.id, one) for one in many), (library.id, owner.id)]) == {
            (library.id, owner.id): Role.OWNER
        }
