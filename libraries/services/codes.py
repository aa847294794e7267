"""Short codes: six characters that people type to get a guest's seat. The same rules as in
`libraries.services.portal_views` apply.

Each try is counted in the database before the code is looked at, for its network and for the site. A right code takes
its try back in the same transaction, so guests who know one cannot lock the others out, also if all come at once.
`docs/security.md` has the odds of guessing.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from libraries.counters import Limit, count_try, key_of, take_back
from libraries.digests import digest_of_code, is_code, new_code, read_code
from libraries.grants import ending
from libraries.models import ShareLink
from libraries.outages import tried_again
from libraries.rules.errors import InvalidPayload, NotFound, TooManyAttempts
from libraries.rules.names import check_guest_name
from libraries.services.guests import new_guest
from libraries.services.share_links import lock_link

CODE_MINUTES = 15
TRIES_PER_NETWORK = 10
"""Wrong codes of one network in a minute."""
TRIES_PER_SITE = 200
"""Wrong codes of all networks in a minute."""
RATE_SECONDS = 60
_FORGOTTEN_AT_ONCE = 20

log = structlog.get_logger(__name__)


class Joined(NamedTuple):
    """A seat that a code gave: the portal view, and the guest's id, name and credential."""

    portal_view_id: UUID
    guest_id: UUID
    name: str
    credential: str


@tried_again
def start_code(*, actor_id: UUID | None, portal_view_id: UUID, link_id: UUID) -> tuple[str, datetime]:
    """A code for a live share link, good for 15 minutes; an earlier one of the link ends. Owners and editors may."""
    expires_at = timezone.now() + timedelta(minutes=CODE_MINUTES)
    with transaction.atomic():
        link = lock_link(actor_id, portal_view_id, link_id)
        _forget_expired()
        code = _free_code(link)
        link.code_expires_at = expires_at
        link.save(update_fields=["code_digest", "code_expires_at"])
    return code, expires_at


def _forget_expired() -> None:
    """Forget some codes that have expired, but none of a link in another transaction: two would wait for each other."""
    expired = ShareLink.objects.filter(code_expires_at__lte=timezone.now()).select_for_update(skip_locked=True)
    ids = list(expired.values_list("id", flat=True)[:_FORGOTTEN_AT_ONCE])
    if ids:
        ShareLink.objects.filter(id__in=ids).update(code_digest=None, code_expires_at=None)


def _free_code(link: ShareLink) -> str:
    """A code that no other link has; it is stored."""
    while True:
        code = new_code()
        link.code_digest = digest_of_code(code)
        try:
            with transaction.atomic():
                link.save(update_fields=["code_digest"])
        except IntegrityError:  # one in 800 million, for each code that is good
            continue
        return code


@tried_again
def end_code(*, actor_id: UUID | None, portal_view_id: UUID, link_id: UUID) -> None:
    """End a link's code, if it has one; its guests stay."""
    with transaction.atomic():
        link = lock_link(actor_id, portal_view_id, link_id)
        link.code_digest = link.code_expires_at = None
        link.save(update_fields=["code_digest", "code_expires_at"])


def join(*, code: str, name: str, network: str) -> Joined:
    """A new guest's seat for a code.

    InvalidPayload for what is no code or no name, which is not counted; NotFound for a wrong code; TooManyAttempts.
    """
    wanted = checked_code(code)
    try:
        check_guest_name(name)
    except ValueError as error:
        raise InvalidPayload(f"name: {error}", {"name": str(error)}) from None
    link = _link_of(wanted, network)
    if link is None:
        raise no_such_code()
    guest = new_guest(link, name)
    return Joined(link.portal_view_id, guest.id, name, guest.credential)


@tried_again
def _link_of(code: str, network: str) -> ShareLink | None:
    """The link with that code; None if there is none, which is counted and committed."""
    with transaction.atomic():
        # Others wait for the counters that this locks, so nobody is refused for tries that are about to be taken back
        tried = Try(network)
        link = ShareLink.objects.filter(code_digest=digest_of_code(code), code_expires_at__gt=timezone.now()).first()
        if link is None or ending(link.withdrawn_at, link.expires_at) is not None:
            tried.was_wrong()
            return None
        tried.was_right()
    return link


def checked_code(text: str) -> str:
    """What was typed, as a code; InvalidPayload if it cannot be one. Case, spaces and hyphens do not matter."""
    code = read_code(text)
    if not is_code(code):
        sentence = "A code has six characters: letters, and the digits from 2 to 9."
        raise InvalidPayload(sentence, {"code": sentence})
    return code


def no_such_code() -> NotFound:
    """The refusal of a wrong code."""
    return NotFound("There is no such code, or it has expired: look at it again, or ask for a new one.")


class Try:
    """One try of a code, counted from now on; TooManyAttempts if there were too many wrong ones before."""

    def __init__(self, network: str) -> None:
        self._network = network
        self._limits = (
            Limit(key_of(__name__, "network", network), TRIES_PER_NETWORK, RATE_SECONDS),
            Limit(key_of(__name__, "site"), TRIES_PER_SITE, RATE_SECONDS),
        )
        self._counts = count_try(self._limits, int(time.time()), _too_many)

    def was_right(self) -> None:
        """Take it back: only wrong codes count."""
        take_back(once=self._limits)

    def was_wrong(self) -> None:
        """It stays counted. If it is the last one within a limit, that is logged."""
        for name, limit in zip(("network", "site"), self._limits, strict=True):
            if limit.just_reached(self._counts.get(limit.key)):
                log.warning("codes_limited", limit=name, network=self._network, seconds=limit.seconds)


def _too_many(wait: int) -> TooManyAttempts:
    return TooManyAttempts(f"Too many wrong codes: try again in {wait} seconds.", wait)
