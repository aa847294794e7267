"""Guests' cookies: an `<img>` sends no header, so a page keeps the guest's credential in a cookie for pictures.

Each link has a cookie of its own, because one browser may watch several portal views at once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import OpenView
from libraries.api.fields import Text
from libraries.api.schema import documented
from libraries.api.serializers import Body
from libraries.digests import digest_of
from libraries.tokens import Credential, TokenExpired, TokenInvalid, verify_guest, with_keys

MAX_GUEST_COOKIES = 8
"""How many are kept and read: all cookies of a site travel in the head of each request."""
MAX_CREDENTIAL_CHARS = 2_048
_DIGITS = 16
_NAME = re.compile(rf"guest-[0-9a-f]{{{_DIGITS}}}")


def guest_cookies(cookies: Mapping[str, str]) -> dict[str, str]:
    """The guests' cookies among these, in their order; at most `MAX_GUEST_COOKIES`, and the first ones are dropped."""
    prefix = settings.PORTAL_COOKIE_PREFIX
    found = [
        (name, text)
        for name, text in cookies.items()
        if name.startswith(prefix) and _NAME.fullmatch(name.removeprefix(prefix)) and len(text) <= MAX_CREDENTIAL_CHARS
    ]
    return dict(found[-MAX_GUEST_COOKIES:])


class GuestCredentialSerializer(Body):
    """A guest's credential."""

    guest = Text(max_length=MAX_CREDENTIAL_CHARS)


class GuestCookie(OpenView):
    """`auth/guest-cookie`."""

    @documented(
        "Keep a guest's credential in a cookie", body=GuestCredentialSerializer, status=204, errors=(401,), open=True
    )
    def post(self, request: Request) -> Response:
        """So that the browser of a guest gets pictures, for which it sends no header.

        There is one cookie for each share link, at most eight; the oldest is deleted. It gives nothing but pictures.
        """
        text = self.read(GuestCredentialSerializer)["guest"]
        try:
            credential = with_keys(lambda: verify_guest(text))
        except (TokenExpired, TokenInvalid) as error:
            raise AuthenticationFailed(error.message, error.code) from None
        answer = Response(status=204)
        name = name_of(credential)
        # Browsers send the oldest first (RFC 6265, section 5.4)
        kept = [other for other in guest_cookies(request.COOKIES) if other != name][1 - MAX_GUEST_COOKIES :]
        prefix = f"{settings.PORTAL_COOKIE_PREFIX}guest-"
        for other in request.COOKIES:
            if other.startswith(prefix) and other not in (name, *kept):
                answer.set_cookie(other, max_age=0, expires="Thu, 01 Jan 1970 00:00:00 GMT", **_options())
        answer.set_cookie(name, text, max_age=_seconds_left(credential), **_options())
        return answer


def name_of(credential: Credential) -> str:
    """The name of the cookie of a guest of that link."""
    return f"{settings.PORTAL_COOKIE_PREFIX}guest-{digest_of(str(credential.grant.link_id))[:_DIGITS]}"


def _seconds_left(credential: Credential) -> int:
    return max(1, int(credential.expires_at - settings.PORTAL_CLOCK_LEEWAY_SECONDS - time.time()))


def _options() -> dict[str, Any]:
    return {
        "path": settings.SESSION_COOKIE_PATH,
        "secure": settings.SESSION_COOKIE_SECURE,
        "httponly": True,
        "samesite": "Lax",
    }
