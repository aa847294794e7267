"""The two ways to a place without a link: a guest types a code, and a screen shows one."""

from __future__ import annotations

import io
from operator import itemgetter
from typing import Any
from uuid import UUID

import segno
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from libraries.digests import is_code, read_code
from libraries.links import Page as Link
from libraries.links import link_to, shared_host
from libraries.rules.roles import PortalRole, Role, portal_role
from libraries.selectors import portal_views_of
from libraries.services.logins import network_of_request
from libraries.services.screens import add_screen
from portal.pages import forms
from portal.pages.base import FormPage, ForPeople, PlainPage
from portal.pages.carried import carried, drop, take

_CODE = "screen"


class Join(PlainPage):
    """`/join`: its module exchanges the code, so that the guest's credential stays in this browser."""

    template_name = "pages/join.html"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """The form, and where its module goes."""
        base = settings.PORTAL_BASE_PATH
        return super().get_context_data(**given, form=forms.Join(), api=f"{base}/api/join", view=f"{base}/view/guest/")


class Television(PlainPage):
    """`/tv`: its module gets a code, and waits until somebody adds the screen."""

    template_name = "pages/tv.html"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """The address to type, and where the module goes."""
        base = settings.PORTAL_BASE_PATH
        address = shared_host(self.request) + reverse("pages:add-screen")
        return super().get_context_data(**given, address=address, api=f"{base}/api/screens", view=f"{base}/view/")


@require_safe
@never_cache
def qr(request: HttpRequest) -> HttpResponse:
    """`/tv/qr.svg?code=…`: the address where a controller adds the screen, to scan."""
    code = read_code(request.GET.get("code", ""))
    if not is_code(code):
        raise Http404("There is no such code.")
    image = io.BytesIO()
    segno.make_qr(link_to(request, Link.SCREEN, code)).save(
        image, kind="svg", border=4, light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return HttpResponse(image.getvalue(), content_type="image/svg+xml")


class AddScreen(ForPeople, FormPage):
    """`/add-screen`."""

    template_name = "pages/add_screen.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the code out of the address first: who has to log in keeps it."""
        if request.method in {"GET", "HEAD"} and "code" in request.GET:
            return take("pages:add-screen", _CODE, request.GET["code"])
        return super().dispatch(request, *args, **kwargs)

    def get_form(self, form_class: type[forms.AddScreen] | None = None) -> forms.AddScreen:
        """Called by Django: the form offers what the person controls."""
        data = self.request.POST if self.request.method == "POST" else None
        initial = {"code": carried(self.request, _CODE)}
        return forms.AddScreen(data, initial=initial, portal_views=self._controlled())

    def _controlled(self) -> list[tuple[UUID, str]]:
        views = portal_views_of(self.user.id).select_related("library").defer("items", "disclosure")
        controlled = (view for view in views if portal_role(Role(view.role)) is PortalRole.CONTROLLER)
        return sorted(((view.id, f"{view.name} ({view.library})") for view in controlled), key=itemgetter(1))

    def act(self, form: forms.AddScreen) -> HttpResponse:
        """Give the screen a link of its own."""
        values = form.cleaned_data
        add_screen(
            actor_id=self.user.id,
            portal_view_id=UUID(values["portal_view"]),
            code=values["code"],
            label=values["label"],
            network=network_of_request(self.request),
        )
        sentence = _("“%(name)s” is added: it shows the picture in a few seconds.")
        messages.success(self.request, sentence % {"name": values["label"]})
        return drop(redirect("pages:add-screen"), _CODE)
