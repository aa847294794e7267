"""The existing routes and actions, found in the code, for comparison with the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from libraries.models import User

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def patterns(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every pattern of the site with its complete route."""
    for pattern in (resolver or get_resolver()).url_patterns:
        part = str(pattern.pattern)
        route = before + (part.removeprefix("^") if before else part)  # in the form of Django's `resolve`
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route)
        else:
            yield route, pattern


def route_of(address: str) -> str:
    """The pattern for an address."""
    found = resolve(address.partition("?")[0].partition("#")[0])
    return str(found.route)


def is_page(pattern: URLPattern) -> bool:
    """Whether it is a page of `portal.pages`."""
    callback: Any = pattern.callback
    return str(getattr(callback, "view_class", callback).__module__).startswith("portal.pages.")


def methods_of(pattern: URLPattern) -> set[str]:
    """The methods of a class of views, without HEAD, which is GET, and OPTIONS; GET alone for a function."""
    callback: Any = pattern.callback
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if view is None:
        return {"GET"}
    return {method for method in METHODS if hasattr(view, method.lower())} or {"GET"}


def actions() -> set[str]:
    """Every action of every list of the admin, by its address, for a person with all permissions."""
    request = RequestFactory().get("/")
    request.user = User(is_staff=True, is_superuser=True)
    return {
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/#{name}"
        for model, model_admin in admin.site._registry.items()
        for name in model_admin.get_actions(request)
    }
