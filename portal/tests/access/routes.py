"""What there is to ask for, found in the code: the tables are compared with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from libraries.models import User

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def patterns(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every pattern of the site with the whole of its route."""
    for pattern in (resolver or get_resolver()).url_patterns:
        part = str(pattern.pattern)
        route = before + (part.removeprefix("^") if before else part)  # as Django's `resolve` names it
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route)
        else:
            yield route, pattern


def route_of(address: str) -> str:
    """The pattern that answers at an address."""
    found = resolve(address.partition("?")[0].partition("#")[0])
    return str(found.route)


def methods_of(pattern: URLPattern) -> set[str]:
    """The methods that a class of views has, without HEAD, which is GET, and OPTIONS; GET alone for a function."""
    callback: Any = pattern.callback
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if view is None or view.__name__ == "RedirectView":
        return {"GET"}
    return {method for method in METHODS if hasattr(view, method.lower())} or {"GET"}


def actions() -> set[str]:
    """Every action of every list of the admin, by its address, for somebody who may do everything."""
    request = RequestFactory().get("/")
    request.user = User(is_staff=True, is_superuser=True)
    return {
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/#{name}"
        for model, model_admin in admin.site._registry.items()
        for name in model_admin.get_actions(request)
    }
