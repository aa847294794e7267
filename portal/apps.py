"""The Django app of the project itself: its pages, and what must be connected once all apps are loaded."""

from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Connects the receiver of locked log-ins."""

    name = "portal"

    def ready(self) -> None:
        """Called by Django once."""
        import_module("portal.logins")
