"""The link of an invitation: what it invites to, and a button to accept it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from libraries.models import Membership, User
from libraries.rules.errors import NotFound
from libraries.services.invitations import accept_by_token, look_at_invitation
from portal.pages.base import FormPage
from portal.pages.carried import carried, drop, take
from portal.pages.language import ROLE_NAMES
from portal.pages.said import said

_TOKEN = "invitation"  # noqa: S105  # a cookie's name


class TakeInvitation(View):
    """`/invitation/<token>`."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Go on without the token in the address: who has to log in first keeps it."""
        return take("pages:invitation", _TOKEN, token)


class Invitation(FormPage):
    """`/invitation`; it can be looked at before a log-in."""

    template_name = "pages/invitation.html"
    form_class = Form

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """What the link invites to, or why it does not."""
        token = carried(self.request, _TOKEN)
        shown: dict[str, Any] = {"has_token": bool(token), "here": reverse("pages:invitation")}
        try:
            shown["invitation"] = look_at_invitation(token=token) if token else None
        except NotFound as error:
            shown["fault"] = said(error)
        return super().get_context_data(**given, **shown)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Called by Django: only somebody who is logged in can accept it."""
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("pages:invitation"))
        return super().post(request, *args, **kwargs)

    def act(self, form: Form) -> HttpResponse:
        """Accept it."""
        assert isinstance(self.request.user, User)  # noqa: S101  # `post` lets nobody else in
        membership = accept_by_token(user_id=self.request.user.id, token=carried(self.request, _TOKEN))
        return drop(welcome(self.request, membership), _TOKEN)


def welcome(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Say that the person is a member now, and show the library."""
    words = {"role": ROLE_NAMES[membership.role], "library": membership.library.name}
    messages.success(request, _("You are %(role)s of “%(library)s” now.") % words)
    return redirect("pages:library", membership.library_id)
