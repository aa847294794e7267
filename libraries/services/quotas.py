"""Quotas of libraries and people: each limit is a setting, and 0 is no limit. Permissions are checked in `services`.

The caller of all but `check_growth` holds a lock on the row concerned, so those quotas are exact. `check_growth` takes
no lock of the library, because all its writers would queue for it. It counts committed data, so writers who grow at the
same moment may each pass: a library can exceed its limit by at most one state (`MAX_STATE_BYTES`) for each transaction
that is open at that moment, and then grows no more.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from libraries.models import Image, Membership, PortalView
from libraries.rules.errors import QuotaExceeded
from libraries.rules.roles import Role


def check_portal_views(library_id: UUID) -> None:
    """Raise QuotaExceeded unless the library may have one more portal view."""
    limit: int = settings.PORTAL_VIEWS_PER_LIBRARY
    if limit and (used := PortalView.objects.filter(library_id=library_id).count()) >= limit:
        raise QuotaExceeded(
            f"The library has {used:,} portal views, and {limit:,} are possible: delete one of them first."
        )


def check_members(library_id: UUID, more: int = 1) -> None:
    """Raise QuotaExceeded unless the library may have `more` more members."""
    limit: int = settings.PORTAL_MEMBERS_PER_LIBRARY
    if limit and (used := Membership.objects.filter(library_id=library_id).count()) + more > limit:
        raise QuotaExceeded(f"The library has {used:,} members, and {limit:,} are possible: remove somebody first.")


def check_libraries(user_id: UUID) -> None:
    """Raise QuotaExceeded unless the person may own one more library."""
    limit: int = settings.PORTAL_LIBRARIES_PER_USER
    owned = Membership.objects.filter(user_id=user_id, role=Role.OWNER.value)
    if limit and (used := owned.count()) >= limit:
        raise QuotaExceeded(
            f"This person owns {used:,} libraries, and {limit:,} are possible: they must leave or delete one first."
        )


def check_growth(*, library_id: UUID, portal_view_id: UUID, before: int, after: int) -> None:
    """Raise QuotaExceeded if the library's portal views would get too large with this one at a size of `after` bytes.

    A portal view that does not grow is never refused, and costs no query; a new one grows from 0.
    """
    limit: int = settings.PORTAL_LIBRARY_BYTES
    if not limit or after <= before:
        return
    others = PortalView.objects.filter(library_id=library_id).exclude(id=portal_view_id)
    used = (others.aggregate(size=Sum("size"))["size"] or 0) + after
    if used > limit:
        raise QuotaExceeded(
            f"Nothing was changed: the library's portal views would have {used:,} bytes together, and {limit:,} are"
            " possible. Make this one shorter, or delete another."
        )


def check_images(library_id: UUID, more: int = 1) -> None:
    """Raise QuotaExceeded unless the library may have `more` more pictures."""
    limit: int = settings.PORTAL_IMAGES_PER_LIBRARY
    if limit and (used := Image.objects.filter(library_id=library_id).count()) + more > limit:
        raise QuotaExceeded(
            f"The library has {used:,} pictures, and {limit:,} are possible: delete some first, such as unused ones."
        )


def check_image_bytes(library_id: UUID, more: int) -> None:
    """Raise QuotaExceeded if the files of the library's pictures would get too large with so many more bytes."""
    limit: int = settings.PORTAL_LIBRARY_IMAGE_BYTES
    if not limit or more <= 0:
        return
    used = Image.objects.filter(library_id=library_id).aggregate(size=Sum("stored_bytes"))["size"] or 0
    if used + more > limit:
        raise QuotaExceeded(
            f"Nothing was stored: the library's pictures would have {used + more:,} bytes together, and {limit:,} are"
            " possible. Delete some first, such as the unused ones."
        )
