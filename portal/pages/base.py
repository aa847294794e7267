"""What all pages share: their language, that no cache keeps them, and where a refusal by a service stands."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Page as PageOfRows
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import SimpleTemplateResponse
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.formats import number_format
from django.views.generic import FormView, TemplateView, View

from libraries.api.errors import STATUSES
from libraries.models import User
from libraries.rules.errors import Forbidden, NotFound, PortalError
from portal.pages.errors import wrong_method
from portal.pages.said import detail_said, said

BAD_REQUEST = 400
ROWS = 60
"""Of a list on one page."""


class Page(View):
    """A page; it reads forms, and no other bodies."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer in the reader's language; no cache keeps it. What somebody may not see is a page that says so."""
        with translation.override(language_of(request)):
            try:
                answer = super().dispatch(request, *args, **kwargs)
                if isinstance(answer, SimpleTemplateResponse):
                    answer.render()
            except (NotFound, Forbidden) as error:
                answer = refuse(render(request, "pages/refused.html", {"sentence": said(error)}), error)
        add_never_cache_headers(answer)
        return answer

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Called by Django for another method than those above."""
        return wrong_method(request, super().http_method_not_allowed(request).headers["Allow"])


def language_of(request: HttpRequest) -> str:
    """The code of the language for a page: what the account says, else the browser's cookie or `Accept-Language`."""
    chosen = getattr(request.user, "language", "")
    return chosen or translation.get_language_from_request(request)


def written(number: int) -> str:
    """A number as the language of the page writes it."""
    return number_format(number, force_grouping=True)


def page_of(request: HttpRequest, rows: Any) -> PageOfRows[Any]:
    """The part of a long list that `?page=` asks for; the nearest one, if there is no such part."""
    return Paginator(rows, ROWS).get_page(request.GET.get("page"))


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
    named = {key: detail_said(sentence) for key, sentence in (error.details or {}).items() if key in form.fields}
    for key, sentence in named.items():
        form.add_error(key, sentence)
    if not named:
        form.add_error(None, said(error))


def refuse(answer: HttpResponse, error: PortalError) -> HttpResponse:
    """The answer with the status that REST gives, and the time to wait, if there is one."""
    answer.status_code = STATUSES[error.code]
    if (wait := getattr(error, "wait", None)) is not None:
        answer.headers["Retry-After"] = str(wait)
    return answer


def log_in(request: HttpRequest, user: User) -> None:
    """Begin a new session of the person in this browser."""
    login(request, user, settings.AUTHENTICATION_BACKENDS[0])
