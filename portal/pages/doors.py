"""Log-in, log-out and registration."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from libraries.links import Page as Link
from libraries.links import link_to
from libraries.models import User
from libraries.services import logins
from libraries.services.accounts import checked_password
from libraries.services.people import register_user
from portal.pages import forms
from portal.pages.base import BAD_REQUEST, FormPage, Page, log_in, refuse
from portal.pages.language import remember


class LogIn(Page, views.LoginView):
    """`/login`."""

    template_name = "pages/login.html"
    authentication_form = forms.LogIn
    next_page = "pages:home"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Called by Django. Pages that ask no database, such as those for errors, get the account's language, too."""
        answer = super().form_valid(form)
        code = form.get_user().language
        return remember(answer, code) if code else answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Called by Django: say what is wrong, or how long to wait."""
        answer = super().form_invalid(form)
        answer.status_code = BAD_REQUEST
        refusal = cast(forms.LogIn, form).refusal
        return answer if refusal is None else refuse(answer, refusal)

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Where to go after it, for those who register first."""
        target = self.get_redirect_url()
        return super().get_context_data(**given, query=f"?{urlencode({'next': target})}" if target else "")


class LogOut(Page, views.LogoutView):
    """`/logout`: a button, because following a link must not log out."""

    http_method_names = ["get", "head", "post", "options"]
    next_page = "pages:login"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page with the button."""
        return TemplateResponse(request, "pages/logout.html")


class Register(views.RedirectURLMixin, FormPage):
    """`/register`; afterwards one is logged in."""

    template_name = "pages/register.html"
    form_class = forms.Register
    next_page = "pages:home"

    def act(self, form: forms.Register) -> HttpResponse:
        """Make the account."""
        values = form.cleaned_data
        logins.count_request(self.request)
        checked_password(values["password"], User(email=values["email"], name=values["name"]))
        user = register_user(
            **values,
            network=logins.network_of_request(self.request),
            link_of=lambda token: link_to(self.request, Link.VERIFY, token),
        )
        log_in(self.request, user)
        return redirect(self.get_success_url())

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Where to go afterwards."""
        return super().get_context_data(**given, next=self.get_redirect_url(), mails=settings.PORTAL_SENDS_MAIL)
