"""What all pages share: they are stored nowhere, and a refusal by a service stands in the form that caused it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.mixins import LoginRequiredMixin
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.views.generic import FormView, TemplateView, View

from libraries.api.errors import STATUSES
from libraries.models import User
from libraries.rules.errors import PortalError

BAD_REQUEST = 400


class Page(View):
    """A page; it reads forms, and no other bodies."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer; no cache keeps it."""
        answer = super().dispatch(request, *args, **kwargs)
        add_never_cache_headers(answer)
        return answer


class PlainPage(Page, TemplateView):
    """A page without a form of its own."""

    http_method_names = ["get", "head", "options"]


class FormPage(Page, FormView):  # type: ignore[type-arg]  # Django's class takes no type at run time
    """A page with a form: `act` does what it asks for, and may raise PortalError."""

    def act(self, form: Any) -> HttpResponse:
        """Do it, and send the browser on."""
        raise NotImplementedError

    def form_valid(self, form: Any) -> HttpResponse:
        """Called by Django for a form without faults."""
        try:
            return self.act(form)
        except PortalError as error:
            blame(form, error)
            return refuse(self.form_invalid(form), error)

    def form_invalid(self, form: Any) -> HttpResponse:
        """Called by Django for a form with faults: it is shown again."""
        answer = super().form_invalid(form)
        answer.status_code = BAD_REQUEST
        return answer


class ForPeople(LoginRequiredMixin):
    """A page for somebody who is logged in."""

    request: HttpRequest

    @property
    def user(self) -> User:
        """The person."""
        assert isinstance(self.request.user, User)  # noqa: S101  # the mixin lets nobody else in
        return self.request.user


def blame(form: Form, error: PortalError) -> None:
    """Put a service's refusal beside the fields that it names, or above the form."""
    named = {key: sentence for key, sentence in (error.details or {}).items() if key in form.fields}
    for key, sentence in named.items():
        form.add_error(key, sentence)
    if not named:
        form.add_error(None, error.message)


def refuse(answer: HttpResponse, error: PortalError) -> HttpResponse:
    """The answer with the status that REST gives, and the time to wait, if there is one."""
    answer.status_code = STATUSES[error.code]
    if (wait := getattr(error, "wait", None)) is not None:
        answer.headers["Retry-After"] = str(wait)
    return answer


def log_in(request: HttpRequest, user: User) -> None:
    """Begin a new session of the person in this browser."""
    login(request, user, settings.AUTHENTICATION_BACKENDS[0])
