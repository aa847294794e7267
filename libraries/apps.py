"""The Django application with the stored data of portal views."""

from __future__ import annotations

from django.apps import AppConfig


class LibrariesConfig(AppConfig):
    """Users, libraries, memberships and portal views."""

    name = "libraries"
    verbose_name = "Portal"

    def ready(self) -> None:
        """Hide the additional keys that the site configures, and follow log-ins to pages."""
        from django.conf import settings

        from libraries.rules.net import hide_also
        from libraries.services.sessions import follow_page_sessions

        hide_also(settings.PORTAL_HIDDEN_KEYS)
        follow_page_sessions()
