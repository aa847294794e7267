"""One-time tickets: a page opens its socket with one, so that neither a cookie nor a token has to."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from libraries.counters import drop_some
from libraries.digests import digest_of, new_token
from libraries.models import Ticket
from libraries.outages import tried_again
from libraries.rules.errors import TooManyAttempts
from libraries.rules.subjects import Grant, Subject
from libraries.selectors import get_portal_view
from libraries.services.sessions import session_of
from libraries.tokens import Credential

TICKET_SECONDS = 30
"""How long a ticket is good."""
MAX_TICKETS = 100
"""The most tickets of a person that are neither used nor expired."""


@tried_again
def new_ticket(*, grant: Grant, portal_view_id: UUID, ends_at: datetime) -> tuple[str, datetime]:
    """A ticket for one socket of that credential, which ends at `ends_at`, and the ticket's own end.

    NotFound if the person may not see the portal view; TooManyAttempts.
    """
    get_portal_view(user_id=grant.subject.id, portal_view_id=portal_view_id)
    now, ticket = timezone.now(), new_token()
    expires_at = now + timedelta(seconds=TICKET_SECONDS)
    with transaction.atomic():
        if Ticket.objects.filter(user_id=grant.subject.id, expires_at__gt=now).count() >= MAX_TICKETS:
            raise TooManyAttempts(f"Too many tickets wait: use them, or wait {TICKET_SECONDS} seconds.", TICKET_SECONDS)
        drop_some(Ticket.objects.filter(expires_at__lte=now))
        Ticket.objects.create(
            digest=digest_of(ticket),
            user_id=grant.subject.id,
            portal_view_id=portal_view_id,
            session_id=session_of(grant),
            auth_version=grant.auth_version,
            ends_at=ends_at,
            expires_at=expires_at,
        )
    return ticket, expires_at


@tried_again
def take_ticket(ticket: str, portal_view_id: UUID) -> Credential | None:
    """Use a ticket up; None unless it is good for that portal view. Of two who race, one gets it."""
    with transaction.atomic():
        found = Ticket.objects.filter(digest=digest_of(ticket), portal_view_id=portal_view_id).first()
        if found is None:
            return None
        deleted, _ = Ticket.objects.filter(digest=found.digest).delete()
        if not deleted or found.expires_at <= timezone.now():
            return None
    grant = Grant(Subject(found.user_id), found.session_id, found.auth_version)
    return Credential(grant, found.ends_at.timestamp())
