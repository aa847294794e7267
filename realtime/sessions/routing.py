"""The path of a portal view's socket. Every other path is answered too, so that a browser shows the reason."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter
from django.urls import re_path

from realtime.sessions.consumer import PortalViewConsumer

_consumer: Any = PortalViewConsumer.as_asgi()  # in Django's types a route leads to a view
_routes: list[Any] = [
    re_path(r"^ws/portal-view$", _consumer, {"portal_view_id": ""}),
    re_path(r"^ws/portal-view/(?P<portal_view_id>[^/]*)/?$", _consumer),
    re_path(r"", _consumer),
]

application = URLRouter(_routes)
