"""Refusals outside of the REST API: a page of one sentence. The status of each code is the one of REST."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from libraries.api.errors import AWAY, RETRY_SECONDS, STATUSES
from libraries.outages import is_outage, report
from libraries.rules.errors import TooManyAttempts, Unavailable


class RefusalMiddleware(MiddlewareMixin):
    """Answers a form that may be sent again later, such as the admin's log-in, with 429 or 503 and `Retry-After`."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer, or None for other exceptions."""
        if is_outage(exception):
            report(exception)
            exception = Unavailable(AWAY)
        if not isinstance(exception, TooManyAttempts | Unavailable):
            return None
        wait = getattr(exception, "wait", RETRY_SECONDS)
        return HttpResponse(
            exception.message,
            status=STATUSES[exception.code],
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": str(wait)},
        )
