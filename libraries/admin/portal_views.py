"""Portal views in the admin: list, actions, form, and the preview page of the viewers' state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from libraries.admin.base import PortalAdmin, as_json, page_of_object, pretty
from libraries.admin.forms import PortalViewForm
from libraries.admin.preview import cards, turns
from libraries.admin.stats import groups
from libraries.live import figures_of
from libraries.models import PortalView
from libraries.rules.encounter import stepped
from libraries.rules.errors import NotFound
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from libraries.rules.state import FIELDS, check_patch
from libraries.services import portal_views as services

Action = Callable[["PortalViewAdmin", HttpRequest, QuerySet[PortalView]], None]

SWITCHES = {
    "showEncounter": "Encounter",
    "showHealth": "Health",
    "showAC": "Armour class",
    "showActions": "Actions",
    "showConditions": "Conditions",
    "blackout": "Blackout",
    "viewersMayPoint": "Viewers may point",
}
"""The flags that an action switches, each with its name for people."""


def _switch(key: str, label: str, on: bool) -> Action:
    word = "on" if on else "off"

    def switch(model_admin: PortalViewAdmin, request: HttpRequest, portal_views: QuerySet[PortalView]) -> None:
        model_admin.update_each(request, portal_views, lambda state: {key: on})

    switch.__name__ = f"{FIELDS[key].column}_{word}"
    return admin.action(permissions=["change"], description=f"{label}: switch {word}")(switch)


def _step(state: Mapping[str, Any], step: int) -> dict[str, Any]:
    """The patch that moves `step` items on. It stops at both ends; if no item is shown, 1 begins at item 0."""
    current, last = state["currentItem"], len(state["items"]) - 1
    if last < 0 or (current is None and step < 0):
        return {}
    return {"currentItem": 0 if current is None else min(max(current + step, 0), last)}


@admin.action(permissions=["change"], description="Go to the next item")
def next_item(model_admin: PortalViewAdmin, request: HttpRequest, portal_views: QuerySet[PortalView]) -> None:
    """Show the next item of each portal view."""
    model_admin.update_each(request, portal_views, lambda state: _step(state, 1))


@admin.action(permissions=["change"], description="Go to the previous item")
def previous_item(model_admin: PortalViewAdmin, request: HttpRequest, portal_views: QuerySet[PortalView]) -> None:
    """Show the previous item of each portal view."""
    model_admin.update_each(request, portal_views, lambda state: _step(state, -1))


def _turn_patch(state: Mapping[str, Any], step: int) -> dict[str, Any]:
    """The patch that gives the turn to the next entry (1), or to the one before (-1); it stops before the first."""
    encounter = state["encounter"]
    return {"encounter": stepped(encounter, step)} if encounter and encounter["order"] else {}


def _turn(label: str, step: int) -> Action:
    def turn(model_admin: PortalViewAdmin, request: HttpRequest, portal_views: QuerySet[PortalView]) -> None:
        model_admin.update_each(request, portal_views, lambda state: _turn_patch(state, step))

    turn.__name__ = f"turn_{'next' if step > 0 else 'previous'}"
    return admin.action(permissions=["change"], description=label)(turn)


class PortalViewAdmin(PortalAdmin):
    """Portal views; every write goes through `libraries.services` and reaches open connections once committed."""

    form = PortalViewForm
    list_display = (
        "name",
        "library",
        "now_showing",
        "show_encounter",
        "show_health",
        "show_ac",
        "show_actions",
        "show_conditions",
        "blackout",
        "version",
        "preview_link",
        "presence_link",
    )
    list_filter = ("blackout", "library")
    list_select_related = ("library",)
    list_per_page = 50
    search_fields = ("name", "library__name")
    autocomplete_fields = ("library",)
    actions = (
        next_item,
        previous_item,
        _turn("Encounter: next turn", 1),
        _turn("Encounter: previous turn", -1),
        *(_switch(key, SWITCHES[key], on) for key in SWITCHES for on in (True, False)),
    )
    actions_detail = ("preview", "stats")
    readonly_fields = ("id", "version", "epoch", "created_at", "updated_at", "items_as_json")

    def get_readonly_fields(self, request: HttpRequest, obj: PortalView | None = None) -> tuple[str, ...]:
        """The read-only fields: a portal view stays in its library."""
        return (*self.readonly_fields, *(("library",) if obj else ()))

    def get_fieldsets(self, request: HttpRequest, obj: PortalView | None = None) -> Any:
        """The fieldsets. A person who may only look gets the items as text, and no field with the form's version."""
        writes = self.has_change_permission(request, obj) if obj else True
        shown = ("show_ac", "show_actions", "show_encounter", "show_conditions")
        flags = ("blackout", ("show_health", "health_display"), *shown)
        stored = [("Stored", {"fields": ("version", "epoch", "id", ("created_at", "updated_at"))})] if obj else []
        return [
            (None, {"fields": ("library", "name", *(("loaded_version",) if obj and writes else ()))}),
            ("What viewers see", {"fields": (*flags, "auto_reset_image_state", "viewers_may_point")}),
            ("Items", {"fields": ("current_item", "camera", "encounter", "items" if writes else "items_as_json")}),
            *stored,
        ]

    def save_model(self, request: HttpRequest, obj: PortalView, form: Any, change: bool) -> None:
        """Save the changes through the services; `form` is a valid PortalViewForm."""
        if not change:
            made = services.create_portal_view(actor_id=None, library_id=obj.library_id, patch=form.patch)
            obj.pk = made.pk
            obj.refresh_from_db()
        elif form.patch.known:
            loaded = form.cleaned_data["loaded_version"]
            services.update_portal_view(actor_id=None, portal_view_id=obj.pk, patch=form.patch, if_version=loaded)

    def delete_model(self, request: HttpRequest, obj: PortalView) -> None:
        """Delete it; open connections are notified."""
        services.delete_portal_view(actor_id=None, portal_view_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PortalView]) -> None:
        """Delete each of them; open connections are notified."""
        for portal_view_id in list(queryset.values_list("pk", flat=True)):
            with suppress(NotFound):  # somebody else deleted it a moment ago: the result is the same
                services.delete_portal_view(actor_id=None, portal_view_id=portal_view_id)

    def update_each(
        self,
        request: HttpRequest,
        portal_views: QuerySet[PortalView],
        patch_for: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> None:
        """Apply to each portal view the patch that `patch_for` makes of its state, if that changes anything."""
        names = []
        for portal_view_id in list(portal_views.values_list("pk", flat=True)):
            with transaction.atomic():
                portal_view = PortalView.objects.select_for_update().filter(pk=portal_view_id).first()
                state = portal_view.state() if portal_view else {}
                patch = {key: value for key, value in patch_for(state).items() if state[key] != value} if state else {}
                if portal_view and patch:
                    services.update_portal_view(actor_id=None, portal_view_id=portal_view_id, patch=check_patch(patch))
                    self.log_change(request, portal_view, [{"changed": {"fields": list(patch)}}])
                    names.append(portal_view.name)
        sentence = f"Changed: {', '.join(names)}." if names else "Nothing to change: all of them were so already."
        self.message_user(request, sentence, messages.SUCCESS if names else messages.INFO)

    @page_of_object(permissions=["view"], description="As viewers see it")
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A page with the portal view's state as viewers get it."""
        portal_view = self.get_object(request, object_id)
        if portal_view is None:
            raise Http404("There is no such portal view.")
        shown = project(portal_view.state(), PortalRole.VIEWER, portal_view.rules)
        context = {
            **self.admin_site.each_context(request),
            "title": "As viewers see it",
            "subtitle": portal_view.name,
            "opts": self.opts,
            "original": portal_view,
            "shown": shown,
            "cards": cards(shown),
            "turns": turns(shown),
            "shown_as_json": pretty(shown),
        }
        return TemplateResponse(request, "admin/libraries/portalview/preview.html", context)

    @page_of_object(permissions=["view"], description="Who is connected")
    def stats(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A page with the figures of the portal view's open connections."""
        portal_view = self.get_object(request, object_id)
        if portal_view is None:
            raise Http404("There is no such portal view.")
        found = figures_of(portal_view.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": "Who is connected",
            "subtitle": portal_view.name,
            "opts": self.opts,
            "original": portal_view,
            "figures": found,
            "groups": groups(found),
        }
        return TemplateResponse(request, "admin/libraries/portalview/stats.html", context)

    @admin.display(description="now showing")
    def now_showing(self, portal_view: PortalView) -> str:
        """The name of the current item."""
        current, items = portal_view.current_item, portal_view.items
        if current is None or current >= len(items):
            return f"nothing of {len(items)}"
        item = items[current]
        return f"{item.get('name') or item['id']} (item {current} of {len(items)})"

    @admin.display(description="preview")
    def preview_link(self, portal_view: PortalView) -> SafeString:
        """A link to the preview."""
        address = reverse("admin:libraries_portalview_preview", args=[portal_view.pk])
        return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">Preview</a>', address)

    @admin.display(description="presence")
    def presence_link(self, portal_view: PortalView) -> SafeString:
        """A link to the page of who is here, which is the site's: it is about live connections."""
        address = reverse("admin:libraries_portalview_presence", args=[portal_view.pk])
        return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">Who is here</a>', address)

    @admin.display(description="items")
    def items_as_json(self, portal_view: PortalView) -> SafeString:
        """The items as text, for a person who may only look."""
        return as_json(portal_view.items)
