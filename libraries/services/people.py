"""Writes to people. The same rules as in `libraries.services.portal_views` apply."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from libraries.models import User
from libraries.outages import tried_again
from libraries.rules.emails import canonical
from libraries.rules.errors import Conflict, NotFound
from libraries.services.mailed import LinkOf, greet


@tried_again
def register_user(*, email: str, password: str, network: str, link_of: LinkOf, name: str = "") -> User:
    """A new user, who gets a mail to verify the address. The password is already validated; Conflict if it is taken.

    `network` is where the request came from, `link_of` gives the address of the page for the mail's token.
    """
    taken = Conflict(
        "There is an account with this e-mail address already; log in instead.", {"email": "Already in use."}
    )
    if User.objects.filter(email=canonical(email)).exists():
        raise taken
    user = User.objects.new_user(email, password, name=name)
    try:
        with transaction.atomic():
            user.save()
            greet(user, network, link_of)
    except IntegrityError:  # somebody took the address while the password was hashed
        raise taken from None
    return user


@tried_again
def put_user(*, email: str, name: str, password_hash: str, is_admin: bool = False) -> User:
    """The user with that address, active and with that password; the address counts as verified.

    A missing user is created; an existing one keeps its name.

    For the site itself. `is_admin` grants all rights in the admin, and withdraws none.
    """
    with transaction.atomic():
        user = User.objects.filter(email=canonical(email)).first() or User(email=canonical(email), name=name)
        user.password = password_hash
        user.is_active = True
        user.email_verified_at = user.email_verified_at or timezone.now()
        user.is_staff, user.is_superuser = user.is_staff or is_admin, user.is_superuser or is_admin
        user.save()
    return user


@tried_again
def rename_user(*, user_id: UUID, name: str) -> User:
    """The person with a new display name; NotFound if they are deleted."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first()
        if user is None:
            raise NotFound("There is no such person.")
        user.name = name
        user.save(update_fields=["name"])
    return user


@tried_again
def choose_language(*, user_id: UUID, language: str) -> None:
    """Keep the language of the pages, a code of `LANGUAGES`; empty: that of each browser."""
    User.objects.filter(id=user_id).update(language=language)


@tried_again
def choose_theme(*, user_id: UUID, theme: str) -> None:
    """Keep the colours of the pages, `light` or `dark`; empty: those of each system."""
    User.objects.filter(id=user_id).update(theme=theme)


@tried_again
def set_user_active(*, user_id: UUID, is_active: bool) -> None:
    """Activate or deactivate a user; deactivation closes their open connections at once."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first()
        if user is not None:
            user.is_active = is_active
            user.save(update_fields=["is_active"])
