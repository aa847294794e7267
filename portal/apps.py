"""The Django apps of the project itself: its pages, and its admin."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class PortalConfig(AppConfig):
    """Settings, logs, and what is mounted where."""

    name = "portal"
    default = True


class PortalAdminConfig(admin.AdminConfig):
    """Django's admin on a site of our own."""

    default = False
    default_site = "portal.admin_site.Site"
