"""The Django project: settings, what is mounted where, and the pages people open."""

__version__ = "1.0.0"
"""The one place that says it."""
