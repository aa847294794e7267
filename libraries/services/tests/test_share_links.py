"""Share links: who makes, changes and withdraws them, what ends with them, and how many there may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from libraries.conftest import Published
from libraries.digests import digest_of
from libraries.events import Revoked
from libraries.grants import ended_grants, link_of_token
from libraries.models import Library, PortalView, Revocation, ShareLink, User
from libraries.rules.errors import Forbidden, InvalidPayload, NotFound, PortalError, QuotaExceeded
from libraries.rules.subjects import Grant, Subject
from libraries.services import share_links
from libraries.services.guests import new_guest
from libraries.services.share_links import (
    LinkEnded,
    create_share_link,
    share_links_of,
    update_share_link,
    withdraw_share_link,
)
from libraries.tokens import verify_guest

pytestmark = pytest.mark.django_db


def make(owner: User | None, portal_view: PortalView, **values: Any) -> ShareLink:
    """A new link."""
    link, _ = create_share_link(actor_id=owner.id if owner else None, portal_view_id=portal_view.id, **values)
    return link


def name(link: ShareLink) -> dict[str, Any]:
    """The arguments that name a link."""
    return {"portal_view_id": link.portal_view_id, "link_id": link.id}


def test_of_a_new_link_only_a_digest_is_stored(portal_view: PortalView, editor: User) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    link, token = create_share_link(
        actor_id=editor.id, portal_view_id=portal_view.id, label="Table", expires_at=tomorrow, max_guests=5
    )
    stored = ShareLink.objects.get()
    assert (stored.label, stored.expires_at, stored.max_guests, stored.created_by) == ("Table", tomorrow, 5, editor)
    assert stored.digest == digest_of(token)
    assert len(token) == 32
    assert token not in str(vars(stored))
    assert link_of_token(token) == link.id
    assert create_share_link(actor_id=editor.id, portal_view_id=portal_view.id)[1] != token


def test_a_screen_has_no_token_yet(portal_view: PortalView) -> None:
    link, token = create_share_link(actor_id=None, portal_view_id=portal_view.id, label="TV", is_screen=True)
    assert (token, link.digest, link.is_screen) == ("", None, True)
    make(None, portal_view, is_screen=True)


WRITES: list[Callable[..., object]] = [
    lambda user, link: create_share_link(actor_id=user.id, portal_view_id=link.portal_view_id),
    lambda user, link: update_share_link(actor_id=user.id, **name(link), label="Other"),
    lambda user, link: withdraw_share_link(actor_id=user.id, **name(link)),
    lambda user, link: list(share_links_of(user_id=user.id, portal_view_id=link.portal_view_id)),
]


@pytest.mark.parametrize("write", WRITES)
def test_owners_and_editors_may_and_nobody_else(
    portal_view: PortalView, owner: User, editor: User, viewer: User, stranger: User, write: Callable[..., object]
) -> None:
    link = make(None, portal_view)
    outcomes: list[type[PortalError] | None] = []
    for user in (owner, editor, viewer, stranger):
        try:
            write(user, link)
            outcomes.append(None)
        except PortalError as error:
            outcomes.append(type(error))
        ShareLink.objects.filter(id=link.id).update(withdrawn_at=None)
    assert outcomes == [None, None, Forbidden, NotFound]


def test_a_link_of_another_portal_view_is_not_found(library: Library, portal_view: PortalView, owner: User) -> None:
    link = make(owner, portal_view)
    other = PortalView.objects.create(library=library, name="Other")
    for write in (update_share_link, withdraw_share_link):
        with pytest.raises(NotFound):
            write(actor_id=owner.id, portal_view_id=other.id, link_id=link.id)
        with pytest.raises(NotFound):
            write(actor_id=owner.id, portal_view_id=portal_view.id, link_id=uuid4())
    assert list(share_links_of(user_id=owner.id, portal_view_id=other.id)) == []


def test_a_link_gets_another_label_and_other_places(portal_view: PortalView, owner: User) -> None:
    link = make(owner, portal_view, label="Table", max_guests=5)
    change = partial(update_share_link, actor_id=owner.id, **name(link))
    assert (change(label="Bar").label, change(max_guests=None).max_guests, change().label) == ("Bar", None, "Bar")


def test_a_withdrawn_link_ends_and_stays_so(portal_view: PortalView, owner: User, published: Published) -> None:
    link = make(owner, portal_view)
    ShareLink.objects.update(code_digest="x", code_expires_at=timezone.now())
    withdraw = partial(withdraw_share_link, actor_id=owner.id, **name(link))
    assert published(withdraw) == [Revoked(key=link.id)]
    assert published(withdraw) == []
    assert [(row.key, row.reason) for row in Revocation.objects.all()] == [(link.id, "link-withdrawn")]
    link.refresh_from_db()
    assert (link.code_digest, link.code_expires_at) == (None, None)
    with pytest.raises(LinkEnded) as caught:
        update_share_link(actor_id=owner.id, **name(link), label="Again")
    assert caught.value.code == "link-withdrawn"
    assert list(share_links_of(user_id=owner.id, portal_view_id=portal_view.id)) == [link]


def test_an_expired_link_is_not_changed(portal_view: PortalView, owner: User) -> None:
    link = make(owner, portal_view)
    ShareLink.objects.update(expires_at=timezone.now())
    with pytest.raises(LinkEnded) as caught:
        update_share_link(actor_id=owner.id, **name(link), label="Again")
    assert caught.value.code == "link-expired"


def test_a_link_begins_before_its_end(portal_view: PortalView, owner: User) -> None:
    with pytest.raises(InvalidPayload) as caught:
        make(owner, portal_view, expires_at=timezone.now())
    assert caught.value.details == {"expiresAt": "Must be in the future."}


def test_live_links_are_limited(portal_view: PortalView, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_links, "MAX_LIVE_LINKS", 3)
    links = [make(owner, portal_view) for _ in range(3)]
    with pytest.raises(QuotaExceeded):
        make(owner, portal_view)
    withdraw_share_link(actor_id=owner.id, **name(links[0]))
    make(owner, portal_view)
    ShareLink.objects.filter(id=links[1].id).update(expires_at=timezone.now())
    make(owner, portal_view)


def test_a_new_guest_has_a_credential_of_the_link(portal_view: PortalView) -> None:
    link = make(None, portal_view, expires_at=timezone.now() + timedelta(hours=1))
    guest = new_guest(link, "Ann")
    credential = verify_guest(guest.credential)
    assert credential.grant == Grant(Subject(guest.id, is_guest=True), link_id=link.id)
    assert credential.name == "Ann"
    assert link.expires_at is not None
    assert credential.expires_at <= link.expires_at.timestamp() + 11


def test_a_deleted_link_ends(portal_view: PortalView, published: Published) -> None:
    link = make(None, portal_view)
    guest = Grant(Subject(uuid4(), is_guest=True), link_id=link.id)
    assert ended_grants([guest]) == {}
    key = link.id
    assert published(link.delete) == [Revoked(key=key)]
    assert ended_grants([guest]) != {}
