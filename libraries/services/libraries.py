"""Writes to libraries. The same rules as in `libraries.services.portal_views` apply."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from libraries.models import Library, Membership, PortalView
from libraries.outages import tried_again
from libraries.rules.roles import Role
from libraries.services.members import check_owned, lock_as_owner, lock_library
from libraries.services.portal_views import tell_deleted
from libraries.services.storing import require_controller


@tried_again
def create_library(
    *, actor_id: UUID | None, name: str, description: str = "", library_id: UUID | None = None
) -> Library:
    """A new library, owned by the person who asks; QuotaExceeded if they own as many as they may.

    A library made by the site itself has no member yet. `library_id` is its id, by default an unguessable one.
    """
    library = Library(name=name, description=description)
    if library_id is not None:
        library.id = library_id
    with transaction.atomic():
        if actor_id is not None:
            check_owned(actor_id)
        library.save(force_insert=True)
        if actor_id is not None:
            Membership.objects.create(library=library, user_id=actor_id, role=Role.OWNER.value)
            library.role = Role.OWNER.value
    return library


@tried_again
def update_library(
    *, actor_id: UUID | None, library_id: UUID, name: str | None = None, description: str | None = None
) -> Library:
    """A library with a new name or description; owners and editors may do this."""
    with transaction.atomic():
        library = lock_library(actor_id, library_id)
        if actor_id is not None:
            require_controller(library.role)
        library.name = library.name if name is None else name
        library.description = library.description if description is None else description
        library.save(update_fields=["name", "description", "updated_at"])
    return library


@tried_again
def delete_library(*, actor_id: UUID | None, library_id: UUID) -> None:
    """Delete a library with its portal views; their connections are notified, and closed. Owners may do this."""
    with transaction.atomic():
        library = lock_as_owner(actor_id, library_id)
        tell_deleted(list(PortalView.objects.filter(library=library).values_list("id", flat=True)))
        library.delete()
