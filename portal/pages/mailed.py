"""The links of mail about an account: to verify its address, and to choose a new password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views import View

from libraries.links import Page as Link
from libraries.links import link_to
from libraries.services import accounts, mailed
from libraries.services.logins import count_request, network_of_request
from portal.pages import forms
from portal.pages.base import FormPage
from portal.pages.carried import carried, drop, take


class TakeVerification(View):
    """`/verify/<token>`."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Go on without the token in the address."""
        return take("pages:verify", "verify", token)


class Verify(FormPage):
    """`/verify`: a button, because mail scanners follow links."""

    template_name = "pages/verify.html"
    form_class = Form

    def act(self, form: Form) -> HttpResponse:
        """Verify the address."""
        count_request(self.request)
        user = mailed.verify_address(token=carried(self.request, "verify"))
        messages.success(self.request, _("%(email)s is verified.") % {"email": user.email})
        return drop(redirect("pages:account"), "verify")

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Whether there is a token."""
        return super().get_context_data(**given, has_token=bool(carried(self.request, "verify")))


class Reset(FormPage):
    """`/reset`: ask for the mail."""

    template_name = "pages/reset.html"
    form_class = forms.Address

    def act(self, form: forms.Address) -> HttpResponse:
        """Send it, if there is such an account; the answer is the same if there is none."""
        count_request(self.request)
        mailed.request_reset(
            email=form.cleaned_data["email"],
            network=network_of_request(self.request),
            link_of=lambda token: link_to(self.request, Link.RESET, token),
        )
        messages.info(self.request, _("If there is an account with this address, a mail is on its way to it."))
        return redirect("pages:login")


class TakeReset(View):
    """`/reset/<token>`."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Go on without the token in the address."""
        return take("pages:new-password", "reset", token)


class NewPassword(FormPage):
    """`/new-password`."""

    template_name = "pages/new_password.html"
    form_class = forms.NewPassword

    def act(self, form: forms.NewPassword) -> HttpResponse:
        """Set it; all sessions end."""
        count_request(self.request)
        accounts.reset_password(token=carried(self.request, "reset"), password=form.cleaned_data["password"])
        messages.success(self.request, _("Your password is changed: log in with it."))
        return drop(redirect("pages:login"), "reset")

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Whether there is a token."""
        return super().get_context_data(**given, has_token=bool(carried(self.request, "reset")))
