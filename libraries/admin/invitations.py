"""Invitations in the admin: staff make them for any library, see the link once, and withdraw them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from libraries.admin.base import PortalAdmin
from libraries.admin.rights import asker_of
from libraries.links import Page, link_to
from libraries.models import Invitation, User
from libraries.rules.errors import NotFound
from libraries.rules.roles import Role
from libraries.services.invitations import create_invitation, withdraw_invitation


class InvitationAdmin(PortalAdmin):
    """Invitations are made and withdrawn, never changed. People are named without their addresses."""

    list_display = ("library", "email", "role", "state", "inviter", "accepter", "created_at", "expires_at")
    list_filter = ("role",)
    list_select_related = ("library", "invited_by", "accepted_by")
    search_fields = ("email", "library__name")
    autocomplete_fields = ("library",)
    ordering = ("-created_at",)

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> tuple[str, ...]:
        """What a new one needs, or all that is known of an old one."""
        new = ("library", "email", "role")
        return new if obj is None else (*new, "state", "inviter", "created_at", "expires_at", "accepter", "accepted_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Invitation | None = None) -> tuple[str, ...]:
        """An old one is read-only."""
        return () if obj is None else self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the person may add one, which requires the right to add the member that it makes."""
        return super().has_add_permission(request) and request.user.has_perm("libraries.add_membership")

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        """Nobody changes one."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Whether a list may be filtered by this: not by what is stored of the links."""
        return "digest" not in lookup and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Make it through the service, and show its link, which is not stored."""
        made, link = create_invitation(
            inviter_id=asker_of(request).pk,
            library_id=obj.library_id,
            email=obj.email,
            role=Role(obj.role),
            link_of=lambda token: link_to(request, Page.INVITATION, token),
            is_staff=True,
        )
        obj.pk = made.pk
        sentence = "Copy this link now, it is not shown again: {}"
        self.message_user(request, format_html(sentence, link), messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Invitation) -> None:
        """Withdraw it; one that was accepted stays, and says so."""
        withdraw_invitation(actor_id=None, library_id=obj.library_id, invitation_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        """Withdraw all of them, or none if one was accepted."""
        with transaction.atomic():
            for invitation in queryset.order_by("library_id"):
                with suppress(NotFound):  # somebody else withdrew it a moment ago: the result is the same
                    self.delete_model(request, invitation)

    @admin.display(description="invited by", ordering="invited_by__name")
    def inviter(self, invitation: Invitation) -> str:
        """The name of who invites."""
        return _name(invitation.invited_by)

    @admin.display(description="accepted by", ordering="accepted_by__name")
    def accepter(self, invitation: Invitation) -> str:
        """The name of who accepted."""
        return _name(invitation.accepted_by)


def _name(user: User | None) -> str:
    return user.get_full_name() if user is not None else "-"
