"""The content security policy of pages that need another one: the admin, the API's documentation, and the screens.

The policy of all other pages is in `portal.settings`; nothing is relaxed for them.
"""

from collections.abc import Sequence

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

# Path -> additional directives
RELAXED: dict[str, dict[str, Sequence[str]]] = {
    # unfold runs on Alpine.js, which evaluates the expressions in its templates, and sets styles inline
    "/admin/": {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]},
    # where the pictures that controllers show may be; that page runs nothing but its own files, either
    "/view/": {"img-src": settings.PORTAL_IMAGE_SOURCES},
    # Swagger UI starts from an inline script and sets styles inline
    "/api/docs": {"script-src": [UNSAFE_INLINE], "style-src": [UNSAFE_INLINE]},
}


class PortalCSPMiddleware(CSPMiddleware):
    """django-csp's middleware, with the additions of `RELAXED` below a path."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """The parts of the policy for this response; a view's own decorators come first."""
        parts = super().get_policy_parts(request, response, report_only)
        if parts.update is None:
            parts.update = next((extra for path, extra in RELAXED.items() if request.path_info.startswith(path)), None)
        return parts
