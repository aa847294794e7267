"""The addresses of pages that mail, the REST API and the admin name. The pages themselves are in `portal.pages`."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.http import HttpRequest


class Page(StrEnum):
    """A page, by its path below the site's base."""

    VERIFY = "/verify/{}"
    RESET = "/reset/{}"
    INVITATION = "/invitation/{}"
    VIEW = "/view/{}"
    JOIN = "/join"
    SCREEN = "/add-screen?code={}"


def link_to(request: HttpRequest, page: Page, secret: str = "") -> str:
    """The full address of a page, on the host that the request came to."""
    return request.build_absolute_uri(settings.PORTAL_BASE_PATH + page.value.format(secret))
