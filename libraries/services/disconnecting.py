"""Sends a person away from a portal view for a while, whether they have an account or are a guest.

Their connections end at once, on every process, by the table of revocations; until then none is let in.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from libraries.access import send_away
from libraries.models import PortalView
from libraries.outages import tried_again
from libraries.rules.errors import Forbidden
from libraries.rules.roles import Role
from libraries.rules.subjects import Subject
from libraries.selectors import roles_on
from libraries.services.share_links import withdraw_share_link
from libraries.services.storing import lock_portal_view

MAX_MINUTES = 24 * 60
USUAL_MINUTES = 10


@tried_again
def disconnect_person(
    *, actor_id: UUID | None, portal_view_id: UUID, subject: Subject, minutes: int, link_id: UUID | None = None
) -> datetime:
    """End a person's connections, and refuse new ones until the time that is returned.

    With `link_id` that share link is withdrawn, too, which ends the connections of all its guests. NotFound, or
    Forbidden for viewers, for oneself, and for owners unless an owner asks. `actor_id` is None for the admin.
    """
    until = timezone.now() + timedelta(minutes=minutes)
    with transaction.atomic():
        portal_view = lock_portal_view(actor_id, portal_view_id)
        if actor_id is not None:
            _require_right(actor_id, portal_view, subject)
        send_away(subject.id, portal_view_id, until)
        if link_id is not None:
            withdraw_share_link(actor_id=actor_id, portal_view_id=portal_view_id, link_id=link_id)
    return until


def _require_right(actor_id: UUID, portal_view: PortalView, subject: Subject) -> None:
    if subject.user_id is None:
        return
    if subject.user_id == actor_id:
        raise Forbidden("You cannot disconnect yourself: close the page instead.")
    of_them = roles_on(portal_view_id=portal_view.id, user_ids=[subject.user_id]).get(subject.user_id)
    if of_them is Role.OWNER and portal_view.role != Role.OWNER.value:
        raise Forbidden("Only an owner may disconnect an owner.")
