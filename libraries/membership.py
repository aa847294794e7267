"""Writes to people, libraries and memberships. The same rules as in `libraries.services` hold.

A change of access is published to every portal view of the library, so that open connections follow it at once.
"""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from libraries import quotas
from libraries.emails import canonical
from libraries.errors import Conflict, Forbidden, InvalidPayload, NotFound
from libraries.models import Library, Membership, PortalView, User
from libraries.outages import tried_again
from libraries.roles import Role
from libraries.selectors import libraries_of
from libraries.services import publish_deleted, require_controller, tell_on_commit
from realtime import broadcast


@tried_again
def register_user(*, email: str, password: str, name: str = "") -> User:
    """A new user. The password is already validated; Conflict when the address is taken."""
    taken = Conflict(
        "There is an account with this e-mail address already; log in instead.", {"email": "Already in use."}
    )
    if User.objects.filter(email=canonical(email)).exists():
        raise taken
    user = User.objects.new_user(email, password, name=name)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:  # somebody took it while the password was hashed
        raise taken from None
    return user


@tried_again
def rename_user(*, user_id: UUID, name: str) -> User:
    """The person with another name to show others; NotFound if they are gone."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first()
        if user is None:
            raise NotFound("There is no such person.")
        user.name = name
        user.save(update_fields=["name"])
    return user


@tried_again
def set_user_active(*, user_id: UUID, is_active: bool) -> None:
    """Let a user in, or shut them out: their open connections are closed at once."""
    with transaction.atomic():
        User.objects.filter(id=user_id).update(is_active=is_active)
        if not is_active:
            for library_id in Membership.objects.filter(user_id=user_id).values_list("library_id", flat=True):
                _publish_access(library_id, user_id, None)


@tried_again
def create_library(*, actor_id: UUID, name: str, description: str = "") -> Library:
    """A new library whose owner is the person who asks; QuotaExceeded if they own as many as they may."""
    with transaction.atomic():
        _check_owned(actor_id)
        library = Library.objects.create(name=name, description=description)
        Membership.objects.create(library=library, user_id=actor_id, role=Role.OWNER.value)
    library.role = Role.OWNER.value
    return library


@tried_again
def update_library(
    *, actor_id: UUID, library_id: UUID, name: str | None = None, description: str | None = None
) -> Library:
    """A library with a new name or description; owners and editors may."""
    with transaction.atomic():
        library = _lock(actor_id, library_id)
        require_controller(library.role)
        library.name = library.name if name is None else name
        library.description = library.description if description is None else description
        library.save(update_fields=["name", "description", "updated_at"])
    return library


@tried_again
def delete_library(*, actor_id: UUID | None, library_id: UUID) -> None:
    """Delete a library with its portal views; their connections are told, and closed. Owners may."""
    with transaction.atomic():
        library = _lock_as_owner(actor_id, library_id)
        publish_deleted(list(PortalView.objects.filter(library=library).values_list("id", flat=True)))
        library.delete()


@tried_again
def add_member(*, actor_id: UUID | None, library_id: UUID, email: str, role: Role) -> Membership:
    """Make the user with that e-mail address a member. Owners may; InvalidPayload when nobody has the address."""
    with transaction.atomic():
        library = _lock_as_owner(actor_id, library_id)
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
            _check_owned(user.id)
        membership = Membership.objects.create(library=library, user=user, role=role.value)
        _publish_access(library_id, user.id, role)
    return membership


@tried_again
def change_role(*, actor_id: UUID | None, library_id: UUID, user_id: UUID, role: Role) -> Membership:
    """Give a member another role. Owners may; Conflict if the library would lose its last owner."""
    with transaction.atomic():
        membership = _lock_membership(actor_id, library_id, user_id)
        if role != Role.OWNER:
            _keep_an_owner(membership)
        elif membership.role != Role.OWNER:
            _check_owned(user_id)
        membership.role = role.value
        membership.save(update_fields=["role"])
        _publish_access(library_id, user_id, role)
    return membership


@tried_again
def remove_member(*, actor_id: UUID | None, library_id: UUID, user_id: UUID) -> None:
    """End a membership. Owners may, and anybody their own; Conflict if it is the last owner's."""
    with transaction.atomic():
        membership = _lock_membership(actor_id, library_id, user_id, own=True)
        _keep_an_owner(membership)
        membership.delete()
        _publish_access(library_id, user_id, None)


def _lock(actor_id: UUID | None, library_id: UUID) -> Library:
    # Locking the library's row puts changes to its memberships one after the other: that keeps the last owner.
    visible = Library.objects.all() if actor_id is None else libraries_of(actor_id)
    library = visible.select_for_update(of=("self",)).filter(id=library_id).first()
    if library is None:
        raise NotFound("There is no such library.")
    return library


def _lock_as_owner(actor_id: UUID | None, library_id: UUID) -> Library:
    library = _lock(actor_id, library_id)
    if actor_id is not None and library.role != Role.OWNER:
        raise Forbidden("Only an owner of the library may do this.")
    return library


def _lock_membership(actor_id: UUID | None, library_id: UUID, user_id: UUID, *, own: bool = False) -> Membership:
    if own and actor_id == user_id:
        _lock(actor_id, library_id)
    else:
        _lock_as_owner(actor_id, library_id)
    membership = Membership.objects.filter(library_id=library_id, user_id=user_id).first()
    if membership is None:
        raise NotFound("This person is not a member of the library.")
    return membership


def _check_owned(user_id: UUID) -> None:
    # The person's row is locked, so that two libraries at once are counted one after the other.
    User.objects.select_for_update(no_key=True).filter(id=user_id).first()
    quotas.check_libraries(user_id)


def _keep_an_owner(membership: Membership) -> None:
    # An owner who may not log in is of no help to the others.
    owners = Membership.objects.filter(library_id=membership.library_id, role=Role.OWNER.value, user__is_active=True)
    others = owners.exclude(id=membership.id)
    if membership.role == Role.OWNER and not others.exists():
        raise Conflict("A library needs an owner: make somebody else an owner first.")


def _publish_access(library_id: UUID, user_id: UUID, role: Role | None) -> None:
    # The number tells a process that missed the news.
    library = Library.objects.filter(id=library_id)
    library.update(access_version=F("access_version") + 1)
    access_version = library.values_list("access_version", flat=True).get()
    for portal_view_id in PortalView.objects.filter(library_id=library_id).values_list("id", flat=True):
        tell_on_commit(broadcast.broadcast_access, portal_view_id, user_id, role, access_version)
