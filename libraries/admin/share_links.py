"""Share links in the admin: the link is shown once, when it is made; withdrawing it disconnects its guests."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from libraries.admin.base import PortalAdmin
from libraries.grants import ending
from libraries.links import Page, link_to
from libraries.models import ShareLink
from libraries.services.share_links import create_share_link, update_share_link, withdraw_share_link


@admin.action(permissions=["change"], description="Withdraw, and disconnect the guests")
def withdraw(model_admin: ShareLinkAdmin, request: HttpRequest, links: QuerySet[ShareLink]) -> None:
    """End these links, and the connections of their guests."""
    names = []
    for link in links.filter(withdrawn_at=None):
        withdraw_share_link(actor_id=None, portal_view_id=link.portal_view_id, link_id=link.id)
        model_admin.log_change(request, link, [{"changed": {"fields": ["withdrawn"]}}])
        names.append(str(link))
    sentence = f"Withdrawn: {', '.join(names)}." if names else "Nothing was changed."
    model_admin.message_user(request, sentence, messages.SUCCESS if names else messages.INFO)


class ShareLinkAdmin(PortalAdmin):
    """Share links. A withdrawn one stays in the list for a month."""

    list_display = ("__str__", "portal_view", "is_screen", "max_guests", "created_at", "expires_at", "state")
    list_filter = ("is_screen",)
    list_select_related = ("portal_view",)
    search_fields = ("label", "portal_view__name")
    autocomplete_fields = ("portal_view",)
    fields = ("portal_view", "label", "max_guests", "expires_at")
    actions = (withdraw,)

    @admin.display(description="state")
    def state(self, link: ShareLink) -> str:
        """Whether it lets guests in."""
        reason = ending(link.withdrawn_at, link.expires_at)
        return "live" if reason is None else reason.value.removeprefix("link-")

    def get_readonly_fields(self, request: HttpRequest, obj: ShareLink | None = None) -> tuple[str, ...]:
        """The read-only fields: a link stays at its portal view, and its end is fixed."""
        if obj is None:
            return ()
        stored = ("portal_view", "expires_at")
        return (*stored, "label", "max_guests") if ending(obj.withdrawn_at, obj.expires_at) else stored

    def has_delete_permission(self, request: HttpRequest, obj: ShareLink | None = None) -> bool:
        """Whether the person may delete links: also whoever may delete portal views, with which their links go."""
        may = super().has_delete_permission(request, obj)
        return may or request.user.has_perm("libraries.delete_portalview")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ShareLink]) -> None:
        """Delete these links one by one, which ends the connections of their guests at once."""
        for link in queryset:
            link.delete()

    def save_model(self, request: HttpRequest, obj: ShareLink, form: Any, change: bool) -> None:
        """Store it through the service; a new link's address is shown in a message, once."""
        values: dict[str, Any] = {"label": obj.label, "max_guests": obj.max_guests}
        if change:
            if form.changed_data:
                update_share_link(actor_id=None, portal_view_id=obj.portal_view_id, link_id=obj.id, **values)
            return
        link, token = create_share_link(
            actor_id=None, portal_view_id=obj.portal_view_id, expires_at=obj.expires_at, **values
        )
        obj.pk, obj._state.adding = link.pk, False
        address = link_to(request, Page.VIEW, token)
        self.message_user(
            request, format_html("Whoever has this link watches: {} It is shown only now.", address), messages.WARNING
        )
