"""The top of the site, and the first library: made by name, or as a sample evening."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic import TemplateView

from libraries.models import User
from libraries.rules.state import MAX_NAME_CHARS
from libraries.selectors import libraries_of, portal_views_in
from libraries.services.invitations import invitations_for
from libraries.services.libraries import create_library
from libraries.services.samples import make_sample
from libraries.services.share_links import live_links, share_links_of
from portal.pages.base import FormPage, ForPeople, Page, page_of
from portal.pages.library_forms import Named
from portal.pages.sharing import share


class Home(Page, TemplateView):
    """`/`: what Portal is, or one's libraries."""

    http_method_names = ["get", "head", "options"]

    def get_template_names(self) -> list[str]:
        """Called by Django."""
        return ["pages/home.html" if self.request.user.is_authenticated else "pages/welcome.html"]

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """The libraries of whoever is logged in."""
        user = self.request.user
        return super().get_context_data(**given, **(_shown(self.request, user) if isinstance(user, User) else {}))


def _shown(request: HttpRequest, user: User) -> dict[str, Any]:
    libraries = libraries_of(user.id).annotate(view_count=Count("portal_views", distinct=True)).order_by("name", "id")
    return {
        "page": page_of(request, libraries),
        "invitations": invitations_for(user_id=user.id) if user.is_verified else (),
        "longest": MAX_NAME_CHARS,
    }


class _OneForm(ForPeople, FormPage):
    """A form of the page of libraries; if it is refused, the whole page is shown again."""

    http_method_names = ["post", "options"]
    template_name = "pages/home.html"
    form_class: type[Form] = Form

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """All libraries, and this form as it was filled in."""
        return super().get_context_data(**_shown(self.request, self.user), **given, failed={"form": given["form"]})


class MakeLibrary(_OneForm):
    """`/libraries`."""

    form_class = Named

    def act(self, form: Named) -> HttpResponse:
        """Make it."""
        library = create_library(actor_id=self.user.id, name=form.cleaned_data["name"])
        return redirect("pages:library", library.id)


class MakeSample(_OneForm):
    """`/sample`, and then its desk, with a link to share if there is none.

    The second time leads to that of the first, with what is missing made anew.
    """

    def act(self, form: Form) -> HttpResponse:
        """Make it."""
        library = make_sample(actor_id=self.user.id)
        view = portal_views_in(user_id=self.user.id, library_id=library.id).order_by("created_at").first()
        if view is None:
            return redirect("pages:library", library.id)
        desk = redirect("pages:desk", library.id, view.id)
        is_shared = live_links(share_links_of(user_id=self.user.id, portal_view_id=view.id)).exists()
        return desk if is_shared else share(desk, self.user.id, view.id)
