"""Writes to memberships. The same rules as in `libraries.services.portal_views` apply.

Open connections follow a change of access at once: a saved or deleted membership tells it (`libraries.access`).
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from libraries.models import Library, Membership, User
from libraries.outages import tried_again
from libraries.rules.emails import canonical
from libraries.rules.errors import Conflict, Forbidden, InvalidPayload, NotFound
from libraries.rules.roles import Role
from libraries.selectors import libraries_of
from libraries.services import quotas


@tried_again
def add_member(*, actor_id: UUID | None, library_id: UUID, email: str, role: Role) -> Membership:
    """Make the user with that e-mail address a member. Owners may do this; InvalidPayload if nobody has the address."""
    with transaction.atomic():
        library = lock_as_owner(actor_id, library_id)
        user = User.objects.filter(email=canonical(email), is_active=True).first()
        if user is None:
            raise InvalidPayload(
                "Nobody has this e-mail address here; ask them to register first.", {"email": "Unknown."}
            )
        if Membership.objects.filter(library=library, user=user).exists():
            raise Conflict(
                f"{user.email} is a member already; change the role instead.", {"email": "Already a member."}
            )
        quotas.check_members(library_id)
        if role == Role.OWNER:
            check_owned(user.id)
        membership = Membership.objects.create(library=library, user=user, role=role.value)
    return membership


@tried_again
def change_role(*, actor_id: UUID | None, library_id: UUID, user_id: UUID, role: Role) -> Membership:
    """Give a member another role. Owners may do this; Conflict if the library would lose its last owner."""
    with transaction.atomic():
        membership = _lock_membership(actor_id, library_id, user_id)
        if role != Role.OWNER:
            _keep_an_owner(membership)
        elif membership.role != Role.OWNER:
            check_owned(user_id)
        membership.role = role.value
        membership.save(update_fields=["role"])
    return membership


@tried_again
def remove_member(*, actor_id: UUID | None, library_id: UUID, user_id: UUID) -> None:
    """End a membership. Owners may do this, and everybody for their own; Conflict if it is the last owner's."""
    with transaction.atomic():
        membership = _lock_membership(actor_id, library_id, user_id, own=True)
        _keep_an_owner(membership)
        membership.delete()


def lock_library(actor_id: UUID | None, library_id: UUID) -> Library:
    """The library, locked. So changes of its memberships run one after the other, which protects the last owner."""
    visible = Library.objects.all() if actor_id is None else libraries_of(actor_id)
    library = visible.select_for_update(of=("self",)).filter(id=library_id).first()
    if library is None:
        raise NotFound("There is no such library.")
    return library


def lock_as_owner(actor_id: UUID | None, library_id: UUID) -> Library:
    """As `lock_library`; Forbidden unless the person owns it."""
    library = lock_library(actor_id, library_id)
    if actor_id is not None and library.role != Role.OWNER:
        raise Forbidden("Only an owner of the library may do this.")
    return library


def _lock_membership(actor_id: UUID | None, library_id: UUID, user_id: UUID, *, own: bool = False) -> Membership:
    if own and actor_id == user_id:
        lock_library(actor_id, library_id)
    else:
        lock_as_owner(actor_id, library_id)
    membership = Membership.objects.filter(library_id=library_id, user_id=user_id).first()
    if membership is None:
        raise NotFound("This person is not a member of the library.")
    return membership


def check_owned(user_id: UUID) -> None:
    """Raise QuotaExceeded unless the person may own one more library."""
    # The person's row is locked, so that two libraries at once are counted one after the other.
    User.objects.select_for_update(no_key=True).filter(id=user_id).first()
    quotas.check_libraries(user_id)


def _keep_an_owner(membership: Membership) -> None:
    # An owner who may not log in does not help the others.
    owners = Membership.objects.filter(library_id=membership.library_id, role=Role.OWNER.value, user__is_active=True)
    others = owners.exclude(id=membership.id)
    if membership.role == Role.OWNER and not others.exists():
        raise Conflict("A library needs an owner: make somebody else an owner first.")
