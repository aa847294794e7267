"""Writes to libraries. The same rules as in `libraries.services.portal_views` apply."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from libraries import events
from libraries.events import DisclosureChanged, tell_on_commit
from libraries.models import Library, Membership, PortalView
from libraries.outages import tried_again
from libraries.rules.errors import Forbidden
from libraries.rules.roles import Role
from libraries.services.members import check_owned, lock_as_owner, lock_library
from libraries.services.portal_views import tell_deleted
from libraries.services.storing import require_controller


@tried_again
def create_library(
    *,
    actor_id: UUID | None,
    name: str,
    description: str = "",
    disclosure: Mapping[str, list[str]] | None = None,
    show_audience: bool = False,
    show_activity: bool = False,
    library_id: UUID | None = None,
) -> Library:
    """A new library, owned by the person who asks; QuotaExceeded if they own as many as they may.

    A library made by the site itself has no member yet. `library_id` is its id, by default an unguessable one.
    `disclosure` is checked.
    """
    library = Library(
        name=name,
        description=description,
        disclosure=dict(disclosure or {}),
        show_audience=show_audience,
        show_activity=show_activity,
    )
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
    *,
    actor_id: UUID | None,
    library_id: UUID,
    name: str | None = None,
    description: str | None = None,
    disclosure: Mapping[str, list[str]] | None = None,
    show_audience: bool | None = None,
    show_activity: bool | None = None,
) -> Library:
    """A library with other values; None leaves a value as it is.

    Owners and editors may do this. Only owners change what viewers learn: the checked `disclosure`, and both flags.
    """
    with transaction.atomic():
        library = lock_library(actor_id, library_id)
        if actor_id is not None:
            require_controller(library.role)
        library.name = library.name if name is None else name
        library.description = library.description if description is None else description
        given = {"disclosure": disclosure, "show_audience": show_audience, "show_activity": show_activity}
        told = {key: value for key, value in given.items() if value is not None and value != getattr(library, key)}
        if told:
            if actor_id is not None and library.role != Role.OWNER:
                raise Forbidden("Only an owner of the library may change what it discloses.")
            for key, value in told.items():
                setattr(library, key, value)
            _disclose(library)
        library.save(update_fields=["name", "description", *given, "updated_at"])
    return library


def _disclose(library: Library) -> None:
    """Give all portal views of the library its disclosure, with a new version for both roles, in one statement.

    Each process then reads the portal views again, and with them the library's flags.
    """
    portal_views = PortalView.objects.filter(library=library)
    now = timezone.now()
    portal_views.update(disclosure=library.disclosure, version=F("version") + 1, updated_at=now, viewers_updated_at=now)
    ids = tuple(portal_views.values_list("id", flat=True))
    tell_on_commit(events.tell, DisclosureChanged(library_id=library.id, portal_view_ids=ids))


@tried_again
def delete_library(*, actor_id: UUID | None, library_id: UUID) -> None:
    """Delete a library with its portal views; their connections are notified, and closed. Owners may do this."""
    with transaction.atomic():
        library = lock_as_owner(actor_id, library_id)
        tell_deleted(list(PortalView.objects.filter(library=library).values_list("id", flat=True)))
        library.delete()
