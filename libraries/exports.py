"""All that is stored about a person, for themselves (GDPR, articles 15 and 20). No secret and no hash is part of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db.models import Q

from libraries.models import (
    Image,
    Invitation,
    KnownNetwork,
    Membership,
    Receipt,
    Session,
    ShareLink,
    Ticket,
    User,
    iso,
)
from libraries.rules.errors import NotFound


def export_account(user_id: UUID) -> dict[str, Any]:
    """It as JSON: the account, memberships, sessions, links, uploads, and traces of the last minutes; NotFound.

    Invitations to the person's address are part of it only if the address is verified: it may be somebody else's.
    """
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    return {
        "account": _account(user),
        "memberships": [
            {
                "libraryId": str(row.library_id),
                "library": row.library.name,
                "role": row.role,
                "since": _at(row.created_at),
            }
            for row in Membership.objects.filter(user=user).select_related("library")
        ],
        "sessions": _sessions(user),
        "invitations": _invitations(user),
        "shareLinks": _share_links(user),
        "images": [
            {"id": str(row.id), "libraryId": str(row.library_id), "name": row.name, "createdAt": _at(row.created_at)}
            for row in Image.objects.filter(created_by=user)
        ],
        "networks": _networks(user),
        "storedMessages": [
            {"portalViewId": str(row.portal_view_id), "version": row.version, "at": _at(row.created_at)}
            for row in Receipt.objects.filter(user=user).order_by("created_at")
        ],
        "tickets": [
            {"portalViewId": str(row.portal_view_id), "expiresAt": _at(row.expires_at)}
            for row in Ticket.objects.filter(user=user)
        ],
        "workInTheAdmin": [
            {"at": _at(row.action_time), "object": row.object_id, "what": row.get_change_message()}
            for row in LogEntry.objects.filter(user=user).order_by("action_time")
        ],
    }


def _account(user: User) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "email": user.email,
        "emailVerifiedAt": _at(user.email_verified_at),
        "name": user.name,
        "language": user.language,
        "theme": user.theme,
        "createdAt": _at(user.date_joined),
        "lastLogInToPagesAt": _at(user.last_login),
        "isActive": user.is_active,
        "isStaff": user.is_staff,
        "isSuperuser": user.is_superuser,
        "groups": list(user.groups.order_by("name").values_list("name", flat=True)),
        "permissions": sorted(user.user_permissions.values_list("codename", flat=True)),
    }


def _sessions(user: User) -> list[dict[str, Any]]:
    return [
        {"id": str(row.id), "createdAt": _at(row.created_at), "expiresAt": _at(row.expires_at)}
        for row in Session.objects.filter(user=user).order_by("created_at")
    ]


def _share_links(user: User) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.id),
            "portalViewId": str(row.portal_view_id),
            "label": row.label,
            "isScreen": row.is_screen,
            "createdAt": _at(row.created_at),
            "expiresAt": _at(row.expires_at),
            "withdrawnAt": _at(row.withdrawn_at),
        }
        for row in ShareLink.objects.filter(created_by=user)
    ]


def _invitations(user: User) -> list[dict[str, Any]]:
    mine = Q(invited_by=user) | Q(accepted_by=user)
    if user.is_verified:
        mine |= Q(email=user.email)
    return [
        {
            "id": str(row.id),
            "libraryId": str(row.library_id),
            "role": row.role,
            "email": row.email if row.invited_by_id == user.pk or row.email == user.email else "",
            "byMe": row.invited_by_id == user.pk,
            "createdAt": _at(row.created_at),
            "expiresAt": _at(row.expires_at),
            "acceptedAt": _at(row.accepted_at),
        }
        for row in Invitation.objects.filter(mine)
    ]


def _networks(user: User) -> dict[str, Any]:
    """How many networks are known; which ones is stored only as keyed hashes."""
    return {"known": KnownNetwork.objects.filter(user=user).count()}


def _at(moment: Any) -> str | None:
    return None if moment is None else iso(moment)
