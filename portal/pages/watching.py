"""What guests, screens and members watch.

A page makes no guest and shows nothing by itself: its module opens a socket.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView

from libraries.digests import digest_of
from libraries.grants import portal_view_of_token
from libraries.rules.errors import NotFound
from libraries.selectors import portal_views_in
from portal.pages.base import Page, PlainPage
from portal.pages.library import InLibrary

_KEY_DIGITS = 24


class _Watch(Page, TemplateView):
    """The page; it looks the same for everybody, also to those who only make a preview of the link."""

    http_method_names = ["get", "head", "options"]
    template_name = "pages/watch.html"

    def shown(self, portal_view_id: UUID | None, key: str, share: str = "") -> HttpResponse:
        """The page for a portal view. `key` is where the browser keeps the guest's credential."""
        context: dict[str, Any] = {
            "key": f"portal-guest-{key}",
            "share": share,
            "site": settings.PORTAL_BASE_PATH,
            "portal_view_id": portal_view_id,
        }
        return self.render_to_response(context, status=404 if portal_view_id is None else 200)


class ByLink(_Watch):
    """`/view/<token>`."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """The page of a share link, also of one that has ended: the socket says so."""
        return self.shown(portal_view_of_token(token), digest_of(token)[:_KEY_DIGITS], token)


class ByCode(_Watch):
    """`/view/guest/<portalViewId>`, for a seat that a code gave."""

    def get(self, request: HttpRequest, portal_view_id: UUID) -> HttpResponse:
        """The page, also if there is no such portal view: the socket says so to a guest who has a seat."""
        return self.shown(portal_view_id, str(portal_view_id))


@method_decorator(csp_update({"img-src": settings.PORTAL_IMAGE_SOURCES}), name="dispatch")
class ByMember(InLibrary, PlainPage):
    """`/libraries/<libraryId>/views/<portalViewId>/stage`: what viewers see, for all members."""

    template_name = "pages/watch.html"

    def listed(self) -> dict[str, Any]:
        """The portal view, if it is one of the library; its module gets a ticket for the session of the page."""
        rows = portal_views_in(user_id=self.user.id, library_id=self.library.id)
        found = rows.filter(id=self.kwargs["portal_view_id"]).first()
        if found is None:
            raise NotFound("There is no such portal view.")
        return {"is_member": True, "name": found.name, "portal_view_id": found.id, "site": settings.PORTAL_BASE_PATH}
