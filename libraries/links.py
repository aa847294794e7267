"""The addresses of pages that mail, the REST API and the admin name. The pages themselves are in `portal.pages`."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

from libraries.rules.networks import is_loopback


class Page(StrEnum):
    """A page, by its path below the site's base."""

    VERIFY = "/verify/{}"
    RESET = "/reset/{}"
    INVITATION = "/invitation/{}"
    VIEW = "/view/{}"
    JOIN = "/join"
    SCREEN = "/add-screen?code={}"


def link_to(request: HttpRequest, page: Page, secret: str = "") -> str:
    """The full address of a page, for other machines too: on the host that the request came to, or `shared_host`."""
    path = settings.PORTAL_BASE_PATH + page.value.format(secret)
    return f"{request.scheme}://{shared_host(request)}{path}"


def shared_host(request: HttpRequest) -> str:
    """The host and port of the request; if only this machine reaches it there, those for other machines, if any."""
    host = request.get_host()
    domain, port = split_domain_port(host)
    if not settings.PORTAL_LAN_HOSTS or not is_loopback(domain):
        return host
    return f"{settings.PORTAL_LAN_HOSTS[0]}:{port}" if port else str(settings.PORTAL_LAN_HOSTS[0])


def only_here(request: HttpRequest) -> str:
    """The host and port of the links that `link_to` makes, if no other machine reaches them; else nothing."""
    host = shared_host(request)
    return host if is_loopback(split_domain_port(host)[0]) else ""
