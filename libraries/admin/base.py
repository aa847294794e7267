"""Shared code of all admin pages: unfold's classes with types, and how a service's refusal is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from libraries.rules.errors import PortalError

# unfold has no types; its classes are restyled classes of Django
if TYPE_CHECKING:
    from django.contrib import admin

    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    page_of_object = admin.action
else:
    from unfold.admin import ModelAdmin, TabularInline
    from unfold.decorators import action as page_of_object

__all__ = ["PortalAdmin", "TabularInline", "as_json", "page_of_object", "pretty"]


def pretty(value: Any) -> str:
    """A value as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_json(value: Any) -> SafeString:
    """A value as text to look at."""
    return format_html('<pre class="portal-json">{}</pre>', pretty(value))


class PortalAdmin(ModelAdmin):
    """A ModelAdmin that shows a service's refusal as a message, on the page where it happened.

    Forms find most refusals themselves and show them beside the field. The rest are caused by other people's changes
    between the form's check and the write.
    """

    class Media:
        css: ClassVar = {"all": ("libraries/admin.css",)}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's page to add or change an object."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except PortalError as error:
            return self._refused(request, error)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's page to delete an object."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except PortalError as error:
            return self._refused(request, error)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's list of objects, which also runs their actions."""
        try:
            return super().changelist_view(request, extra_context)
        except PortalError as error:
            return self._refused(request, error)

    def _refused(self, request: HttpRequest, error: PortalError) -> HttpResponse:
        self.message_user(request, error.message, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())
