"""Sending somebody away from a portal view for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from libraries.cleaning import ended
from libraries.grants import Ended, accesses, revocations_within
from libraries.models import Library, PortalView, Revocation, ShareLink, User
from libraries.rules.errors import Forbidden, NotFound
from libraries.rules.revocations import Reason
from libraries.rules.roles import Role
from libraries.rules.subjects import Grant, Subject
from libraries.services.disconnecting import disconnect_person
from libraries.services.members import change_role
from libraries.services.share_links import create_share_link

pytestmark = pytest.mark.django_db


def send_away(actor: User | None, portal_view: PortalView, who: UUID, **more: Any) -> Any:
    subject = Subject(who, is_guest=more.pop("is_guest", False))
    return disconnect_person(
        actor_id=None if actor is None else actor.id,
        portal_view_id=portal_view.id,
        subject=subject,
        minutes=more.pop("minutes", 10),
        **more,
    )


def found(grant: Grant, portal_view: PortalView) -> tuple[Reason | None, Any]:
    access = accesses([(grant, portal_view.id)])[grant, portal_view.id]
    return access.ended, access.until


def test_a_member_is_refused_until_then_from_that_portal_view_alone(
    owner: User, viewer: User, library: Library, portal_view: PortalView
) -> None:
    other = PortalView.objects.create(library=library, name="Other")
    grant = Grant(Subject(viewer.id))
    assert found(grant, portal_view) == (None, None)
    until = send_away(owner, portal_view, viewer.id)
    assert timedelta(minutes=9) < until - timezone.now() <= timedelta(minutes=10)
    assert found(grant, portal_view) == (Reason.DISCONNECTED, until)
    assert found(grant, other) == (None, None)
    assert found(Grant(Subject(owner.id)), portal_view) == (None, None)
    assert revocations_within(60) == [Ended(viewer.id, None, Reason.DISCONNECTED, portal_view.id, until)]


def test_the_latest_word_counts(owner: User, viewer: User, portal_view: PortalView) -> None:
    send_away(owner, portal_view, viewer.id, minutes=60)
    until = send_away(owner, portal_view, viewer.id, minutes=1)
    assert found(Grant(Subject(viewer.id)), portal_view) == (Reason.DISCONNECTED, until)
    Revocation.objects.update(until=timezone.now())
    assert found(Grant(Subject(viewer.id)), portal_view) == (None, None)


def test_another_end_is_told_first(owner: User, viewer: User, portal_view: PortalView) -> None:
    send_away(owner, portal_view, viewer.id)
    assert found(Grant(Subject(viewer.id), auth_version=7), portal_view)[0] is Reason.SESSION_ENDED


def test_a_guest_and_the_link(owner: User, portal_view: PortalView) -> None:
    link, _ = create_share_link(actor_id=owner.id, portal_view_id=portal_view.id)
    guests = [Grant.of_new_guest(link.id) for _ in range(2)]
    until = send_away(owner, portal_view, guests[0].subject.id, is_guest=True)
    assert [found(guest, portal_view) for guest in guests] == [(Reason.DISCONNECTED, until), (None, None)]
    send_away(owner, portal_view, guests[0].subject.id, is_guest=True, link_id=link.id)
    assert [found(guest, portal_view)[0] for guest in guests] == [Reason.LINK_WITHDRAWN] * 2
    assert ShareLink.objects.get().withdrawn_at is not None


def test_who_may_not(owner: User, editor: User, viewer: User, stranger: User, portal_view: PortalView) -> None:
    for actor, whom, error in (
        (viewer, editor, Forbidden),
        (stranger, viewer, NotFound),
        (editor, owner, Forbidden),
        (owner, owner, Forbidden),
    ):
        with pytest.raises(error):
            send_away(actor, portal_view, whom.id)
    assert not Revocation.objects.exists()


def test_owners_editors_and_the_admin_may(
    owner: User, editor: User, viewer: User, library: Library, portal_view: PortalView
) -> None:
    change_role(actor_id=owner.id, library_id=library.id, user_id=viewer.id, role=Role.OWNER)
    for actor, whom in ((owner, viewer), (owner, editor), (None, owner)):
        send_away(actor, portal_view, whom.id)
    send_away(editor, portal_view, uuid4())
    assert Revocation.objects.count() == 4


def test_it_is_kept_until_then(owner: User, viewer: User, portal_view: PortalView) -> None:
    send_away(owner, portal_view, viewer.id)
    Revocation.objects.update(at=timezone.now() - timedelta(days=400))
    assert not ended(timezone.now())["revocations"].exists()
    assert ended(timezone.now() + timedelta(minutes=11))["revocations"].count() == 1
