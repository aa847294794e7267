"""Reads about credentials: the access they give, and what ends them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import F
from django.utils import timezone

from libraries import selectors
from libraries.access import revoke
from libraries.digests import digest_of, new_token
from libraries.grants import Access, Ended, accesses, ended_grants, link_of_token, revocations_within
from libraries.models import Library, PortalView, Revocation, ShareLink, User
from libraries.rules.revocations import Reason
from libraries.rules.roles import Role
from libraries.rules.subjects import Grant, Subject
from libraries.selectors import get_user_of

pytestmark = pytest.mark.django_db
Queries = Callable[[int], Any]

SESSION = UUID(int=1)


@pytest.fixture
def cast(owner: User, editor: User, viewer: User) -> dict[Role, User]:
    return {Role.OWNER: owner, Role.EDITOR: editor, Role.VIEWER: viewer}


@pytest.fixture
def link(portal_view: PortalView) -> ShareLink:
    return ShareLink.objects.create(portal_view=portal_view, digest=digest_of("secret"), max_guests=3)


def of(user: User | UUID, session_id: UUID = SESSION) -> Grant:
    """A user's grant, of now."""
    if isinstance(user, UUID):
        return Grant(Subject(user), session_id)
    return Grant(Subject(user.id), session_id, user.auth_version)


def of_guest(link_id: UUID) -> Grant:
    """A guest's grant."""
    return Grant(Subject(uuid4(), is_guest=True), link_id=link_id)


def access(grant: Grant, portal_view_id: UUID) -> Access | None:
    """The access of one."""
    return accesses([(grant, portal_view_id)]).get((grant, portal_view_id))


# --- Users ---------------------------------------------------------------------------------------------------


def test_the_access_of_many_is_read_in_one_query(
    library: Library, portal_view: PortalView, cast: dict[Role, User], django_assert_num_queries: Queries
) -> None:
    other = PortalView.objects.create(library=library, name="Other", version=7)
    library.refresh_from_db()
    asked = [(of(user), one.id) for user in cast.values() for one in (portal_view, other)]
    with django_assert_num_queries(1):
        found = accesses(asked)
    assert found == {
        (of(user), one.id): Access(role, one.version, library.access_version, None, user.get_full_name())
        for role, user in cast.items()
        for one in (portal_view, other)
    }


def test_without_access_existing_and_missing_portal_views_look_the_same(
    portal_view: PortalView, owner: User, stranger: User, django_assert_num_queries: Queries
) -> None:
    asked = [(of(stranger), portal_view.id), (of(stranger), uuid4()), (of(owner), portal_view.id)]
    with django_assert_num_queries(2):
        found = accesses(asked)
    assert [access.role for access in found.values()].count(None) == 2
    nothing = Access(None, 0, 0, name=stranger.get_full_name())
    assert access(of(stranger), portal_view.id) == access(of(stranger), uuid4()) == nothing


def test_an_empty_request_makes_no_query(django_assert_num_queries: Queries) -> None:
    with django_assert_num_queries(0):
        assert accesses([]) == {}
        assert ended_grants([]) == {}


def test_access_of_deleted_and_deactivated_people(portal_view: PortalView, owner: User, stranger: User) -> None:
    assert access(of(uuid4()), portal_view.id) is None
    for user in (owner, stranger):
        User.objects.filter(id=user.id).update(is_active=False)
        found = access(of(user), portal_view.id)
        assert found is not None
        assert found.ended is Reason.USER_UNAVAILABLE


def test_a_credential_ends_with_its_session_and_with_a_newer_version_of_its_person(
    portal_view: PortalView, owner: User
) -> None:
    revoke(SESSION, Reason.SESSION_ENDED)
    others = of(owner, uuid4())
    asked = [(of(owner), portal_view.id), (others, portal_view.id)]
    assert [found.ended for found in accesses(asked).values()] == [Reason.SESSION_ENDED, None]
    owner.end_sessions()
    assert [found.ended for found in accesses(asked).values()] == [Reason.SESSION_ENDED] * 2
    assert get_user_of(others) is None
    assert get_user_of(of(owner, others.session_id or SESSION)) == owner
    assert get_user_of(of(owner)) is None


def test_no_guest_is_a_user(owner: User) -> None:
    assert get_user_of(Grant(Subject(owner.id, is_guest=True), SESSION)) is None
    assert get_user_of(Grant(Subject(owner.id))) is None


def test_a_membership_of_another_library_gives_no_access(portal_view: PortalView, owner: User, viewer: User) -> None:
    other = Library.objects.create(name="Other")
    other.memberships.create(user=viewer, role="OWNER")
    others = PortalView.objects.create(library=other, name="Other")
    asked = [(of(user), one.id) for user in (owner, viewer) for one in (portal_view, others)]
    assert {pair: found.role for pair, found in accesses(asked).items()} == {
        (of(owner), portal_view.id): Role.OWNER,
        (of(owner), others.id): None,
        (of(viewer), portal_view.id): Role.VIEWER,
        (of(viewer), others.id): Role.OWNER,
    }
    assert list(selectors.portal_views_of(owner.id)) == [portal_view]


def test_a_long_list_is_read_in_parts(
    portal_view: PortalView, owner: User, django_assert_num_queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "AT_ONCE", 100)
    many = [of(uuid4()) for _ in range(299)]
    with django_assert_num_queries(8):
        found = accesses([*((one, portal_view.id) for one in many), (of(owner), portal_view.id)])
    assert found.keys() == {(of(owner), portal_view.id)}
    with django_assert_num_queries(6):
        assert ended_grants([*many, of(owner)]) == dict.fromkeys(many, Reason.USER_UNAVAILABLE)


# --- Guests --------------------------------------------------------------------------------------------------


def test_a_guest_sees_the_portal_view_of_its_link_and_no_other(
    library: Library, portal_view: PortalView, link: ShareLink
) -> None:
    other = PortalView.objects.create(library=library, name="Other")
    guest = of_guest(link.id)
    found = accesses([(guest, portal_view.id), (guest, other.id), (of_guest(uuid4()), portal_view.id)])
    assert [one.role for one in found.values()] == [Role.VIEWER, None]
    assert found[guest, portal_view.id].max_guests == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"withdrawn_at": timezone.now()}, Reason.LINK_WITHDRAWN),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, Reason.LINK_EXPIRED),
        ({"expires_at": timezone.now() + timedelta(hours=1)}, None),
    ],
)
def test_a_guest_ends_with_its_link(
    portal_view: PortalView, link: ShareLink, change: dict[str, Any], reason: Reason | None
) -> None:
    ShareLink.objects.filter(id=link.id).update(**change)
    guest = of_guest(link.id)
    found = access(guest, portal_view.id)
    assert found is not None
    assert (found.ended, found.ends_at) == (reason, change.get("expires_at"))
    assert ended_grants([guest]).get(guest) == reason
    ShareLink.objects.all().delete()
    assert ended_grants([guest]) == {guest: Reason.LINK_WITHDRAWN}


def test_a_link_is_found_by_its_token(link: ShareLink) -> None:
    assert link_of_token("secret") == link.id
    for other in ("", "Secret", new_token(), "\udcff", digest_of("secret")):
        assert link_of_token(other) is None


# --- What ended ----------------------------------------------------------------------------------------------


def test_the_revocations_of_the_last_seconds_are_read_by_the_databases_clock(owner: User) -> None:
    old, link_id = uuid4(), uuid4()
    revoke(old, Reason.SESSION_ENDED)
    Revocation.objects.update(at=F("at") - timedelta(seconds=90))
    owner.end_sessions()
    owner.end_sessions(Reason.USER_UNAVAILABLE)
    revoke(link_id, Reason.LINK_WITHDRAWN)
    latest = [Ended(owner.id, 2, Reason.USER_UNAVAILABLE), Ended(link_id, None, Reason.LINK_WITHDRAWN)]
    assert revocations_within(60) == latest
    assert revocations_within(120) == [Ended(old, None, Reason.SESSION_ENDED), *latest]


def test_whatever_ended_a_users_credential_is_found(owner: User, editor: User, viewer: User) -> None:
    ended, switched_off, newer, stays = of(owner), of(editor, uuid4()), of(viewer, uuid4()), of(owner, uuid4())
    Revocation.objects.create(key=SESSION, reason=Reason.SESSION_ENDED)
    User.objects.filter(id=editor.id).update(is_active=False)
    User.objects.filter(id=viewer.id).update(auth_version=1)
    assert ended_grants([ended, switched_off, newer, stays]) == {
        ended: Reason.SESSION_ENDED,
        switched_off: Reason.USER_UNAVAILABLE,
        newer: Reason.SESSION_ENDED,
    }
