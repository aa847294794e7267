"""The Django apps of the project itself: its pages, and its admin."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class PortalConfig(AppConfig):
    """Settings, logs, and URLs."""

    name = "portal"
    default = True


class PortalAdminConfig(admin.AdminConfig):
    """Django's admin with our own site class."""

    default = False
    default_site = "portal.admin_site.Site"
