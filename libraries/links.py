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
    if not is_only_here(request) or not settings.PORTAL_LAN_HOSTS:
        return host
    _, port = split_domain_port(host)
    return f"{settings.PORTAL_LAN_HOSTS[0]}:{port}" if port else str(settings.PORTAL_LAN_HOSTS[0])


def is_only_here(request: HttpRequest) -> bool:
    """Whether the request came to a host that no other machine reaches, such as 127.0.0.1."""
    domain, _ = split_domain_port(request.get_host())
    return is_loopback(domain)
