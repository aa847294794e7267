"""Writes to one's own account: its password, and its end. The same rules as in `libraries.services.portal_views` apply.

Mail about an account is in `libraries.services.mailed`, sessions are in `libraries.services.sessions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from libraries.models import Library, Membership, User
from libraries.outages import tried_again
from libraries.rules.errors import Conflict, InvalidPayload, NotFound, PortalError
from libraries.rules.roles import Role
from libraries.rules.state import MAX_NAME_CHARS
from libraries.services.libraries import delete_library
from libraries.services.logins import Attempt
from libraries.services.mailed import RESETS, find_by_token
from libraries.services.members import change_role

DELETE: Literal["delete"] = "delete"
Decision = UUID | Literal["delete"]
"""What becomes of a library: the id of the member who owns it from now on, or DELETE."""
_A_LINE = 36 + MAX_NAME_CHARS
"""The characters of a library's id and name."""


class LastOwner(PortalError):
    """Libraries would be left without an owner who can log in; `details` has the name of each by its id."""

    code = "last-owner"

    def __init__(self, libraries: Mapping[UUID, str]) -> None:
        names = {str(library_id): name for library_id, name in libraries.items()}
        sentence = "You are the last owner of these libraries: make another member an owner of each, or delete it."
        super().__init__(sentence, names, room=len(names) * _A_LINE)
        self.libraries = dict(libraries)


# --- The password -----------------------------------------------------------------------------------------


def change_password(*, user_id: UUID, current: str, password: str, network: str) -> User:
    """Another password, which ends all sessions; returns the person, for a new one.

    InvalidPayload if the current password is wrong or the new one is too weak. The current one is counted like a
    log-in: TooManyAttempts.
    """
    user = _find(user_id)
    _check_own(user, current, network, "current")
    return _store_password(user, make_password(checked_password(password, user)))


def reset_password(*, token: str, password: str) -> User:
    """Another password for the person of a mailed token, which ends all sessions; InvalidPayload."""
    user = find_by_token(token, RESETS, User.objects.all())
    hashed = make_password(checked_password(password, user))
    return _store_password(user, hashed, token)


def checked_password(password: str, user: User) -> str:
    """The password; InvalidPayload if it is easy to guess, or similar to the person's address or name."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        sentence = " ".join(error.messages)
        raise InvalidPayload(f"password: {sentence}", {"password": sentence}) from None
    return password


@tried_again
def _store_password(known: User, hashed: str, token: str | None = None) -> User:
    """Store the hash, which was made before: no transaction waits for that. The token must still be good then."""
    with transaction.atomic():
        locked = User.objects.select_for_update()
        user = find_by_token(token, RESETS, locked) if token is not None else locked.filter(id=known.id).first()
        if user is None:
            raise NotFound("There is no such person.")
        if token is None and user.auth_version != known.auth_version:
            raise Conflict("The password was changed by another request at the same moment: log in again.")
        user.password = hashed
        user.save(update_fields=["password"])
    return user


def _check_own(user: User, password: str, network: str, key: str) -> None:
    if not Attempt(user, user.email, network).is_right(password):
        raise InvalidPayload(f"{key}: This is not your password.", {key: "This is not your password."})


def _find(user_id: UUID) -> User:
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    return user


# --- The end ----------------------------------------------------------------------------------------------


def libraries_left_alone(user_id: UUID) -> dict[UUID, str]:
    """The name of each library that has no other owner who can log in, by its id."""
    mine = Library.objects.filter(memberships__user_id=user_id, memberships__role=Role.OWNER.value)
    others = Membership.objects.filter(role=Role.OWNER.value, user__is_active=True).exclude(user_id=user_id)
    return dict(mine.exclude(id__in=others.values("library_id")).values_list("id", "name"))


def delete_account(
    *, user_id: UUID, password: str, network: str, decisions: Mapping[UUID, Decision] | None = None
) -> None:
    """Delete a person with their memberships and sessions, after their password was tested.

    `decisions` says what becomes of each of `libraries_left_alone`: LastOwner unless it names all of them. It is asked
    for these alone: a library that somebody else owns, too, stays theirs. InvalidPayload if the password is wrong, or
    if a library is handed to somebody who is no active member; QuotaExceeded if they own too many.
    """
    user = _find(user_id)
    _check_own(user, password, network, "password")
    _delete(user_id, decisions or {})


@tried_again
def _delete(user_id: UUID, decisions: Mapping[UUID, Decision]) -> None:
    with transaction.atomic():
        # All in one order, before the person: of two owners who leave at once, the second one is the last
        memberships = Membership.objects.filter(user_id=user_id)
        locked = _lock_libraries(user_id)
        user = User.objects.select_for_update().filter(id=user_id).first()
        if user is None:
            raise NotFound("There is no such person.")
        if locked != set(memberships.values_list("library_id", flat=True)):  # another one at this moment
            raise Conflict("Your libraries have changed just now: try again.")
        alone = libraries_left_alone(user_id)
        if undecided := {library_id: name for library_id, name in alone.items() if library_id not in decisions}:
            raise LastOwner(undecided)
        for library_id in alone:
            _settle(user_id, library_id, decisions[library_id])
        memberships.delete()  # in one statement, which tells nothing: what is told is that the person is gone
        user.delete()


def _lock_libraries(user_id: UUID) -> set[UUID]:
    """Lock the person's libraries; returns their ids."""
    mine = Library.objects.filter(id__in=Membership.objects.filter(user_id=user_id).values("library_id"))
    return {library.id for library in mine.order_by("id").select_for_update()}


def _settle(user_id: UUID, library_id: UUID, decision: Decision) -> None:
    if decision == DELETE:
        delete_library(actor_id=user_id, library_id=library_id)
        return
    heir = Membership.objects.filter(library_id=library_id, user_id=decision, user__is_active=True)
    if not heir.exclude(user_id=user_id).exists():
        sentence = "The library can only be handed to another of its members who can log in."
        raise InvalidPayload(sentence, {str(library_id): sentence})
    change_role(actor_id=user_id, library_id=library_id, user_id=heir.get().user_id, role=Role.OWNER)
