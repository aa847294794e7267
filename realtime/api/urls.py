"""The addresses of the REST API that need live connections; those of what is stored are in `libraries.api.urls`."""

from django.urls import URLPattern, path
from rest_framework.views import APIView

from realtime.api.presence import Disconnect, LibraryPresence, LivePresence


def _at(route: str, view: type[APIView], name: str) -> list[URLPattern]:
    """The address without a slash, which is the documented one, and with one."""
    return [path(route, view.as_view(), name=name), path(f"{route}/", view.as_view(schema=None))]


_PRESENCE = "portal-views/<uuid:portal_view_id>/presence"

urlpatterns = [
    *_at(_PRESENCE, LivePresence, "presence"),
    *_at(f"{_PRESENCE}/<uuid:subject_id>/disconnect", Disconnect, "disconnect"),
    *_at("libraries/<uuid:library_id>/presence", LibraryPresence, "library-presence"),
]
