"""The headers that tell browsers what pages may do and say, beside those of Django and of `portal.csp`.

The middleware is a plain function, and a coroutine among coroutines: one that Django has to call in a thread costs each
request two switches of threads.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port
from django.utils.decorators import sync_and_async_middleware

OWN = ("fullscreen", "screen-wake-lock", "clipboard-write")
"""What our own pages use: a screen fills itself with a picture, and stays on; a button copies a link."""
OFF = (
    *("accelerometer", "autoplay", "browsing-topics", "camera", "clipboard-read"),
    *("display-capture", "encrypted-media", "gamepad", "geolocation", "gyroscope", "hid", "identity-credentials-get"),
    *("idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "otp-credentials", "payment"),
    *("picture-in-picture", "publickey-credentials-create", "publickey-credentials-get", "serial", "storage-access"),
    *("sync-xhr", "usb", "window-management", "xr-spatial-tracking"),
)
PERMISSIONS = ", ".join([*(f"{name}=(self)" for name in OWN), *(f"{name}=()" for name in OFF)])
SECRET_PAGES = re.compile(r"/(?:view|verify|reset|invitation|add-screen)(?:/|\Z)")
"""The paths, below the site's own, of pages whose address has a secret."""


def _add(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers["Permissions-Policy"] = PERMISSIONS
    if (
        request.scheme == "http"
        and split_domain_port(request.META.get("HTTP_HOST", ""))[0] in settings.PORTAL_LAN_HOSTS
    ):
        # Over plain http from another machine, browsers ignore it, and complain in the console
        response.headers.pop("Cross-Origin-Opener-Policy", None)
    if SECRET_PAGES.match(request.path_info) and _is_secret(request):
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _is_secret(request: HttpRequest) -> bool:
    """Whether the secret is in the address.

    The pages that it was taken out of have forms, and from a page without a referrer browsers send `Origin: null` with
    a form, which is refused.
    """
    return bool(request.META.get("QUERY_STRING")) or request.path_info.count("/") > 1


@sync_and_async_middleware
def browser_headers(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Django's middleware: each answer gets a Permissions-Policy, and one with a secret in its address no referrer."""
    if iscoroutinefunction(get_response):
        answer: Callable[[HttpRequest], Awaitable[HttpResponseBase]] = get_response

        async def in_event_loop(request: HttpRequest) -> HttpResponseBase:
            return _add(request, await answer(request))

        return in_event_loop

    def in_thread(request: HttpRequest) -> HttpResponseBase:
        return _add(request, get_response(request))

    return in_thread
