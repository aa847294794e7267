"""A secret is taken out of an address at once, and carried in a cookie to the page that uses it; so is a new link.

So it is in no history, no bookmark and no `Referer`, a mail's scanner that opens the link uses nothing up, and somebody
who has to log in first keeps it. It is not stored here: whoever has the cookie has the link.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

SECONDS = 3600
"""How long it is carried: about as long as mailed links are good."""
_LONGEST = 200


def take(page: str, name: str, secret: str) -> HttpResponse:
    """Send the browser to the page, with the secret in a cookie of that name."""
    return carry(redirect(page), name, secret)


def carry(answer: HttpResponse, name: str, secret: str) -> HttpResponse:
    """The answer, after which the browser carries the secret in a cookie of that name."""
    answer.set_cookie(
        _cookie(name),
        secret[:_LONGEST],
        max_age=SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",  # not Strict: people come from links in mail
    )
    return answer


def carried(request: HttpRequest, name: str) -> str:
    """The secret that this browser carries, or nothing."""
    return request.COOKIES.get(_cookie(name), "")[:_LONGEST]


def drop(answer: HttpResponse, name: str) -> HttpResponse:
    """The answer, after which the browser does not carry the secret any more."""
    answer.delete_cookie(_cookie(name), path=settings.SESSION_COOKIE_PATH, samesite="Lax")
    return answer


def _cookie(name: str) -> str:
    return f"{settings.PORTAL_COOKIE_PREFIX}{name}-token"
