"""The Django project: settings, URLs, and the pages for people."""

__version__ = "1.0.0"
"""The only place that defines it."""
