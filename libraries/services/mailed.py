"""The links of mail about an account: to verify its address, and to reset its password. Each is good once, for an hour.

A token names the person and is signed with what its use changes, so nothing is stored of it (Django's
`PasswordResetTokenGenerator`). Who may get such mail, and how often, is decided here, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from libraries import mail
from libraries.counters import Limit, add, count_try, key_of
from libraries.models import User
from libraries.outages import tried_again
from libraries.rules.emails import canonical
from libraries.rules.errors import InvalidPayload, NotFound, TooManyAttempts

HOUR = 3_600
MAILS_PER_ADDRESS = 5
"""The most mails of one kind to an address within an hour: the links of the earlier ones are still good."""
MAILS_PER_NETWORK = 60
"""The most mails that one network causes within an hour."""
_UNKNOWN_DIGITS = 4
"""As in `libraries.services.logins`."""

LinkOf = Callable[[str], str]
"""The address of the page for a token."""

SENT_IF_KNOWN = (
    "If this is the verified address of an account, a mail with a link is on its way; the link is good for an hour."
    " To an address that was never verified, none is sent."
)
_NOT_GOOD = "This link is not good any more, or was cut when it was copied: ask for a new one."


class _Resets(PasswordResetTokenGenerator):
    key_salt = "libraries.services.mailed.reset"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{user.pk} {user.password} {user.auth_version} {user.email} {user.email_verified_at} {timestamp}"


class _Verifications(PasswordResetTokenGenerator):
    key_salt = "libraries.services.mailed.verify"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{user.pk} {user.email} {user.email_verified_at} {timestamp}"


RESETS = _Resets()
VERIFICATIONS = _Verifications()


def token_of(user: User, kind: PasswordResetTokenGenerator) -> str:
    """The token for the person's link."""
    return f"{user.pk.hex}-{kind.make_token(user)}"


def find_by_token(token: str, kind: PasswordResetTokenGenerator, users: QuerySet[User]) -> User:
    """The person of a token, if it is still good; InvalidPayload."""
    name, _, rest = token.strip().partition("-")
    try:
        user = users.filter(pk=UUID(hex=name), is_active=True).first()
    except ValueError:
        user = None
    if user is None or not kind.check_token(user, rest):
        raise InvalidPayload(_NOT_GOOD, {"token": "Not good any more."})
    return user


# --- The address ------------------------------------------------------------------------------------------


@tried_again
def send_verification(*, user_id: UUID, network: str, link_of: LinkOf) -> None:
    """Mail a link that verifies the person's address; nothing if it is verified. TooManyAttempts, NotFound."""
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    if not user.is_verified:
        count_network(network)
        if not _may_mail("verify", user, user.email):
            raise TooManyAttempts("Several mails were sent to you already: look for them, or try again later.", HOUR)
        _mail_verification(user, link_of)


def greet(user: User, network: str, link_of: LinkOf) -> None:
    """Mail a link that verifies the address of a new account; nothing if the network has caused too much mail."""
    try:
        count_network(network)
    except TooManyAttempts:  # the account is made all the same, and can ask for the mail later
        return
    _mail_verification(user, link_of)


def _mail_verification(user: User, link_of: LinkOf) -> None:
    mail.send_on_commit(
        user.email, "Verify your e-mail address", _VERIFY.format(link_of(token_of(user, VERIFICATIONS)))
    )


@tried_again
def verify_address(*, token: str) -> User:
    """Note that the person of the token reads mail at their address; InvalidPayload if it is not good any more."""
    with transaction.atomic():
        user = find_by_token(token, VERIFICATIONS, User.objects.select_for_update())
        note_verified(user)
    return user


def note_verified(user: User) -> None:
    """Note that the person proved to read mail at their address. The caller has locked the row."""
    user.email_verified_at = timezone.now()
    user.save(update_fields=["email_verified_at"])


# --- The password -----------------------------------------------------------------------------------------


def request_reset(*, email: str, network: str, link_of: LinkOf) -> None:
    """Mail a link for a new password to an active person with a password and this verified address, and to no other.

    The same is done for every address: it is looked up, counted, signed for, and a mail is handed on, perhaps to
    nobody. So neither answer nor time tells who has an account. TooManyAttempts if the network asks too often.
    """
    count_network(network)
    address = canonical(email)
    user = User.objects.filter(email=address).first()
    is_possible = user is not None and user.is_active and user.is_verified and user.has_usable_password()
    may_mail = _may_mail("reset", user, address)
    text = _RESET.format(link_of(token_of(user or User(email=address), RESETS)))
    mail.send_on_commit(address if is_possible and may_mail else None, "Reset your password", text)


# --- Counting ---------------------------------------------------------------------------------------------


def count_network(network: str) -> None:
    """Count a mail that this network causes; TooManyAttempts if there were too many within the hour."""
    limit = Limit(key_of(__name__, "network", network), MAILS_PER_NETWORK, HOUR)
    count_try([limit], int(time.time()), _too_much)


def _too_much(wait: int) -> TooManyAttempts:
    return TooManyAttempts(f"Too much mail was asked for from your network: try again in {wait} seconds.", wait)


def _may_mail(kind: str, user: User | None, address: str) -> bool:
    """Count a mail to the address; whether there were few enough. Accounts that do not exist share some counters."""
    key = (
        key_of(__name__, kind, str(user.pk))
        if user is not None
        else key_of(__name__, kind, "unknown", key_of(__name__, address)[:_UNKNOWN_DIGITS])
    )
    limit = Limit(key, MAILS_PER_ADDRESS, HOUR)
    return not limit.is_over(add([limit], int(time.time()))[key])


_VERIFY = """Somebody registered with this e-mail address. If it was you, open this link within an hour:

{}

If it was not you, ignore this mail, and do not open the link: it would confirm an account that is not yours.
"""
_RESET = """Somebody asked for a new password for the account with this e-mail address. If it was you, open this link
within an hour:

{}

If it was not you, ignore this mail: the password stays as it is.
"""
