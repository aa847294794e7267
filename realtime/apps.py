"""The Django application of the WebSocket connections."""

from __future__ import annotations

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """WebSocket connections to portal views."""

    name = "realtime"

    def ready(self) -> None:
        """Connect the receivers of the signals of `libraries`, and of the database."""
        from django.db.backends.signals import connection_created

        from libraries.events import happened, login_failed
        from realtime.metrics.listening import on_login_failed
        from realtime.news.publish import on_event
        from realtime.scheduling import give_way_to_the_loop

        happened.connect(on_event)
        login_failed.connect(on_login_failed)
        connection_created.connect(give_way_to_the_loop)
