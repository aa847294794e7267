"""A library's pages: what they share, its portal views, its settings. Members and pictures have their own modules.

Each form of a page has an address of its own; if it is refused, the whole page is shown again.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from libraries.models import Library, PortalView
from libraries.rules.errors import Forbidden, NotFound
from libraries.rules.roles import PortalRole, Role, portal_role
from libraries.rules.state import MAX_NAME_CHARS, check_patch
from libraries.selectors import get_library, memberships_of, portal_views_in
from libraries.services.images import images_of
from libraries.services.libraries import delete_library, update_library
from libraries.services.portal_views import create_portal_view, delete_portal_view, update_portal_view
from libraries.services.share_links import live_links, share_links_of
from libraries.services.storing import require_controller
from portal.pages.base import FormPage, ForPeople, PlainPage, page_of, written
from portal.pages.library_forms import Named, Settings


class InLibrary(ForPeople):
    """A page of one library; NotFound for those who are no members."""

    kwargs: dict[str, Any]
    tab = "views"

    @cached_property
    def library(self) -> Library:
        """The library, with the person's role."""
        return get_library(user_id=self.user.id, library_id=self.kwargs["library_id"])

    @property
    def is_owner(self) -> bool:
        """Whether the person owns it."""
        return self.library.role == Role.OWNER

    @property
    def is_controller(self) -> bool:
        """Whether the person decides what its portal views show."""
        return portal_role(self.library.role) is PortalRole.CONTROLLER

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """The library, what the person may do, and what the page lists."""
        shown = {
            "library": self.library,
            "tab": self.tab,
            "is_owner": self.is_owner,
            "is_controller": self.is_controller,
            "longest": MAX_NAME_CHARS,
        }
        context: dict[str, Any] = super().get_context_data(**{**shown, **self.listed(), **given})  # type: ignore[misc]
        return context

    def listed(self) -> dict[str, Any]:
        """What the page lists; Forbidden for those who may not see it."""
        return {}

    def require_owner(self) -> None:
        """Raise Forbidden unless the person owns it; for pages whose service is not called yet."""
        if not self.is_owner:
            raise Forbidden("Only an owner of the library may do this.")

    def done(self, sentence: str, page: str, *arguments: object) -> HttpResponse:
        """Show a page of the library, and say that it is done."""
        messages.success(self.request, sentence)
        return redirect(page, self.library.id, *arguments)


class OneForm(FormPage):
    """One form of a page: `what` it does, and `row`, the name of the argument that says to which row."""

    http_method_names = ["post", "options"]
    form_class: type[Form] = Form
    what = "make"
    row = ""
    kwargs: dict[str, Any]

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """The whole page, and this form as it was filled in."""
        failed = {"what": self.what, "id": self.kwargs.get(self.row), "form": given["form"]}
        return super().get_context_data(**given, failed=failed)


class Confirm(InLibrary, FormPage):
    """A question before something is lost, as a page; with JavaScript it is a dialog of the page before."""

    template_name = "pages/confirm.html"
    form_class: type[Form] = Form

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """The question, what is lost, and the word on the button."""
        return super().get_context_data(**{**self.asked(), **given})

    def asked(self) -> dict[str, Any]:
        """`question`, `lost` (lines), `consequence`, `act` (the button) and `back` (an address)."""
        raise NotImplementedError


# --- Portal views -----------------------------------------------------------------------------------------


class _Views(InLibrary):
    template_name: str | None = "pages/library.html"

    def listed(self) -> dict[str, Any]:
        """Its portal views."""
        rows = portal_views_in(user_id=self.user.id, library_id=self.library.id)
        return {"page": page_of(self.request, rows)}


class Views(_Views, PlainPage):
    """`/libraries/<libraryId>`."""


class MakeView(_Views, OneForm):
    """`/libraries/<libraryId>/views`."""

    form_class = Named

    def act(self, form: Named) -> HttpResponse:
        """Make it."""
        patch = check_patch({"name": form.cleaned_data["name"]})
        create_portal_view(actor_id=self.user.id, library_id=self.library.id, patch=patch)
        return self.done(_("The portal view is made."), "pages:library")


class OneView(InLibrary):
    """A page of one portal view, for those who decide what it shows."""

    @cached_property
    def view(self) -> PortalView:
        """The portal view; NotFound, also if it is in another library, or Forbidden."""
        rows = portal_views_in(user_id=self.user.id, library_id=self.library.id)
        found = rows.filter(id=self.kwargs["portal_view_id"]).first()
        if found is None:
            raise NotFound("There is no such portal view.")
        require_controller(found.role)
        return found


class RenameView(OneView, _Views, OneForm):
    """`/libraries/<libraryId>/views/<portalViewId>/name`."""

    form_class = Named
    what, row = "rename", "portal_view_id"

    def act(self, form: Named) -> HttpResponse:
        """Change the name."""
        patch = check_patch({"name": form.cleaned_data["name"]})
        update_portal_view(actor_id=self.user.id, portal_view_id=self.view.id, patch=patch)
        return self.done(_("The name is changed."), "pages:library")


class DeleteView(OneView, Confirm):
    """`/libraries/<libraryId>/views/<portalViewId>/delete`."""

    def asked(self) -> dict[str, Any]:
        """Its items, and the links by which people watch it."""
        items, view = self.view.item_count, self.view
        links = live_links(share_links_of(user_id=self.user.id, portal_view_id=view.id)).count()
        return {
            "question": _("Delete “%(name)s”?") % {"name": view.name},
            "lost": [
                ngettext("%(n)s item", "%(n)s items", items) % {"n": written(items)},
                ngettext("%(n)s link or screen", "%(n)s links and screens", links) % {"n": written(links)},
            ],
            "consequence": _("This cannot be undone. Whoever watches it sees that it was deleted."),
            "act": _("Delete the portal view"),
            "back": reverse("pages:library", args=[self.library.id]),
        }

    def act(self, form: Form) -> HttpResponse:
        """Delete it."""
        delete_portal_view(actor_id=self.user.id, portal_view_id=self.view.id)
        return self.done(_("The portal view is deleted."), "pages:library")


# --- Settings ---------------------------------------------------------------------------------------------


class ChangeSettings(InLibrary, FormPage):
    """`/libraries/<libraryId>/settings`."""

    template_name = "pages/settings.html"
    tab = "settings"

    def get_form(self, form_class: type[Form] | None = None) -> Settings:
        """Called by Django: the form with what the role may change."""
        require_controller(self.library.role)
        data = self.request.POST if self.request.method == "POST" else None
        return Settings(data, library=self.library, is_owner=self.is_owner)

    def act(self, form: Settings) -> HttpResponse:
        """Store them."""
        update_library(actor_id=self.user.id, library_id=self.library.id, **form.values)
        return self.done(_("The settings are stored."), "pages:settings")


class DeleteLibrary(Confirm):
    """`/libraries/<libraryId>/delete`."""

    def asked(self) -> dict[str, Any]:
        """All that is in it."""
        self.require_owner()
        library = self.library
        views = portal_views_in(user_id=self.user.id, library_id=library.id).count()
        pictures = images_of(user_id=self.user.id, library_id=library.id).count()
        members = memberships_of(library.id).count()
        return {
            "question": _("Delete “%(name)s”?") % {"name": library.name},
            "lost": [
                ngettext("%(n)s portal view, with its items", "%(n)s portal views, with their items", views)
                % {"n": written(views)},
                ngettext("%(n)s picture", "%(n)s pictures", pictures) % {"n": written(pictures)},
                ngettext("the access of %(n)s member", "the access of %(n)s members", members)
                % {"n": written(members)},
            ],
            "consequence": _("This cannot be undone. Whoever watches sees that it was deleted."),
            "act": _("Delete the library"),
            "back": reverse("pages:settings", args=[library.id]),
        }

    def act(self, form: Form) -> HttpResponse:
        """Delete it."""
        name = self.library.name
        delete_library(actor_id=self.user.id, library_id=self.library.id)
        messages.success(self.request, _("“%(name)s” is deleted.") % {"name": name})
        return redirect("pages:home")
