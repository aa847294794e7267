"""Tells `portal.admission` which route of the REST API a request had, so that its time is counted there.

The names of routes are the code's own. A path, or a method that no route has, is the client's: it is no label.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

ROUTE: Final = "portal.route"
"""The key of the ASGI scope that has the route; without one nothing is counted."""
API = "api/"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_VALUE = re.compile(r"<(?:[a-z_]+:)?([a-z_]+)>")


def route_of(request: HttpRequest) -> str | None:
    """The route of a request that was answered, such as `/api/portal-views/{portal_view_id}`; None if it has none."""
    match = request.resolver_match
    if match is None or request.method not in METHODS:
        return None
    if not match.route.startswith(API) or match.route == API:  # which stands for everything that is not there
        return None
    return "/" + _VALUE.sub(r"{\1}", match.route).rstrip("/")


def _note(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    scope: Any = getattr(request, "scope", None)
    if scope is not None and (route := route_of(request)) is not None:
        scope[ROUTE] = route
    return response


@sync_and_async_middleware
def note_route(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Django's middleware: note the route in the scope of the request."""
    if iscoroutinefunction(get_response):
        answer: Callable[[HttpRequest], Awaitable[HttpResponseBase]] = get_response

        async def in_event_loop(request: HttpRequest) -> HttpResponseBase:
            return _note(request, await answer(request))

        return in_event_loop

    def in_thread(request: HttpRequest) -> HttpResponseBase:
        return _note(request, get_response(request))

    return in_thread
