"""The Django project: settings, what is mounted where, and the pages people open."""
