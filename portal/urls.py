"""What is mounted where. A view of more than a few lines does not belong here."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from portal.health import Health, Ready


@csrf_exempt
def socketio_not_supported(request: HttpRequest, rest: str | None = None) -> JsonResponse:
    """Tell a Socket.IO client, which polls over http first, what to speak instead."""
    message = "Socket.IO is not supported. Open a plain WebSocket at /ws/portal-view/<portalViewId>."
    body = {"code": "socketio-not-supported", "message": message, "details": None}
    return JsonResponse(body, status=400)


urlpatterns = [
    path("", RedirectView.as_view(url="/api/docs")),
    path("admin/", admin.site.urls),
    re_path(r"^api/health/?$", Health.as_view(), name="health"),
    re_path(r"^api/health/ready/?$", Ready.as_view(), name="ready"),
    path("api/", include("libraries.urls")),
    re_path(r"^socket\.io(/.*)?$", socketio_not_supported),
]

# One shape of errors below /api/, Django's own elsewhere
handler400 = "libraries.api_errors.bad_request"
handler404 = "libraries.api_errors.not_found"
handler500 = "libraries.api_errors.server_error"
