"""The project's URLs. A view of more than a few lines does not belong here."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from portal.health import Health, Ready


@csrf_exempt
def socketio_not_supported(request: HttpRequest, rest: str | None = None) -> JsonResponse:
    """Tell a Socket.IO client, which first polls over HTTP, which protocol to use instead."""
    message = "Socket.IO is not supported. Open a plain WebSocket at /ws/portal-view/<portalViewId>."
    body = {"code": "socketio-not-supported", "message": message, "details": None}
    return JsonResponse(body, status=400)


@csrf_exempt
def upgrade_required(request: HttpRequest, rest: str | None = None) -> JsonResponse:
    """Explain the address of a socket to a client that requests it over HTTP (RFC 9110, section 15.5.22)."""
    message = "This is a WebSocket's address: open it with ws:// or wss://. A proxy before us must pass Upgrade on."
    body = {"code": "upgrade-required", "message": message, "details": None}
    return JsonResponse(body, status=426, headers={"Upgrade": "websocket"})


urlpatterns = [
    path("", include("portal.pages.urls")),
    path("admin/", admin.site.urls),
    re_path(r"^api/health/?$", Health.as_view(), name="health"),
    re_path(r"^api/health/ready/?$", Ready.as_view(), name="ready"),
    path("api/", include("realtime.api.urls")),  # first: the other one answers every address below /api/
    path("api/", include("libraries.api.urls")),
    re_path(r"^socket\.io(/.*)?$", socketio_not_supported),
    re_path(r"^ws/portal-view(/[^/]*)?/?$", upgrade_required),
]

handler400 = "portal.pages.errors.bad_request"
handler403 = "portal.pages.errors.forbidden"
handler404 = "portal.pages.errors.not_found"
handler500 = "portal.pages.errors.server_error"
