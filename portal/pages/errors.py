"""What browsers get where no page answers: an unknown address, a request or a form that is not good, a fault of ours.

These pages ask neither the database nor the session, which may be what has failed: they are in the language and the
colours of the browser. Below /api/ are REST's own refusals.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _

from libraries.api import errors as rest
from libraries.rules.errors import PortalError
from portal.pages.said import said

_AGAIN = _("Go back, load the page again, and try once more. If that does not help, tell whoever runs this site.")


def error_page(request: HttpRequest, status: int, head: object, sentence: object) -> HttpResponse:
    """A page of a heading and a sentence, which are strings that are translated when they are written."""
    with translation.override(translation.get_language_from_request(request)):
        text = render_to_string("pages/error.html", {"head": head, "sentence": sentence})
    answer = HttpResponse(text, status=status)
    add_never_cache_headers(answer)
    return answer


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """`handler400`: a request that Django itself refuses, for example for its Host header."""
    if rest.is_rest(request):
        return rest.bad_request(request, exception)
    return error_page(request, 400, _("This request is not valid."), _AGAIN)


def foreign_form(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """`CSRF_FAILURE_VIEW`: a form that is not from a page of ours, or from one whose cookie is gone."""
    sentence = _(
        "Nothing was changed. Go back, load the page again, and send it once more. Your browser must accept the "
        "cookies of this site."
    )
    return error_page(request, 403, _("This page was open for too long."), sentence)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """`handler403`."""
    return error_page(request, 403, _("You may not see this page."), _("Ask whoever runs this site to let you."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """`handler404`: it does not say whether there was something for others."""
    if rest.is_rest(request):
        return rest.not_found(request, exception)
    sentence = _("The address may have a typing error, or what was here is gone.")
    return error_page(request, 404, _("There is no such page."), sentence)


def wrong_method(request: HttpRequest, allowed: str) -> HttpResponse:
    """An address that only a form leads to, opened by itself."""
    sentence = _("This address only takes a form. Go back, or begin again at the first page.")
    answer = error_page(request, 405, _("There is nothing to see here."), sentence)
    answer.headers["Allow"] = allowed
    return answer


def not_now(request: HttpRequest, error: PortalError, wait: int) -> HttpResponse:
    """A refusal of what may be sent again in so many seconds."""
    with translation.override(translation.get_language_from_request(request)):
        answer = error_page(request, rest.STATUSES[error.code], _("Not now."), said(error))
    answer.headers["Retry-After"] = str(wait)
    return answer


def server_error(request: HttpRequest) -> HttpResponseBase:
    """`handler500`; Django has logged the exception."""
    if rest.is_rest(request):
        return rest.server_error(request)
    return error_page(request, 500, _("Something went wrong on our side."), _("It is logged. Try again in a while."))
