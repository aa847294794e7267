"""Links with which guests watch a portal view. Owners and editors make, change and withdraw them.

The same rules as in `libraries.services.portal_views` apply. A withdrawn link ends the connections of its guests at
once (`libraries.sharing`), and stays in the list for a while.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from msgspec import UNSET, UnsetType

from libraries.digests import digest_of, new_token
from libraries.grants import ending
from libraries.models import ShareLink
from libraries.outages import tried_again
from libraries.rules.errors import InvalidPayload, NotFound, PortalError, QuotaExceeded
from libraries.rules.revocations import SENTENCES, Reason
from libraries.selectors import get_portal_view
from libraries.services.storing import lock_portal_view, require_controller

MAX_LIVE_LINKS = 100
"""The most links of one portal view that are neither withdrawn nor expired."""


class LinkEnded(PortalError):
    """The link was withdrawn, or has expired."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(SENTENCES[reason])
        self.code = reason.value


def share_links_of(*, user_id: UUID, portal_view_id: UUID) -> QuerySet[ShareLink]:
    """A portal view's links, the newest first; NotFound, or Forbidden for viewers."""
    require_controller(get_portal_view(user_id=user_id, portal_view_id=portal_view_id).role)
    return ShareLink.objects.filter(portal_view_id=portal_view_id).select_related("created_by")


def live_links(links: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
    """Those of the links by which somebody can watch now."""
    return links.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), withdrawn_at=None)


@tried_again
def create_share_link(
    *,
    actor_id: UUID | None,
    portal_view_id: UUID,
    label: str = "",
    expires_at: datetime | None = None,
    max_guests: int | None = None,
    is_screen: bool = False,
) -> tuple[ShareLink, str]:
    """A new link and its token, which is stored nowhere. A screen's has none: the screen takes its own later."""
    now = timezone.now()
    if expires_at is not None and expires_at <= now:
        raise InvalidPayload("The link would have expired already.", {"expiresAt": "Must be in the future."})
    token = "" if is_screen else new_token()
    with transaction.atomic():
        lock_portal_view(actor_id, portal_view_id)
        if live_links(ShareLink.objects.filter(portal_view_id=portal_view_id)).count() >= MAX_LIVE_LINKS:
            raise QuotaExceeded(f"The portal view has {MAX_LIVE_LINKS} links: withdraw one of them first.")
        link = ShareLink.objects.create(
            portal_view_id=portal_view_id,
            label=label,
            expires_at=expires_at,
            max_guests=max_guests,
            is_screen=is_screen,
            digest=digest_of(token) if token else None,
            created_by_id=actor_id,
        )
    return link, token


@tried_again
def update_share_link(
    *,
    actor_id: UUID | None,
    portal_view_id: UUID,
    link_id: UUID,
    label: str | UnsetType = UNSET,
    max_guests: int | None | UnsetType = UNSET,
) -> ShareLink:
    """The link with another label or number of places. Guests who are here stay; a smaller number is for newcomers."""
    with transaction.atomic():
        link = lock_link(actor_id, portal_view_id, link_id)
        link.label = link.label if label is UNSET else label
        link.max_guests = link.max_guests if max_guests is UNSET else max_guests
        link.save(update_fields=["label", "max_guests"])
    return link


@tried_again
def withdraw_share_link(*, actor_id: UUID | None, portal_view_id: UUID, link_id: UUID) -> ShareLink:
    """End a link and its code, and the connections of its guests; one that was withdrawn stays so."""
    with transaction.atomic():
        link = _lock(actor_id, portal_view_id, link_id)
        if link.withdrawn_at is None:
            link.withdrawn_at = timezone.now()
            link.code_digest = link.code_expires_at = None
            link.save(update_fields=["withdrawn_at", "code_digest", "code_expires_at"])
    return link


def lock_link(actor_id: UUID | None, portal_view_id: UUID, link_id: UUID) -> ShareLink:
    """The link, locked; NotFound, Forbidden for viewers, LinkEnded if it is not good any more."""
    link = _lock(actor_id, portal_view_id, link_id)
    reason = ending(link.withdrawn_at, link.expires_at)
    if reason is not None:
        raise LinkEnded(reason)
    return link


def _lock(actor_id: UUID | None, portal_view_id: UUID, link_id: UUID) -> ShareLink:
    lock_portal_view(actor_id, portal_view_id)
    link = ShareLink.objects.select_for_update(of=("self",)).filter(id=link_id, portal_view_id=portal_view_id).first()
    if link is None:
        raise NotFound("There is no such share link.")
    return link
