"""The Django app of the pages: it has templates and static files, and no models."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """The pages."""

    name = "portal.pages"
    label = "pages"
