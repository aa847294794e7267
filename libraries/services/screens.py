"""Screens: each shows a code, a controller confirms it, and the screen has a share link of its own from then on.

The same rules as in `libraries.services.portal_views` apply. The screen's token is made of its claim, which only the
screen has. So the screen gets the same token however often it asks, nobody else gets any, and neither is stored.
"""

from __future__ import annotations

import base64
import hmac
import time
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from libraries.counters import Limit, count_try, drop_some, key_of
from libraries.digests import digest_of, digest_of_code, new_code, new_token
from libraries.grants import ending
from libraries.models import PendingScreen, ShareLink
from libraries.outages import tried_again
from libraries.rules.errors import NotFound, PortalError, TooManyAttempts
from libraries.services.codes import Try, checked_code, no_such_code
from libraries.services.share_links import LinkEnded, create_share_link

SCREEN_MINUTES = 15
"""How long a screen's code is good."""
CLAIM_MINUTES = 5
"""How long a screen that was added may still ask for its token."""
SCREENS_PER_MINUTE = 20
"""The most codes for screens that one network gets in a minute."""
MAX_WAITING_SCREENS = 1_000
"""The most screens of a site that show a code."""
RATE_SECONDS = 60


class Waiting(NamedTuple):
    """A screen that waits: the code that it shows, and the claim that only it has."""

    code: str
    claim: str
    expires_at: datetime


class Ready(NamedTuple):
    """What a screen that was added gets: the token of its link."""

    portal_view_id: UUID
    token: str


@tried_again
def new_screen(*, network: str) -> Waiting:
    """A code for a screen to show; TooManyAttempts if too many screens wait, or its network asks too often."""
    limit = Limit(key_of(__name__, network), SCREENS_PER_MINUTE, RATE_SECONDS)
    count_try([limit], int(time.time()), _too_many)
    now = timezone.now()
    waiting = PendingScreen.objects.filter(link=None, expires_at__gt=now)
    if waiting.count() >= MAX_WAITING_SCREENS:
        raise TooManyAttempts("Too many screens wait at this moment: try again in a minute.", RATE_SECONDS)
    drop_some(PendingScreen.objects.filter(expires_at__lte=now))
    expires_at, claim = now + timedelta(minutes=SCREEN_MINUTES), new_token()
    while True:
        code = new_code()
        try:
            with transaction.atomic():
                PendingScreen.objects.create(
                    claim_digest=digest_of(claim), code_digest=digest_of_code(code), expires_at=expires_at
                )
        except IntegrityError:  # one in 800 million, for each screen that waits
            continue
        return Waiting(code, claim, expires_at)


def _too_many(wait: int) -> TooManyAttempts:
    return TooManyAttempts(f"Too many screens ask for a code: try again in {wait} seconds.", wait)


def add_screen(*, actor_id: UUID | None, portal_view_id: UUID, code: str, label: str, network: str) -> ShareLink:
    """Give the screen that shows the code a link of its own. Owners and editors may.

    InvalidPayload for what is no code, which is not counted; NotFound for a wrong code; TooManyAttempts.
    """
    wanted = checked_code(code)
    tried = Try(network)
    try:
        link = _add(actor_id, portal_view_id, wanted, label)
    except PortalError:
        tried.was_wrong()
        raise
    tried.was_right()
    return link


@tried_again
def _add(actor_id: UUID | None, portal_view_id: UUID, code: str, label: str) -> ShareLink:
    now = timezone.now()
    with transaction.atomic():
        # First what may be refused to the asker: nobody learns of a code without the right to use it
        link, _ = create_share_link(actor_id=actor_id, portal_view_id=portal_view_id, label=label, is_screen=True)
        waiting = PendingScreen.objects.select_for_update().filter(link=None, expires_at__gt=now)
        screen = waiting.filter(code_digest=digest_of_code(code)).first()
        if screen is None:
            raise no_such_code()
        screen.link = link
        screen.expires_at = max(screen.expires_at, now + timedelta(minutes=CLAIM_MINUTES))
        screen.save(update_fields=["link", "expires_at"])
    return link


@tried_again
def claim_screen(*, claim: str) -> Ready | None:
    """The token of a screen's link; None while nobody has added the screen.

    NotFound if there is no such claim any more; LinkEnded if the link has ended in the meantime.
    """
    screen = PendingScreen.objects.filter(claim_digest=digest_of(claim), expires_at__gt=timezone.now())
    found = screen.select_related("link").first()
    if found is None:
        raise NotFound("This screen has waited for too long: load the page again.")
    link = found.link
    if link is None:
        return None
    reason = ending(link.withdrawn_at, link.expires_at)
    if reason is not None:
        raise LinkEnded(reason)
    token = _token_of(claim)
    ShareLink.objects.filter(id=link.id, digest=None).update(digest=digest_of(token))
    return Ready(link.portal_view_id, token)


def _token_of(claim: str) -> str:
    """256 bits that follow from the claim alone, so that they outlive a change of the site's secret key.

    HMAC-SHA256 is a pseudorandom function of its key, and the claim is one: 192 random bits, of which a plain SHA-256
    is stored. The token tells nothing about the claim or its digest.
    """
    made = hmac.digest(claim.encode("utf-8", "surrogatepass"), b"libraries.screens", "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
