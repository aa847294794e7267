"""Refusals by middleware: outside of the REST API a page, with the status of the code in REST."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from libraries.api.errors import AWAY, RETRY_SECONDS, STATUSES, bad_request, is_rest
from libraries.outages import is_outage, report
from libraries.rules.errors import NotFound, TooManyAttempts, Unavailable
from portal.pages.errors import not_found, not_now


class HostMiddleware(MiddlewareMixin):
    """Answers a wrong Host header below /api/ as JSON in debug mode too, where Django has a page of its own for it."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """The answer, or None for other requests."""
        if not is_rest(request):
            return None
        try:
            request.get_host()
        except DisallowedHost as error:
            logging.getLogger("django.security.DisallowedHost").error(
                str(error), extra={"status_code": 400, "request": request}
            )
            return bad_request(request, error)
        return None


class UnknownMiddleware(MiddlewareMixin):
    """In debug mode, too, an address that nothing is at has our page: Django's own lists all addresses of the site."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The answer as it is, or our page."""
        is_unknown = response.status_code == STATUSES[NotFound.code] and request.resolver_match is None
        return not_found(request, Http404()) if settings.DEBUG and is_unknown else response


class RefusalMiddleware(MiddlewareMixin):
    """Answers a form that may be sent again later, such as the admin's log-in, with 429 or 503 and `Retry-After`."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer, or None for other exceptions."""
        if is_outage(exception):
            report(exception)
            exception = Unavailable(AWAY)
        if not isinstance(exception, TooManyAttempts | Unavailable):
            return None
        return not_now(request, exception, getattr(exception, "wait", RETRY_SECONDS))
