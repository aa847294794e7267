"""The Django apps of the project itself: its pages, its admin, and what must be connected once all apps are loaded."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class PortalConfig(AppConfig):
    """Connects the receiver of locked log-ins."""

    name = "portal"
    default = True

    def ready(self) -> None:
        """Called by Django once."""
        import_module("portal.logins")


class PortalAdminConfig(admin.AdminConfig):
    """Django's admin on a site of our own."""

    default = False
    default_site = "portal.admin_site.Site"
