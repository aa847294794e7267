"""The Django application with the stored data of portal views."""

from __future__ import annotations

from django.apps import AppConfig


class LibrariesConfig(AppConfig):
    """Users, libraries, memberships and portal views."""

    name = "libraries"
    verbose_name = "Portal"

    def ready(self) -> None:
        """Hide the additional keys that the site configures."""
        from django.conf import settings

        from libraries.rules.net import hide_also

        hide_also(settings.PORTAL_HIDDEN_KEYS)
