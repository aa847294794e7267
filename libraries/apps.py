"""The application that stores what portal views show."""

from __future__ import annotations

from django.apps import AppConfig


class LibrariesConfig(AppConfig):
    """Users, libraries, memberships and portal views."""

    name = "libraries"
    verbose_name = "Portal"

    def ready(self) -> None:
        """Hide the keys that the site adds to the table of hidden ones."""
        from django.conf import settings

        from libraries.rules.projection import hide_also

        hide_also(settings.PORTAL_HIDDEN_KEYS)
