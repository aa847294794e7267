"""The Django application of the WebSocket connections."""

from __future__ import annotations

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """WebSocket connections to portal views."""

    name = "realtime"

    def ready(self) -> None:
        """Connect the receivers of the signals of `libraries`."""
        from libraries.events import happened, login_failed
        from realtime.metrics.listening import on_login_failed
        from realtime.news.publish import on_event

        happened.connect(on_event)
        login_failed.connect(on_login_failed)
