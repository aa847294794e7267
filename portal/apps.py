"""The Django app of the project itself: its pages."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Settings, logs, and what is mounted where."""

    name = "portal"
