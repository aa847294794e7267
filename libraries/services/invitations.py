"""Invitations to a library: links that make one person a member, once, within a week.

The owner copies a link, which proves nothing about who opens it. A mailed link has a token of its own, and proves the
address. Nothing here looks up whether an address has an account, so neither answer nor time tells an owner.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from libraries import mail
from libraries.counters import Limit, add, key_of
from libraries.digests import digest_of, new_token
from libraries.models import Invitation, Library, Membership, User
from libraries.outages import tried_again
from libraries.rules.emails import NOT_PLAIN, canonical, is_plain
from libraries.rules.errors import Conflict, Forbidden, InvalidPayload, NotFound, QuotaExceeded, TooManyAttempts
from libraries.rules.roles import Role
from libraries.selectors import get_library
from libraries.services import quotas
from libraries.services.mailed import HOUR, MAILS_PER_ADDRESS, LinkOf, note_verified
from libraries.services.members import check_owned, lock_as_owner

LIFE = timedelta(days=7)
"""How long an invitation is good."""
MAX_OPEN_INVITATIONS = 100
"""The most invitations of one library that are open at once."""
MAILS_PER_PERSON = 50
"""The most invitations that one person has mailed within an hour."""
NOT_GOOD = (
    "This invitation is not good any more: it was used or withdrawn, it is older than a week, or its link was cut when"
    " it was copied. If you used it yourself, the library is in your list; if not, ask an owner for a new one."
)
_UNVERIFIED = (
    "Verify your e-mail address first, so that nobody else takes what was sent to it. An invitation's link works"
    " without that."
)


# --- For owners -------------------------------------------------------------------------------------------


@tried_again
def create_invitation(
    *, inviter_id: UUID, library_id: UUID, role: Role, link_of: LinkOf, email: str = "", is_staff: bool = False
) -> tuple[Invitation, str]:
    """An invitation and its link, which is known only now. Owners may do this, and `is_staff` of any library.

    With an address, a link of its own is mailed, too, if this site sends mail; `link_of` gives the address of the page
    for a token. InvalidPayload for an address that nobody can register with; QuotaExceeded; TooManyAttempts.
    """
    address = canonical(email)
    if address and not is_plain(address):
        raise InvalidPayload(f"email: {NOT_PLAIN}", {"email": NOT_PLAIN})
    mails = bool(address) and sends_mail()
    token, mailed_token = new_token(), new_token()
    with transaction.atomic():
        library = lock_as_owner(None if is_staff else inviter_id, library_id)
        if open_invitations().filter(library=library).count() >= MAX_OPEN_INVITATIONS:
            raise QuotaExceeded(
                f"The library has {MAX_OPEN_INVITATIONS} open invitations, and no more are possible: withdraw some."
            )
        inviter, now = User.objects.get(id=inviter_id), timezone.now()
        invitation = Invitation.objects.create(
            library=library,
            email=address,
            role=role.value,
            digest=digest_of(token),
            mailed_digest=digest_of(mailed_token) if mails else None,
            invited_by=inviter,
            created_at=now,
            expires_at=now + LIFE,
        )
        if mails:
            # Beyond the address's limit nothing is said: an answer must not tell what others send there
            to = address if _may_mail(inviter_id, address) else None
            mail.send_on_commit(to, _SUBJECT, _text(inviter, library, role, link_of(mailed_token)))
    return invitation, link_of(token)


def invitations_of(*, actor_id: UUID, library_id: UUID) -> QuerySet[Invitation]:
    """A library's invitations: the open ones, and those that ended in the last weeks. For owners; Forbidden."""
    if get_library(user_id=actor_id, library_id=library_id).role != Role.OWNER:
        raise Forbidden("Only an owner of the library may do this.")
    return Invitation.objects.filter(library_id=library_id).select_related("invited_by", "accepted_by")


@tried_again
def withdraw_invitation(*, actor_id: UUID | None, library_id: UUID, invitation_id: UUID) -> None:
    """Delete an invitation, whose links are good no more. Owners may; Conflict if somebody has accepted it."""
    with transaction.atomic():
        lock_as_owner(actor_id, library_id)
        invitation = Invitation.objects.filter(id=invitation_id, library_id=library_id).first()
        if invitation is None:
            raise NotFound("There is no such invitation; perhaps it was withdrawn already.")
        if invitation.accepted_at is not None:
            raise Conflict("Somebody has accepted this invitation: remove the member instead.")
        invitation.delete()


# --- For those who are invited ----------------------------------------------------------------------------


def open_invitations() -> QuerySet[Invitation]:
    """Those that can be accepted."""
    return open_ones(Invitation.objects.all())


def open_ones(invitations: QuerySet[Invitation]) -> QuerySet[Invitation]:
    """Those of them that can be accepted."""
    return invitations.filter(accepted_at=None, expires_at__gt=timezone.now())


def look_at_invitation(*, token: str) -> Invitation:
    """The open invitation of a token, with its library; NotFound."""
    digest = digest_of(token.strip())
    found = open_invitations().filter(Q(digest=digest) | Q(mailed_digest=digest)).select_related("library").first()
    if found is None:
        raise NotFound(NOT_GOOD)
    return found


def invitations_for(*, user_id: UUID) -> QuerySet[Invitation]:
    """The open invitations to the person's verified address, to libraries that they are no member of; Forbidden."""
    user = _verified(User.objects.filter(id=user_id).first())
    rows = open_invitations().filter(email=user.email).exclude(library__memberships__user=user)
    return rows.select_related("library", "invited_by")


def accept_by_token(*, user_id: UUID, token: str) -> Membership:
    """Make the person a member by a copied or a mailed link; the mailed one verifies their address, if it is the same.

    NotFound if the invitation is not good any more; Conflict if they are a member already, and it stays open;
    QuotaExceeded.
    """
    found = look_at_invitation(token=token)
    is_mailed = found.mailed_digest == digest_of(token.strip())

    def check(user: User, invitation: Invitation) -> None:
        if is_mailed and user.email == invitation.email and not user.is_verified:
            note_verified(user)

    return _accept(user_id, found, check)


def accept_by_address(*, user_id: UUID, invitation_id: UUID) -> Membership:
    """Make the person a member by an invitation to their verified address; Forbidden without one.

    Else as `accept_by_token`; NotFound for an invitation to somebody else, too.
    """

    def check(user: User, invitation: Invitation) -> None:
        if _verified(user).email != invitation.email:
            raise NotFound(NOT_GOOD)

    _verified(User.objects.filter(id=user_id).first())
    found = open_invitations().filter(id=invitation_id).first()
    if found is None:
        raise NotFound(NOT_GOOD)
    return _accept(user_id, found, check)


@tried_again
def _accept(user_id: UUID, found: Invitation, check: Callable[[User, Invitation], None]) -> Membership:
    with transaction.atomic():
        # The library first, as everywhere; a library that was deleted took its invitations along
        Library.objects.select_for_update().filter(id=found.library_id).first()
        invitation = open_invitations().select_for_update().filter(id=found.id).first()
        if invitation is None:
            raise NotFound(NOT_GOOD)
        user = User.objects.select_for_update(no_key=True).filter(id=user_id, is_active=True).first()
        if user is None:
            raise NotFound("There is no such person.")
        check(user, invitation)
        if Membership.objects.filter(library_id=invitation.library_id, user=user).exists():
            raise Conflict("You are a member of this library already; an owner can change your role.")
        quotas.check_members(invitation.library_id)
        if invitation.role == Role.OWNER:
            check_owned(user.id)
        membership = Membership.objects.create(library_id=invitation.library_id, user=user, role=invitation.role)
        invitation.accepted_by, invitation.accepted_at = user, timezone.now()
        invitation.save(update_fields=["accepted_by", "accepted_at"])
    return membership


def _verified(user: User | None) -> User:
    if user is None or not user.is_verified:
        raise Forbidden(_UNVERIFIED)
    return user


# --- Mail -------------------------------------------------------------------------------------------------


def sends_mail() -> bool:
    """Whether invitations are mailed: by a mail server or, in development, on the console."""
    return mail.is_configured() or settings.DEBUG


def _may_mail(user_id: UUID, address: str) -> bool:
    """Count a mail that the person causes; whether the address has got few enough, whoever invited.

    TooManyAttempts if the person has caused too many.
    """
    mine = Limit(key_of(__name__, "person", str(user_id)), MAILS_PER_PERSON, HOUR)
    theirs = Limit(key_of(__name__, "address", address), MAILS_PER_ADDRESS, HOUR)
    now = int(time.time())
    counts = add([mine, theirs], now)
    if mine.is_over(counts[mine.key]):
        wait = counts[mine.key].wait(now)
        raise TooManyAttempts(
            f"You had many invitations mailed: try again in {wait} seconds, or invite without an address and copy the"
            " link.",
            wait,
        )
    return not theirs.is_over(counts[theirs.key])


def _text(inviter: User, library: Library, role: Role, link: str) -> str:
    name, title = _one_line(inviter.get_full_name()), _one_line(library.name)
    return _TEXT.format(name=name, title=title, role=role.value.lower(), link=link)


def _one_line(name: str) -> str:
    """A name of somebody else's choice, without what could look like a line of ours."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


_SUBJECT = "You are invited to a library"
_TEXT = """You are invited to a library of Portal.

By: “{name}”
Library: “{title}”
Role: {role}

To accept, open this link within 7 days, and log in or register:

{link}

The link is for you alone: whoever opens it first can use it, and only once. If you do not know who invites you, ignore
this mail.
"""
